/* The lists that stand beside the rules of a compiled policy. */
#include "policy/lists_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/port_set_impl.h"

void *policy_make_list(struct policy *policy, size_t count, size_t size)
{
	policy->memory += count * size;
	return calloc(count ? count : 1, size);
}

int policy_list_by_address(struct policy *policy)
{
	policy->by_address =
		policy_make_list(policy, policy->network_count, sizeof(policy->by_address[0]));
	if (!policy->by_address)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->network_count; i++) {
		const struct rule *rule = policy->rules[i].rule;

		if (rule->any_destination || rule->destination_count)
			policy->by_address[policy->by_address_count++] = i;
	}
	return 0;
}

/* Ports of the allow rules for this protocol, or only of those that inspect QUIC. */
static int list_ports(struct policy *policy, enum application_protocol protocol, bool only_quic,
		      uint16_t **ret_ports, size_t *ret_count)
{
	cleanup(free_memory) struct port_set *named = calloc(1, sizeof(*named));
	size_t count = 0;

	if (!named)
		return -ENOMEM;
	for (size_t i = policy->network_count; i < policy->rule_count; i++) {
		const struct rule *rule = policy->rules[i].rule;

		for (size_t j = 0; j < rule->protocol_count; j++)
			if (policy->rules[i].action == RULE_ALLOW &&
			    rule->protocols[j].protocol == protocol &&
			    (rule->inspects_quic || !only_quic))
				port_set_add(named, rule->protocols[j].port);
	}
	for (size_t word = 0; word < PORT_SET_WORDS; word++)
		count += (size_t)__builtin_popcountll(named->words[word]);
	uint16_t *ports = policy_make_list(policy, count, sizeof(*ports));

	if (!ports)
		return -ENOMEM;
	*ret_ports = ports;
	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		if (port_set_has(named, (uint16_t)port))
			ports[(*ret_count)++] = (uint16_t)port;
	return 0;
}

int policy_list_ports(struct policy *policy, enum application_protocol protocol)
{
	return list_ports(policy, protocol, false, &policy->ports[protocol],
			  &policy->port_counts[protocol]);
}

int policy_list_quic_ports(struct policy *policy)
{
	return list_ports(policy, APPLICATION_HTTPS, true, &policy->quic_ports,
			  &policy->quic_port_count);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct name *)left)->text, ((const struct name *)right)->text);
}

static bool allows_nameless(const struct policy *policy, const struct name_table_exact *exact)
{
	for (size_t i = 0; i < exact->count; i++) {
		const struct policy_rule *entry = &policy->rules[exact->values[i]];

		if (entry->action == RULE_ALLOW && entry->rule->allows_no_sni)
			return true;
	}
	return false;
}

/* Exact names of https allow rules that let the server name be left out. Writes to `names` unless
   NULL; returns the count. */
static size_t collect_nameless(const struct policy *policy, struct name *names)
{
	struct name_table_exact exact;
	size_t count = 0, at = 0;

	while (name_table_next_exact(policy->application_names, &at, &exact))
		if (allows_nameless(policy, &exact)) {
			if (names)
				names[count] = exact.name;
			count++;
		}
	return count;
}

int policy_list_nameless(struct policy *policy)
{
	size_t count = collect_nameless(policy, NULL);

	policy->nameless = policy_make_list(policy, count, sizeof(*policy->nameless));
	if (!policy->nameless)
		return -ENOMEM;
	policy->nameless_count = collect_nameless(policy, policy->nameless);
	qsort(policy->nameless, count, sizeof(*policy->nameless), compare_names);
	return 0;
}

static size_t text_memory(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static size_t rule_memory(const struct rule *rule)
{
	return sizeof(*rule) + text_memory(rule->name) + text_memory(rule->origin) +
	       text_memory(rule->purpose) +
	       (rule->source_count + rule->destination_count) * sizeof(struct ip_prefix) +
	       rule->fqdn_count * sizeof(struct name) +
	       rule->port_count * sizeof(struct port_range) + pattern_list_memory(&rule->patterns) +
	       rule->protocol_count * sizeof(struct application_port);
}

void policy_count_memory(struct policy *policy)
{
	policy->memory +=
		sizeof(*policy) + policy->set.collection_count * sizeof(struct rule_collection);
	for (size_t i = 0; i < policy->rule_count; i++)
		policy->memory += rule_memory(policy->rules[i].rule);
}
