/*
 * Which allow rules come nearest to a flow that is denied. Every rule is compared in each dimension
 * (target, source, protocol, port); a rule counts as near only when its target, the name or the
 * address, matches or is related to what was asked, else every rule for port 443 would be near. A
 * rule for any destination is near only by its protocol and port.
 */
#include <string.h>

#include "policy/explain_impl.h"

#define RANK_TOO_FAR 100

/* How many bytes of `name` stand before ".suffix"; 0: it is not below the suffix. */
static size_t length_above(const struct name *name, const struct name *suffix)
{
	size_t above;

	if (name->length < suffix->length + 2)
		return 0;
	above = (size_t)name->length - suffix->length - 1;
	if (name->text[above] != '.' || strcmp(name->text + above + 1, suffix->text) != 0)
		return 0;
	return above;
}

static enum target_relation relate_pattern(const struct pattern *pattern, const struct name *name)
{
	size_t above;

	if (pattern_matches(pattern, name))
		return TARGET_MATCHES;
	above = length_above(name, &pattern->name);
	switch (pattern->kind) {
	case PATTERN_EXACT:
		return above ? TARGET_BELOW : TARGET_UNRELATED;
	case PATTERN_BELOW:
		return name_equal(name, &pattern->name) ? TARGET_APEX : TARGET_UNRELATED;
	case PATTERN_LABEL:
		if (name_equal(name, &pattern->name))
			return TARGET_APEX;
		if (!above)
			return TARGET_UNRELATED;
		return memchr(name->text, '.', above) ? TARGET_ONE_LABEL : TARGET_FIRST_LABEL;
	case PATTERN_ANY:
		break;
	}
	return TARGET_UNRELATED;
}

static void compare_patterns(struct comparison *comparison, const struct policy_facts *facts)
{
	const struct rule *rule = comparison->entry->rule;

	struct pattern pattern;
	size_t at = 0;

	while (facts->name && pattern_list_next(&rule->patterns, &at, &pattern)) {
		enum target_relation target = relate_pattern(&pattern, facts->name);

		if (target <= comparison->target)
			continue;
		comparison->target = target;
		comparison->pattern = pattern;
		comparison->has_pattern = true;
	}
}

static void compare_fqdns(struct comparison *comparison, const struct name *name)
{
	const struct rule *rule = comparison->entry->rule;

	for (size_t i = 0; i < rule->fqdn_count; i++) {
		enum target_relation target = TARGET_UNRELATED;

		if (name_equal(&rule->fqdns[i], name))
			target = TARGET_NEVER_PINNED;
		else if (length_above(name, &rule->fqdns[i]))
			target = TARGET_BELOW;
		if (target <= comparison->target)
			continue;
		comparison->target = target;
		comparison->fqdn = &rule->fqdns[i];
	}
}

static void compare_destination(struct comparison *comparison, const struct policy_facts *facts)
{
	const struct rule *rule = comparison->entry->rule;

	comparison->fqdn = rule_find_fqdn(rule, facts);
	if (comparison->fqdn || rule_has_address(rule, &facts->destination)) {
		comparison->target = rule->any_destination ? TARGET_ANY : TARGET_MATCHES;
		return;
	}
	if (facts->destination.family && rule->destination_count)
		comparison->target = TARGET_OUTSIDE;
	if (facts->name)
		compare_fqdns(comparison, facts->name);
}

static bool has_application_protocol(const struct rule *rule, enum application_protocol protocol)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == protocol)
			return true;
	return false;
}

static void compare_protocol(struct comparison *comparison, const struct policy_facts *facts)
{
	const struct rule *rule = comparison->entry->rule;
	enum application_protocol protocol;

	if (comparison->entry->kind == RULE_NETWORK) {
		comparison->protocol_matches = rule_has_transport(rule, facts->protocol);
		comparison->port_matches = rule_has_port(rule, facts->protocol, facts->port);
	} else if (flow_application(facts->protocol, &protocol)) {
		comparison->protocol_matches = has_application_protocol(rule, protocol);
		comparison->port_matches = rule_has_application_port(rule, protocol, facts->port);
	}
}

/* A wrong protocol and a wrong port are one difference: people read "https:443" as one thing. */
static unsigned int rank(const struct comparison *comparison)
{
	bool service = comparison->protocol_matches && comparison->port_matches;
	unsigned int differences =
		(comparison->target < TARGET_ANY) + !comparison->source_matches + !service;

	if (comparison->target == TARGET_UNRELATED ||
	    (comparison->target == TARGET_ANY && !service))
		return RANK_TOO_FAR;
	if (comparison->target == TARGET_OUTSIDE) /* near only when nothing else differs */
		return differences == 1 ? 2 : RANK_TOO_FAR;
	return differences < 2 ? differences : differences + 1;
}

struct comparison policy_compare(const struct policy_rule *entry, const struct policy_facts *facts)
{
	struct comparison comparison = {.entry = entry};

	if (entry->kind == RULE_NETWORK)
		compare_destination(&comparison, facts);
	else
		compare_patterns(&comparison, facts);
	comparison.source_matches = rule_has_source(entry->rule, &facts->source);
	compare_protocol(&comparison, facts);
	comparison.rank = rank(&comparison);
	return comparison;
}

/* Of two rules with as many differences the one with the nearer target; else as they are judged. */
static bool is_nearer(const struct comparison *a, const struct comparison *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->target > b->target;
}

size_t policy_find_nearest(const struct policy *policy, const struct policy_facts *facts,
			   struct comparison *nearest, size_t capacity)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *entry = &policy->rules[i];
		struct comparison comparison;
		size_t at;

		if (entry->action != RULE_ALLOW)
			continue;
		comparison = policy_compare(entry, facts);
		if (comparison.rank == RANK_TOO_FAR ||
		    (count == capacity && !is_nearer(&comparison, &nearest[count - 1])))
			continue;
		if (count < capacity)
			count++;
		for (at = count - 1; at > 0 && is_nearer(&comparison, &nearest[at - 1]); at--)
			nearest[at] = nearest[at - 1];
		nearest[at] = comparison;
	}
	return count;
}
