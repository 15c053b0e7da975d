/*
 * GKE's FQDNNetworkPolicy (networking.gke.io/v1alpha1), and the rules by address as a NetworkPolicy
 * beside it: GKE adds the two up. Both only allow, for the pods of one namespace.
 *
 * In its patterns '*' stands for characters of one label; alone it is every name. A name is matched
 * by the addresses that the cluster's DNS answered for it, never by SNI or Host.
 */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/kubernetes_impl.h"
#include "export/targets_impl.h"

/* It has single ports only: a range becomes each of its ports, up to so many. */
#define RANGE_MOST 16

/* Its schema wants every label to start and end with a letter, a digit or a star. */
static bool is_taken(const char *name)
{
	for (const char *at = name; *at; at++) {
		bool edge = at == name || at[-1] == '.' || !at[1] || at[1] == '.';

		if (edge && *at != '.' && *at != '*' && !isalnum((unsigned char)*at))
			return false;
	}
	return true;
}

static void add_match(struct export_job *job, const struct export_rule *rule, struct text *matches,
		      const char *name)
{
	if (!is_taken(name)) {
		export_leave_out(
			job, rule,
			"a name is left out: a label of it starts or ends with '-' or '_'");
		return;
	}
	text_addf(matches, "    - %s: ", strchr(name, '*') ? "pattern" : "name");
	kubernetes_add_quoted(matches, name);
	text_add(matches, "\n");
}

static void add_matches(struct export_job *job, const struct export_rule *rule,
			struct text *matches)
{
	char text[PATTERN_TEXT_SIZE];
	struct pattern pattern;
	size_t at = 0;

	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		if (part_is_first_fqdn(rule->rule, i))
			add_match(job, rule, matches, rule->rule->fqdns[i].text);
	while (pattern_list_next(&rule->rule->patterns, &at, &pattern)) {
		if (!part_is_first_pattern(rule->rule, &pattern, at))
			continue;
		if (pattern.kind == PATTERN_BELOW)
			export_loss(job, rule, "'*.' stands for one label, not for any depth");
		add_match(job, rule, matches, pattern_format(&pattern, text));
	}
}

static void add_port(struct text *ports, const char *transport, unsigned int port)
{
	text_addf(ports, "    - {protocol: %s, port: %u}\n", transport, port);
}

static void add_range(struct export_job *job, const struct export_rule *rule, struct text *ports,
		      const char *transport, struct port_range range)
{
	if (range.first <= 1 && range.last == UINT16_MAX)
		text_addf(ports, "    - {protocol: %s}\n", transport);
	else if (range.last - range.first >= RANGE_MOST)
		export_leave_out(job, rule, "a range of ports is left out: it has single ports");
	else
		for (unsigned int port = range.first; port <= range.last; port++)
			add_port(ports, transport, port);
}

static void add_network_ports(struct export_job *job, const struct export_rule *rule,
			      struct text *ports)
{
	if (part_is_all_traffic(rule->rule)) {
		text_add(ports, "    - {protocol: ALL}\n");
		return;
	}
	for (size_t t = 0; t < KUBERNETES_TRANSPORTS; t++)
		for (size_t i = 0; rule->rule->transports & kubernetes_transports[t].bit &&
				   i < part_range_count(rule->rule);
		     i++)
			add_range(job, rule, ports, kubernetes_transports[t].word,
				  part_range_at(rule->rule, i));
}

static void add_rule(struct export_job *job, const struct export_rule *rule, struct text *body)
{
	cleanup(text_free) struct text matches = TEXT_EMPTY, ports = TEXT_EMPTY;

	add_matches(job, rule, &matches);
	for (size_t i = 0; i < rule->rule->protocol_count; i++)
		add_port(&ports, "TCP", rule->rule->protocols[i].port);
	if (rule->collection->kind == RULE_NETWORK)
		add_network_ports(job, rule, &ports);
	body->failed |= text_failed(&matches) || text_failed(&ports);
	/* Without ports it would allow them all. */
	if (!matches.length || !ports.length)
		return;
	kubernetes_add_comment(body, "  ", rule);
	text_addf(body, "  - matches:\n%s    ports:\n%s", text_string(&matches),
		  text_string(&ports));
}

static bool has_names(const struct export_rule *rule)
{
	return rule->collection->kind == RULE_APPLICATION || rule->rule->fqdn_count;
}

static void write_gke_fqdn(struct export_job *job)
{
	cleanup(text_free) struct text body = TEXT_EMPTY;

	export_note(
		job,
		"pods may ask the cluster's DNS for any name, which carries data out slowly: these "
		"policies cannot say which");
	export_note(job, "both policies are of one namespace: kubectl apply --namespace=... for "
			 "each that they should govern, and not for kube-system");
	kubernetes_note_scope(job, "- to: [{namespaceSelector: {}}] (in the policy of kind "
				   "NetworkPolicy)");
	export_note(job, "a name is matched by the addresses that DNS answered for it, not by SNI "
			 "or Host: another name at the same address and port passes too");
	export_note(job, "DNS is allowed to the pods of kube-dns; with Cloud DNS or a cache on the "
			 "node, allow that address instead");
	for (size_t i = 0; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		/* A network rule that it cannot hold is told of by the policy by address. */
		if (has_names(rule) &&
		    (i >= job->network_count
			     ? kubernetes_takes_rule(job, rule)
			     : rule->collection->action == RULE_ALLOW && rule->rule->any_source))
			add_rule(job, rule, &body);
	}
	if (body.length)
		text_addf(job->out,
			  "apiVersion: networking.gke.io/v1alpha1\n"
			  "kind: FQDNNetworkPolicy\n"
			  "metadata:\n"
			  "  name: " KUBERNETES_POLICY_NAME "\n"
			  "spec:\n"
			  "  podSelector: {}\n"
			  "  egress:\n%s"
			  "---\n",
			  text_string(&body));
	job->out->failed |= text_failed(&body);
	kubernetes_add_network_policy(job, true);
}

const struct export_writer export_gke_fqdn = {
	.file = "gke-fqdn.yaml", .reads_no_hello = true, .comment = "# ", .write = write_gke_fqdn};
