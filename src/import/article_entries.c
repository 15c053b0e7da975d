/*
 * Entries: where they come from decides what they say. An entry that an embedded edition has, too
 * (same kind, cloud, ports and destinations), is the same rule under the same id, so that two
 * editions can be compared. One that no edition has gets an id made of its first name.
 */
#include "import/article_entries_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/text.h"
#include "import/article_conditions_impl.h"
#include "import/article_known_impl.h"
#include "import/article_markdown_impl.h"

#define ID_LENGTH       64
#define NUMBERED_LENGTH 56 /* of what stands before "-" and a number */
#define NO_PURPOSE      "The article does not say."
#define UNREAD_LENGTH   1000 /* bytes of a row that are kept */
#define TITLE_LENGTH    300

/* ------------------------------------------------------------------ sections, features */

static bool has_feature(const struct catalog_edition *edition, const char *name)
{
	for (size_t i = 0; i < edition->feature_count; i++)
		if (strcmp(edition->features[i].name, name) == 0)
			return true;
	return false;
}

/* With what the embedded editions say of it. */
static int add_feature(struct article_reading *reading, const char *name, const char *title)
{
	struct catalog_edition *edition = reading->edition;
	const struct catalog_feature *known = article_known_feature(reading->known, name);
	struct catalog_feature *feature;

	if (has_feature(edition, name))
		return 0;
	feature = list_add(&edition->features, &edition->feature_count, sizeof(*feature));
	if (!feature)
		return -ENOMEM;
	feature->name = strdup(name);
	feature->title = article_shorten(known ? known->title : title, TITLE_LENGTH);
	if (!feature->name || !feature->title)
		return -ENOMEM;
	if (!known || !known->instead_of)
		return 0;
	feature->instead_of = strdup(known->instead_of);
	return feature->instead_of ? add_feature(reading, known->instead_of, known->instead_of)
				   : -ENOMEM;
}

static bool is_same(const struct catalog_section *section, const struct article_section *wanted)
{
	return strcmp(section->title, wanted->title) == 0 &&
	       !section->feature == !wanted->feature &&
	       (!wanted->feature || strcmp(section->feature, wanted->feature) == 0);
}

static int new_section(struct article_reading *reading, const struct article_section *wanted)
{
	struct catalog_edition *edition = reading->edition;
	struct catalog_section *section;

	if (wanted->feature && add_feature(reading, wanted->feature, wanted->feature_title) < 0)
		return -ENOMEM;
	section = list_add(&edition->sections, &edition->section_count, sizeof(*section));
	if (!section)
		return -ENOMEM;
	section->title =
		article_shorten(*wanted->title ? wanted->title : "(no title)", TITLE_LENGTH);
	section->feature = wanted->feature ? strdup(wanted->feature) : NULL;
	return section->title && (section->feature || !wanted->feature) ? 0 : -ENOMEM;
}

int article_section_add(struct article_reading *reading, struct article_section *section, bool own)
{
	struct catalog_edition *edition = reading->edition;
	size_t last = edition->section_count;

	while (!own && last > 0 && !is_same(&edition->sections[last - 1], section))
		last--;
	if (own || last == 0) {
		if (new_section(reading, section) < 0)
			return -ENOMEM;
		last = edition->section_count;
	}
	section->title = edition->sections[last - 1].title;
	section->feature = edition->sections[last - 1].feature;
	return 0;
}

/* ------------------------------------------------------------------ ids */

static void add_slug(struct text *id, const char *words)
{
	for (; *words && id->length < ID_LENGTH - 12; words++) {
		char letter = (char)tolower((unsigned char)*words);

		if (isalnum((unsigned char)letter))
			text_add_bytes(id, &letter, 1);
		else if (id->length && id->data[id->length - 1] != '-')
			text_add(id, "-");
	}
	while (id->length && id->data[id->length - 1] == '-')
		id->data[--id->length] = '\0';
}

static void add_destination(struct text *id, const struct catalog_destination *destination)
{
	static const char *const words[] = {[CATALOG_DESTINATION_API_SERVER] = "api-server",
					    [CATALOG_DESTINATION_CUSTOM_DNS] = "custom-dns",
					    [CATALOG_DESTINATION_REGION_PREFIXES] = "region",
					    [CATALOG_DESTINATION_ANY] = "any",
					    [CATALOG_DESTINATION_COUNT] = NULL};

	add_slug(id, destination->text ? destination->text : words[destination->kind]);
}

/* One more than the numbers behind this beginning. */
static unsigned long next_number(const struct catalog_edition *edition, const char *start)
{
	size_t length = strlen(start);
	unsigned long highest = 1;

	for (size_t i = 0; i < edition->entry_count; i++) {
		const char *id = edition->entries[i].id;
		unsigned long number;
		char *end;

		if (strncmp(id, start, length) != 0 || id[length] != '-' || strlen(id) > length + 7)
			continue;
		number = strtoul(id + length + 1, &end, 10);
		if (!*end && number > highest)
			highest = number;
	}
	return highest + 1;
}

/* "any-tcp-22", "raw-githubusercontent-com": behind the feature's name when that is taken, and
   before a number when that is, too. */
static char *make_id(const struct catalog_edition *edition, const struct catalog_entry *entry)
{
	cleanup(text_free) struct text base = TEXT_EMPTY, id = TEXT_EMPTY;

	if (entry->kind == RULE_NETWORK) {
		add_destination(&base, &entry->destinations[0]);
		text_addf(&base, "-%s-%u",
			  entry->ports[0].transport == TRANSPORT_TCP ? "tcp" : "udp",
			  entry->ports[0].port);
	} else {
		add_slug(&base, entry->names[0]);
		text_add(&base, base.length ? "" : "any");
	}
	text_add(&id, text_string(&base));
	if (entry->feature && article_id_is_taken(edition, text_string(&id), entry->clouds)) {
		text_clear(&id);
		text_addf(&id, "%.20s-%.40s", entry->feature, text_string(&base));
	}
	if (article_id_is_taken(edition, text_string(&id), entry->clouds)) {
		text_clear(&id);
		text_addf(&id, "%.*s", NUMBERED_LENGTH, text_string(&base));
		text_addf(&id, "-%lu", next_number(edition, text_string(&id)));
	}
	return text_failed(&id) || text_failed(&base) ? NULL : take_pointer(id.data);
}

/* ------------------------------------------------------------------ entries */

static struct catalog_condition *find_condition(const struct catalog_entry *entry,
						const struct catalog_condition *wanted)
{
	for (size_t i = 0; i < entry->condition_count; i++)
		if (entry->conditions[i].fact == wanted->fact &&
		    entry->conditions[i].wanted == wanted->wanted)
			return &entry->conditions[i];
	return NULL;
}

/* Beside those that the row tells. One that the row does not tell is none of this article. */
static int copy_conditions(struct article_reading *reading, struct catalog_entry *entry,
			   const struct catalog_entry *known, bool *ret_untold)
{
	*ret_untold = false;
	for (size_t i = 0; i < known->condition_count; i++) {
		const struct catalog_condition *from = &known->conditions[i];
		struct catalog_condition *to;

		if (!from->feature && find_condition(entry, from))
			continue;
		to = list_add(&entry->conditions, &entry->condition_count, sizeof(*to));
		if (!to)
			return -ENOMEM;
		*to = *from;
		to->feature = from->feature ? strdup(from->feature) : NULL;
		if (from->feature &&
		    (!to->feature || add_feature(reading, from->feature, from->feature) < 0))
			return -ENOMEM;
		if (from->feature || from->correction)
			continue;
		*ret_untold = to->correction = true;
	}
	return 0;
}

static int add_note(struct catalog_entry *entry, const char *note, bool untold, const char *edition)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	text_add(&text, note ? note : "");
	if (untold)
		text_addf(&text,
			  "%sThe conditions that this article does not state are those of edition "
			  "%s.",
			  note ? " " : "", edition);
	if (text_failed(&text))
		return -ENOMEM;
	entry->note = text.length ? take_pointer(text.data) : NULL;
	return 0;
}

/* A row of prose has its section's place, but the feature that the edition gave it. */
static int take_feature(struct article_reading *reading, struct catalog_entry *entry,
			const char *feature)
{
	struct article_section section = {entry->section, feature, feature};

	if (article_section_add(reading, &section, false) < 0)
		return -ENOMEM;
	entry->section = section.title;
	entry->feature = section.feature;
	return 0;
}

static int take_known(struct article_reading *reading, const struct article_facts *facts,
		      struct catalog_entry *entry, const struct catalog_entry *known,
		      const struct catalog_edition *edition)
{
	bool untold;

	entry->id = strdup(known->id);
	entry->purpose = strdup(known->purpose);
	if (!entry->id || !entry->purpose || copy_conditions(reading, entry, known, &untold) < 0 ||
	    add_note(entry, known->note, untold, edition->name) < 0)
		return -ENOMEM;
	if (facts->any_cloud)
		entry->clouds &= article_known_clouds_of(edition, known, reading->edition);
	return !entry->row && known->feature ? take_feature(reading, entry, known->feature) : 0;
}

static int take_words(const struct catalog_edition *edition, const struct article_facts *facts,
		      struct catalog_entry *entry)
{
	entry->id = facts->id && !article_id_is_taken(edition, facts->id, entry->clouds)
			    ? strdup(facts->id)
			    : make_id(edition, entry);
	entry->purpose = strdup(*facts->purpose ? facts->purpose : NO_PURPOSE);
	entry->note = facts->note && *facts->note ? strdup(facts->note) : NULL;
	return !entry->id || !entry->purpose || (facts->note && *facts->note && !entry->note)
		       ? -ENOMEM
		       : 0;
}

/* Moves the entry, whole now, to the edition's list. */
static int append(struct article_reading *reading, struct catalog_entry *entry)
{
	struct catalog_edition *edition = reading->edition;
	struct catalog_entry *place =
		list_add(&edition->entries, &edition->entry_count, sizeof(*place));

	if (!place)
		return -ENOMEM;
	*place = *entry;
	*entry = (struct catalog_entry){0};
	reading->counts.entries++;
	return 0;
}

/* Moves those names of `from` that `known` has to a new entry that is otherwise the same. */
static int split_off(struct catalog_entry *from, const struct catalog_entry *known,
		     struct catalog_entry *ret_part)
{
	size_t kept = 0;

	*ret_part = *from;
	ret_part->names = calloc(from->name_count, sizeof(char *));
	ret_part->ports = calloc(from->port_count, sizeof(*from->ports));
	ret_part->conditions = NULL;
	ret_part->name_count = ret_part->condition_count = 0;
	if (!ret_part->names || !ret_part->ports)
		return -ENOMEM;
	memcpy(ret_part->ports, from->ports, from->port_count * sizeof(*from->ports));
	for (size_t i = 0; i < from->name_count; i++) {
		bool moves = false;

		for (size_t j = 0; j < known->name_count; j++)
			moves |= strcmp(known->names[j], from->names[i]) == 0;
		if (moves)
			ret_part->names[ret_part->name_count++] = from->names[i];
		else
			from->names[kept++] = from->names[i];
	}
	from->name_count = kept;
	return 0;
}

static int add_one(struct article_reading *reading, const struct article_facts *facts,
		   struct catalog_entry *entry)
{
	const struct catalog_edition *edition;
	const struct catalog_entry *known =
		article_known_find(reading->known, reading->edition, entry, false, &edition);
	int error = article_conditions_read(entry, facts->purpose);

	if (!error)
		error = known ? take_known(reading, facts, entry, known, edition)
			      : take_words(reading->edition, facts, entry);

	return error ? error : append(reading, entry);
}

/* An embedded entry that has some of the names, where none has them all; NULL: there is none. */
static const struct catalog_entry *find_part(const struct article_reading *reading,
					     const struct catalog_entry *entry)
{
	const struct catalog_edition *edition;

	if (entry->name_count < 2 ||
	    article_known_find(reading->known, reading->edition, entry, false, &edition))
		return NULL;
	return article_known_find(reading->known, reading->edition, entry, true, &edition);
}

/* Adds the part of the entry that an embedded one is. */
static int add_part(struct article_reading *reading, const struct article_facts *facts,
		    struct catalog_entry *entry, const struct catalog_entry *known)
{
	struct catalog_entry part;
	int error = split_off(entry, known, &part);

	if (!error)
		error = add_one(reading, facts, &part);
	catalog_entry_done(&part);
	return error;
}

int article_entry_add(struct article_reading *reading, const struct article_facts *facts,
		      struct catalog_entry *entry)
{
	const struct catalog_entry *known;
	int error = 0;

	entry->section = facts->section;
	entry->feature = facts->feature;
	entry->need = facts->need;
	entry->row = facts->row;
	while (!error && (known = find_part(reading, entry)))
		error = add_part(reading, facts, entry, known);
	return error ? error : add_one(reading, facts, entry);
}

/* ------------------------------------------------------------------ what stays unread */

int article_unread_add(struct article_reading *reading, const char *section, unsigned int row,
		       unsigned int line, const char *text, const char *reason)
{
	struct catalog_edition *edition = reading->edition;
	struct catalog_unread *unread =
		list_add(&edition->unread, &edition->unread_count, sizeof(*unread));

	if (!unread)
		return -ENOMEM;
	unread->section = section;
	unread->row = row;
	unread->line = line;
	unread->text = article_shorten(*text ? text : "(empty)", UNREAD_LENGTH);
	reading->counts.unread++;
	problems_add(reading->problems, PROBLEM_WARNING,
		     (struct problem_place){reading->file, line, 1},
		     "unread: row %u of '%.80s': %s", row, section, reason);
	return unread->text ? 0 : -ENOMEM;
}
