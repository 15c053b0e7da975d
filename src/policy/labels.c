/* Labels, "collection/rule": what people and logs call a rule by. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lists_impl.h"

/* Like snprintf(): returns the length without the NUL, whatever the room. */
static size_t write_label(const struct policy *policy, const struct policy_rule *entry, char *label,
			  size_t room)
{
	const struct rule_collection *collection = entry->collection;
	char collection_number[64], rule_number[32];
	const char *collection_name = collection->name, *rule_name = entry->rule->name;

	if (!collection_name) {
		snprintf(collection_number, sizeof(collection_number), "collection-%zu",
			 (size_t)(collection - policy->set.collections) + 1);
		collection_name = collection_number;
	}
	if (!rule_name) {
		snprintf(rule_number, sizeof(rule_number), "%zu",
			 (size_t)(entry->rule - collection->rules) + 1);
		rule_name = rule_number;
	}
	/* cppcheck-suppress nullPointer ; snprintf() takes NULL without room */
	return (size_t)snprintf(label, room, "%s/%s", collection_name, rule_name);
}

int policy_label_rules(struct policy *policy)
{
	size_t size = 0, used = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		size += write_label(policy, &policy->rules[i], NULL, 0) + 1;
	policy->labels = policy_make_list(policy, size, 1);
	if (!policy->labels)
		return -ENOMEM;
	for (size_t i = 0; i < policy->rule_count; i++) {
		char *label = policy->labels + used;

		used += write_label(policy, &policy->rules[i], label, size - used) + 1;
		policy->rules[i].label = label;
	}
	return 0;
}

static int compare_labels(const void *left, const void *right, void *rules)
{
	const struct policy_rule *entries = rules;

	return strcmp(entries[*(const uint32_t *)left].label,
		      entries[*(const uint32_t *)right].label);
}

int policy_index_labels(struct policy *policy, const struct policy_rule **ret_entry)
{
	policy->by_label =
		policy_make_list(policy, policy->rule_count, sizeof(policy->by_label[0]));
	if (!policy->by_label)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->rule_count; i++)
		policy->by_label[i] = i;
	qsort_r(policy->by_label, policy->rule_count, sizeof(policy->by_label[0]), compare_labels,
		policy->rules);
	for (size_t i = 1; i < policy->rule_count; i++) {
		const struct policy_rule *entry = &policy->rules[policy->by_label[i]];

		if (strcmp(policy->rules[policy->by_label[i - 1]].label, entry->label) == 0) {
			*ret_entry = entry;
			return -EEXIST;
		}
	}
	return 0;
}
