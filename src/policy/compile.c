/*
 * Rules as written → compiled policy.
 *
 * The set is taken over as it is and rules keep pointing into it. Around it stand: the rules in
 * judging order (network before application, then collections by priority, then as written); their
 * labels and an index by label; the list of network rules by address; two name tables (FQDNs of
 * network rules, patterns of application rules) whose values are positions in judging order; the
 * ports and exact names that the gateway must set up. Lists of prefixes are sorted in place and
 * lose the prefixes that lie inside others, which changes no verdict and makes a look-up
 * logarithmic: a service tag has thousands.
 *
 * Nothing changes afterwards but the hits, so a policy is shared between threads as it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/lists_impl.h"
#include "policy/prefixes_impl.h"

DEFINE_CLEANUP(free_policy, struct policy *, policy_free);
DEFINE_CLEANUP(free_builder, struct name_table_builder *, name_table_builder_free);

static bool prefixes_are_valid(const struct ip_prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!prefix_is_valid(&prefixes[i]))
			return false;
	return true;
}

static bool rule_is_valid(const struct rule *rule, enum rule_kind kind)
{
	if (!prefixes_are_valid(rule->sources, rule->source_count) ||
	    !prefixes_are_valid(rule->destinations, rule->destination_count))
		return false;
	if (kind == RULE_NETWORK)
		return !rule->patterns.count && !rule->protocol_count;
	if (kind != RULE_APPLICATION)
		return false;
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol != APPLICATION_HTTP &&
		    rule->protocols[i].protocol != APPLICATION_HTTPS)
			return false;
	return !rule->any_destination && !rule->destination_count && !rule->fqdn_count &&
	       !rule->transports && !rule->any_port && !rule->port_count;
}

static int compare_collections(const void *left, const void *right)
{
	const struct rule_collection *a = *(const struct rule_collection *const *)left;
	const struct rule_collection *b = *(const struct rule_collection *const *)right;

	if (a->kind != b->kind)
		return a->kind == RULE_NETWORK ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return a < b ? -1 : 1; /* as written: they stand in one list */
}

static void add_collection(struct policy *policy, const struct rule_collection *collection)
{
	for (size_t i = 0; i < collection->rule_count; i++) {
		policy->rules[policy->rule_count] = (struct policy_rule){
			.position = (uint32_t)policy->rule_count,
			.kind = collection->kind,
			.action = collection->action,
			.rule = &collection->rules[i],
			.collection = collection,
		};
		policy->rule_count++;
		policy->network_count += collection->kind == RULE_NETWORK;
	}
}

/* Fills policy->rules in judging order. */
static int order_rules(struct policy *policy)
{
	const struct rule_set *set = &policy->set;
	cleanup(free_memory) const struct rule_collection **ordered =
		calloc(set->collection_count + 1, sizeof(*ordered)); /* +1: never of size 0 */
	size_t total = 0;

	if (!ordered)
		return -ENOMEM;
	for (size_t i = 0; i < set->collection_count; i++) {
		ordered[i] = &set->collections[i];
		total += ordered[i]->rule_count;
	}
	if (total >= NO_POSITION)
		return -EINVAL;
	qsort(ordered, set->collection_count, sizeof(ordered[0]), compare_collections);
	policy->rules = policy_make_list(policy, total, sizeof(policy->rules[0]));
	policy->hits = policy_make_list(policy, total, sizeof(policy->hits[0]));
	if (!policy->rules || !policy->hits)
		return -ENOMEM;
	for (size_t i = 0; i < set->collection_count; i++)
		add_collection(policy, ordered[i]);
	return 0;
}

/* -EINVAL: kind and fields of *ret_entry disagree. */
static int check_rules(const struct policy *policy, const struct policy_rule **ret_entry)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *entry = &policy->rules[i];

		if (!rule_is_valid(entry->rule, entry->kind) ||
		    (entry->action != RULE_ALLOW && entry->action != RULE_DENY)) {
			*ret_entry = entry;
			return -EINVAL;
		}
	}
	return 0;
}

static int tidy_prefixes(struct rule_set *set)
{
	if (!prefixes_are_valid(set->protected_sources, set->protected_source_count) ||
	    !prefixes_are_valid(set->private_destinations, set->private_destination_count) ||
	    !prefixes_are_valid(set->special_exceptions, set->special_exception_count))
		return -EINVAL;
	prefixes_tidy(set->protected_sources, &set->protected_source_count);
	prefixes_tidy(set->private_destinations, &set->private_destination_count);
	prefixes_tidy(set->special_exceptions, &set->special_exception_count);
	for (size_t i = 0; i < set->collection_count; i++)
		for (size_t j = 0; j < set->collections[i].rule_count; j++) {
			struct rule *rule = &set->collections[i].rules[j];

			prefixes_tidy(rule->sources, &rule->source_count);
			prefixes_tidy(rule->destinations, &rule->destination_count);
			for (size_t k = 0; k < rule->tag_count; k++)
				rule->tags[k].first = rule->tags[k].count = 0;
		}
	return 0;
}

static int add_names(struct name_table_builder *builder, const struct policy_rule *entry)
{
	const struct rule *rule = entry->rule;
	struct pattern pattern;
	size_t at = 0;
	int error = 0;

	while (!error && pattern_list_next(&rule->patterns, &at, &pattern))
		error = name_table_builder_add(builder, &pattern, entry->position);
	for (size_t i = 0; !error && i < rule->fqdn_count; i++) {
		struct pattern exact = {.kind = PATTERN_EXACT, .name = rule->fqdns[i]};

		error = name_table_builder_add(builder, &exact, entry->position);
	}
	return error;
}

/* The names of the rules first..end-1. */
static int build_table(struct policy *policy, size_t first, size_t end,
		       struct name_table **ret_table)
{
	cleanup(free_builder) struct name_table_builder *builder = name_table_builder_new();
	int error = builder ? 0 : -ENOMEM;

	for (size_t i = first; !error && i < end; i++)
		error = add_names(builder, &policy->rules[i]);
	if (error)
		return error;
	struct name_table *table = name_table_build(take_pointer(builder));

	if (!table)
		return -ENOMEM;
	policy->memory += name_table_memory(table);
	*ret_table = table;
	return 0;
}

static size_t count_exact_names(const struct policy *policy)
{
	struct policy_name_walk walk = {0};
	struct name name;
	size_t count = 0;

	while (policy_next_exact_name(policy, &walk, &name))
		count++;
	return count;
}

static int build_indexes(struct policy *policy)
{
	int error = tidy_prefixes(&policy->set);

	if (!error)
		error = policy_list_by_address(policy);
	if (!error)
		error = build_table(policy, 0, policy->network_count, &policy->network_names);
	if (!error)
		error = build_table(policy, policy->network_count, policy->rule_count,
				    &policy->application_names);
	if (!error)
		error = policy_list_ports(policy, APPLICATION_HTTP);
	if (!error)
		error = policy_list_ports(policy, APPLICATION_HTTPS);
	if (!error)
		error = policy_list_quic_ports(policy);
	if (!error)
		error = policy_list_nameless(policy);
	if (!error)
		policy->exact_name_count = count_exact_names(policy);
	return error;
}

int policy_compile(struct rule_set *set, struct policy **ret_policy, char **ret_detail)
{
	cleanup(free_policy) struct policy *policy = calloc(1, sizeof(*policy));
	const struct policy_rule *culprit = NULL;
	int error;

	if (!policy) {
		rule_set_done(set);
		return -ENOMEM;
	}
	policy->set = *set;
	*set = (struct rule_set){0};
	error = order_rules(policy);
	if (!error)
		error = policy_label_rules(policy);
	if (!error)
		error = check_rules(policy, &culprit);
	if (!error)
		error = policy_index_labels(policy, &culprit);
	if (!error)
		error = build_indexes(policy);
	if (culprit && ret_detail)
		*ret_detail = strdup(culprit->label);
	if (error)
		return error;
	policy_count_memory(policy);
	*ret_policy = take_pointer(policy);
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	if (policy->network_names)
		name_table_free(policy->network_names);
	if (policy->application_names)
		name_table_free(policy->application_names);
	for (size_t i = 0; i < 2; i++)
		free(policy->ports[i]);
	free(policy->quic_ports);
	free(policy->nameless);
	free(policy->rules);
	free(policy->labels);
	free(policy->by_label);
	free(policy->by_address);
	free(policy->hits);
	rule_set_done(&policy->set);
	free(policy);
}
