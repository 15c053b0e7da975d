/*
 * Operands → listings. To compare with another kind of document takes a word in enum operand_kind,
 * the ending of its files, and a function that loads it.
 */
#include "cli/operand.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/conditions.h"
#include "config/config.h"
#include "import/aks_api.h"
#include "import/article.h"
#include "yaml/tree.h"

#define FILE_LIMIT (64u << 20) /* bytes */

DEFINE_CLEANUP(free_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(free_config, struct config *, config_free);
DEFINE_CLEANUP(free_listing, struct listing *, listing_free);
DEFINE_CLEANUP(free_tree, struct yaml_tree *, yaml_tree_free);

static void fail_memory(struct problems *problems)
{
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
}

/* ------------------------------------------------------------------------ recognising */

static bool is_date(const char *word)
{
	return strlen(word) == 10 && strspn(word, "0123456789-") == 10;
}

static bool ends_in(const char *word, const char *ending)
{
	size_t length = strlen(word), end = strlen(ending);

	return length > end && !strcmp(word + length - end, ending);
}

static bool recognise_yaml(const char *path, enum operand_kind *ret_kind, struct problems *problems)
{
	cleanup(free_tree) struct yaml_tree *tree = yaml_tree_load(path, problems);
	const struct yaml_item *root = tree ? yaml_tree_root(tree) : NULL;
	bool catalogue =
		root && yaml_item_kind(root) == YAML_KIND_MAP && yaml_map_find(root, "edition");

	*ret_kind = catalogue ? OPERAND_CATALOGUE : OPERAND_CONFIGURATION;
	return tree != NULL;
}

bool operand_recognise(const char *word, struct operand *operand, struct problems *problems)
{
	operand->word = word;
	if (ends_in(word, ".yaml") || ends_in(word, ".yml"))
		return recognise_yaml(word, &operand->kind, problems);
	if (ends_in(word, ".md") || ends_in(word, ".json") || is_date(word)) {
		operand->kind = ends_in(word, ".md")     ? OPERAND_ARTICLE
				: ends_in(word, ".json") ? OPERAND_ANSWER
							 : OPERAND_EDITION;
		return true;
	}
	problems_add(
		problems, PROBLEM_ERROR, (struct problem_place){0},
		"'%s' cannot be compared; allowed: an edition's date (2024-05-20), a catalogue "
		"or a configuration (.yaml), the article (.md), an answer of AKS (.json)",
		word);
	return false;
}

/* ------------------------------------------------------------------------ loading */

static bool add_edition(struct listing *listing, const struct catalog_edition *edition,
			const struct cluster_profile *profile, struct problems *problems)
{
	if (listing_add_edition(listing, edition, profile) == 0)
		return true;
	fail_memory(problems);
	return false;
}

static bool load_edition(struct listing *listing, const struct operand *operand,
			 const struct cluster_profile *profile, struct problems *problems)
{
	bool embedded = operand->kind == OPERAND_EDITION;
	cleanup(free_catalog) struct catalog *catalog =
		catalog_load(embedded ? NULL : operand->word, problems);
	const struct catalog_edition *edition =
		catalog ? catalog_edition_find(catalog, embedded ? operand->word : NULL) : NULL;

	if (!catalog)
		return false;
	if (!edition) {
		cleanup(text_free) struct text words = TEXT_EMPTY;

		for (const char *const *name = catalog_edition_names(catalog); *name; name++)
			text_addf(&words, "%s%s", words.length ? ", " : "", *name);
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "there is no edition '%s'; allowed: %s", operand->word,
			     text_string(&words));
		return false;
	}
	return add_edition(listing, edition, profile, problems);
}

static bool read_file(const char *path, char **ret_data, size_t *ret_length,
		      struct problems *problems)
{
	int error = file_read(path, FILE_LIMIT, ret_data, ret_length);

	if (error == 0)
		return true;
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){.file = path},
		     "cannot be read: %s",
		     error == -EFBIG    ? "it is longer than 64 MiB"
		     : error == -EINVAL ? "it is no regular file"
					: strerror(-error));
	return false;
}

static bool load_article(struct listing *listing, const struct operand *operand,
			 const struct cluster_profile *profile, struct problems *problems)
{
	cleanup(free_catalog) struct catalog *known = catalog_load(NULL, problems);
	cleanup(free_catalog) struct catalog *catalog = NULL;
	cleanup(free_memory) char *data = NULL;
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	struct import_article_counts counts;
	size_t length;

	if (!known || !read_file(operand->word, &data, &length, problems) ||
	    import_article(data, length, operand->word, operand->date, known, &yaml, &counts,
			   problems) < 0)
		return false;
	catalog = catalog_parse(yaml.data, yaml.length, operand->word, problems);
	return catalog &&
	       add_edition(listing, catalog_edition_find(catalog, NULL), profile, problems);
}

static bool add_cluster(struct listing *listing, const struct config *config,
			const struct cluster_profile *profile, struct problems *problems)
{
	cleanup(free_catalog) struct catalog *catalog =
		catalog_load(config->cluster.catalog_file, problems);
	const struct catalog_edition *edition =
		catalog ? catalog_edition_find(catalog, config->cluster.edition) : NULL;

	if (!edition)
		return false;
	if (listing_add_cluster(listing, edition, &config->cluster, config->service_tags,
				profile) == 0)
		return true;
	fail_memory(problems);
	return false;
}

/* Making the rules tells whether the file is one that could be used. */
static bool load_configuration(struct listing *listing, const struct operand *operand,
			       const struct cluster_profile *profile, struct problems *problems)
{
	cleanup(free_config) struct config *config = config_load(operand->word, problems);
	cleanup(rule_set_done) struct rule_set set = {0};

	if (!config || config_rules(config, CATALOG_TAGS_BY_NAME, &set, NULL, problems) < 0)
		return false;
	if (config->cluster.present && !add_cluster(listing, config, profile, problems))
		return false;
	if (listing_add_rules(listing, &config->own,
			      config->cluster.present ? config->cluster.cloud
			      : profile               ? profile->cloud
						      : "",
			      true) == 0)
		return true;
	fail_memory(problems);
	return false;
}

/* For whom a category of an answer is: the answer itself lists them for everyone. */
struct category {
	const char *name;
	const char *feature; /* NULL: every cluster */
	enum catalog_need need;
	bool conditional;
	struct catalog_condition condition;
};

static const struct category s_categories[] = {
	{"ubuntu-optional", NULL, CATALOG_RECOMMENDED, false, {0}},
	{"gpu", "gpu", CATALOG_REQUIRED, false, {0}},
	{"windows", "windows", CATALOG_REQUIRED, false, {0}},
	{"time-sync",
	 NULL,
	 CATALOG_REQUIRED,
	 true,
	 {.fact = CATALOG_FACT_NODES_BEFORE_MARCH_2021, .wanted = true}},
	{"tunnel-classic",
	 NULL,
	 CATALOG_REQUIRED,
	 true,
	 {.fact = CATALOG_FACT_KONNECTIVITY, .wanted = false}},
};

/* A rule's name begins with its category. */
static const struct category *find_category(const char *label)
{
	for (size_t i = 0; i < sizeof(s_categories) / sizeof(*s_categories); i++) {
		size_t length = strlen(s_categories[i].name);

		if (!strncmp(label, s_categories[i].name, length) &&
		    (label[length] == '\0' || label[length] == '-'))
			return &s_categories[i];
	}
	return NULL;
}

static bool matters(const struct category *category, const struct cluster_profile *profile)
{
	if (category->feature && !cluster_profile_has_feature(profile, category->feature))
		return false;
	if (category->need != CATALOG_REQUIRED && !profile->recommended)
		return false;
	return !category->conditional || catalog_condition_holds(&category->condition, profile);
}

static bool sort_by_category(struct listing *listing, const struct cluster_profile *profile)
{
	for (size_t i = 0; i < listing->entry_count; i++) {
		struct listing_entry *entry = &listing->entries[i];
		const struct category *category = find_category(entry->label);

		if (!category)
			continue;
		entry->need = category->need;
		entry->matters = !profile || matters(category, profile);
		if (category->feature && !(entry->feature = strdup(category->feature)))
			return false;
	}
	return true;
}

static bool load_answer(struct listing *listing, const struct operand *operand,
			const struct cluster_profile *profile, struct problems *problems)
{
	cleanup(rule_set_done) struct rule_set set = {0};
	cleanup(free_memory) char *data = NULL;
	size_t length, told = problems_count(problems);
	int result;

	if (!read_file(operand->word, &data, &length, problems))
		return false;
	result = import_aks_api_rules(data, length, operand->word, &set, problems);
	if (result < 0)
		return false;
	listing->unread = result > 0 ? problems_count(problems) - told : 0;
	if (listing_add_rules(listing, &set, profile ? profile->cloud : "", false) == 0 &&
	    sort_by_category(listing, profile))
		return true;
	fail_memory(problems);
	return false;
}

struct listing *operand_load(const struct operand *operand, const struct cluster_profile *profile,
			     struct problems *problems)
{
	cleanup(free_listing) struct listing *listing = listing_new(operand->word);
	bool loaded = false;

	if (!listing) {
		fail_memory(problems);
		return NULL;
	}
	switch (operand->kind) {
	case OPERAND_EDITION:
	case OPERAND_CATALOGUE:
		loaded = load_edition(listing, operand, profile, problems);
		break;
	case OPERAND_CONFIGURATION:
		loaded = load_configuration(listing, operand, profile, problems);
		break;
	case OPERAND_ARTICLE:
		loaded = load_article(listing, operand, profile, problems);
		break;
	case OPERAND_ANSWER:
		loaded = load_answer(listing, operand, profile, problems);
		break;
	}
	return loaded ? take_pointer(listing) : NULL;
}
