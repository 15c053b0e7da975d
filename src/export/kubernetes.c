/*
 * Kubernetes' own NetworkPolicy: addresses and ports, allow only, for the pods of one namespace. It
 * has no names, no deny and no sources by address: rules with these are left out, or refuse the
 * export where leaving them out would let out more.
 *
 * What the policies of Kubernetes, Cilium, Calico and GKE share is here too.
 */
#include "export/kubernetes_impl.h"

#include "base/cleanup.h"
#include "export/targets_impl.h"

const struct kubernetes_transport kubernetes_transports[KUBERNETES_TRANSPORTS] = {
	{TRANSPORT_TCP, "TCP"},
	{TRANSPORT_UDP, "UDP"},
};

/* ----------------------------------------------------------------------- shared */

void kubernetes_add_quoted(struct text *out, const char *plain)
{
	text_addf(out, "'%s'", plain);
}

void kubernetes_add_comment(struct text *out, const char *indent, const struct export_rule *rule)
{
	text_addf(out, "%s# ", indent);
	part_add_title(out, rule);
	text_add(out, "\n");
}

bool kubernetes_takes_rule(struct export_job *job, const struct export_rule *rule)
{
	if (rule->collection->action == RULE_DENY)
		export_leave_out(job, rule, "it has no deny rules");
	else if (!rule->rule->any_source)
		export_leave_out(job, rule,
				 "left out: it tells pods apart by labels, not by source address");
	else
		return true;
	return false;
}

void kubernetes_note_scope(struct export_job *job, const char *inside)
{
	export_note(job,
		    "it governs pods only: what nodes and pods on the host's network send (image "
		    "pulls, packages, time) goes past it and needs a gateway or firewall");
	export_note(job,
		    "traffic inside the cluster is denied too unless other policies allow it; to "
		    "leave it as it is, add under egress: %s",
		    inside);
	if (job->request->set->protected_source_count)
		export_note(job, "who is protected (network.inside.sources) is not looked at: the "
				 "policy's own selector says that");
}

/* ----------------------------------------------------------------------- NetworkPolicy */

static const char s_head[] = "apiVersion: networking.k8s.io/v1\n"
			     "kind: NetworkPolicy\n"
			     "metadata:\n"
			     "  name: " KUBERNETES_POLICY_NAME "\n"
			     "spec:\n"
			     "  podSelector: {}\n"
			     "  policyTypes: [Egress]\n"
			     "  egress:\n"
			     "  # names are resolved by the cluster's own DNS\n"
			     "  - to:\n"
			     "    - namespaceSelector: {matchLabels: "
			     "{kubernetes.io/metadata.name: kube-system}}\n"
			     "      podSelector: {matchLabels: {k8s-app: kube-dns}}\n"
			     "    ports:\n"
			     "    - {protocol: UDP, port: 53}\n"
			     "    - {protocol: TCP, port: 53}\n";

static void add_ports(struct text *out, const struct rule *rule)
{
	if (part_is_all_traffic(rule))
		return;
	text_add(out, "    ports:\n");
	for (size_t t = 0; t < KUBERNETES_TRANSPORTS; t++) {
		const struct kubernetes_transport *one = &kubernetes_transports[t];

		for (size_t i = 0; rule->transports & one->bit && i < part_range_count(rule); i++) {
			struct port_range range = part_range_at(rule, i);

			text_addf(out, "    - {protocol: %s, port: %u", one->word, range.first);
			if (range.last != range.first)
				text_addf(out, ", endPort: %u", range.last);
			text_add(out, "}\n");
		}
	}
}

static void add_rule(struct export_job *job, const struct export_rule *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (!part_list_destinations(job, rule->rule, &list) || !list.count)
		return;
	kubernetes_add_comment(job->out, "  ", rule);
	text_add(job->out, "  - to:\n");
	for (size_t i = 0; i < list.count; i++)
		text_addf(job->out, "    - ipBlock: {cidr: '%s'}\n",
			  ip_prefix_format(&list.items[i], prefix));
	add_ports(job->out, rule->rule);
}

static void add_network_rule(struct export_job *job, const struct export_rule *rule, bool names)
{
	unsigned int transports = rule->rule->transports;

	if (!kubernetes_takes_rule(job, rule))
		return;
	if (rule->rule->fqdn_count && !names)
		export_leave_out(job, rule, "left out: it has no names, only addresses");
	if (!part_is_all_traffic(rule->rule)) {
		if (transports & TRANSPORT_ICMP && rule->rule->any_port)
			export_leave_out(job, rule, "left out: it has no ICMP");
		if (!(transports & (TRANSPORT_TCP | TRANSPORT_UDP)))
			return;
	}
	add_rule(job, rule);
}

void kubernetes_add_network_policy(struct export_job *job, bool names)
{
	text_add(job->out, s_head);
	for (size_t i = 0; i < job->network_count; i++)
		add_network_rule(job, &job->rules[i], names);
	for (size_t i = job->network_count; !names && i < job->rule_count; i++)
		if (kubernetes_takes_rule(job, &job->rules[i]))
			export_leave_out(job, &job->rules[i],
					 "left out: it has no names, only addresses");
}

static void write_kubernetes(struct export_job *job)
{
	export_note(
		job,
		"pods may ask the cluster's DNS for any name, which carries data out slowly: these "
		"policies cannot say which");
	export_note(job, "a NetworkPolicy is of one namespace: kubectl apply --namespace=... for "
			 "each that it should govern, and not for kube-system");
	kubernetes_note_scope(job, "- to: [{namespaceSelector: {}}]");
	kubernetes_add_network_policy(job, false);
}

const struct export_writer export_kubernetes = {
	.file = "kubernetes.yaml", .comment = "# ", .write = write_kubernetes};
