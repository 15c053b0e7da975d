/* What can be asked of a compiled policy besides verdicts; and the hits of its rules. */
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "policy/policy_impl.h"

size_t policy_rule_count(const struct policy *policy)
{
	return policy->rule_count;
}

size_t policy_network_rule_count(const struct policy *policy)
{
	return policy->network_count;
}

const struct policy_rule *policy_rule_at(const struct policy *policy, size_t position)
{
	invariant(position < policy->rule_count);
	return &policy->rules[position];
}

const struct policy_rule *policy_rule_find(const struct policy *policy, const char *label)
{
	size_t low = 0, high = policy->rule_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct policy_rule *entry = &policy->rules[policy->by_label[middle]];
		int order = strcmp(entry->label, label);

		if (order == 0)
			return entry;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const uint16_t *policy_ports(const struct policy *policy, enum application_protocol protocol,
			     size_t *ret_count)
{
	invariant(protocol == APPLICATION_HTTP || protocol == APPLICATION_HTTPS);
	*ret_count = policy->port_counts[protocol];
	return policy->ports[protocol];
}

const uint16_t *policy_quic_ports(const struct policy *policy, size_t *ret_count)
{
	*ret_count = policy->quic_port_count;
	return policy->quic_ports;
}

size_t policy_nameless_count(const struct policy *policy)
{
	return policy->nameless_count;
}

const struct name *policy_nameless_at(const struct policy *policy, size_t index)
{
	invariant(index < policy->nameless_count);
	return &policy->nameless[index];
}

size_t policy_exact_name_count(const struct policy *policy)
{
	return policy->exact_name_count;
}

static bool has_allow_rule(const struct policy *policy, const struct name_table_exact *exact)
{
	for (size_t i = 0; i < exact->count; i++)
		if (policy->rules[exact->values[i]].action == RULE_ALLOW)
			return true;
	return false;
}

bool policy_next_exact_name(const struct policy *policy, struct policy_name_walk *walk,
			    struct name *ret_name)
{
	struct name_table_exact exact;
	bool found = name_table_next_exact(policy->network_names, &walk->in_network_rules, &exact);

	/* Those of deny network rules too: their addresses must be known to be denied. */
	while (!found && name_table_next_exact(policy->application_names,
					       &walk->in_application_rules, &exact))
		found = has_allow_rule(policy, &exact) &&
			policy_network_rules_of_name(policy, &exact.name, NULL, 0) == 0;
	if (found)
		*ret_name = exact.name;
	return found;
}

size_t policy_open_length(const struct policy *policy, const struct name *name)
{
	size_t in_network_rules = name_table_open_length(policy->network_names, name);
	size_t in_application_rules = name_table_open_length(policy->application_names, name);

	return in_network_rules < in_application_rules ? in_network_rules : in_application_rules;
}

void policy_count_hit(const struct policy *policy, const struct policy_rule *rule)
{
	atomic_fetch_add_explicit(&policy->hits[rule->position], 1, memory_order_relaxed);
}

uint64_t policy_hits(const struct policy *policy, const struct policy_rule *rule)
{
	return atomic_load_explicit(&policy->hits[rule->position], memory_order_relaxed);
}

void policy_inherit_hits(struct policy *policy, const struct policy *previous)
{
	size_t old = 0;

	/* Both are sorted by label: one walk over the two. */
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *entry = &policy->rules[policy->by_label[i]];
		int order = 1;

		for (; old < previous->rule_count; old++) {
			order = strcmp(previous->rules[previous->by_label[old]].label,
				       entry->label);
			if (order >= 0)
				break;
		}
		if (old < previous->rule_count && order == 0)
			atomic_store_explicit(
				&policy->hits[entry->position],
				policy_hits(previous, &previous->rules[previous->by_label[old]]),
				memory_order_relaxed);
	}
}

void policy_forget_patterns(struct policy *policy)
{
	for (size_t i = 0; i < policy->set.collection_count; i++)
		for (size_t j = 0; j < policy->set.collections[i].rule_count; j++) {
			struct rule *rule = &policy->set.collections[i].rules[j];

			policy->memory -= pattern_list_memory(&rule->patterns);
			pattern_list_free(&rule->patterns);
		}
}

size_t policy_memory(const struct policy *policy)
{
	return policy->memory;
}
