/*
 * One entry of a catalogue file → struct catalog_entry. The words of destinations, ports and
 * conditions are read here; whether they fit together (names for application rules, destinations
 * for network rules) is checked when all are known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/conditions.h"
#include "catalog/parameter.h"
#include "catalog/read_impl.h"

struct entry_reading {
	const struct section_reading *section;
	struct catalog_entry *entry;
	size_t row;
	char *id, *purpose, *note;
	bool correction;
};

void catalog_texts_free(char **texts, size_t count)
{
	for (size_t i = 0; texts && i < count; i++)
		free(texts[i]);
	free(texts);
}

void catalog_entry_done(struct catalog_entry *entry)
{
	for (size_t i = 0; i < entry->destination_count; i++)
		free(entry->destinations[i].text);
	for (size_t i = 0; i < entry->condition_count; i++)
		free(entry->conditions[i].feature);
	catalog_texts_free(entry->names, entry->name_count);
	free(entry->destinations);
	free(entry->conditions);
	free(entry->ports);
	free(entry->id);
	free(entry->purpose);
	free(entry->note);
	*entry = (struct catalog_entry){0};
}

bool catalog_read_list(const struct yaml_item *list, size_t element_size,
		       catalog_read_element *read, const void *context, void **ret_array,
		       size_t *ret_count, struct problems *problems)
{
	bool good = true;
	char *array;

	if (!yaml_expect_list(list, problems))
		return false;
	if (yaml_list_count(list) == 0) {
		yaml_complain(list, problems, "the list is empty");
		return false;
	}
	array = calloc(yaml_list_count(list), element_size);
	if (!array) {
		yaml_complain(list, problems, "out of memory");
		return false;
	}
	*ret_array = array;
	*ret_count = yaml_list_count(list);
	for (size_t i = 0; i < yaml_list_count(list); i++)
		good &= read(yaml_list_at(list, i), array + i * element_size, context, problems);
	return good;
}

static bool read_cloud_bit(const struct yaml_item *item, void *element, const void *context,
			   struct problems *problems)
{
	const struct catalog_edition *edition = context;
	uint32_t *bit = element;
	size_t index;

	if (!yaml_read_word(item, edition->cloud_names, &index, problems))
		return false;
	*bit = 1u << index;
	return true;
}

bool catalog_read_clouds(const struct yaml_item *list, const struct catalog_edition *edition,
			 uint32_t *ret_clouds, struct problems *problems)
{
	cleanup(free_memory) uint32_t *bits = NULL;
	uint32_t clouds = 0;
	size_t count;

	if (!catalog_read_list(list, sizeof(*bits), read_cloud_bit, edition, (void **)&bits, &count,
			       problems))
		return false;
	for (size_t i = 0; i < count; i++)
		clouds |= bits[i];
	*ret_clouds = clouds;
	return true;
}

static bool read_pattern(const struct yaml_item *item, void *element, const void *context,
			 struct problems *problems)
{
	char filled[CATALOG_TEXT_SIZE];
	struct pattern pattern;
	const char *message;

	(void)context;
	if (!yaml_read_string(item, NULL, element, problems))
		return false;
	if (!catalog_text_fill(yaml_scalar_text(item), "region", filled)) {
		yaml_complain(item, problems, "the name is too long");
		return false;
	}
	if (pattern_parse(filled, &pattern, &message) < 0) {
		yaml_complain(item, problems, "%s", message);
		return false;
	}
	return true;
}

bool catalog_read_patterns(const struct yaml_item *list, char ***ret_texts, size_t *ret_count,
			   struct problems *problems)
{
	return catalog_read_list(list, sizeof(char *), read_pattern, NULL, (void **)ret_texts,
				 ret_count, problems);
}

static bool starts_with(const char *text, const char *start, const char **ret_rest)
{
	size_t length = strlen(start);

	if (strncmp(text, start, length) != 0)
		return false;
	*ret_rest = text + length;
	return true;
}

static bool check_destination_text(const struct yaml_item *item,
				   const struct catalog_destination *destination,
				   struct problems *problems)
{
	char filled[CATALOG_TEXT_SIZE];
	struct name name;

	if (*destination->text && catalog_text_fill(destination->text, "region", filled) &&
	    (destination->kind == CATALOG_DESTINATION_SERVICE_TAG ||
	     name_from_person(filled, &name) == NAME_OK))
		return true;
	yaml_complain(item, problems, "no %s stands after the colon",
		      destination->kind == CATALOG_DESTINATION_NAME ? "exact name" : "service tag");
	return false;
}

static bool read_destination(const struct yaml_item *item, void *element, const void *context,
			     struct problems *problems)
{
	static const char *const words[] = {"api-server", "custom-dns", "region-prefixes",
					    "*",          "name:FQDN",  "tag:SERVICE",
					    NULL};
	static const enum catalog_destination_kind kinds[] = {
		CATALOG_DESTINATION_API_SERVER, CATALOG_DESTINATION_CUSTOM_DNS,
		CATALOG_DESTINATION_REGION_PREFIXES, CATALOG_DESTINATION_ANY};
	struct catalog_destination *destination = element;
	const char *rest = NULL;
	size_t index;

	(void)context;
	if (!yaml_expect_scalar(item, problems))
		return false;
	if (starts_with(yaml_scalar_text(item), "name:", &rest))
		destination->kind = CATALOG_DESTINATION_NAME;
	else if (starts_with(yaml_scalar_text(item), "tag:", &rest))
		destination->kind = CATALOG_DESTINATION_SERVICE_TAG;
	if (rest) {
		destination->text = strdup(rest);
		if (destination->text)
			return check_destination_text(item, destination, problems);
		yaml_complain(item, problems, "out of memory");
		return false;
	}
	if (!yaml_read_word(item, words, &index, problems))
		return false;
	destination->kind = kinds[index];
	return true;
}

static bool read_port(const struct yaml_item *item, void *element, const void *context,
		      struct problems *problems)
{
	static const char *const words[2][2] = {
		[RULE_NETWORK] = {"tcp:", "udp:"}, [RULE_APPLICATION] = {"http:", "https:"}};
	const enum rule_kind kind = *(const enum rule_kind *)context;
	struct catalog_port *port = element;
	char *end = NULL;

	if (!yaml_expect_scalar(item, problems))
		return false;
	for (size_t i = 0; i < 2; i++) {
		const char *digits;

		if (!starts_with(yaml_scalar_text(item), words[kind][i], &digits))
			continue;
		unsigned long number = strtoul(digits, &end, 10);
		if (*digits < '1' || *digits > '9' || *end || number > UINT16_MAX)
			break;
		port->transport = i ? TRANSPORT_UDP : TRANSPORT_TCP;
		port->protocol = i ? APPLICATION_HTTPS : APPLICATION_HTTP;
		port->port = (uint16_t)number;
		return true;
	}
	yaml_complain(item, problems, "expected %s",
		      kind == RULE_NETWORK ? "tcp:PORT or udp:PORT" : "https:PORT or http:PORT");
	return false;
}

static bool read_condition(const struct yaml_item *item, void *element, const void *context,
			   struct problems *problems)
{
	const struct catalog_edition *edition = context;
	struct catalog_condition *condition = element;
	const char *feature, *message = "the edition lists no such feature";
	size_t index;

	if (!yaml_expect_scalar(item, problems))
		return false;
	if (!starts_with(yaml_scalar_text(item), "feature:", &feature)) {
		if (!yaml_read_word(item, catalog_fact_words(), &index, problems))
			return false;
		condition->fact = (enum catalog_fact)index;
		return true;
	}
	condition->fact = CATALOG_FACT_FEATURE;
	for (size_t i = 0; i < edition->feature_count; i++) {
		if (strcmp(edition->features[i].name, feature) != 0)
			continue;
		condition->feature = strdup(feature);
		if (condition->feature)
			return true;
		message = "out of memory";
	}
	yaml_complain(item, problems, "%s", message);
	return false;
}

/* Conditions of all keys go into one list. */
static bool add_conditions(const struct yaml_item *list, struct entry_reading *reading, bool wanted,
			   bool correction, struct problems *problems)
{
	struct catalog_entry *entry = reading->entry;
	struct catalog_condition *conditions = NULL, *grown;
	size_t count = 0;
	bool good = catalog_read_list(list, sizeof(*conditions), read_condition,
				      reading->section->edition, (void **)&conditions, &count,
				      problems);

	grown = reallocarray(entry->conditions, entry->condition_count + count + 1,
			     sizeof(*entry->conditions));
	if (!grown) {
		for (size_t i = 0; i < count; i++)
			free(conditions[i].feature);
		free(conditions);
		yaml_complain(list, problems, "out of memory");
		return false;
	}
	entry->conditions = grown;
	for (size_t i = 0; i < count; i++) {
		conditions[i].wanted = wanted;
		conditions[i].correction = correction;
		entry->conditions[entry->condition_count++] = conditions[i];
	}
	free(conditions);
	return good;
}

static bool read_when(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	(void)field;
	return add_conditions(value, target, true, false, problems);
}

static bool read_unless(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	(void)field;
	return add_conditions(value, target, false, false, problems);
}

static bool read_corrected_when(const struct yaml_item *value, const struct yaml_field *field,
				void *target, struct problems *problems)
{
	(void)field;
	return add_conditions(value, target, true, true, problems);
}

static bool read_corrected_unless(const struct yaml_item *value, const struct yaml_field *field,
				  void *target, struct problems *problems)
{
	(void)field;
	return add_conditions(value, target, false, true, problems);
}

static bool read_entry_clouds(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	struct entry_reading *reading = target;

	(void)field;
	return catalog_read_clouds(value, reading->section->edition, &reading->entry->clouds,
				   problems);
}

static bool read_destinations(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	struct catalog_entry *entry = ((struct entry_reading *)target)->entry;

	(void)field;
	return catalog_read_list(value, sizeof(*entry->destinations), read_destination, NULL,
				 (void **)&entry->destinations, &entry->destination_count,
				 problems);
}

static bool read_names(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	struct catalog_entry *entry = ((struct entry_reading *)target)->entry;

	(void)field;
	return catalog_read_patterns(value, &entry->names, &entry->name_count, problems);
}

static bool read_ports(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	struct catalog_entry *entry = ((struct entry_reading *)target)->entry;

	(void)field;
	return catalog_read_list(value, sizeof(*entry->ports), read_port, &entry->kind,
				 (void **)&entry->ports, &entry->port_count, problems);
}

static const struct yaml_integer_limits s_row_limits = {1, 1000};

static const struct yaml_field s_entry_fields[] = {
	{.key = "id",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct entry_reading, id, char *),
	 .required = true},
	{.key = "row",
	 .read = yaml_read_size,
	 .offset = YAML_MEMBER(struct entry_reading, row, size_t),
	 .limits = &s_row_limits},
	{.key = "clouds", .read = read_entry_clouds},
	{.key = "destinations", .read = read_destinations},
	{.key = "names", .read = read_names},
	{.key = "ports", .read = read_ports, .required = true},
	{.key = "when", .read = read_when},
	{.key = "unless", .read = read_unless},
	{.key = "corrected_when", .read = read_corrected_when},
	{.key = "corrected_unless", .read = read_corrected_unless},
	{.key = "correction",
	 .read = yaml_read_bool,
	 .offset = YAML_MEMBER(struct entry_reading, correction, bool)},
	{.key = "purpose",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct entry_reading, purpose, char *),
	 .required = true},
	{.key = "note",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct entry_reading, note, char *)},
};

static bool check_entry(const struct yaml_item *item, const struct catalog_entry *entry,
			struct problems *problems)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	bool network = entry->kind == RULE_NETWORK;

	if (strspn(entry->id, letters) != strlen(entry->id) || strlen(entry->id) > 64) {
		yaml_complain(item, problems, "an id is 1 to 64 of a-z, 0-9 and '-'");
		return false;
	}
	if (network != (entry->destination_count > 0) || network == (entry->name_count > 0)) {
		yaml_complain(item, problems,
			      "a network rule has destinations and no names, an application rule "
			      "has names and no destinations");
		return false;
	}
	if (entry->correction && (entry->row || !entry->note)) {
		yaml_complain(item, problems, "a correction has no row and says why in its note");
		return false;
	}
	for (size_t i = 0; i < entry->condition_count; i++) {
		if (!entry->conditions[i].correction || entry->note)
			continue;
		yaml_complain(item, problems, "a corrected condition is explained in the note");
		return false;
	}
	return true;
}

bool catalog_read_entry(const struct yaml_item *item, const struct section_reading *section,
			struct catalog_entry *entry, struct problems *problems)
{
	struct entry_reading reading = {.section = section, .entry = entry};
	bool good;

	entry->kind = section->kind;
	entry->need = section->need;
	entry->clouds = section->clouds;
	entry->section = section->section->title;
	entry->feature = section->section->feature;
	good = yaml_read_fields(item, s_entry_fields, &reading, problems);
	entry->id = reading.id;
	entry->purpose = reading.purpose;
	entry->note = reading.note;
	entry->row = (unsigned int)reading.row;
	entry->correction = reading.correction;
	return good && check_entry(item, entry, problems);
}
