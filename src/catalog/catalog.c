/*
 * Catalogue files → editions. A file is read in the order clouds, features, sections, because later
 * parts speak of earlier ones by name. A file with one fault gives no edition: a rule that was
 * meant to be there and is not would be found out on a broken cluster.
 *
 * Invariants of a loaded catalogue: editions are sorted by name (dates, so the last is the newest)
 * and have different names; an id stands once in a cloud; every name an entry uses (cloud, feature)
 * is one of its edition's.
 */
#include "catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "catalog/embedded.h"
#include "catalog/read_impl.h"
#include "yaml/read.h"

struct catalog {
	struct catalog_edition *editions;
	size_t count;
	const char **names;
};

void catalog_edition_done(struct catalog_edition *edition)
{
	for (size_t i = 0; i < edition->entry_count; i++)
		catalog_entry_done(&edition->entries[i]);
	for (size_t i = 0; i < edition->unread_count; i++)
		free(edition->unread[i].text);
	for (size_t i = 0; i < edition->section_count; i++) {
		free(edition->sections[i].title);
		free(edition->sections[i].feature);
	}
	for (size_t i = 0; i < edition->feature_count; i++) {
		free(edition->features[i].name);
		free(edition->features[i].title);
		free(edition->features[i].instead_of);
	}
	for (size_t i = 0; i < edition->cloud_count; i++)
		catalog_cloud_done(&edition->clouds[i]);
	free(edition->entries);
	free(edition->unread);
	free(edition->sections);
	free(edition->features);
	free(edition->clouds);
	free(edition->cloud_names);
	free(edition->feature_names);
	free(edition->name);
	free(edition->title);
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
	for (size_t i = 0; i < catalog->count; i++)
		catalog_edition_done(&catalog->editions[i]);
	free(catalog->editions);
	free(catalog->names);
	free(catalog);
}

DEFINE_CLEANUP(drop_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(drop_tree, struct yaml_tree *, yaml_tree_free);

static const struct yaml_field s_feature_fields[] = {
	{.key = "name",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_feature, name, char *),
	 .required = true},
	{.key = "title",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_feature, title, char *),
	 .required = true},
	{.key = "instead_of",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_feature, instead_of, char *)},
};

static bool read_feature(const struct yaml_item *item, void *element, const void *context,
			 struct problems *problems)
{
	(void)context;
	return yaml_read_fields(item, s_feature_fields, element, problems);
}

/* Is there a feature of the name, `but` another one? */
static bool has_feature(const struct catalog_edition *edition, const char *name,
			const struct catalog_feature *but)
{
	for (size_t i = 0; i < edition->feature_count; i++)
		if (&edition->features[i] != but && !strcmp(edition->features[i].name, name))
			return true;
	return false;
}

static bool read_features(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	struct catalog_edition *edition = target;

	(void)field;
	if (!catalog_read_list(value, sizeof(*edition->features), read_feature, NULL,
			       (void **)&edition->features, &edition->feature_count, problems))
		return false;
	if (edition->feature_count > CATALOG_FEATURES_MAX) {
		yaml_complain(value, problems, "at most %d features", CATALOG_FEATURES_MAX);
		return false;
	}
	for (size_t i = 0; i < edition->feature_count; i++) {
		const struct catalog_feature *feature = &edition->features[i];

		if (has_feature(edition, feature->name, feature)) {
			yaml_complain(yaml_map_find(yaml_list_at(value, i), "name"), problems,
				      "feature '%s' is there twice", feature->name);
			return false;
		}
		if (!feature->instead_of || has_feature(edition, feature->instead_of, feature))
			continue;
		yaml_complain(yaml_map_find(yaml_list_at(value, i), "instead_of"), problems,
			      "the edition lists no other feature of this name");
		return false;
	}
	return true;
}

static bool read_section_clouds(const struct yaml_item *value, const struct yaml_field *field,
				void *target, struct problems *problems)
{
	struct section_reading *reading = target;

	(void)field;
	return catalog_read_clouds(value, reading->edition, &reading->clouds, problems);
}

static bool read_section_title(const struct yaml_item *value, const struct yaml_field *field,
			       void *target, struct problems *problems)
{
	struct section_reading *reading = target;

	return yaml_read_string(value, field, &reading->section->title, problems);
}

static bool read_section_feature(const struct yaml_item *value, const struct yaml_field *field,
				 void *target, struct problems *problems)
{
	struct section_reading *reading = target;
	size_t index;

	return yaml_read_word(value, reading->edition->feature_names, &index, problems) &&
	       yaml_read_string(value, field, &reading->section->feature, problems);
}

static bool read_need(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	static const char *const words[] = {"required", "recommended", "optional", NULL};
	struct section_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	reading->need = (enum catalog_need)index;
	return true;
}

static bool read_kind(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	static const char *const words[] = {"network", "application", NULL};
	struct section_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	reading->kind = (enum rule_kind)index;
	return true;
}

/* An id may come again in another cloud, never in the same. */
static bool check_id(const struct yaml_item *item, const struct catalog_edition *edition,
		     const struct catalog_entry *entry, struct problems *problems)
{
	for (const struct catalog_entry *other = edition->entries; other < entry; other++) {
		if (!other->id || strcmp(other->id, entry->id) != 0 ||
		    !(other->clouds & entry->clouds))
			continue;
		yaml_complain(item, problems, "id '%s' is there twice in one cloud", entry->id);
		return false;
	}
	return true;
}

static bool read_entries(const struct yaml_item *list, const struct yaml_field *field, void *target,
			 struct problems *problems)
{
	const struct section_reading *section = target;
	struct catalog_edition *edition = section->edition;
	struct catalog_entry *grown;
	bool good = true;

	(void)field;
	if (!yaml_expect_list(list, problems))
		return false;
	grown = reallocarray(edition->entries, edition->entry_count + yaml_list_count(list) + 1,
			     sizeof(*grown));
	if (!grown) {
		yaml_complain(list, problems, "out of memory");
		return false;
	}
	edition->entries = grown;
	if (edition->entry_count + yaml_list_count(list) > CATALOG_ENTRIES_MAX) {
		yaml_complain(list, problems, "an edition has at most %d entries",
			      CATALOG_ENTRIES_MAX);
		return false;
	}
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		struct catalog_entry *entry = &edition->entries[edition->entry_count++];
		const struct yaml_item *item = yaml_list_at(list, i);

		*entry = (struct catalog_entry){0};
		good &= catalog_read_entry(item, section, entry, problems) &&
			check_id(item, edition, entry, problems);
	}
	return good;
}

static const struct yaml_field s_section_fields[] = {
	{.key = "title", .read = read_section_title, .required = true},
	{.key = "clouds", .read = read_section_clouds, .required = true},
	{.key = "feature", .read = read_section_feature},
	{.key = "need", .read = read_need, .required = true},
	{.key = "kind", .read = read_kind, .required = true},
	{.key = "entries", .read = read_entries, .required = true},
	{.key = "unread", .read = catalog_read_unread},
};

static bool read_section(const struct yaml_item *item, void *element, const void *context,
			 struct problems *problems)
{
	struct section_reading reading = {.section = element};

	/* The edition is being built: its reader hands it through as context. */
	memcpy(&reading.edition, context, sizeof(reading.edition));
	return yaml_read_fields(item, s_section_fields, &reading, problems);
}

static bool read_sections(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	struct catalog_edition *edition = target;

	(void)field;
	edition->feature_names = calloc(edition->feature_count + 1, sizeof(char *));
	if (!edition->feature_names) {
		yaml_complain(value, problems, "out of memory");
		return false;
	}
	for (size_t i = 0; i < edition->feature_count; i++)
		edition->feature_names[i] = edition->features[i].name;
	if (!edition->cloud_names || problems_has_errors(problems))
		return false; /* entries speak of clouds and features: nothing to say before */
	return catalog_read_list(value, sizeof(*edition->sections), read_section, &edition,
				 (void **)&edition->sections, &edition->section_count, problems);
}

/* Only its form: 2024-05-20. */
static bool is_date(const char *text)
{
	static const char form[] = "0000-00-00";
	size_t i = 0;

	while (form[i] && (form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i]))
		i++;
	return !form[i] && !text[i];
}

static bool read_edition_name(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	struct catalog_edition *edition = target;

	if (!yaml_read_string(value, field, &edition->name, problems))
		return false;
	if (is_date(edition->name))
		return true;
	yaml_complain(value, problems, "expected a date, as in 2024-05-20");
	return false;
}

static const struct yaml_field s_edition_fields[] = {
	{.key = "edition", .read = read_edition_name, .required = true},
	{.key = "title",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_edition, title, char *),
	 .required = true},
	{.key = "clouds", .read = catalog_read_edition_clouds, .required = true},
	{.key = "features", .read = read_features},
	{.key = "sections", .read = read_sections, .required = true},
};

/* Takes a tree over, adds its edition to the catalogue. */
static bool add_edition(struct catalog *catalog, struct yaml_tree *parsed, const char *name,
			struct problems *problems)
{
	cleanup(drop_tree) struct yaml_tree *tree = parsed;
	struct catalog_edition *grown, *edition;

	if (!tree)
		return false;
	grown = reallocarray(catalog->editions, catalog->count + 1, sizeof(*grown));
	if (grown)
		catalog->editions = grown;
	if (!grown || !yaml_tree_root(tree)) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){name, 1, 1},
			     grown ? "the file is empty" : "out of memory");
		return false;
	}
	edition = &catalog->editions[catalog->count++];
	*edition = (struct catalog_edition){0};
	return yaml_read_fields(yaml_tree_root(tree), s_edition_fields, edition, problems);
}

static int compare_editions(const void *left, const void *right)
{
	const struct catalog_edition *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static bool list_names(struct catalog *catalog, struct problems *problems)
{
	invariant(catalog->count > 0);
	qsort(catalog->editions, catalog->count, sizeof(*catalog->editions), compare_editions);
	catalog->names = calloc(catalog->count + 1, sizeof(*catalog->names));
	if (!catalog->names) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
		return false;
	}
	for (size_t i = 0; i < catalog->count; i++)
		catalog->names[i] = catalog->editions[i].name;
	return true;
}

static bool add_embedded(struct catalog *catalog, struct problems *problems)
{
	bool good = true;

	for (size_t i = 0; i < catalog_file_count; i++) {
		const struct catalog_file *file = &catalog_files[i];

		good &= add_edition(catalog,
				    yaml_tree_parse(file->text, file->length, file->name, problems),
				    file->name, problems);
	}
	return good;
}

static struct catalog *new_catalog(struct problems *problems)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
	return catalog;
}

struct catalog *catalog_load(const char *file, struct problems *problems)
{
	cleanup(drop_catalog) struct catalog *catalog = new_catalog(problems);
	bool good;

	if (!catalog)
		return NULL;
	good = file ? add_edition(catalog, yaml_tree_load(file, problems), file, problems)
		    : add_embedded(catalog, problems);
	return good && list_names(catalog, problems) ? take_pointer(catalog) : NULL;
}

struct catalog *catalog_parse(const char *text, size_t length, const char *name,
			      struct problems *problems)
{
	cleanup(drop_catalog) struct catalog *catalog = new_catalog(problems);

	if (!catalog ||
	    !add_edition(catalog, yaml_tree_parse(text, length, name, problems), name, problems) ||
	    !list_names(catalog, problems))
		return NULL;
	return take_pointer(catalog);
}

const char *const *catalog_edition_names(const struct catalog *catalog)
{
	return catalog->names;
}

const struct catalog_edition *catalog_edition_find(const struct catalog *catalog, const char *name)
{
	invariant(catalog->count > 0);
	if (!name || !*name)
		return &catalog->editions[catalog->count - 1];
	for (size_t i = 0; i < catalog->count; i++)
		if (!strcmp(catalog->editions[i].name, name))
			return &catalog->editions[i];
	return NULL;
}
