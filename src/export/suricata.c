/*
 * Rules for Suricata inline, and for AWS Network Firewall's stateful engine in strict order.
 *
 * Suricata's own order puts every `pass` before every `drop`, AWS's strict order takes rules as
 * they stand: a file that is right in both must not depend on order. So nothing is denied by a rule
 * of its own except at the end; what an earlier deny rule covers is taken out of each later pass
 * rule: addresses and ports from its lists, names by negated matches. Where a deny rule is narrower
 * than what is taken out (by its sources, or by ports and addresses together), that is a loss.
 *
 * Names: the buffer http.host is lower case (and refuses `nocase`), tls.sni is matched without
 * case. "*.x" is a suffix match on ".x", which x itself does not have; a star inside a label is a
 * regular expression.
 *
 * Packets of a handshake carry no name yet and pass to the ports of the rules, unless no name may
 * lead to the address. A hello may be longer than a packet: its pieces pass until it is whole, at
 * most HELLO_MOST bytes.
 */
#include "base/cleanup.h"
#include "export/suricata_impl.h"
#include "export/targets_impl.h"

#define FIRST_SID  5000001u
#define HELLO_MOST "16640" /* one TLS record */
/* ----------------------------------------------------------------------- names */

static void add_pattern(struct text *out, const struct pattern *pattern, bool tls, bool excluded)
{
	const char *not = excluded ? "!" : "";
	const char *nocase = tls ? " nocase;" : "";

	switch (pattern->kind) {
	case PATTERN_EXACT:
		text_addf(out, " content:%s\"%s\"; startswith; endswith;%s", not,
			  pattern->name.text, nocase);
		break;
	case PATTERN_BELOW:
		text_addf(out, " content:%s\".%s\"; endswith;%s", not, pattern->name.text, nocase);
		break;
	case PATTERN_ANY:
	case PATTERN_LABEL:
		text_addf(out, " pcre:%s\"/^", not );
		part_add_expression(out, pattern);
		text_addf(out, "$/%s\";", tls ? "i" : "");
		break;
	}
}

static bool denies_port(const struct export_rule *rule, const struct application_port *port)
{
	return rule->collection->action == RULE_DENY && !proxy_is_dead(rule) &&
	       proxy_rule_has(rule->rule, port->protocol, port->port);
}

/* What earlier deny rules take out of a pass rule for this port. */
static void add_exclusions(struct export_job *job, struct text *out, size_t index,
			   const struct application_port *port)
{
	for (size_t i = job->network_count; i < index; i++) {
		const struct rule *earlier = job->rules[i].rule;
		struct pattern pattern;
		size_t at = 0;

		if (!denies_port(&job->rules[i], port))
			continue;
		while (pattern_list_next(&earlier->patterns, &at, &pattern))
			add_pattern(out, &pattern, port->protocol == APPLICATION_HTTPS, true);
		if (!earlier->any_source)
			export_loss(job, &job->rules[index], SURICATA_TAKEN_OUT);
	}
}

/* Does an earlier rule deny every name on this port? */
static bool is_denied_whole(struct export_job *job, size_t index,
			    const struct application_port *port)
{
	for (size_t i = job->network_count; i < index; i++) {
		const struct rule *earlier = job->rules[i].rule;
		struct pattern pattern;
		size_t at = 0;

		if (!denies_port(&job->rules[i], port))
			continue;
		while (pattern_list_next(&earlier->patterns, &at, &pattern))
			if (pattern.kind == PATTERN_ANY) {
				if (!earlier->any_source)
					export_loss(job, &job->rules[index], SURICATA_TAKEN_OUT);
				return true;
			}
	}
	return false;
}

#define RULE_MOST 8191 /* what Suricata and AWS read of one */

void suricata_end(struct suricata *suricata, struct text *line, const char *action,
		  const struct export_rule *rule)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;

	if (rule)
		part_add_rule_name(&label, rule, 100);
	text_addf(line, " msg:\"sallyport %s%s%s\"; sid:%u; rev:1;)", action, rule ? " " : "",
		  text_string(&label), suricata->sid);
	if (line->length > RULE_MOST) {
		export_loss(suricata->job, rule,
			    "names or addresses left out: their rule would be longer than %d bytes",
			    RULE_MOST);
		return;
	}
	suricata->sid++;
	text_addf(suricata->job->out, "%s\n", text_string(line));
	suricata->job->failed |= text_failed(line) || text_failed(&label);
}

static void add_rule_text(struct suricata *suricata, const char *text, const char *message)
{
	cleanup(text_free) struct text line = TEXT_EMPTY;

	text_add(&line, text);
	suricata_end(suricata, &line, message, NULL);
}

static void add_pass(struct suricata *suricata, size_t index, const struct pattern *pattern,
		     const struct application_port *port)
{
	cleanup(text_free) struct text line = TEXT_EMPTY;
	const struct export_rule *rule = &suricata->job->rules[index];
	bool tls = port->protocol == APPLICATION_HTTPS;

	text_addf(&line, "pass %s ", tls ? "tls" : "http");
	if (!suricata_add_sources(suricata->job, &line, rule->rule))
		return;
	text_addf(&line, " any -> any %u (flow:established,to_server; %s;", port->port,
		  tls ? "tls.sni" : "http.host");
	add_pattern(&line, pattern, tls, false);
	add_exclusions(suricata->job, &line, index, port);
	suricata_end(suricata, &line, "allows", rule);
}

static void add_application_rule(struct suricata *suricata, size_t index)
{
	struct export_job *job = suricata->job;
	const struct export_rule *rule = &job->rules[index];
	const struct rule *own = rule->rule;

	if (proxy_is_dead(rule) || rule->collection->action == RULE_DENY)
		return;
	text_add(job->out, "# ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	for (size_t i = 0; i < own->protocol_count; i++) {
		struct pattern pattern;
		size_t at = 0;

		if (is_denied_whole(job, index, &own->protocols[i]))
			continue;
		while (pattern_list_next(&own->patterns, &at, &pattern))
			if (part_is_first_pattern(own, &pattern, at))
				add_pass(suricata, index, &pattern, &own->protocols[i]);
	}
}

/* ----------------------------------------------------------------------- the file */

static void add_default(struct suricata *suricata)
{
	text_add(suricata->job->out, "# Everything else is denied.\n");
	add_rule_text(suricata,
		      "drop tls any any -> any any (flow:established,to_server; "
		      "ssl_state:client_hello;",
		      "denies TLS");
	add_rule_text(suricata, "drop http any any -> any any (flow:established,to_server;",
		      "denies HTTP");
	add_rule_text(suricata,
		      "drop tcp any any -> any any (flow:established,to_server; "
		      "app-layer-protocol:!tls; app-layer-protocol:!http;",
		      "denies TCP");
	add_rule_text(suricata,
		      "drop tcp any any -> any any (flow:established,to_server; "
		      "stream_size:client,>," HELLO_MOST ";",
		      "denies what has no name yet");
	add_rule_text(suricata, "drop tcp any any -> any any (flow:not_established,to_server;",
		      "denies connections");
	add_rule_text(suricata, "drop udp any any -> any any (flow:to_server;", "denies UDP");
	add_rule_text(suricata, "drop icmp any any -> any any (flow:to_server;", "denies ICMP");
	add_rule_text(suricata,
		      "drop ip any any -> any any (ip_proto:!1; ip_proto:!6; ip_proto:!17; "
		      "ip_proto:!58;",
		      "denies other protocols");
}

static void add_notes(struct export_job *job)
{
	export_note(job,
		    "for Suricata 6 and later inline, and for AWS Network Firewall with strict "
		    "order and no default action; sids count from %u in the order of this file",
		    FIRST_SID);
	export_note(job,
		    "the name in the hello is judged, not the address behind it: an allowed name "
		    "sent to a foreign address passes");
	export_note(job, "a TLS connection without a server name is denied");
	export_note(job, "before its name is known, a connection to a port of the rules gets its "
			 "handshake and at most " HELLO_MOST
			 " bytes out, so that a hello may be longer than a packet");
	export_note(job,
		    "of plain HTTP the first request of a connection decides, and its header must "
		    "fit into one packet");
}

static void write_suricata(struct export_job *job)
{
	struct suricata suricata = {job, FIRST_SID};

	add_notes(job);
	for (size_t i = 0; i < job->network_count; i++)
		suricata_add_network_rule(&suricata, i);
	for (size_t i = job->network_count; i < job->rule_count; i++)
		add_application_rule(&suricata, i);
	suricata_add_handshakes(&suricata);
	add_default(&suricata);
}

const struct export_writer export_suricata = {
	.file = "sallyport.rules", .comment = "# ", .write = write_suricata};
