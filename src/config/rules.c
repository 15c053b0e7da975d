/*
 * The collections section → config->own. A rule is read by the table of its collection's kind
 * (application_rule.c, network_rule.c). Names are written once: two collections of one name, or two
 * rules of one name in a collection, are told with both places.
 */
#include "config/sections_impl.h"

#include <stdio.h>
#include <string.h>

#include "catalog/rules.h"
#include "config/rule_impl.h"
#include "config/values_impl.h"

/* The earlier item of a list that has the same name; NULL: none. */
static const struct yaml_item *earlier_namesake(const struct yaml_item *list, size_t index)
{
	const char *name;

	if (yaml_item_kind(yaml_list_at(list, index)) != YAML_KIND_MAP)
		return NULL;
	const struct yaml_item *own = yaml_map_find(yaml_list_at(list, index), "name");
	if (!own || yaml_item_kind(own) != YAML_KIND_SCALAR)
		return NULL;
	name = yaml_scalar_text(own);
	for (size_t i = 0; i < index; i++) {
		const struct yaml_item *item = yaml_list_at(list, i);
		const struct yaml_item *other =
			yaml_item_kind(item) == YAML_KIND_MAP ? yaml_map_find(item, "name") : NULL;

		if (other && yaml_item_kind(other) == YAML_KIND_SCALAR &&
		    !strcmp(yaml_scalar_text(other), name))
			return other;
	}
	return NULL;
}

static bool check_namesake(const struct yaml_item *list, size_t index, const char *what,
			   struct problems *problems)
{
	const struct yaml_item *other = earlier_namesake(list, index);
	char quoted[YAML_QUOTE_SIZE];

	if (!other)
		return true;
	yaml_complain(yaml_map_find(yaml_list_at(list, index), "name"), problems,
		      "%s %s is there twice; first at line %u", what,
		      yaml_quote(yaml_scalar_text(other), quoted), yaml_item_place(other).line);
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
	bool good = true;

	(void)field;
	if (!reading->knows_kind || !yaml_expect_list(value, problems))
		return false;
	for (size_t i = 0; i < yaml_list_count(value); i++) {
		struct rule_reading rule = {.config = reading->config,
					    .collection = reading->collection,
					    .rule = rule_collection_add_rule(reading->collection)};

		if (!rule.rule)
			return rule_fail_memory(value, problems);
		good &= check_namesake(value, i, "rule", problems);
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
	bool good = true;

	if (!yaml_expect_list(list, problems))
		return false;
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		struct collection_reading reading = {.config = config,
						     .file = file,
						     .collection =
							     rule_set_add_collection(&config->own)};

		if (!reading.collection)
			return rule_fail_memory(list, problems);
		good &= check_namesake(list, i, "collection", problems);
		good &= yaml_read_fields(yaml_list_at(list, i), s_collection_fields, &reading,
					 problems);
	}
	return good;
}
