/*
 * The order in which Azure judges: the rules of a base policy before those of its heir, then groups
 * by their priority, then collections by theirs; within a collection as written. (All network rules
 * come before all application rules, here as there, so one order serves both.) Equal priorities,
 * which Azure refuses, keep the order of the file.
 *
 * sallyport has one level of priorities. Those of the collections are kept when they alone give
 * this order; else collections are numbered in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/azure_firewall_impl.h"
#include "yaml/read.h"

#define TIER_LIMIT 16

static const struct azure_policy *find_policy(const struct azure_reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->policy_count; i++)
		if (!strcasecmp(reading->policies[i].name, name))
			return &reading->policies[i];
	return NULL;
}

/* How many policies of the file it inherits from (Azure allows one). */
static size_t tier_of(const struct azure_reading *reading, const char *name)
{
	const struct azure_policy *policy = find_policy(reading, name);
	size_t tier = 0;

	while (policy && policy->base && *policy->base && tier + 1 < TIER_LIMIT) {
		policy = find_policy(reading, policy->base);
		tier += policy != NULL;
	}
	return tier;
}

/* A group whose policy the file does not name belongs to the only one that there is. */
static void adopt_groups(struct azure_reading *reading)
{
	for (size_t i = 0; i < reading->group_count; i++)
		if (!*reading->groups[i].policy && reading->policy_count == 1)
			reading->groups[i].policy = reading->policies[0].name;
}

/* Policies of one tier are no relations: which comes first cannot be told. */
static int check_relations(struct azure_reading *reading)
{
	const char *of_tier[TIER_LIMIT] = {NULL};

	for (size_t i = 0; i < reading->group_count; i++) {
		const struct azure_group *group = &reading->groups[i];
		const char **first = &of_tier[tier_of(reading, group->policy)];
		char quoted[YAML_QUOTE_SIZE], second[YAML_QUOTE_SIZE];

		if (!*first)
			*first = group->policy;
		if (!strcasecmp(*first, group->policy))
			continue;
		problems_add(reading->losses.problems, PROBLEM_ERROR, json_item_place(group->item),
			     "the file holds rules of %s and of %s, and neither inherits from the "
			     "other: import one firewall's rules at a time",
			     yaml_quote(*first, quoted), yaml_quote(group->policy, second));
		return -EINVAL;
	}
	return 0;
}

/* `az` has the members of `properties` one level up; policies have them there always. */
static const struct json_item *member_of(const struct json_item *collection, const char *key)
{
	const struct json_item *properties = json_item_find(collection, "properties");

	return json_item_find(properties ? properties : collection, key);
}

static const struct json_item *value_of(struct azure_reading *reading,
					const struct json_item *collection, const char *key)
{
	const struct json_item *member = member_of(collection, key);

	return member ? arm_value(&reading->arm, member) : NULL;
}

static bool is_nat(struct azure_reading *reading, const struct azure_group *group,
		   const struct json_item *item)
{
	const struct json_item *type = value_of(reading, item, "ruleCollectionType");
	const char *text = group->policy_kind ? group->policy_kind
			   : type             ? json_item_text(type)
					      : NULL;

	return text &&
	       (!strcmp(text, "NatRule") || !strcmp(text, "FirewallPolicyNatRuleCollection"));
}

/* Each rule is named: DNAT lets in, and sallyport guards what goes out. */
static void lose_nat(struct azure_reading *reading, const char *name, const struct json_item *rules)
{
	char collection[YAML_QUOTE_SIZE], rule[YAML_QUOTE_SIZE];

	for (size_t i = 0; i < json_item_count(rules); i++) {
		const struct json_item *item = json_item_at(rules, i);
		const struct json_item *member = json_item_find(item, "name");
		const char *text = member ? arm_text(&reading->arm, member) : NULL;

		losses_add(&reading->losses, item,
			   "DNAT rule %s of collection %s has no counterpart: sallyport guards "
			   "what goes out, it lets nothing in",
			   yaml_quote(text ? text : "", rule), yaml_quote(name, collection));
	}
}

/* "Allow", "Deny"; false: neither. */
static bool read_action(struct azure_reading *reading, const struct json_item *item,
			enum rule_action *ret_action)
{
	const struct json_item *action = value_of(reading, item, "action");
	const struct json_item *member = json_item_find(action, "type");
	const char *text = member ? arm_text(&reading->arm, member) : NULL;

	if (!text || (strcasecmp(text, "Allow") != 0 && strcasecmp(text, "Deny") != 0))
		return false;
	*ret_action = !strcasecmp(text, "Deny") ? RULE_DENY : RULE_ALLOW;
	return true;
}

static void add_collection(struct azure_reading *reading, const struct azure_group *group,
			   const struct json_item *listed)
{
	const struct json_item *item = arm_value(&reading->arm, listed);
	const struct json_item *name = item ? json_item_find(item, "name") : NULL;
	const struct json_item *rules = item ? value_of(reading, item, "rules") : NULL;
	const struct json_item *priority = item ? value_of(reading, item, "priority") : NULL;
	const char *text = name ? arm_text(&reading->arm, name) : NULL;
	char quoted[YAML_QUOTE_SIZE];
	struct azure_collection *collection, read = {.group = group,
						     .name = text ? text : "",
						     .item = item,
						     .rules = rules,
						     .tier = tier_of(reading, group->policy),
						     .index = reading->collection_count};

	yaml_quote(read.name, quoted);
	if (!rules || json_item_kind(rules) != JSON_KIND_LIST) {
		losses_add(&reading->losses, listed,
			   "collection %s: its list 'rules' is not there or not known; none of "
			   "its rules is read",
			   quoted);
		return;
	}
	if (is_nat(reading, group, item)) {
		lose_nat(reading, read.name, rules);
		return;
	}
	if (!priority || !json_item_integer(priority, &read.priority)) {
		losses_add(&reading->losses, listed,
			   "collection %s: its priority is not known, so its place among the "
			   "others is not; none of its rules is read",
			   quoted);
		return;
	}
	if (!read_action(reading, item, &read.action)) {
		losses_add(&reading->losses, listed,
			   "collection %s: expected the action Allow or Deny; none of its rules is "
			   "read",
			   quoted);
		return;
	}
	collection = AZURE_GROW(reading, reading->collections, reading->collection_count);
	if (collection)
		*collection = read;
}

static int compare_numbers(int64_t left, int64_t right)
{
	return left < right ? -1 : left > right;
}

static int compare_collections(const void *left, const void *right)
{
	const struct azure_collection *a = left, *b = right;
	int order = compare_numbers((int64_t)a->tier, (int64_t)b->tier);

	if (order == 0)
		order = compare_numbers(a->group->priority, b->group->priority);
	if (order == 0)
		order = compare_numbers(a->priority, b->priority);
	return order ? order : compare_numbers((int64_t)a->index, (int64_t)b->index);
}

int azure_order_collections(struct azure_reading *reading)
{
	int error;

	adopt_groups(reading);
	error = check_relations(reading);
	if (error < 0)
		return error;
	for (size_t i = 0; i < reading->group_count; i++) {
		const struct azure_group *group = &reading->groups[i];

		for (size_t j = 0; j < json_item_count(group->collections); j++)
			add_collection(reading, group, json_item_at(group->collections, j));
	}
	if (reading->collection_count > 0)
		qsort(reading->collections, reading->collection_count,
		      sizeof(*reading->collections), compare_collections);
	return 0;
}
