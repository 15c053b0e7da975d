/*
 * nftables: the network rules of a router, in a table of its own that denies whatever it does not
 * allow. Application rules are judged by names that packets do not have: they are left out, and the
 * header says which targets hold them.
 *
 * A rule by FQDN admits the addresses that the name has, but for those that no name may lead to:
 * two sets with timeouts, empty at first, which the second file's script fills from exactly those
 * names (dnsmasq's nftset would take every name below them too). A name's addresses cannot be
 * denied: they are never all known. Addresses and tags are constant interval sets.
 *
 * Sets are named by the rule's place in judging order.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/appliance_impl.h"
#include "export/nftables_impl.h"
#include "export/proxy_impl.h"
#include "export/targets_impl.h"

#define TABLE "sallyport_export"
#define NAME  "name"

/* A rule and its place. */
struct numbered {
	const struct export_rule *rule;
	size_t number;
};

static struct numbered number(const struct export_job *job, size_t index)
{
	return (struct numbered){&job->rules[index], index + 1};
}

/* ------------------------------------------------------------------------ sets */

void nftables_add_set(struct text *out, const char *name, int family,
		      const struct part_prefixes *list)
{
	size_t first = family == 4 ? 0 : list->v4_count;
	size_t count = family == 4 ? list->v4_count : list->count - list->v4_count;
	char prefix[IP_PREFIX_TEXT_SIZE];

	text_addf(out, "\tset %s%d {\n\t\ttype ipv%d_addr\n\t\tflags interval\n\t\tauto-merge\n",
		  name, family, family);
	for (size_t i = 0; i < count; i++)
		text_addf(out, "%s%s",
			  i % 4 ? ", "
			  : i   ? ",\n\t\t\t"
				: "\t\telements = {\n\t\t\t",
			  ip_prefix_format(&list->items[first + i], prefix));
	text_add(out, count ? "\n\t\t}\n\t}\n" : "\t}\n");
}

/* One set for each family that the list has. */
static void add_constant_sets(struct text *out, const char *name, const struct part_prefixes *list)
{
	if (list->v4_count)
		nftables_add_set(out, name, 4, list);
	if (list->count > list->v4_count)
		nftables_add_set(out, name, 6, list);
}

static void add_filled_sets(struct text *out, const struct numbered *rule)
{
	for (int family = 4; family <= 6; family += 2)
		text_addf(out, "\tset r%zu_name%d {\n\t\ttype ipv%d_addr\n\t\tflags timeout\n\t}\n",
			  rule->number, family, family);
}

static bool list_sources(struct export_job *job, const struct rule *rule,
			 struct part_prefixes *list)
{
	return part_list_prefixes(job, rule->sources, rule->source_count, false, list);
}

static void add_sets(struct export_job *job, const struct numbered *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes to = {0};
	cleanup(part_prefixes_done) struct part_prefixes from = {0};
	const struct rule *own = rule->rule->rule;
	char name[32];

	if (!part_list_destinations(job, own, &to) || !list_sources(job, own, &from))
		return;
	snprintf(name, sizeof(name), "r%zu_to", rule->number);
	if (!own->any_destination)
		add_constant_sets(job->out, name, &to);
	snprintf(name, sizeof(name), "r%zu_from", rule->number);
	if (!own->any_source)
		add_constant_sets(job->out, name, &from);
	if (own->fqdn_count)
		add_filled_sets(job->out, rule);
}

/* Of all rules: the protected sources, and what no name may lead to. */
static void add_common_sets(struct export_job *job, bool names)
{
	cleanup(part_prefixes_done) struct part_prefixes inside = {0};
	cleanup(part_prefixes_done) struct part_prefixes guarded = {0};
	const struct rule_set *set = job->request->set;

	if (!part_list_prefixes(job, set->protected_sources, set->protected_source_count, false,
				&inside) ||
	    !appliance_list_guarded(job, &guarded))
		return;
	add_constant_sets(job->out, "inside", &inside);
	if (!names)
		return;
	nftables_add_set(job->out, "guarded", 4, &guarded);
	nftables_add_set(job->out, "guarded", 6, &guarded);
}

/* ------------------------------------------------------------------------ rules */

void nftables_add_ports(struct text *out, const struct rule *rule)
{
	for (size_t i = 0; i < part_range_count(rule); i++) {
		struct port_range range = part_range_at(rule, i);

		text_addf(out, range.first == range.last ? "%s%u" : "%s%u-%u", i ? ", " : " ",
			  range.first, range.last);
	}
	text_add(out, " }");
}

/* The protocols and ports of one transport; NULL as word: every protocol there is. */
static void add_ports(struct text *out, const struct rule *rule, const char *transport)
{
	if (!transport)
		return;
	text_addf(out, rule->any_port ? " meta l4proto %s" : " %s dport {", transport);
	if (!rule->any_port)
		nftables_add_ports(out, rule);
}

struct side {
	bool any, has; /* any address; a set for this family */
	const char *what;
};

static void add_side(struct text *out, size_t number, const struct side *side, const char *field,
		     int family)
{
	if (!side->any)
		text_addf(out, " %s %s @r%zu_%s%d", family == 4 ? "ip" : "ip6", field, number,
			  side->what, family);
}

/* One line for a family, a transport and one kind of destination; none when a side is empty. */
static void add_line(struct text *out, const struct numbered *rule, int family,
		     const struct side *from, const struct side *to, const char *transport)
{
	bool allows = rule->rule->collection->action == RULE_ALLOW;

	if ((!from->any && !from->has) || (!to->any && !to->has))
		return;
	text_addf(out, "\t\tmeta nfproto ipv%d", family);
	add_side(out, rule->number, from, "saddr", family);
	add_side(out, rule->number, to, "daddr", family);
	if (!strcmp(to->what, NAME))
		text_addf(out, " %s daddr != @guarded%d", family == 4 ? "ip" : "ip6", family);
	add_ports(out, rule->rule->rule, transport);
	text_addf(out, " counter %s\n", allows ? "accept" : "drop");
}

static void add_family(struct text *out, const struct numbered *rule, int family, bool has_from,
		       bool has_to, const char *transport)
{
	const struct rule *own = rule->rule->rule;
	struct side from = {own->any_source, has_from, "from"};
	struct side to = {own->any_destination, has_to, "to"};
	struct side name = {false, own->fqdn_count > 0, NAME};

	add_line(out, rule, family, &from, &to, transport);
	add_line(out, rule, family, &from, &name, transport);
}

static void add_transport(struct text *out, const struct numbered *rule,
			  const struct part_prefixes *from, const struct part_prefixes *to,
			  const char *v4, const char *v6)
{
	add_family(out, rule, 4, from->v4_count > 0, to->v4_count > 0, v4);
	add_family(out, rule, 6, from->count > from->v4_count, to->count > to->v4_count, v6);
}

static void add_rule(struct export_job *job, const struct numbered *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes to = {0};
	cleanup(part_prefixes_done) struct part_prefixes from = {0};
	const struct rule *own = rule->rule->rule;

	if (!part_list_destinations(job, own, &to) || !list_sources(job, own, &from))
		return;
	text_add(job->out, "\t\t# ");
	part_add_title(job->out, rule->rule);
	text_add(job->out, "\n");
	if (part_is_all_traffic(own)) {
		add_transport(job->out, rule, &from, &to, NULL, NULL);
		return;
	}
	if (own->transports & TRANSPORT_TCP)
		add_transport(job->out, rule, &from, &to, "tcp", "tcp");
	if (own->transports & TRANSPORT_UDP)
		add_transport(job->out, rule, &from, &to, "udp", "udp");
	/* ICMP has no ports: a rule that names some is not about it. */
	if ((own->transports & TRANSPORT_ICMP) && own->any_port)
		add_transport(job->out, rule, &from, &to, "icmp", "ipv6-icmp");
}

/* Everyone else gets nothing. */
static void add_protection(struct export_job *job)
{
	const struct rule_set *set = job->request->set;
	bool has[2] = {false, false};

	for (size_t i = 0; i < set->protected_source_count; i++)
		has[set->protected_sources[i].address.family == 6] = true;
	if (!set->protected_source_count)
		return;
	text_addf(job->out, "\t\tmeta nfproto ipv4%s counter drop\n",
		  has[0] ? " ip saddr != @inside4" : "");
	text_addf(job->out, "\t\tmeta nfproto ipv6%s counter drop\n",
		  has[1] ? " ip6 saddr != @inside6" : "");
}

/* A rule that can match, and that can be kept. */
static bool takes_rule(const struct export_rule *rule)
{
	return !proxy_is_dead(rule) &&
	       (rule->collection->action == RULE_ALLOW || !rule->rule->fqdn_count);
}

/* ----------------------------------------------------------------- the second file */

static void add_names(struct text *out, const struct numbered *rule)
{
	const struct rule *own = rule->rule->rule;

	for (size_t i = 0; i < own->fqdn_count; i++)
		if (part_is_first_fqdn(own, i))
			text_addf(out, "put %s r%zu_name4 r%zu_name6\n", own->fqdns[i].text,
				  rule->number, rule->number);
}

static bool has_names(const struct export_job *job)
{
	for (size_t i = 0; i < job->network_count; i++)
		if (takes_rule(&job->rules[i]) && job->rules[i].rule->fqdn_count)
			return true;
	return false;
}

static void add_script(struct export_job *job)
{
	export_begin_file(job, "resolve-names.sh");
	text_add(job->out,
		 "# shellcheck shell=sh\n"
		 "# Run it with sh every 15 seconds, by a timer: an address leaves its set 15 "
		 "minutes after it was last seen.\n"
		 "set -u\n\n"
		 "# put NAME SET_OF_IPV4 SET_OF_IPV6\n"
		 "put() {\n"
		 "\tgetent ahosts \"$1\" | awk '{print $1}' | sort -u | while read -r address; do\n"
		 "\t\tcase $address in *:*) set_name=$3 ;; *) set_name=$2 ;; esac\n"
		 "\t\tset_name=\"inet " TABLE " $set_name\"\n"
		 "\t\tnft -f - <<-END\n"
		 "\t\t\tadd element $set_name { $address timeout 15m }\n"
		 "\t\t\tdelete element $set_name { $address }\n"
		 "\t\t\tadd element $set_name { $address timeout 15m }\n"
		 "\t\tEND\n"
		 "\tdone\n"
		 "}\n\n");
	for (size_t i = 0; i < job->network_count; i++) {
		struct numbered rule = number(job, i);

		if (takes_rule(rule.rule))
			add_names(job->out, &rule);
	}
}

static void add_remarks(struct export_job *job)
{
	export_note(job, "for `nft -f`; it replaces its own table and touches no other");
	export_note(job,
		    "it judges what is forwarded; DNS to this host, and the host's own traffic, "
		    "are not its business");
	if (has_names(job))
		export_note(job,
			    "sets of names are empty until resolve-names.sh has run; clients must "
			    "ask the same resolver");
	for (size_t i = 0; i < job->network_count; i++)
		if (!proxy_is_dead(&job->rules[i]) && !takes_rule(&job->rules[i]))
			export_leave_out(job, &job->rules[i],
					 "left out: all addresses of a name are never known, so "
					 "they cannot be denied");
	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (job->rules[i].collection->action == RULE_ALLOW)
			export_loss(job, &job->rules[i],
				    "left out: packets have no names, and an address may serve "
				    "many; sallyport itself, or an export for squid, haproxy or "
				    "envoy beside this one, holds these");
}

static void write_nftables(struct export_job *job)
{
	add_remarks(job);
	text_add(job->out, "table inet " TABLE "\n"
			   "delete table inet " TABLE "\n"
			   "table inet " TABLE " {\n");
	add_common_sets(job, has_names(job));
	for (size_t i = 0; i < job->network_count; i++) {
		struct numbered rule = number(job, i);

		if (takes_rule(rule.rule))
			add_sets(job, &rule);
	}
	text_add(job->out, "\tchain forward {\n"
			   "\t\ttype filter hook forward priority filter; policy drop;\n"
			   "\t\tct state established accept\n"
			   "\t\tct state related meta l4proto { icmp, ipv6-icmp } accept\n"
			   "\t\tct state invalid drop\n");
	add_protection(job);
	for (size_t i = 0; i < job->network_count; i++) {
		struct numbered rule = number(job, i);

		if (takes_rule(rule.rule))
			add_rule(job, &rule);
	}
	text_add(job->out, "\t\tcounter comment \"denied\"\n\t}\n}\n");
	if (has_names(job))
		add_script(job);
}

const struct export_writer export_nftables = {
	.file = "rules.nft", .comment = "# ", .several = true, .write = write_nftables};
