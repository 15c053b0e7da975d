/*
 * The naive twin of the policy: linear scans over the rules as written, its own ordering, no table,
 * no index, nothing shared with src/policy/ but the structs. Slow and plain on purpose.
 */
#pragma once

#include "../pattern_at.h"
#include "policy/policy.h"

#define NAIVE_RULES_MAX 64

struct naive_rule {
	const struct rule_collection *collection;
	const struct rule *rule;
	size_t collection_index, rule_index;
};

struct naive_policy {
	struct naive_rule rules[NAIVE_RULES_MAX];
	size_t count;
};

static inline bool naive_before(const struct naive_rule *a, const struct naive_rule *b)
{
	if (a->collection->kind != b->collection->kind)
		return a->collection->kind == RULE_NETWORK;
	if (a->collection->priority != b->collection->priority)
		return a->collection->priority < b->collection->priority;
	if (a->collection_index != b->collection_index)
		return a->collection_index < b->collection_index;
	return a->rule_index < b->rule_index;
}

/* Insertion, one rule after the other. */
static inline struct naive_policy naive_order(const struct rule_set *set)
{
	struct naive_policy policy = {.count = 0};

	for (size_t i = 0; i < set->collection_count; i++)
		for (size_t j = 0; j < set->collections[i].rule_count; j++) {
			struct naive_rule rule = {&set->collections[i],
						  &set->collections[i].rules[j], i, j};
			size_t at = policy.count++;

			for (; at > 0 && naive_before(&rule, &policy.rules[at - 1]); at--)
				policy.rules[at] = policy.rules[at - 1];
			policy.rules[at] = rule;
		}
	return policy;
}

static inline bool naive_in(const struct ip_prefix *prefixes, size_t count,
			    const struct ip_address *address)
{
	for (size_t i = 0; i < count; i++)
		if (ip_prefix_contains(&prefixes[i], address))
			return true;
	return false;
}

static inline bool naive_names(const struct rule *rule, const struct name *name)
{
	for (size_t i = 0; i < rule->fqdn_count; i++)
		if (strcmp(rule->fqdns[i].text, name->text) == 0)
			return true;
	for (size_t i = 0; i < rule->patterns.count; i++)
		if (pattern_matches(pattern_at(&rule->patterns, i), name))
			return true;
	return false;
}

static inline bool naive_network_port(const struct rule *rule, const struct policy_facts *facts)
{
	if (rule->any_port)
		return true;
	for (size_t i = 0; facts->protocol != FLOW_ICMP && i < rule->port_count; i++)
		if (facts->port >= rule->ports[i].first && facts->port <= rule->ports[i].last)
			return true;
	return false;
}

static inline bool naive_network_matches(const struct rule *rule, const struct policy_facts *facts)
{
	unsigned int transport = facts->protocol == FLOW_UDP    ? TRANSPORT_UDP
				 : facts->protocol == FLOW_QUIC ? TRANSPORT_UDP
				 : facts->protocol == FLOW_ICMP ? TRANSPORT_ICMP
								: TRANSPORT_TCP;
	bool destination =
		rule->any_destination ||
		naive_in(rule->destinations, rule->destination_count, &facts->destination);

	for (size_t i = 0; i < facts->pinned_name_count; i++)
		destination = destination || naive_names(rule, &facts->pinned_names[i]);
	if (facts->destination.family == 0 && facts->name)
		destination = destination || naive_names(rule, facts->name);
	return destination && (rule->transports & transport) && naive_network_port(rule, facts);
}

static inline bool naive_application_matches(const struct rule *rule,
					     const struct policy_facts *facts)
{
	if ((facts->protocol != FLOW_HTTP && facts->protocol != FLOW_HTTPS &&
	     facts->protocol != FLOW_QUIC) ||
	    !facts->name || !naive_names(rule, facts->name))
		return false;
	for (size_t i = 0; i < rule->protocol_count; i++)
		if ((rule->protocols[i].protocol == APPLICATION_HTTPS) ==
			    (facts->protocol != FLOW_HTTP) &&
		    rule->protocols[i].port == facts->port)
			return true;
	return false;
}

static inline bool naive_matches(const struct naive_rule *rule, const struct policy_facts *facts)
{
	if (!rule->rule->any_source &&
	    !naive_in(rule->rule->sources, rule->rule->source_count, &facts->source))
		return false;
	return rule->collection->kind == RULE_NETWORK
		       ? naive_network_matches(rule->rule, facts)
		       : naive_application_matches(rule->rule, facts);
}

/* Of the special addresses, those that the tests try. */
static inline bool naive_is_special(const struct ip_address *address)
{
	return address->family == 4 && address->bytes[0] == 169 && address->bytes[1] == 254;
}

/* The rule that decides; NULL: none. */
static inline const struct naive_rule *naive_judge(const struct naive_policy *policy,
						   const struct policy_facts *facts)
{
	if (naive_is_special(&facts->destination))
		return NULL;
	for (size_t i = 0; i < policy->count; i++)
		if (naive_matches(&policy->rules[i], facts))
			return &policy->rules[i];
	return NULL;
}

/* Tries the rule at every protocol and every one of `ports`. */
static inline bool naive_opens(const struct naive_policy *policy, const struct naive_rule *rule,
			       struct policy_facts *facts, const uint16_t *ports, size_t port_count)
{
	for (enum flow_protocol protocol = FLOW_TCP; protocol <= FLOW_HTTPS; protocol++)
		for (size_t i = 0; i < port_count; i++) {
			const struct naive_rule *decides;

			facts->protocol = protocol;
			facts->port = ports[i];
			if (!naive_matches(rule, facts))
				continue;
			decides = naive_judge(policy, facts);
			if (decides && decides->collection->action == RULE_ALLOW)
				return true;
		}
	return false;
}

/* The first allow rule that names `name` and could let something through; NULL: none. */
static inline const struct naive_rule *naive_query(const struct naive_policy *policy,
						   const struct ip_address *source,
						   const struct name *name, const uint16_t *ports,
						   size_t port_count)
{
	struct policy_facts facts = {.source = *source, .name = name};

	for (size_t i = 0; i < policy->count; i++) {
		const struct naive_rule *rule = &policy->rules[i];

		if (rule->collection->action == RULE_ALLOW && naive_names(rule->rule, name) &&
		    naive_opens(policy, rule, &facts, ports, port_count))
			return rule;
	}
	return NULL;
}
