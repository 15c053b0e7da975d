/*
 * nftables: the network rules of a router, in a table of its own that denies whatever it does not
 * allow. Application rules are judged by names that packets do not have: they are left out, and the
 * header says which targets hold them.
 *
 * A rule by FQDN admits the addresses that the name has: two sets with timeouts, empty at first,
 * which the second file's script fills from exactly those names (dnsmasq's nftset would take every
 * name below them too). Addresses and tags are constant interval sets.
 */
#include "base/cleanup.h"
#include "export/parts_impl.h"
#include "export/targets_impl.h"

#define TABLE     "sallyport_export"
#define NAME_MOST 24

static void add_set_name(struct text *out, const struct export_rule *rule, const char *what,
			 int family)
{
	cleanup(text_free) struct text name = TEXT_EMPTY;

	part_add_rule_name(&name, rule, NAME_MOST);
	for (size_t i = 0; i < name.length; i++) {
		char c = name.data[i];

		text_add_bytes(out, c == '.' || c == '-' ? "_" : &c, 1);
	}
	text_addf(out, "_%s%d", what, family);
}

/* ------------------------------------------------------------------------ sets */

static void add_constant_set(struct text *out, const struct export_rule *rule, const char *what,
			     int family, const struct ip_prefix *items, size_t count)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (!count)
		return;
	text_add(out, "\tset ");
	add_set_name(out, rule, what, family);
	text_addf(out,
		  " {\n\t\ttype ipv%d_addr\n\t\tflags interval\n\t\tauto-merge\n"
		  "\t\telements = {",
		  family);
	for (size_t i = 0; i < count; i++)
		text_addf(out, "%s%s",
			  i % 4 ? ", "
			  : i   ? ",\n\t\t\t"
				: "\n\t\t\t",
			  ip_prefix_format(&items[i], prefix));
	text_add(out, "\n\t\t}\n\t}\n");
}

static void add_filled_sets(struct text *out, const struct export_rule *rule)
{
	for (int family = 4; rule->rule->fqdn_count && family <= 6; family += 2) {
		text_add(out, "\tset ");
		add_set_name(out, rule, "name", family);
		text_addf(out, " {\n\t\ttype ipv%d_addr\n\t\tflags timeout\n\t}\n", family);
	}
}

static bool list_sources(struct export_job *job, const struct rule *rule,
			 struct part_prefixes *list)
{
	return part_list_prefixes(job, rule->sources, rule->source_count, false, list);
}

static void add_sets(struct export_job *job, const struct export_rule *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes to = {0};
	cleanup(part_prefixes_done) struct part_prefixes from = {0};
	const struct rule *own = rule->rule;

	if (!part_list_destinations(job, own, &to) || !list_sources(job, own, &from))
		return;
	if (!own->any_destination) {
		add_constant_set(job->out, rule, "to", 4, to.items, to.v4_count);
		add_constant_set(job->out, rule, "to", 6, to.items + to.v4_count,
				 to.count - to.v4_count);
	}
	if (!own->any_source) {
		add_constant_set(job->out, rule, "from", 4, from.items, from.v4_count);
		add_constant_set(job->out, rule, "from", 6, from.items + from.v4_count,
				 from.count - from.v4_count);
	}
	add_filled_sets(job->out, rule);
}

/* ------------------------------------------------------------------------ rules */

/* The protocols and ports of one transport; NULL as word: every protocol there is. */
static void add_ports(struct text *out, const struct rule *rule, const char *transport)
{
	if (!transport)
		return;
	if (rule->any_port) {
		text_addf(out, " meta l4proto %s", transport);
		return;
	}
	text_addf(out, " %s dport {", transport);
	for (size_t i = 0; i < part_range_count(rule); i++) {
		struct port_range range = part_range_at(rule, i);

		text_addf(out, range.first == range.last ? "%s%u" : "%s%u-%u", i ? ", " : " ",
			  range.first, range.last);
	}
	text_add(out, " }");
}

struct side {
	bool any, has; /* any address; a set for this family */
	const char *what;
};

static void add_side(struct text *out, const struct export_rule *rule, const struct side *side,
		     const char *field, int family)
{
	if (side->any)
		return;
	text_addf(out, " %s %s @", family == 4 ? "ip" : "ip6", field);
	add_set_name(out, rule, side->what, family);
}

/* One line for a family, a transport and one kind of destination; none when a side is empty. */
static void add_line(struct text *out, const struct export_rule *rule, int family,
		     const struct side *from, const struct side *to, const char *transport)
{
	bool allows = rule->collection->action == RULE_ALLOW;

	if ((!from->any && !from->has) || (!to->any && !to->has))
		return;
	text_addf(out, "\t\tmeta nfproto ipv%d", family);
	add_side(out, rule, from, "saddr", family);
	add_side(out, rule, to, "daddr", family);
	add_ports(out, rule->rule, transport);
	text_addf(out, " counter %s\n", allows ? "accept" : "drop");
}

static void add_family(struct text *out, const struct export_rule *rule, int family, bool has_from,
		       bool has_to, const char *transport)
{
	const struct rule *own = rule->rule;
	struct side from = {own->any_source, has_from, "from"};
	struct side to = {own->any_destination, has_to, "to"};
	struct side name = {false, own->fqdn_count > 0, "name"};

	add_line(out, rule, family, &from, &to, transport);
	add_line(out, rule, family, &from, &name, transport);
}

static void add_transport(struct text *out, const struct export_rule *rule,
			  const struct part_prefixes *from, const struct part_prefixes *to,
			  const char *v4, const char *v6)
{
	add_family(out, rule, 4, from->v4_count > 0, to->v4_count > 0, v4);
	add_family(out, rule, 6, from->count > from->v4_count, to->count > to->v4_count, v6);
}

static void add_icmp(struct text *out, const struct export_rule *rule,
		     const struct part_prefixes *from, const struct part_prefixes *to)
{
	struct rule own = *rule->rule; /* ICMP has no ports */
	struct export_rule without_ports = {rule->collection, &own};

	own.any_port = true;
	add_transport(out, &without_ports, from, to, "icmp", "ipv6-icmp");
}

static void add_rule(struct export_job *job, const struct export_rule *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes to = {0};
	cleanup(part_prefixes_done) struct part_prefixes from = {0};
	const struct rule *own = rule->rule;

	if (!part_list_destinations(job, own, &to) || !list_sources(job, own, &from))
		return;
	text_add(job->out, "\t\t# ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	if (part_is_all_traffic(own)) {
		add_transport(job->out, rule, &from, &to, NULL, NULL);
		return;
	}
	if (own->transports & TRANSPORT_TCP)
		add_transport(job->out, rule, &from, &to, "tcp", "tcp");
	if (own->transports & TRANSPORT_UDP)
		add_transport(job->out, rule, &from, &to, "udp", "udp");
	if (own->transports & TRANSPORT_ICMP)
		add_icmp(job->out, rule, &from, &to);
}

/* ----------------------------------------------------------------- the second file */

static void add_names(struct text *out, const struct export_rule *rule)
{
	for (size_t i = 0; i < rule->rule->fqdn_count; i++) {
		if (!part_is_first_fqdn(rule->rule, i))
			continue;
		text_addf(out, "put %s ", rule->rule->fqdns[i].text);
		add_set_name(out, rule, "name", 4);
		text_add(out, " ");
		add_set_name(out, rule, "name", 6);
		text_add(out, "\n");
	}
}

static bool has_names(const struct export_job *job)
{
	for (size_t i = 0; i < job->network_count; i++)
		if (job->rules[i].rule->fqdn_count)
			return true;
	return false;
}

static void add_script(struct export_job *job)
{
	export_begin_file(job, "resolve-names.sh");
	text_add(job->out,
		 "# Run it every 15 seconds, by a timer: an address leaves its set 15 minutes "
		 "after it "
		 "was last seen.\n"
		 "set -u\n\n"
		 "# put NAME SET_OF_IPV4 SET_OF_IPV6\n"
		 "put() {\n"
		 "\tgetent ahosts \"$1\" | awk '{print $1}' | sort -u | while read -r address; do\n"
		 "\t\tcase $address in *:*) set_name=$3 ;; *) set_name=$2 ;; esac\n"
		 "\t\tnft add element inet " TABLE " \"$set_name\" \"{ $address timeout 15m }\"\n"
		 "\t\tnft delete element inet " TABLE " \"$set_name\" \"{ $address }\"\n"
		 "\t\tnft add element inet " TABLE " \"$set_name\" \"{ $address timeout 15m }\"\n"
		 "\tdone\n"
		 "}\n\n");
	for (size_t i = 0; i < job->network_count; i++)
		add_names(job->out, &job->rules[i]);
}

static void write_nftables(struct export_job *job)
{
	export_note(job, "for `nft -f`; it replaces its own table and touches no other");
	export_note(job,
		    "it judges what is forwarded; DNS to this host, and the host's own traffic, "
		    "are not its business");
	if (has_names(job))
		export_note(job, "sets of names are empty until resolve-names.sh has run");
	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (job->rules[i].collection->action == RULE_ALLOW)
			export_loss(job, &job->rules[i],
				    "left out: packets have no names, and an address may serve "
				    "many; sallyport itself, or an export for squid, haproxy or "
				    "envoy beside this one, holds these");
	text_add(job->out, "table inet " TABLE "\n"
			   "delete table inet " TABLE "\n"
			   "table inet " TABLE " {\n");
	for (size_t i = 0; i < job->network_count; i++)
		add_sets(job, &job->rules[i]);
	text_add(job->out, "\tchain forward {\n"
			   "\t\ttype filter hook forward priority filter; policy drop;\n"
			   "\t\tct state established,related accept\n"
			   "\t\tct state invalid drop\n");
	for (size_t i = 0; i < job->network_count; i++)
		add_rule(job, &job->rules[i]);
	text_add(job->out, "\t\tcounter comment \"denied\"\n\t}\n}\n");
	if (has_names(job))
		add_script(job);
}

const struct export_writer export_nftables = {
	.file = "rules.nft", .comment = "# ", .write = write_nftables};
