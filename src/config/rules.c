/*
 * The collections section → config->own. A rule is read by the table of its collection's kind
 * (application_rule.c, network_rule.c). Names are written once: two collections of one name, or two
 * rules of one name in a collection, are told with both places.
 */
#include "config/sections_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/rules.h"
#include "config/rule_impl.h"
#include "config/values_impl.h"

/* The name of a collection or rule; NULL: it has none. */
static const struct yaml_item *name_of(const struct yaml_item *item)
{
	const struct yaml_item *name =
		yaml_item_kind(item) == YAML_KIND_MAP ? yaml_map_find(item, "name") : NULL;

	return name && yaml_item_kind(name) == YAML_KIND_SCALAR ? name : NULL;
}

struct named {
	const struct yaml_item *name;
	size_t index;
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = strcmp(yaml_scalar_text(a->name), yaml_scalar_text(b->name));

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* For each item of a list the first one's name where that is the same, else NULL. The caller frees;
   NULL: out of memory. */
static const struct yaml_item **find_namesakes(const struct yaml_item *list)
{
	size_t count = 0, first = 0;
	cleanup(free_memory) struct named *named =
		calloc(yaml_list_count(list) + 1, sizeof(*named));
	const struct yaml_item **namesakes = calloc(yaml_list_count(list) + 1, sizeof(*namesakes));

	if (!named || !namesakes) {
		free(namesakes);
		return NULL;
	}
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		const struct yaml_item *name = name_of(yaml_list_at(list, i));

		if (name)
			named[count++] = (struct named){name, i};
	}
	qsort(named, count, sizeof(*named), compare_named);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(yaml_scalar_text(named[first].name), yaml_scalar_text(named[i].name)) !=
		    0)
			first = i;
		else
			namesakes[named[i].index] = named[first].name;
	}
	return namesakes;
}

static bool check_namesake(const struct yaml_item *item, const struct yaml_item *namesake,
			   const char *what, struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];

	if (!namesake)
		return true;
	yaml_complain(name_of(item), problems, "%s %s is there twice; first at line %u", what,
		      yaml_quote(yaml_scalar_text(namesake), quoted),
		      yaml_item_place(namesake).line);
	return false;
}

static bool read_rule(const struct yaml_item *item, const char *file, struct rule_reading *reading,
		      struct problems *problems)
{
	reading->rule->any_source = true;
	if (asprintf(&reading->rule->origin, "%s:%u", file, yaml_item_place(item).line) < 0) {
		reading->rule->origin = NULL;
		return rule_fail_memory(item, problems);
	}
	return reading->collection->kind == RULE_NETWORK
		       ? config_read_network_rule(item, reading, problems)
		       : config_read_application_rule(item, reading, problems);
}

struct collection_reading {
	const struct config *config;
	const char *file;
	struct rule_collection *collection;
	bool knows_kind; /* rules cannot be judged before */
};

static bool read_rules(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	struct collection_reading *reading = target;
	cleanup(free_memory) const struct yaml_item **namesakes = NULL;
	bool good = true;

	(void)field;
	if (!reading->knows_kind || !yaml_expect_list(value, problems))
		return false;
	namesakes = find_namesakes(value);
	if (!namesakes)
		return rule_fail_memory(value, problems);
	for (size_t i = 0; i < yaml_list_count(value); i++) {
		struct rule_reading rule = {.config = reading->config,
					    .collection = reading->collection,
					    .rule = rule_collection_add_rule(reading->collection)};

		if (!rule.rule)
			return rule_fail_memory(value, problems);
		good &= check_namesake(yaml_list_at(value, i), namesakes[i], "rule", problems);
		good &= read_rule(yaml_list_at(value, i), reading->file, &rule, problems);
	}
	return good;
}

static bool read_collection_name(const struct yaml_item *value, const struct yaml_field *field,
				 void *target, struct problems *problems)
{
	struct collection_reading *reading = target;

	(void)field;
	if (!config_read_label(value, &reading->collection->name, problems))
		return false;
	if (strncmp(reading->collection->name, CATALOG_COLLECTION_START,
		    strlen(CATALOG_COLLECTION_START)) != 0)
		return true;
	yaml_complain(value, problems, "names that start with '%s' belong to the catalogue",
		      CATALOG_COLLECTION_START);
	return false;
}

static bool read_priority(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	static const struct yaml_integer_limits limits = {RULE_PRIORITY_BEST, RULE_PRIORITY_WORST};
	struct collection_reading *reading = target;
	uint64_t number;

	(void)field;
	if (!yaml_read_integer(value, &limits, &number, problems))
		return false;
	reading->collection->priority = (unsigned int)number;
	return true;
}

static bool read_action(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	static const char *const words[] = {[RULE_ALLOW] = "allow", [RULE_DENY] = "deny", NULL};
	struct collection_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	reading->collection->action = (enum rule_action)index;
	return true;
}

static bool read_kind(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	static const char *const words[] = {
		[RULE_NETWORK] = "network", [RULE_APPLICATION] = "application", NULL};
	struct collection_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	reading->collection->kind = (enum rule_kind)index;
	reading->knows_kind = true;
	return true;
}

/* Kind and action stand before the rules, which are read by them. */
static const struct yaml_field s_collection_fields[] = {
	{.key = "name", .read = read_collection_name, .required = true},
	{.key = "priority", .read = read_priority, .required = true},
	{.key = "action", .read = read_action, .required = true},
	{.key = "kind", .read = read_kind, .required = true},
	{.key = "rules", .read = read_rules, .required = true},
};

bool config_read_collections(const struct yaml_item *list, const char *file, struct config *config,
			     struct problems *problems)
{
	cleanup(free_memory) const struct yaml_item **namesakes = NULL;
	bool good = true;

	if (!yaml_expect_list(list, problems))
		return false;
	namesakes = find_namesakes(list);
	if (!namesakes)
		return rule_fail_memory(list, problems);
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		struct collection_reading reading = {.config = config,
						     .file = file,
						     .collection =
							     rule_set_add_collection(&config->own)};

		if (!reading.collection)
			return rule_fail_memory(list, problems);
		good &= check_namesake(yaml_list_at(list, i), namesakes[i], "collection", problems);
		good &= yaml_read_fields(yaml_list_at(list, i), s_collection_fields, &reading,
					 problems);
	}
	return good;
}
