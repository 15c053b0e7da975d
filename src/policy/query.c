/*
 * May a source ask for a name? Yes when some allow rule that names it (an application rule by its
 * patterns, a network rule by FQDN) names a protocol and port at which the flow would in fact be
 * allowed: deny rules that come first are honoured. An allow rule for any destination makes no name
 * askable by itself, else one rule "tcp *:443" would open DNS for every name.
 *
 * Application rules name single ports, so each is simply judged. Network rules name ranges of
 * ports: the rules that could decide (by this FQDN, or for any destination) are walked once in
 * order while bitmaps keep, for each transport, the ports that some rule has decided and those that
 * were denied. An allow rule opens the name when one of its ports is not among the denied.
 */
#include <string.h>

#include "policy/policy_impl.h"
#include "policy/port_set_impl.h"

enum {
	WALK_TCP,
	WALK_UDP,
	WALK_ICMP, /* no ports: only rules of any port count, and all ports fare alike */
	WALK_TRANSPORTS,
};

struct walk {
	const struct policy *policy;
	const struct ip_address *source;
	struct {
		struct port_set decided, denied;
	} ports[WALK_TRANSPORTS];
};

/* First match wins: only what no earlier rule decided becomes denied. */
static void decide(struct walk *walk, size_t transport, struct port_range range,
		   enum rule_action action)
{
	uint64_t *decided = walk->ports[transport].decided.words;
	uint64_t *denied = walk->ports[transport].denied.words;

	for (size_t word = range.first / 64; word <= range.last / 64u; word++) {
		uint64_t mask = port_set_mask(word, range.first, range.last);

		if (action == RULE_DENY)
			denied[word] |= mask & ~decided[word];
		decided[word] |= mask;
	}
}

static bool is_open(const struct walk *walk, size_t transport, struct port_range range)
{
	const uint64_t *denied = walk->ports[transport].denied.words;

	for (size_t word = range.first / 64; word <= range.last / 64u; word++)
		if (port_set_mask(word, range.first, range.last) & ~denied[word])
			return true;
	return false;
}

/* One rule at one of its ranges; true: it opens the name. Port 0 is no port. */
static bool visit_range(struct walk *walk, const struct policy_rule *entry, bool names_it,
			size_t transport, struct port_range range)
{
	if (range.first == 0)
		range.first = 1;
	if (range.first > range.last)
		return false;
	if (names_it && entry->action == RULE_ALLOW && is_open(walk, transport, range))
		return true;
	decide(walk, transport, range, entry->action);
	return false;
}

static bool visit(struct walk *walk, uint32_t position, bool names_it)
{
	static const unsigned int bits[] = {[WALK_TCP] = TRANSPORT_TCP,
					    [WALK_UDP] = TRANSPORT_UDP,
					    [WALK_ICMP] = TRANSPORT_ICMP};
	const struct policy_rule *entry = &walk->policy->rules[position];
	const struct rule *rule = entry->rule;

	if (!rule_has_source(rule, walk->source))
		return false;
	for (size_t transport = 0; transport < WALK_TRANSPORTS; transport++) {
		if (!(rule->transports & bits[transport]))
			continue;
		if (rule->any_port) {
			struct port_range all = {1, UINT16_MAX};

			if (visit_range(walk, entry, names_it, transport, all))
				return true;
			continue;
		}
		for (size_t i = 0; transport != WALK_ICMP && i < rule->port_count; i++)
			if (visit_range(walk, entry, names_it, transport, rule->ports[i]))
				return true;
	}
	return false;
}

/* The next rule for any destination at or after index *next of by_address; NO_POSITION: none. */
static uint32_t next_for_any(const struct policy *policy, size_t *next)
{
	for (; *next < policy->by_address_count; (*next)++)
		if (policy->rules[policy->by_address[*next]].rule->any_destination)
			return policy->by_address[*next];
	return NO_POSITION;
}

static uint32_t find_network_rule(const struct policy *policy, const struct ip_address *source,
				  const struct name *name)
{
	struct name_table_cursor cursor;
	struct walk walk;
	uint32_t named;
	size_t next = 0;

	name_table_find(policy->network_names, name, &cursor);
	if (!name_table_next(&cursor, &named))
		return NO_POSITION;
	memset(&walk, 0, sizeof(walk));
	walk.policy = policy;
	walk.source = source;
	do {
		uint32_t any;

		for (; (any = next_for_any(policy, &next)) < named; next++)
			visit(&walk, any, false);
		if (any == named)
			next++;
		if (visit(&walk, named, true))
			return named;
	} while (name_table_next(&cursor, &named));
	return NO_POSITION;
}

static bool would_allow(const struct policy *policy, const struct rule *rule,
			const struct ip_address *source, const struct name *name)
{
	struct policy_facts facts = {.source = *source, .name = name};

	if (!rule_has_source(rule, source))
		return false;
	for (size_t i = 0; i < rule->protocol_count; i++) {
		facts.protocol =
			rule->protocols[i].protocol == APPLICATION_HTTP ? FLOW_HTTP : FLOW_HTTPS;
		facts.port = rule->protocols[i].port;
		if (policy_judge(policy, &facts).action == RULE_ALLOW)
			return true;
	}
	return false;
}

static uint32_t find_application_rule(const struct policy *policy, const struct ip_address *source,
				      const struct name *name)
{
	struct name_table_cursor cursor;
	uint32_t position;

	name_table_find(policy->application_names, name, &cursor);
	while (name_table_next(&cursor, &position)) {
		const struct policy_rule *entry = &policy->rules[position];

		if (entry->action == RULE_ALLOW && would_allow(policy, entry->rule, source, name))
			return position;
	}
	return NO_POSITION;
}

struct verdict policy_judge_query(const struct policy *policy, const struct ip_address *source,
				  const struct name *name)
{
	uint32_t position;

	if (!policy_protects(policy, source))
		return (struct verdict){RULE_DENY, REASON_SOURCE_NOT_PROTECTED, NULL};
	position = find_network_rule(policy, source, name);
	if (position == NO_POSITION)
		position = find_application_rule(policy, source, name);
	if (position == NO_POSITION)
		return (struct verdict){.action = RULE_DENY, .reason = REASON_DNS_NAME};
	return (struct verdict){
		.action = RULE_ALLOW,
		.reason = REASON_RULE_ALLOWS,
		.rule = &policy->rules[position],
	};
}
