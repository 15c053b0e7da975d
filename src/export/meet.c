/*
 * Could one flow match both of two rules? For a denial that a product cannot hold: it may be left
 * out where no allow rule behind it could let out what it denies.
 *
 * "Yes" unless it is certain that not: a name may have any address, and products that know names by
 * their addresses do not tell TLS from HTTP, so only names, addresses, ports and sources are looked
 * at, and only where both rules have them.
 */
#include "export/meet_impl.h"

#include <string.h>

/* ----------------------------------------------------------------------- addresses */

static bool prefixes_meet(const struct ip_prefix *a, size_t a_count, const struct ip_prefix *b,
			  size_t b_count)
{
	for (size_t i = 0; i < a_count; i++)
		for (size_t k = 0; k < b_count; k++) {
			const struct ip_prefix *wide = a[i].length <= b[k].length ? &a[i] : &b[k];
			const struct ip_prefix *narrow = wide == &a[i] ? &b[k] : &a[i];

			if (ip_prefix_contains(wide, &narrow->address))
				return true;
		}
	return false;
}

static bool sources_meet(const struct rule *a, const struct rule *b)
{
	return a->any_source || b->any_source ||
	       prefixes_meet(a->sources, a->source_count, b->sources, b->source_count);
}

static bool destinations_meet(const struct rule *a, const struct rule *b)
{
	return a->any_destination || b->any_destination || a->fqdn_count || b->fqdn_count ||
	       prefixes_meet(a->destinations, a->destination_count, b->destinations,
			     b->destination_count);
}

/* ----------------------------------------------------------------------- names */

/* Is `name` the suffix itself, or below it? */
static bool is_at_or_below(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length >= tail && !strcmp(name + length - tail, suffix) &&
	       (length == tail || name[length - tail - 1] == '.');
}

/* Two patterns with a star in front of, or in, one label. */
static bool stars_meet(const struct pattern *a, const struct pattern *b)
{
	if (a->kind == PATTERN_LABEL && b->kind == PATTERN_LABEL)
		return name_equal(&a->name, &b->name);
	if (b->kind == PATTERN_LABEL)
		return is_at_or_below(b->name.text, a->name.text);
	if (a->kind == PATTERN_LABEL)
		return is_at_or_below(a->name.text, b->name.text);
	return is_at_or_below(a->name.text, b->name.text) ||
	       is_at_or_below(b->name.text, a->name.text);
}

bool patterns_meet(const struct pattern *a, const struct pattern *b)
{
	if (a->kind == PATTERN_ANY || b->kind == PATTERN_ANY)
		return true;
	if (a->kind == PATTERN_EXACT)
		return pattern_matches(b, &a->name);
	if (b->kind == PATTERN_EXACT)
		return pattern_matches(a, &b->name);
	return stars_meet(a, b);
}

static bool names_meet(const struct rule *a, const struct rule *b)
{
	struct pattern one, other;

	for (size_t i = 0; pattern_list_next(&a->patterns, &i, &one);)
		for (size_t k = 0; pattern_list_next(&b->patterns, &k, &other);)
			if (patterns_meet(&one, &other))
				return true;
	return false;
}

/* ----------------------------------------------------------------------- ports */

static bool has_port(const struct export_rule *one, uint16_t port)
{
	const struct rule *rule = one->rule;

	if (one->collection->kind == RULE_APPLICATION) {
		for (size_t i = 0; i < rule->protocol_count; i++)
			if (rule->protocols[i].port == port)
				return true;
		return false;
	}
	for (size_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].first <= port && port <= rule->ports[i].last)
			return true;
	return rule->any_port;
}

static bool is_of_tcp(const struct export_rule *one)
{
	return one->collection->kind == RULE_APPLICATION || one->rule->transports & TRANSPORT_TCP;
}

/* Ranges meet where the first port of one is in the other. */
static bool ranges_meet(const struct export_rule *a, const struct export_rule *b)
{
	for (size_t i = 0; i < a->rule->port_count; i++)
		if (has_port(b, a->rule->ports[i].first))
			return true;
	for (size_t i = 0; i < b->rule->port_count; i++)
		if (has_port(a, b->rule->ports[i].first))
			return true;
	return false;
}

static bool services_meet(const struct export_rule *a, const struct export_rule *b)
{
	const struct export_rule *application = a->collection->kind == RULE_APPLICATION ? a : b;
	const struct export_rule *other = application == a ? b : a;

	if (application->collection->kind == RULE_APPLICATION) {
		for (size_t i = 0; i < application->rule->protocol_count; i++)
			if (is_of_tcp(other) &&
			    has_port(other, application->rule->protocols[i].port))
				return true;
		return false;
	}
	return a->rule->transports & b->rule->transports &&
	       (a->rule->any_port || b->rule->any_port || ranges_meet(a, b));
}

/* ----------------------------------------------------------------------- rules */

bool rules_meet(const struct export_rule *a, const struct export_rule *b)
{
	enum rule_kind first = a->collection->kind, second = b->collection->kind;

	if (!sources_meet(a->rule, b->rule) || !services_meet(a, b))
		return false;
	if (first != second)
		return true;
	return first == RULE_APPLICATION ? names_meet(a->rule, b->rule)
					 : destinations_meet(a->rule, b->rule);
}
