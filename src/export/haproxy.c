/*
 * haproxy.cfg: one frontend for each port of the rules, TLS ones judged by the server name of the
 * hello, HTTP ones by the Host of every request; both then resolve that name themselves and dial
 * the result, whatever address the client had chosen.
 *
 * The rules stand in judging order. The first that matches sets `txn.rule`, later ones look at
 * nothing then; a deny rule that is first ends the connection. A fetch that lacks bytes yet (a
 * hello in pieces) makes HAProxy wait and start again, so no rule is skipped for want of data.
 *
 * Ports: a frontend listens on FIRST_PORT and following, in the order of the file; the router
 * redirects each port of the rules to its own, as the comment above the frontend says.
 */
#include "base/cleanup.h"
#include "export/parts_impl.h"
#include "export/proxy_impl.h"
#include "export/targets_impl.h"

#define FIRST_PORT 7100

/* What differs between the two kinds of frontend. */
struct dialect {
	enum application_protocol protocol;
	const char *word;      /* "tls" */
	const char *directive; /* "tcp-request content" */
	const char *name;      /* the fetch of the judged name */
	const char *refuse;    /* the action that denies */
};

static const struct dialect s_tls = {
	.protocol = APPLICATION_HTTPS,
	.word = "tls",
	.directive = "tcp-request content",
	.name = "req.ssl_sni",
	.refuse = "reject",
};

static const struct dialect s_http = {
	.protocol = APPLICATION_HTTP,
	.word = "http",
	.directive = "http-request",
	.name = "var(txn.host)",
	.refuse = "deny deny_status 403",
};

static void add_global(struct export_job *job)
{
	text_add(job->out, "\nglobal\n"
			   "    log stdout format raw local0\n"
			   "    maxconn 20000\n"
			   "\n"
			   "defaults\n"
			   "    log global\n"
			   "    timeout connect 10s\n"
			   "    timeout client 1h\n"
			   "    timeout server 1h\n"
			   "    timeout http-request 10s\n"
			   "    timeout http-keep-alive 60s\n"
			   "\n"
			   "# The servers of /etc/resolv.conf.\n"
			   "resolvers system\n"
			   "    parse-resolv-conf\n"
			   "    accepted_payload_size 8192\n"
			   "    hold valid 10s\n");
}

/* ------------------------------------------------------------------------ ACLs */

static void add_words(struct text *out, const struct dialect *dialect, const struct rule *rule,
		      size_t number, enum pattern_kind kind, const char *match)
{
	bool any = false;

	for (size_t i = 0; i < rule->pattern_count; i++) {
		const struct pattern *pattern = &rule->patterns[i];

		if (pattern->kind != kind || !part_is_first_pattern(rule, i))
			continue;
		if (!any)
			text_addf(out, "    acl name_%zu %s -i %s", number, dialect->name, match);
		any = true;
		if (kind == PATTERN_EXACT) {
			text_addf(out, " %s", pattern->name.text);
		} else if (kind == PATTERN_BELOW) {
			text_addf(out, " .%s", pattern->name.text);
		} else {
			text_add(out, " ^");
			part_add_expression(out, pattern);
			text_add(out, "$");
		}
	}
	text_add(out, any ? "\n" : "");
}

/* ACLs of one name are alternatives. */
static void add_acls(struct text *out, const struct dialect *dialect, const struct rule *rule,
		     size_t number)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	add_words(out, dialect, rule, number, PATTERN_EXACT, "-m str");
	add_words(out, dialect, rule, number, PATTERN_BELOW, "-m end");
	add_words(out, dialect, rule, number, PATTERN_LABEL, "-m reg");
	add_words(out, dialect, rule, number, PATTERN_ANY, "-m reg");
	if (rule->any_source)
		return;
	text_addf(out, "    acl from_%zu src", number);
	for (size_t i = 0; i < rule->source_count; i++)
		text_addf(out, " %s", ip_prefix_format(&rule->sources[i], prefix));
	text_add(out, "\n");
}

static void add_rule(struct text *out, const struct dialect *dialect,
		     const struct export_rule *rule, size_t number)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;

	text_add(out, "    # ");
	part_add_title(out, rule);
	text_add(out, "\n");
	add_acls(out, dialect, rule->rule, number);
	part_add_rule_name(&label, rule, 100);
	if (rule->collection->action == RULE_ALLOW)
		text_addf(out, "    %s set-var(txn.rule) str(%s) if", dialect->directive,
			  text_string(&label));
	else
		text_addf(out, "    %s %s if", dialect->directive, dialect->refuse);
	text_addf(out, " !{ var(txn.rule) -m found } name_%zu", number);
	if (!rule->rule->any_source)
		text_addf(out, " from_%zu", number);
	text_add(out, "\n");
}

/* ------------------------------------------------------------------ network rules */

/* By the address that the name led to. False: the rule says nothing about this port. */
static bool add_network_rule(struct export_job *job, const struct dialect *dialect,
			     const struct export_rule *rule, size_t number, uint16_t port)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	const struct rule *own = rule->rule;
	char prefix[IP_PREFIX_TEXT_SIZE];
	bool has_port = own->any_port;

	for (size_t i = 0; i < own->port_count; i++)
		has_port |= own->ports[i].first <= port && port <= own->ports[i].last;
	if (!has_port || !part_list_destinations(job, own, &list))
		return false;
	text_add(job->out, "    # ");
	part_add_title(job->out, rule);
	text_addf(job->out, "\n    acl to_%zu", number);
	if (own->any_destination)
		text_add(job->out, " always_true");
	else
		text_add(job->out, " var(txn.address) -m ip");
	for (size_t i = 0; !own->any_destination && i < list.count; i++)
		text_addf(job->out, " %s", ip_prefix_format(&list.items[i], prefix));
	text_add(job->out, "\n");
	if (!own->any_source) {
		text_addf(job->out, "    acl from_%zu src", number);
		for (size_t i = 0; i < own->source_count; i++)
			text_addf(job->out, " %s", ip_prefix_format(&own->sources[i], prefix));
		text_add(job->out, "\n");
	}
	text_addf(job->out, "    %s %s if to_%zu", dialect->directive, dialect->refuse, number);
	text_addf(job->out, own->any_source ? "\n" : " from_%zu\n", number);
	return true;
}

/* ----------------------------------------------------------------------- dialling */

static void add_guard(struct export_job *job, const struct dialect *dialect)
{
	text_add(job->out, "    # No name leads to these, whatever DNS answers.\n"
			   "    acl guarded var(txn.address) -m ip");
	proxy_add_special(job->out, true);
	proxy_add_private(job->out);
	text_add(job->out, "\n");
	if (proxy_has_exceptions(job->request->set)) {
		text_add(job->out, "    acl excepted var(txn.address) -m ip");
		proxy_add_exceptions(job->out, job->request->set);
		text_add(job->out, "\n");
	}
	text_addf(job->out, "    %s %s if guarded%s\n", dialect->directive, dialect->refuse,
		  proxy_has_exceptions(job->request->set) ? " !excepted" : "");
}

static void add_dialling(struct export_job *job, const struct dialect *dialect, uint16_t port)
{
	const char *directive = dialect->directive;

	text_addf(
		job->out,
		"    # Nothing else gets out; the rest goes where its name leads.\n"
		"    %s %s if !{ var(txn.rule) -m found }\n"
		"    %s do-resolve(txn.address,system,ipv4) %s\n"
		"    %s do-resolve(txn.address,system,ipv6) %s if !{ var(txn.address) -m found }\n"
		"    %s %s if !{ var(txn.address) -m found }\n",
		directive, dialect->refuse, directive, dialect->name, directive, dialect->name,
		directive, dialect->refuse);
	add_guard(job, dialect);
	for (size_t i = 0; i < job->network_count; i++)
		if (job->rules[i].collection->action == RULE_DENY &&
		    (job->rules[i].rule->transports & TRANSPORT_TCP) &&
		    !job->rules[i].rule->fqdn_count)
			add_network_rule(job, dialect, &job->rules[i], i + 1, port);
	text_addf(job->out,
		  "    %s set-dst var(txn.address)\n"
		  "    %s set-dst-port int(%u)\n"
		  "    default_backend %s\n",
		  directive, directive, port, dialect->word);
}

/* ---------------------------------------------------------------------- frontends */

static void add_start(struct text *out, const struct dialect *dialect, uint16_t port,
		      unsigned int listen)
{
	text_addf(out,
		  "\n# redirect tcp port %u to port %u\n"
		  "frontend %s_%u\n"
		  "    bind :::%u v4v6\n",
		  port, listen, dialect->word, port, listen);
	if (dialect->protocol == APPLICATION_HTTPS)
		text_add(out, "    mode tcp\n"
			      "    option tcplog\n"
			      "    tcp-request inspect-delay 5s\n"
			      "    tcp-request content reject if WAIT_END "
			      "!{ req.ssl_hello_type 1 }\n");
	else
		text_addf(out,
			  "    mode http\n"
			  "    option httplog\n"
			  "    option http-server-close\n"
			  "    http-request deny deny_status 400 if !{ req.hdr_cnt(host) eq 1 }\n"
			  "    http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n"
			  "    http-request deny deny_status 403 if { req.hdr(host),field(2,:) -m "
			  "found } !{ req.hdr(host),field(2,:) %u }\n"
			  "    http-request deny deny_status 403 if { method CONNECT }\n"
			  "    http-request del-header upgrade\n",
			  port);
}

static void add_frontend(struct export_job *job, const struct dialect *dialect, uint16_t port,
			 unsigned int listen)
{
	add_start(job->out, dialect, port, listen);
	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (proxy_rule_has(job->rules[i].rule, dialect->protocol, port))
			add_rule(job->out, dialect, &job->rules[i], i + 1);
	add_dialling(job, dialect, port);
}

static size_t add_frontends(struct export_job *job, const struct dialect *dialect, size_t before)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(job, dialect->protocol, &ports);

	job->failed |= !ports;
	for (size_t i = 0; i < count; i++)
		add_frontend(job, dialect, ports[i], FIRST_PORT + (unsigned int)(before + i));
	if (count)
		text_addf(job->out, "\nbackend %s\n    mode %s\n%s    server named 0.0.0.0:0\n",
			  dialect->word, dialect->protocol == APPLICATION_HTTPS ? "tcp" : "http",
			  dialect->protocol == APPLICATION_HTTPS ? "" : "    http-reuse never\n");
	return before + count;
}

static void write_haproxy(struct export_job *job)
{
	size_t count;

	export_note(job,
		    "for HAProxy 2.6 and later; it must run on the router, which redirects each "
		    "port to the frontend that its comment names");
	export_note(job,
		    "a TLS connection without a server name is ended; a name is resolved here, "
		    "and the client's own address for it does not matter");
	export_note(job,
		    "bytes of a long connection pass through this process, and HTTP/2 inside TLS "
		    "is judged by its first name alone");
	for (size_t i = 0; i < job->network_count; i++)
		(void)proxy_takes_network_rule(job, &job->rules[i]);
	add_global(job);
	count = add_frontends(job, &s_tls, 0);
	(void)add_frontends(job, &s_http, count);
}

const struct export_writer export_haproxy = {
	.file = "haproxy.cfg", .comment = "# ", .write = write_haproxy};
