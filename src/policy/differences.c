/* In what a rule differs from a flow, in words: what explain.c says of the rules that come near. */
#include "base/text.h"
#include "policy/explain_impl.h"

#define LIST_MAX 4 /* prefixes, ports of one rule; "(N in all)" tells of more */

static const char *application_text(enum application_protocol protocol)
{
	return protocol == APPLICATION_HTTP ? "http" : "https";
}

static void add_list_end(struct text *out, size_t count)
{
	if (count > LIST_MAX)
		text_addf(out, ", … (%zu in all)", count);
}

static void add_prefixes(struct text *out, const struct ip_prefix *prefixes, size_t count)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < count && i < LIST_MAX; i++)
		text_addf(out, "%s%s", i ? ", " : "", ip_prefix_format(&prefixes[i], prefix));
	add_list_end(out, count);
}

/* "tcp/udp", "any protocol" */
static void add_transports(struct text *out, unsigned int transports)
{
	static const char *const names[] = {"tcp", "udp", "icmp"};
	const char *separator = "";

	if (transports == TRANSPORT_ANY) {
		text_add(out, "any protocol");
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if (!(transports & (1u << i)))
			continue;
		text_addf(out, "%s%s", separator, names[i]);
		separator = "/";
	}
	if (!transports)
		text_add(out, "no protocol");
}

/* "tcp:443, 9000-9010" */
static void add_network_service(struct text *out, const struct rule *rule)
{
	add_transports(out, rule->transports);
	if (rule->any_port) {
		text_add(out, ", any port");
		return;
	}
	for (size_t i = 0; i < rule->port_count && i < LIST_MAX; i++) {
		const struct port_range *range = &rule->ports[i];

		text_addf(out, "%s%u", i ? ", " : ":", range->first);
		if (range->last != range->first)
			text_addf(out, "-%u", range->last);
	}
	add_list_end(out, rule->port_count);
	if (!rule->port_count)
		text_add(out, ", no port");
}

/* "https:443, http:80" */
static void add_application_service(struct text *out, const struct rule *rule)
{
	for (size_t i = 0; i < rule->protocol_count && i < LIST_MAX; i++)
		text_addf(out, "%s%s:%u", i ? ", " : "",
			  application_text(rule->protocols[i].protocol), rule->protocols[i].port);
	add_list_end(out, rule->protocol_count);
	if (!rule->protocol_count)
		text_add(out, "no protocol");
}

static void add_target(struct text *out, const struct comparison *comparison,
		       const struct policy_facts *facts)
{
	const struct rule *rule = comparison->entry->rule;
	char written[PATTERN_TEXT_SIZE], address[IP_TEXT_SIZE];
	const char *pattern = comparison->has_pattern
				      ? pattern_format(&comparison->pattern, written)
			      : comparison->fqdn ? comparison->fqdn->text
						 : "";
	const char *name = facts->name ? facts->name->text : "";

	switch (comparison->target) {
	case TARGET_APEX:
		text_addf(out, "%s is the apex: %s covers only names below it", name, pattern);
		break;
	case TARGET_BELOW:
		text_addf(out, "%s is below %s, which the rule names alone", name, pattern);
		break;
	case TARGET_ONE_LABEL:
		text_addf(out, "the star in %s covers one label, not the dots of %s", pattern,
			  name);
		break;
	case TARGET_FIRST_LABEL:
		text_addf(out, "the first label of %s does not fit %s", name, pattern);
		break;
	case TARGET_NEVER_PINNED:
		text_addf(out, "%s was not answered for %s",
			  ip_format(&facts->destination, address), pattern);
		break;
	case TARGET_OUTSIDE:
		text_addf(out, "destination %s is outside ",
			  ip_format(&facts->destination, address));
		add_prefixes(out, rule->destinations, rule->destination_count);
		break;
	case TARGET_ANY:
	case TARGET_MATCHES:
	case TARGET_UNRELATED:
		break;
	}
}

static void add_service(struct text *out, const struct comparison *comparison)
{
	const char *what = comparison->protocol_matches ? "port" : "protocol";
	bool by_name = comparison->entry->kind == RULE_APPLICATION || comparison->fqdn;

	if (comparison->target == TARGET_MATCHES)
		text_addf(out, "matches the %s but not the %s: rule allows ",
			  by_name ? "name" : "destination", what);
	else
		text_addf(out, "not the %s either: rule allows ", what);
	if (comparison->entry->kind == RULE_NETWORK)
		add_network_service(out, comparison->entry->rule);
	else
		add_application_service(out, comparison->entry->rule);
}

static void add_source(struct text *out, const struct comparison *comparison,
		       const struct policy_facts *facts)
{
	const struct rule *rule = comparison->entry->rule;
	char address[IP_TEXT_SIZE];

	if (!rule->source_count) {
		text_add(out, "the rule has no source");
		return;
	}
	if (facts->source.family)
		text_addf(out, "source %s is outside ", ip_format(&facts->source, address));
	else
		text_add(out, "no source is given, the rule asks for ");
	add_prefixes(out, rule->sources, rule->source_count);
}

/* Everything matches, so `decider`, a deny rule, must stand before it. */
static void add_decided_before(struct text *out, const struct policy_rule *entry,
			       const struct policy_rule *decider)
{
	if (entry->kind != decider->kind)
		text_add(out, "would allow it, but network rules decide before application rules");
	else if (entry->collection->priority != decider->collection->priority)
		text_add(out, "would allow it, but a deny rule with better priority decides first");
	else
		text_add(out, "would allow it, but a deny rule of the same priority is written "
			      "before it");
}

void policy_explain_differences(struct text *out, const struct comparison *comparison,
				const struct policy_facts *facts, const struct policy_rule *decider)
{
	bool service = comparison->protocol_matches && comparison->port_matches;
	const char *separator = "";

	if (comparison->rank == 0) {
		add_decided_before(out, comparison->entry, decider);
		return;
	}
	if (comparison->target < TARGET_ANY) {
		add_target(out, comparison, facts);
		separator = "; ";
	}
	if (!service) {
		text_add(out, separator);
		add_service(out, comparison);
		separator = "; ";
	}
	if (!comparison->source_matches) {
		text_add(out, separator);
		add_source(out, comparison, facts);
	}
}
