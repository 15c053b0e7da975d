/*
 * The guard that Envoy lacks: a packet filter on what it dials. Names are resolved inside Envoy,
 * and nothing there looks at the result before the connection is made.
 *
 * Only the ports of its listeners are looked at: it must reach its resolver.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "export/appliance_impl.h"
#include "export/envoy_impl.h"
#include "export/nftables_impl.h"

#define TABLE "sallyport_envoy"

static bool is_denied_address(const struct export_rule *rule)
{
	return rule->collection->action == RULE_DENY && !proxy_is_dead(rule) &&
	       (rule->rule->transports & TRANSPORT_TCP) && !rule->rule->fqdn_count;
}

static void add_denial(struct export_job *job, const struct export_rule *rule, size_t number)
{
	for (int family = 4; family <= 6; family += 2) {
		text_addf(job->out, "\t\tmeta nfproto ipv%d", family);
		if (!rule->rule->any_destination)
			text_addf(job->out, " %s daddr @r%zu_to%d", family == 4 ? "ip" : "ip6",
				  number, family);
		text_add(job->out, " tcp dport {");
		nftables_add_ports(job->out, rule->rule);
		text_add(job->out, " counter reject with tcp reset\n");
	}
	if (!rule->rule->any_source)
		export_loss(job, rule, "denied for every source, not only for the rule's");
}

static void add_denied_sets(struct export_job *job, const struct export_rule *rule, size_t number)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	char name[32];

	snprintf(name, sizeof(name), "r%zu_to", number);
	if (rule->rule->any_destination || !part_list_destinations(job, rule->rule, &list))
		return;
	nftables_add_set(job->out, name, 4, &list);
	nftables_add_set(job->out, name, 6, &list);
}

void envoy_add_guard(struct export_job *job, const char *ports)
{
	cleanup(part_prefixes_done) struct part_prefixes guarded = {0};

	if (!appliance_list_guarded(job, &guarded))
		return;
	export_begin_file(job, "guard.nft");
	text_add(job->out, "# The user that Envoy runs as; 101 in its container.\n"
			   "define envoy = 101\n\n"
			   "table inet " TABLE "\ndelete table inet " TABLE "\n"
			   "table inet " TABLE " {\n");
	nftables_add_set(job->out, "guarded", 4, &guarded);
	nftables_add_set(job->out, "guarded", 6, &guarded);
	for (size_t i = 0; i < job->network_count; i++)
		if (is_denied_address(&job->rules[i]))
			add_denied_sets(job, &job->rules[i], i + 1);
	text_addf(job->out,
		  "\tchain output {\n"
		  "\t\ttype filter hook output priority filter; policy accept;\n"
		  "\t\tmeta skuid != $envoy accept\n"
		  "\t\tct state established accept\n"
		  "\t\tip daddr @guarded4 tcp dport { %s } counter reject with tcp reset\n"
		  "\t\tip6 daddr @guarded6 tcp dport { %s } counter reject with tcp reset\n",
		  ports, ports);
	for (size_t i = 0; i < job->network_count; i++)
		if (is_denied_address(&job->rules[i])) {
			text_add(job->out, "\t\t# ");
			part_add_title(job->out, &job->rules[i]);
			text_add(job->out, "\n");
			add_denial(job, &job->rules[i], i + 1);
		}
	text_add(job->out, "\t}\n}\n");
}
