/*
 * Calico's GlobalNetworkPolicy: ordered allow and deny rules by source, address, protocol and port
 * for the pods of a cluster; names in its editions Enterprise and Cloud.
 *
 * Names stand in a GlobalNetworkSet of their own that the rule selects by a label, not in the rule
 * (destination.domains). An edition without names drops fields that it does not know: a rule that
 * loses its domains allows every destination, a set that loses them allows none.
 *
 * A star in a name stands for one or more whole labels, which is what "*.x" means here; it may not
 * stand inside a label ("md-*.x" would reach further than ours), nor alone. Names are allowed only,
 * by the addresses that DNS answered for them.
 */
#include "base/cleanup.h"
#include "export/kubernetes_impl.h"
#include "export/targets_impl.h"

#define LABEL_KEY  "sallyport-rule"
#define LABEL_MOST 63

/* ----------------------------------------------------------------------- sets of names */

static void add_set(struct text *sets, const struct export_rule *rule, const struct text *names)
{
	text_add(sets, "# ");
	part_add_title(sets, rule);
	text_add(sets, "\napiVersion: projectcalico.org/v3\n"
		       "kind: GlobalNetworkSet\n"
		       "metadata:\n"
		       "  name: ");
	part_add_rule_name(sets, rule, LABEL_MOST);
	text_add(sets, "\n  labels: {" LABEL_KEY ": ");
	part_add_rule_name(sets, rule, LABEL_MOST);
	text_addf(sets, "}\nspec:\n  allowedEgressDomains:\n%s---\n", text_string(names));
}

static void list_names(struct export_job *job, const struct export_rule *rule, struct text *names)
{
	char text[PATTERN_TEXT_SIZE];
	struct pattern pattern;
	size_t at = 0;

	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		if (part_is_first_fqdn(rule->rule, i))
			text_addf(names, "  - '%s'\n", rule->rule->fqdns[i].text);
	while (pattern_list_next(&rule->rule->patterns, &at, &pattern)) {
		if (pattern.kind == PATTERN_LABEL || pattern.kind == PATTERN_ANY)
			export_leave_out(job, rule,
					 "left out: a star inside a label or alone would reach "
					 "further than the rule");
		else if (part_is_first_pattern(rule->rule, &pattern, at))
			text_addf(names, "  - '%s'\n", pattern_format(&pattern, text));
	}
}

/* ----------------------------------------------------------------------- rules */

/* One rule for a protocol: what goes before `destination`. False: no source matches. */
static bool add_start(struct export_job *job, const struct export_rule *rule, const char *protocol)
{
	cleanup(part_prefixes_done) struct part_prefixes sources = {0};
	const struct rule *own = rule->rule;
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (!part_list_prefixes(job, own->sources, own->source_count, false, &sources) ||
	    (!own->any_source && !sources.count))
		return false;
	text_addf(job->out, "  - action: %s\n",
		  rule->collection->action == RULE_ALLOW ? "Allow" : "Deny");
	if (protocol)
		text_addf(job->out, "    protocol: %s\n", protocol);
	if (!own->any_source) {
		text_add(job->out, "    source:\n      nets:\n");
		for (size_t i = 0; i < sources.count; i++)
			text_addf(job->out, "      - '%s'\n",
				  ip_prefix_format(&sources.items[i], prefix));
	}
	text_add(job->out, "    destination:\n");
	return true;
}

static void add_ranges(struct text *out, const struct rule *rule)
{
	if (rule->any_port)
		return;
	text_add(out, "      ports:\n");
	for (size_t i = 0; i < rule->port_count; i++) {
		if (rule->ports[i].first == rule->ports[i].last)
			text_addf(out, "      - %u\n", rule->ports[i].first);
		else
			text_addf(out, "      - '%u:%u'\n", rule->ports[i].first,
				  rule->ports[i].last);
	}
}

static void add_application_ports(struct text *out, const struct rule *rule)
{
	text_add(out, "      ports:\n");
	for (size_t i = 0; i < rule->protocol_count; i++)
		text_addf(out, "      - %u\n", rule->protocols[i].port);
}

/* One rule for one protocol (NULL: all) and one kind of destination. */
static void add_for_protocol(struct export_job *job, const struct export_rule *rule,
			     const char *protocol, bool ports, const char *destination)
{
	if (!add_start(job, rule, protocol))
		return;
	text_add(job->out, destination);
	if (rule->collection->kind == RULE_APPLICATION)
		add_application_ports(job->out, rule->rule);
	else if (ports)
		add_ranges(job->out, rule->rule);
}

static void add_for_destination(struct export_job *job, const struct export_rule *rule,
				const char *destination, bool v4, bool v6)
{
	const struct rule *own = rule->rule;

	kubernetes_add_comment(job->out, "  ", rule);
	if (rule->collection->kind == RULE_APPLICATION) {
		add_for_protocol(job, rule, "TCP", true, destination);
		return;
	}
	if (part_is_all_traffic(own)) {
		add_for_protocol(job, rule, NULL, false, destination);
		return;
	}
	for (size_t t = 0; t < KUBERNETES_TRANSPORTS; t++)
		if (own->transports & kubernetes_transports[t].bit && part_range_count(own) > 0)
			add_for_protocol(job, rule, kubernetes_transports[t].word, true,
					 destination);
	if (own->transports & TRANSPORT_ICMP && own->any_port && v4)
		add_for_protocol(job, rule, "ICMP", false, destination);
	if (own->transports & TRANSPORT_ICMP && own->any_port && v6)
		add_for_protocol(job, rule, "ICMPv6", false, destination);
}

static void add_addresses(struct export_job *job, const struct export_rule *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	cleanup(text_free) struct text destination = TEXT_EMPTY;
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (!part_list_destinations(job, rule->rule, &list) || !list.count)
		return;
	text_add(&destination, "      nets:\n");
	for (size_t i = 0; i < list.count; i++)
		text_addf(&destination, "      - '%s'\n", ip_prefix_format(&list.items[i], prefix));
	add_for_destination(job, rule, text_string(&destination), list.v4_count > 0,
			    list.v4_count < list.count);
	job->out->failed |= text_failed(&destination);
}

static void add_names(struct export_job *job, const struct export_rule *rule, struct text *sets)
{
	cleanup(text_free) struct text names = TEXT_EMPTY, destination = TEXT_EMPTY;

	if (rule->collection->action == RULE_DENY) {
		if (rule->rule->fqdn_count || rule->rule->patterns.count)
			export_leave_out(job, rule, "it cannot deny names");
		return;
	}
	list_names(job, rule, &names);
	sets->failed |= text_failed(&names);
	if (!names.length)
		return;
	add_set(sets, rule, &names);
	/* global(): no pod becomes a destination by a label that it gave itself. */
	text_add(&destination, "      namespaceSelector: global()\n"
			       "      selector: " LABEL_KEY " == '");
	part_add_rule_name(&destination, rule, LABEL_MOST);
	text_add(&destination, "'\n");
	add_for_destination(job, rule, text_string(&destination), true, true);
	job->out->failed |= text_failed(&destination);
}

/* ----------------------------------------------------------------------- the policy */

#define DNS_DESTINATION                                                                            \
	"    destination:\n"                                                                       \
	"      namespaceSelector: projectcalico.org/name == 'kube-system'\n"                       \
	"      selector: k8s-app == 'kube-dns'\n"                                                  \
	"      ports: [53]\n"

static const char s_policy[] =
	"apiVersion: projectcalico.org/v3\n"
	"kind: GlobalNetworkPolicy\n"
	"metadata:\n"
	"  name: default." KUBERNETES_POLICY_NAME "\n"
	"spec:\n"
	"  tier: default\n"
	"  order: 500\n"
	"  namespaceSelector: has(projectcalico.org/name) && projectcalico.org/name not in "
	"{'kube-system', 'calico-system', 'calico-apiserver', 'tigera-operator'}\n"
	"  types: [Egress]\n"
	"  egress:\n"
	"  # names are resolved by the cluster's own DNS\n"
	"  - action: Allow\n"
	"    protocol: UDP\n" DNS_DESTINATION "  - action: Allow\n"
	"    protocol: TCP\n" DNS_DESTINATION;

static void add_notes(struct export_job *job)
{
	export_note(
		job,
		"pods may ask the cluster's DNS for any name, which carries data out slowly: these "
		"policies cannot say which");
	export_note(job, "names need Calico Enterprise or Calico Cloud; open-source Calico ignores "
			 "allowedEgressDomains, and the rules with names then match nothing");
	export_note(job, "it selects the pods of every namespace but those of the system; change "
			 "namespaceSelector for others");
	kubernetes_note_scope(job, "- {action: Allow, destination: {selector: all()}}");
	export_note(job, "a name is matched by the addresses that DNS answered for it, not by SNI "
			 "or Host: another name at the same address and port passes too");
	export_note(job, "its denials come before the policies of an order above 500, those of "
			 "Kubernetes (1000) among them");
}

static void write_calico(struct export_job *job)
{
	cleanup(text_free) struct text sets = TEXT_EMPTY, rules = TEXT_EMPTY;
	struct text *out = job->out;

	add_notes(job);
	job->out = &rules;
	for (size_t i = 0; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (rule->collection->kind == RULE_NETWORK)
			add_addresses(job, rule);
		add_names(job, rule, &sets);
	}
	job->out = out;
	text_add(out, text_string(&sets));
	text_add(out, s_policy);
	text_add(out, text_string(&rules));
	out->failed |= text_failed(&sets) || text_failed(&rules);
}

const struct export_writer export_calico = {
	.file = "calico.yaml", .reads_no_hello = true, .comment = "# ", .write = write_calico};
