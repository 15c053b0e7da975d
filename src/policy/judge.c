/*
 * Facts → verdict. Special destinations are denied before any rule: one that says `*` means the
 * world, not the metadata service of the host that would ask in the client's name.
 *
 * The compiled rules stand in judging order, so the first match is the lowest position that
 * matches.
 *
 * Network rules are reached in two ways, by address and by FQDN. Those of the names are looked up
 * in a table, which gives the best position by name; the rules by address are then scanned in order
 * and only up to that position. Application rules are reached by the name table alone: it hands out
 * the rules whose patterns match the name, in order, whatever the number of rules.
 *
 * QUIC is https over UDP. Whether a rule inspects it, lets the server name be left out, or takes
 * encrypted hellos is no part of the match: the first rule that matches decides, and one that does
 * not have what the flow needs denies it.
 */
#include "policy/policy_impl.h"

static bool network_rest_matches(const struct rule *rule, const struct policy_facts *facts)
{
	return rule_has_transport(rule, facts->protocol) &&
	       rule_has_port(rule, facts->protocol, facts->port) &&
	       rule_has_source(rule, &facts->source);
}

/* The first network rule by this FQDN that matches and is better than `best`; else `best`. */
static uint32_t find_by_fqdn(const struct policy *policy, const struct policy_facts *facts,
			     const struct name *name, uint32_t best)
{
	struct name_table_cursor cursor;
	uint32_t position;

	name_table_find(policy->network_names, name, &cursor);
	while (name_table_next(&cursor, &position) && position < best)
		if (network_rest_matches(policy->rules[position].rule, facts))
			return position;
	return best;
}

static uint32_t find_by_address(const struct policy *policy, const struct policy_facts *facts,
				uint32_t best)
{
	for (size_t i = 0; i < policy->by_address_count; i++) {
		uint32_t position = policy->by_address[i];
		const struct rule *rule = policy->rules[position].rule;

		if (position >= best)
			break;
		if (network_rest_matches(rule, facts) &&
		    rule_has_address(rule, &facts->destination))
			return position;
	}
	return best;
}

static uint32_t find_network_rule(const struct policy *policy, const struct policy_facts *facts)
{
	uint32_t best = NO_POSITION;

	for (size_t i = 0; i < facts->pinned_name_count; i++)
		best = find_by_fqdn(policy, facts, &facts->pinned_names[i], best);
	if (!facts->destination.family && facts->name)
		best = find_by_fqdn(policy, facts, facts->name, best);
	return find_by_address(policy, facts, best);
}

static uint32_t find_application_rule(const struct policy *policy, const struct policy_facts *facts)
{
	enum application_protocol protocol;
	struct name_table_cursor cursor;
	uint32_t position;

	if (!facts->name || !flow_application(facts->protocol, &protocol))
		return NO_POSITION;
	name_table_find(policy->application_names, facts->name, &cursor);
	while (name_table_next(&cursor, &position)) {
		const struct rule *rule = policy->rules[position].rule;

		if (rule_has_application_port(rule, protocol, facts->port) &&
		    rule_has_source(rule, &facts->source))
			return position;
	}
	return NO_POSITION;
}

/* What an allow rule says by its switches: RULE_ALLOWS, or why it does not. */
static enum reason ask_switches(const struct policy *policy, const struct policy_rule *entry,
				const struct policy_facts *facts)
{
	const struct rule *rule = entry->rule;

	if (entry->kind != RULE_APPLICATION)
		return REASON_RULE_ALLOWS;
	if (facts->protocol == FLOW_QUIC && !rule->inspects_quic)
		return REASON_QUIC;
	if (facts->name_left_out &&
	    !(rule->allows_no_sni &&
	      name_table_has_exact(policy->application_names, facts->name, entry->position)))
		return REASON_NO_NAME;
	if (facts->has_encrypted_hello && (rule->refuses_ech || facts->name_left_out))
		return REASON_ENCRYPTED_HELLO;
	return REASON_RULE_ALLOWS;
}

struct verdict policy_judge(const struct policy *policy, const struct policy_facts *facts)
{
	struct verdict verdict = {.action = RULE_DENY, .reason = REASON_NO_RULE};
	uint32_t position;

	if (!policy_protects(policy, &facts->source))
		return (struct verdict){RULE_DENY, REASON_SOURCE_NOT_PROTECTED, NULL};
	if (facts->destination.family &&
	    policy_check_address(policy, &facts->destination) == REASON_SPECIAL_ADDRESS)
		return (struct verdict){RULE_DENY, REASON_SPECIAL_ADDRESS, NULL};
	position = find_network_rule(policy, facts);
	if (position == NO_POSITION)
		position = find_application_rule(policy, facts);
	if (position != NO_POSITION) {
		verdict.rule = &policy->rules[position];
		verdict.reason = verdict.rule->action == RULE_ALLOW
					 ? ask_switches(policy, verdict.rule, facts)
					 : REASON_RULE_DENIES;
		if (verdict.reason == REASON_RULE_ALLOWS)
			verdict.action = RULE_ALLOW;
	} else if (facts->has_encrypted_hello) {
		verdict.reason = REASON_ENCRYPTED_HELLO;
	} else if ((facts->protocol == FLOW_HTTPS || facts->protocol == FLOW_QUIC) &&
		   (!facts->name || facts->name_left_out)) {
		verdict.reason = REASON_NO_NAME;
	}
	return verdict;
}

bool policy_inspects_name(const struct policy *policy, const struct name *name)
{
	struct name_table_cursor cursor;
	uint32_t position;

	name_table_find(policy->application_names, name, &cursor);
	while (name_table_next(&cursor, &position)) {
		const struct policy_rule *entry = &policy->rules[position];

		for (size_t i = 0; i < entry->rule->protocol_count; i++)
			if (entry->action == RULE_ALLOW &&
			    entry->rule->protocols[i].protocol == APPLICATION_HTTPS)
				return true;
	}
	return false;
}

size_t policy_network_rules_of_name(const struct policy *policy, const struct name *name,
				    uint32_t *positions, size_t capacity)
{
	struct name_table_cursor cursor;
	uint32_t position;
	size_t count = 0;

	name_table_find(policy->network_names, name, &cursor);
	for (; name_table_next(&cursor, &position); count++)
		if (count < capacity)
			positions[count] = position;
	return count;
}
