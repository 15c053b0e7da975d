/*
 * Rules for Suricata inline, and for AWS Network Firewall's stateful engine in strict order.
 *
 * Suricata's own order puts every `pass` before every `drop`, AWS's strict order takes rules as
 * they stand: a file that is right in both must not depend on order. So nothing is denied by a rule
 * of its own except at the end; what an earlier deny rule covers is excluded inside each later pass
 * rule, by negated matches on the same name or address.
 *
 * Names: the buffers tls.sni and http.host are lower case (http.host) or matched without case.
 * "*.x" is a suffix match on ".x", which x itself does not have; a star inside a label is a regular
 * expression.
 *
 * Packets of a handshake carry no name yet and pass to the ports of the rules; the first pieces of
 * a hello that is longer than a packet do too.
 */
#include "base/cleanup.h"
#include "export/parts_impl.h"
#include "export/proxy_impl.h"
#include "export/targets_impl.h"

#define FIRST_SID 5000001u

struct writing {
	struct export_job *job;
	unsigned int sid;
};

/* ----------------------------------------------------------------------- addresses */

static void add_prefixes(struct text *out, const struct ip_prefix *items, size_t count,
			 const char *start)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		text_addf(out, "%s%s%s", i ? "," : "", start, ip_prefix_format(&items[i], prefix));
}

static void add_sources(struct text *out, const struct rule *rule)
{
	if (rule->any_source) {
		text_add(out, "any");
		return;
	}
	text_add(out, "[");
	add_prefixes(out, rule->sources, rule->source_count, "");
	text_add(out, "]");
}

static void add_port_list(struct text *out, const struct rule *rule)
{
	if (rule->any_port) {
		text_add(out, "any");
		return;
	}
	text_add(out, "[");
	for (size_t i = 0; i < part_range_count(rule); i++) {
		struct port_range range = part_range_at(rule, i);

		text_addf(out, range.first == range.last ? "%s%u" : "%s%u:%u", i ? "," : "",
			  range.first, range.last);
	}
	text_add(out, "]");
}

/* ----------------------------------------------------------------------- names */

static void add_pattern(struct text *out, const struct pattern *pattern, bool excluded)
{
	const char *not = excluded ? "!" : "";

	switch (pattern->kind) {
	case PATTERN_ANY:
		break;
	case PATTERN_EXACT:
		text_addf(out, " content:%s\"%s\"; startswith; endswith; nocase;", not,
			  pattern->name.text);
		break;
	case PATTERN_BELOW:
		text_addf(out, " content:%s\".%s\"; endswith; nocase;", not, pattern->name.text);
		break;
	case PATTERN_LABEL:
		text_addf(out, " pcre:%s\"/^", not );
		part_add_expression(out, pattern);
		text_add(out, "$/i\";");
		break;
	}
}

static bool shares_port(const struct rule *rule, enum application_protocol protocol, uint16_t port)
{
	return proxy_rule_has(rule, protocol, port);
}

/* What earlier deny rules take out of a pass rule for this port. */
static void add_exclusions(struct export_job *job, struct text *out, size_t before,
			   enum application_protocol protocol, uint16_t port)
{
	for (size_t i = job->network_count; i < before; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (rule->collection->action != RULE_DENY ||
		    !shares_port(rule->rule, protocol, port))
			continue;
		for (size_t j = 0; j < rule->rule->pattern_count; j++)
			add_pattern(out, &rule->rule->patterns[j], true);
	}
}

/* Does an earlier rule deny every name on this port? */
static bool is_denied_whole(const struct export_job *job, size_t before,
			    enum application_protocol protocol, uint16_t port)
{
	for (size_t i = job->network_count; i < before; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (rule->collection->action != RULE_DENY ||
		    !shares_port(rule->rule, protocol, port))
			continue;
		for (size_t j = 0; j < rule->rule->pattern_count; j++)
			if (rule->rule->patterns[j].kind == PATTERN_ANY)
				return true;
	}
	return false;
}

static void add_end(struct writing *writing, const char *action, const struct export_rule *rule)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;

	if (rule)
		part_add_rule_name(&label, rule, 100);
	text_addf(writing->job->out, " msg:\"sallyport %s%s%s\"; sid:%u; rev:1;)\n", action,
		  rule ? " " : "", text_string(&label), writing->sid++);
}

static void add_pass(struct writing *writing, size_t index, const struct pattern *pattern,
		     const struct application_port *port)
{
	const struct export_rule *rule = &writing->job->rules[index];
	bool tls = port->protocol == APPLICATION_HTTPS;
	struct text *out = writing->job->out;

	text_addf(out, "pass %s ", tls ? "tls" : "http");
	add_sources(out, rule->rule);
	text_addf(out, " any -> any %u (flow:established,to_server; %s;", port->port,
		  tls ? "tls.sni" : "http.host");
	if (pattern->kind == PATTERN_ANY)
		text_add(out, " bsize:>0;");
	add_pattern(out, pattern, false);
	add_exclusions(writing->job, out, index, port->protocol, port->port);
	add_end(writing, "allows", rule);
}

/* A deny rule for some sources only would exclude its names for all others too. */
static void check_denial(struct export_job *job, const struct export_rule *rule)
{
	if (!rule->rule->any_source)
		export_loss(job, rule, "denied for every source, not only for the rule's");
}

static void add_application_rule(struct writing *writing, size_t index)
{
	struct export_job *job = writing->job;
	const struct export_rule *rule = &job->rules[index];
	const struct rule *own = rule->rule;

	if (rule->collection->action == RULE_DENY) {
		check_denial(job, rule);
		return;
	}
	text_add(job->out, "# ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	for (size_t i = 0; i < own->protocol_count; i++) {
		if (is_denied_whole(job, index, own->protocols[i].protocol, own->protocols[i].port))
			continue;
		for (size_t j = 0; j < own->pattern_count; j++)
			if (part_is_first_pattern(own, j))
				add_pass(writing, index, &own->patterns[j], &own->protocols[i]);
	}
}

/* ----------------------------------------------------------------- network rules */

/* Destinations of an allow rule without those that earlier rules deny (for whatever port: that is
   stricter). */
static void add_destinations(struct export_job *job, const struct part_prefixes *list, bool any,
			     size_t before)
{
	cleanup(text_free) struct text excluded = TEXT_EMPTY;

	for (size_t i = 0; i < before; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (rule->collection->action != RULE_DENY || !rule->rule->destination_count)
			continue;
		text_add(&excluded, ",");
		add_prefixes(&excluded, rule->rule->destinations, rule->rule->destination_count,
			     "!");
	}
	if (any && !excluded.length) {
		text_add(job->out, "any");
		return;
	}
	text_add(job->out, "[");
	if (any)
		text_add(job->out, "0.0.0.0/0,::/0");
	add_prefixes(job->out, list->items, any ? 0 : list->count, "");
	text_addf(job->out, "%s]", text_string(&excluded));
	job->failed |= text_failed(&excluded);
}

static void add_network_pass(struct writing *writing, size_t index, const char *protocol,
			     bool has_ports)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	const struct export_rule *rule = &writing->job->rules[index];
	const struct rule *own = rule->rule;
	struct text *out = writing->job->out;

	if (!part_list_destinations(writing->job, own, &list) ||
	    (!own->any_destination && !list.count))
		return;
	text_addf(out, "pass %s ", protocol);
	add_sources(out, own);
	text_add(out, " any -> ");
	add_destinations(writing->job, &list, own->any_destination, index);
	text_add(out, " ");
	if (has_ports)
		add_port_list(out, own);
	else
		text_add(out, "any");
	text_add(out, " (flow:to_server;");
	add_end(writing, "allows", rule);
}

static bool is_deniable(struct export_job *job, const struct export_rule *rule)
{
	if (!rule->rule->any_destination && !rule->rule->fqdn_count) {
		export_note(job,
			    "what deny rules by address cover is taken out of every later rule "
			    "by address, on all ports");
		return true;
	}
	export_leave_out(job, rule,
			 "left out: a denial of every address, or of a name's addresses, cannot be "
			 "kept whatever the order of rules");
	return false;
}

static void add_network_rule(struct writing *writing, size_t index)
{
	struct export_job *job = writing->job;
	const struct export_rule *rule = &job->rules[index];
	const struct rule *own = rule->rule;

	if (rule->collection->action == RULE_DENY) {
		(void)is_deniable(job, rule);
		return;
	}
	if (own->fqdn_count)
		export_loss(job, rule,
			    "names left out: there is no matching by a name's addresses");
	if (!own->any_destination && !own->destination_count)
		return;
	text_add(job->out, "# ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	if (part_is_all_traffic(own)) {
		add_network_pass(writing, index, "ip", false);
		return;
	}
	if (own->transports & TRANSPORT_TCP)
		add_network_pass(writing, index, "tcp", true);
	if (own->transports & TRANSPORT_UDP)
		add_network_pass(writing, index, "udp", true);
	if (own->transports & TRANSPORT_ICMP)
		add_network_pass(writing, index, "icmp", false);
}

/* ----------------------------------------------------------------------- the file */

static bool denies_addresses(const struct export_job *job)
{
	for (size_t i = 0; i < job->network_count; i++)
		if (job->rules[i].collection->action == RULE_DENY)
			return true;
	return false;
}

/* Handshakes to the ports at which names are judged. */
static void add_handshakes(struct writing *writing, enum application_protocol protocol)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(writing->job, protocol, &ports);
	struct text *out = writing->job->out;

	writing->job->failed |= !ports;
	if (!count)
		return;
	text_add(out, "pass tcp any any -> ");
	add_destinations(writing->job, &(struct part_prefixes){0}, true,
			 writing->job->network_count);
	text_add(out, " [");
	for (size_t i = 0; i < count; i++)
		text_addf(out, "%s%u", i ? "," : "", ports[i]);
	text_add(out, "] (flow:not_established,to_server;");
	add_end(writing, protocol == APPLICATION_HTTPS ? "handshakes of TLS" : "handshakes of HTTP",
		NULL);
}

static void add_default(struct writing *writing)
{
	struct text *out = writing->job->out;

	text_add(out, "# Everything else is denied.\n"
		      "drop tls any any -> any any (flow:established,to_server;");
	add_end(writing, "denies TLS", NULL);
	text_add(out, "drop http any any -> any any (flow:established,to_server;");
	add_end(writing, "denies HTTP", NULL);
	text_add(out, "drop tcp any any -> any any (flow:established,to_server; "
		      "app-layer-protocol:!tls; app-layer-protocol:!http;");
	add_end(writing, "denies TCP", NULL);
	text_add(out, "drop tcp any any -> any any (flow:not_established,to_server;");
	add_end(writing, "denies connections", NULL);
	text_add(out, "drop udp any any -> any any (flow:to_server;");
	add_end(writing, "denies UDP", NULL);
	text_add(out, "drop icmp any any -> any any (flow:to_server;");
	add_end(writing, "denies ICMP", NULL);
}

static void write_suricata(struct export_job *job)
{
	struct writing writing = {job, FIRST_SID};

	export_note(job,
		    "for Suricata 6 and later inline, and for AWS Network Firewall with strict "
		    "order and no default action for established flows; sids count from %u in the "
		    "order of this file",
		    FIRST_SID);
	export_note(job,
		    "the name in the hello is judged, not the address behind it: an allowed name "
		    "sent to a foreign address passes");
	export_note(job, "a TLS connection without a server name is denied");
	if (denies_addresses(job))
		for (size_t i = job->network_count; i < job->rule_count; i++)
			if (job->rules[i].collection->action == RULE_ALLOW) {
				export_note(job,
					    "handshakes to denied addresses are dropped before "
					    "any name is seen");
				break;
			}
	for (size_t i = 0; i < job->network_count; i++)
		add_network_rule(&writing, i);
	for (size_t i = job->network_count; i < job->rule_count; i++)
		add_application_rule(&writing, i);
	add_handshakes(&writing, APPLICATION_HTTPS);
	add_handshakes(&writing, APPLICATION_HTTP);
	add_default(&writing);
}

const struct export_writer export_suricata = {
	.file = "sallyport.rules", .comment = "# ", .write = write_suricata};
