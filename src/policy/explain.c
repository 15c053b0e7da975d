/*
 * The verdict in words. First the verdict with the rule that decides or the reason, then what was
 * asked, then for a deny the allow rules that come nearest and, for each, what differs. Lines are
 * stable: golden files in the tests hold them.
 */
#include <string.h>

#include "base/text.h"
#include "policy/explain_impl.h"

#define NEAREST_MAX     5
#define LABEL_WIDTH_MAX 40

static const char *const s_flow_names[] = {
	[FLOW_TCP] = "tcp",   [FLOW_UDP] = "udp",     [FLOW_ICMP] = "icmp",
	[FLOW_HTTP] = "http", [FLOW_HTTPS] = "https", [FLOW_QUIC] = "quic",
};

static void add_flow(struct text *out, enum flow_protocol protocol, uint16_t port)
{
	text_add(out, s_flow_names[protocol]);
	if (protocol != FLOW_ICMP)
		text_addf(out, ":%u", port);
}

/* What of a network rule the flow meets: an FQDN, a prefix or "*". */
static void add_met_destination(struct text *out, const struct comparison *comparison,
				const struct policy_facts *facts)
{
	const struct rule *rule = comparison->entry->rule;
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (comparison->fqdn) {
		text_add(out, comparison->fqdn->text);
		return;
	}
	for (size_t i = 0; i < rule->destination_count; i++)
		if (ip_prefix_contains(&rule->destinations[i], &facts->destination)) {
			text_add(out, ip_prefix_format(&rule->destinations[i], prefix));
			return;
		}
	text_add(out, "*");
}

/* "rule team/github (application, priority 200)" */
static void add_rule(struct text *out, const struct policy_rule *entry)
{
	text_addf(out, "rule %s (%s, priority %u)", entry->label,
		  entry->kind == RULE_NETWORK ? "network" : "application",
		  entry->collection->priority);
}

/* ": https:443 *.github.com", and lines with the rule's purpose and origin. */
static void add_met(struct text *out, const struct policy_rule *entry,
		    const struct policy_facts *facts)
{
	struct comparison comparison = policy_compare(entry, facts);
	const struct rule *rule = entry->rule;
	char pattern[PATTERN_TEXT_SIZE];

	text_add(out, ": ");
	if (entry->kind == RULE_NETWORK) {
		bool is_application = facts->protocol == FLOW_HTTP || facts->protocol == FLOW_HTTPS;

		add_flow(out,
			 is_application                 ? FLOW_TCP
			 : facts->protocol == FLOW_QUIC ? FLOW_UDP
							: facts->protocol,
			 facts->port);
		text_add(out, " ");
		add_met_destination(out, &comparison, facts);
	} else {
		add_flow(out, facts->protocol, facts->port);
		text_addf(out, " %s", pattern_format(&comparison.pattern, pattern));
	}
	text_add(out, "\n");
	if (rule->purpose) {
		text_add(out, "  purpose  ");
		text_add_printable(out, rule->purpose);
		text_add(out, "\n");
	}
	if (rule->origin)
		text_addf(out, "  origin   %s\n", rule->origin);
}

static void add_asked(struct text *out, const struct policy_facts *facts)
{
	char address[IP_TEXT_SIZE];

	text_add(out, "  asked    ");
	add_flow(out, facts->protocol, facts->port);
	if (facts->name)
		text_addf(out, " to %s", facts->name->text);
	if (facts->destination.family)
		text_addf(out, facts->name ? " (%s)" : " to %s",
			  ip_format(&facts->destination, address));
	if (facts->source.family)
		text_addf(out, " from %s", ip_format(&facts->source, address));
	if (facts->name_left_out)
		text_add(out, ", without a server name");
	if (facts->has_encrypted_hello)
		text_add(out, ", with an encrypted hello");
	text_add(out, "\n");
	if (!facts->destination.family)
		return; /* the names stand for whatever address they have */
	for (size_t i = 0; i < facts->pinned_name_count; i++)
		text_addf(out, "%s%s", i ? ", " : "  learned  ", facts->pinned_names[i].text);
	if (facts->pinned_name_count)
		text_addf(out, facts->pinned_name_count == 1 ? " has this address\n"
							     : " have this address\n");
}

/* The rule would allow it, the guard on addresses has the last word. */
static void add_guard(struct text *out, const struct verdict *verdict,
		      const struct policy_facts *facts)
{
	text_addf(out, "deny: %s (%s)\n", reason_sentence(verdict->reason),
		  reason_text(verdict->reason));
	add_asked(out, facts);
	text_addf(out, "  though   %s allows the name\n", verdict->rule->label);
}

/* What the rule would allow, by its switches, and what would have to be written. */
static const char *words_of_switch(const struct verdict *verdict, const struct policy_facts *facts)
{
	switch (verdict->reason) {
	case REASON_QUIC:
		return "allows the name over TCP; with quic: inspect also over QUIC";
	case REASON_NO_NAME:
		return "allows the name when the hello carries it; with no_sni: allow, and written "
		       "exactly, also without";
	default:
		return facts->name_left_out ? "takes an encrypted hello only with an outer name"
					    : "allows the name; with ech: outer also as the outer "
					      "name of an encrypted hello";
	}
}

/* The rule matches, but its switches deny it. */
static void add_switch(struct text *out, const struct verdict *verdict,
		       const struct policy_facts *facts)
{
	text_addf(out, "deny: %s (%s)\n", reason_sentence(verdict->reason),
		  reason_text(verdict->reason));
	add_asked(out, facts);
	text_addf(out, "  though   %s %s\n", verdict->rule->label, words_of_switch(verdict, facts));
}

/* Special addresses are denied before any rule, private ones behind the rule that allows the name.
 */
static bool is_guarded(const struct verdict *verdict)
{
	return verdict->reason == REASON_PRIVATE_ADDRESS && verdict->rule;
}

static bool is_switched_off(const struct verdict *verdict)
{
	return verdict->rule &&
	       (verdict->reason == REASON_QUIC || verdict->reason == REASON_NO_NAME ||
		verdict->reason == REASON_ENCRYPTED_HELLO);
}

static void add_nearest(struct text *out, const struct policy *policy,
			const struct policy_facts *facts, const struct policy_rule *decider)
{
	struct comparison nearest[NEAREST_MAX];
	size_t count = policy_find_nearest(policy, facts, nearest, NEAREST_MAX);
	size_t width = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(nearest[i].entry->label);

		if (length > width && length <= LABEL_WIDTH_MAX)
			width = length;
	}
	for (size_t i = 0; i < count; i++) {
		text_addf(out, "  %-7s  %-*s  ", i ? "" : "nearest", (int)width,
			  nearest[i].entry->label);
		policy_explain_differences(out, &nearest[i], facts, decider);
		text_add(out, "\n");
	}
	if (!count)
		text_add(out, "  nearest  no rule comes near\n");
}

void policy_explain(const struct policy *policy, const struct policy_facts *facts, struct text *out)
{
	struct verdict verdict = policy_judge_and_guard(policy, facts);

	if (is_guarded(&verdict)) {
		add_guard(out, &verdict, facts);
		return;
	}
	if (is_switched_off(&verdict)) {
		add_switch(out, &verdict, facts);
		return;
	}
	text_add(out, verdict.action == RULE_ALLOW ? "allow: " : "deny: ");
	if (verdict.rule) {
		add_rule(out, verdict.rule);
		add_met(out, verdict.rule, facts);
	} else {
		text_addf(out, "%s (%s)\n", reason_sentence(verdict.reason),
			  reason_text(verdict.reason));
	}
	add_asked(out, facts);
	if (verdict.action == RULE_DENY && verdict.reason != REASON_SOURCE_NOT_PROTECTED &&
	    verdict.reason != REASON_SPECIAL_ADDRESS) /* which come before any rule */
		add_nearest(out, policy, facts, verdict.rule);
}
