/*
 * Cilium's CiliumClusterwideNetworkPolicy: names, addresses, SNI and Host for the pods of a
 * cluster.
 *
 *   network rule, addresses     toCIDR + ports (or ICMP echo)
 *   network rule, names         toFQDNs + ports: the addresses that DNS answered for the name
 *   application rule, https     toFQDNs + port + serverNames: both the address and the SNI must fit
 *   application rule, http      toFQDNs + port + http host: the same with every request's Host
 *   deny rule, addresses        egressDeny, which beats every allow rule whatever the order
 *   deny rule, names            cannot be said
 *
 * A pod learns a name's addresses from DNS only, so the policy also lets it ask the cluster's DNS
 * for the names of the rules, and for no others.
 *
 * "**." at the front of a pattern is any depth (toFQDNs since 1.19, serverNames since 1.18); older
 * versions read it as one label, or as no name at all: stricter, never wider.
 */
#include <string.h>

#include "base/cleanup.h"
#include "export/kubernetes_impl.h"
#include "export/meet_impl.h"
#include "export/targets_impl.h"

/* The schema's limit to one list of ports. */
#define PORTS_MOST 40

/* ----------------------------------------------------------------------- names */

static void add_pattern(struct text *out, const struct pattern *pattern)
{
	char text[PATTERN_TEXT_SIZE];

	pattern_format(pattern, text);
	text_add(out, pattern->kind == PATTERN_EXACT ? "matchName: " : "matchPattern: ");
	text_addf(out, "'%s%s'\n", pattern->kind == PATTERN_BELOW ? "*" : "", text);
}

/* serverNames have no star inside a label, nor alone. A suffix that leaves no room for a label
   matches no name, and is longer than the schema allows. */
static bool is_taken(const struct pattern *pattern, enum application_protocol protocol)
{
	if (pattern->kind == PATTERN_BELOW)
		return pattern->name.length + 2 <= NAME_MAX_LENGTH;
	return protocol == APPLICATION_HTTP || pattern->kind == PATTERN_EXACT;
}

static size_t count_taken(const struct rule *rule, enum application_protocol protocol)
{
	struct pattern pattern;
	size_t at = 0, count = 0;

	while (pattern_list_next(&rule->patterns, &at, &pattern))
		count += is_taken(&pattern, protocol);
	return count;
}

/* Writes `indent` and then a name's own text by `add` for every pattern that the protocol takes. */
static void add_each(struct text *out, const struct rule *rule, enum application_protocol protocol,
		     const char *indent, void (*add)(struct text *, const struct pattern *))
{
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->patterns, &at, &pattern)) {
		if (!is_taken(&pattern, protocol) || !part_is_first_pattern(rule, &pattern, at))
			continue;
		text_add(out, indent);
		add(out, &pattern);
	}
}

static void add_server_name(struct text *out, const struct pattern *pattern)
{
	char text[PATTERN_TEXT_SIZE];

	text_addf(out, "'%s%s'\n", pattern->kind == PATTERN_BELOW ? "*" : "",
		  pattern_format(pattern, text));
}

/* Host may repeat the port. */
static void add_host(struct text *out, const struct pattern *pattern)
{
	text_add(out, "host: '");
	part_add_expression(out, pattern);
	text_add(out, "(:[0-9]+)?'\n");
}

/* ----------------------------------------------------------------------- application rules */

static void add_protocol(struct export_job *job, const struct export_rule *rule,
			 const struct application_port *port)
{
	bool http = port->protocol == APPLICATION_HTTP;
	struct text *out = job->out;

	if (!http && count_taken(rule->rule, port->protocol) < rule->rule->patterns.count)
		export_leave_out(job, rule,
				 "left out for https: serverNames cannot say a star inside a label "
				 "or alone");
	if (!count_taken(rule->rule, port->protocol))
		return;
	kubernetes_add_comment(out, "  ", rule);
	text_add(out, "  - toFQDNs:\n");
	add_each(out, rule->rule, port->protocol, "    - ", add_pattern);
	text_addf(out,
		  "    toPorts:\n"
		  "    - ports:\n"
		  "      - {port: '%u', protocol: TCP}\n"
		  "      %s",
		  port->port, http ? "rules:\n        http:\n" : "serverNames:\n");
	if (http)
		add_each(out, rule->rule, port->protocol, "        - ", add_host);
	else
		add_each(out, rule->rule, port->protocol, "      - ", add_server_name);
}

static void add_application_rule(struct export_job *job, const struct export_rule *rule)
{
	if (!kubernetes_takes_rule(job, rule))
		return;
	for (size_t i = 0; i < rule->rule->protocol_count; i++)
		add_protocol(job, rule, &rule->rule->protocols[i]);
}

/* ----------------------------------------------------------------------- network rules */

static void add_range(struct text *out, const char *transport, struct port_range range)
{
	text_addf(out, "      - {port: '%u', ", range.first);
	if (range.last != range.first)
		text_addf(out, "endPort: %u, ", range.last);
	text_addf(out, "protocol: %s}\n", transport);
}

static void add_ports(struct text *out, const struct rule *rule)
{
	size_t written = 0;

	if (part_is_all_traffic(rule))
		return;
	text_add(out, "    toPorts:\n");
	for (size_t t = 0; t < KUBERNETES_TRANSPORTS; t++)
		for (size_t i = 0;
		     rule->transports & kubernetes_transports[t].bit && i < part_range_count(rule);
		     i++) {
			if (written++ % PORTS_MOST == 0)
				text_add(out, "    - ports:\n");
			add_range(out, kubernetes_transports[t].word, part_range_at(rule, i));
		}
}

/* Whether something is left that toPorts can say. */
static bool has_ports(const struct rule *rule)
{
	return part_is_all_traffic(rule) ||
	       (rule->transports & (TRANSPORT_TCP | TRANSPORT_UDP) && part_range_count(rule) > 0);
}

static bool has_echo(const struct rule *rule)
{
	return rule->transports & TRANSPORT_ICMP && rule->any_port && !part_is_all_traffic(rule);
}

static void add_cidrs(struct text *out, const struct part_prefixes *list)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	text_add(out, "  - toCIDR:\n");
	for (size_t i = 0; i < list->count; i++)
		text_addf(out, "    - '%s'\n", ip_prefix_format(&list->items[i], prefix));
}

static void add_addresses(struct export_job *job, const struct export_rule *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};

	if (!part_list_destinations(job, rule->rule, &list) || !list.count)
		return;
	if (has_ports(rule->rule)) {
		kubernetes_add_comment(job->out, "  ", rule);
		add_cidrs(job->out, &list);
		add_ports(job->out, rule->rule);
	}
	if (has_echo(rule->rule)) {
		kubernetes_add_comment(job->out, "  ", rule);
		add_cidrs(job->out, &list);
		text_add(job->out, "    icmps:\n"
				   "    - fields:\n"
				   "      - {family: IPv4, type: 8}\n"
				   "      - {family: IPv6, type: 128}\n");
	}
}

static void add_names(struct export_job *job, const struct export_rule *rule)
{
	if (!rule->rule->fqdn_count || !has_ports(rule->rule))
		return;
	kubernetes_add_comment(job->out, "  ", rule);
	text_add(job->out, "  - toFQDNs:\n");
	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		if (part_is_first_fqdn(rule->rule, i))
			text_addf(job->out, "    - matchName: '%s'\n", rule->rule->fqdns[i].text);
	add_ports(job->out, rule->rule);
}

static void add_network_rule(struct export_job *job, const struct export_rule *rule)
{
	if (!kubernetes_takes_rule(job, rule))
		return;
	if (has_echo(rule->rule))
		export_loss(job, rule, "of ICMP only echo requests (it lists types one by one)");
	add_addresses(job, rule);
	add_names(job, rule);
}

/* ----------------------------------------------------------------------- deny rules */

/* Would it beat an allow rule that stands before it? */
static bool beats_earlier_rule(const struct export_job *job, const struct export_rule *rule)
{
	for (const struct export_rule *one = job->rules; one < rule; one++)
		if (one->collection->action == RULE_ALLOW && rules_meet(one, rule))
			return true;
	return false;
}

static bool is_held_exactly(const struct export_rule *rule)
{
	return rule->collection->kind == RULE_NETWORK && !rule->rule->fqdn_count &&
	       rule->rule->any_source && !has_echo(rule->rule);
}

/* Denies more than the rule where it must, never less. */
static void add_deny(struct export_job *job, const struct export_rule *rule)
{
	bool beats = beats_earlier_rule(job, rule);

	if (!export_denial_matters(job, rule) && (beats || !is_held_exactly(rule))) {
		export_leave_out(job, rule, "left out: it repeats the default");
		return;
	}
	if (rule->collection->kind == RULE_APPLICATION || rule->rule->fqdn_count)
		export_leave_out(job, rule, "it cannot deny names");
	else if (has_echo(rule->rule))
		export_leave_out(job, rule, "it cannot deny all of ICMP");
	if (!rule->rule->any_source)
		export_loss(job, rule, "denied for every source");
	if (beats)
		export_loss(job, rule, "denied also where an allow rule before it would win");
	if (rule->collection->kind == RULE_NETWORK)
		add_addresses(job, rule);
}

static void add_deny_rules(struct export_job *job)
{
	cleanup(text_free) struct text body = TEXT_EMPTY;
	struct text *out = job->out;

	job->out = &body;
	for (size_t i = 0; i < job->rule_count; i++)
		if (job->rules[i].collection->action == RULE_DENY)
			add_deny(job, &job->rules[i]);
	job->out = out;
	out->failed |= text_failed(&body);
	if (body.length)
		text_addf(out, "  egressDeny:\n%s", text_string(&body));
}

/* ----------------------------------------------------------------------- the policy */

static bool is_allowed_name(const struct export_rule *rule)
{
	return rule->collection->action == RULE_ALLOW && rule->rule->any_source;
}

/* What is asked for in several rules stands once. */
static void add_question(struct text *out, const struct pattern *pattern)
{
	cleanup(text_free) struct text line = TEXT_EMPTY;

	text_add(&line, "        - ");
	add_pattern(&line, pattern);
	out->failed |= text_failed(&line);
	if (!strstr(text_string(out), text_string(&line)))
		text_add(out, text_string(&line));
}

static void add_questions(struct text *out, const struct export_rule *rule)
{
	bool http = export_ports_of(rule->rule, APPLICATION_HTTP, NULL, 0) > 0;

	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		add_question(out, &(struct pattern){.kind = PATTERN_EXACT,
						    .name = rule->rule->fqdns[i]});
	if (http || rule->rule->protocol_count)
		add_each(out, rule->rule, http ? APPLICATION_HTTP : APPLICATION_HTTPS, "",
			 add_question);
}

/* An empty rule matches nothing, and makes the default a denial. */
static void add_dns(struct export_job *job)
{
	cleanup(text_free) struct text names = TEXT_EMPTY;

	for (size_t i = 0; i < job->rule_count; i++)
		if (is_allowed_name(&job->rules[i]))
			add_questions(&names, &job->rules[i]);
	job->out->failed |= text_failed(&names);
	if (!names.length) {
		text_add(job->out, "  - {}\n");
		return;
	}
	text_addf(job->out,
		  "  # names are resolved by the cluster's own DNS: those of the rules, no others\n"
		  "  - toEndpoints:\n"
		  "    - matchLabels:\n"
		  "        k8s:io.kubernetes.pod.namespace: kube-system\n"
		  "        k8s:k8s-app: kube-dns\n"
		  "    toPorts:\n"
		  "    - ports:\n"
		  "      - {port: '53', protocol: UDP}\n"
		  "      - {port: '53', protocol: TCP}\n"
		  "      rules:\n"
		  "        dns:\n%s",
		  text_string(&names));
}

static void add_notes(struct export_job *job)
{
	export_note(job, "it selects the pods of every namespace but kube-system; change "
			 "endpointSelector for others");
	kubernetes_note_scope(job, "- toEntities: [cluster]");
	export_note(job, "serverNames and http rules need Cilium's Envoy proxy; '**.' is any depth "
			 "in toFQDNs since Cilium 1.19 and in serverNames since 1.18: with older "
			 "versions such names are one label deep, or fail over TLS");
	export_note(job, "DNS answers pods for the names of the rules only; images based on musl "
			 "need tofqdns-dns-reject-response-code: nameError");
	export_note(job, "it does not look at the addresses that DNS answers for a name: private "
			 "and link-local ones open too");
}

static void write_cilium(struct export_job *job)
{
	add_notes(job);
	text_add(job->out, "apiVersion: cilium.io/v2\n"
			   "kind: CiliumClusterwideNetworkPolicy\n"
			   "metadata:\n"
			   "  name: " KUBERNETES_POLICY_NAME "\n"
			   "spec:\n"
			   "  endpointSelector:\n"
			   "    matchExpressions:\n"
			   "    - key: k8s:io.kubernetes.pod.namespace\n"
			   "      operator: NotIn\n"
			   "      values: [kube-system]\n"
			   "  egress:\n");
	add_dns(job);
	for (size_t i = 0; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (rule->collection->action == RULE_DENY)
			continue;
		if (i < job->network_count)
			add_network_rule(job, rule);
		else
			add_application_rule(job, rule);
	}
	add_deny_rules(job);
}

const struct export_writer export_cilium = {
	.file = "cilium.yaml", .comment = "# ", .write = write_cilium};
