/*
 * haproxy.cfg: one frontend for each port of the rules, TLS ones judged by the server name of the
 * hello, HTTP ones by the Host of every request; both then resolve that name themselves and dial
 * the result, whatever address the client had chosen.
 *
 * The rules stand in judging order. The first that matches sets `txn.rule`, later ones look at
 * nothing then; a deny rule that is first ends the connection. A fetch that lacks bytes yet (a
 * hello in pieces) makes HAProxy wait and start again, so no rule is skipped for want of data.
 *
 * What HAProxy compares with an address it also compares with the IPv4 address inside (mapped ones
 * and 6to4), and an IPv4 address with IPv6 prefixes as ::ffff:…. So neither kind comes in or gets
 * dialled, and a prefix as wide as ::/0 cannot stand in a list.
 *
 * Ports: a frontend listens on FIRST_PORT and following, in the order of the file; the router
 * redirects each port of the rules to its own, as the comment above the frontend says.
 */
#include <stdio.h>

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
	text_add(job->out,
		 "\nglobal\n"
		 "    log stdout format raw local0\n"
		 "    # Some 20,000 connections with two ends each, or what the system allows.\n"
		 "    fd-hard-limit 40100\n"
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

static void add_pattern(struct proxy_list *list, const struct pattern *pattern)
{
	cleanup(text_free) struct text expression = TEXT_EMPTY;

	switch (pattern->kind) {
	case PATTERN_EXACT:
		proxy_list_add(list, "%s", pattern->name.text);
		break;
	case PATTERN_BELOW:
		proxy_list_add(list, ".%s", pattern->name.text);
		break;
	case PATTERN_ANY:
	case PATTERN_LABEL:
		part_add_expression(&expression, pattern);
		proxy_list_add(list, "^%s$", text_string(&expression));
		list->out->failed |= text_failed(&expression);
		break;
	}
}

static void add_names(struct text *out, const struct dialect *dialect, const struct rule *rule,
		      size_t number, enum pattern_kind kind, const char *match)
{
	cleanup(text_free) struct text start = TEXT_EMPTY;
	struct proxy_list list = {out, NULL, 0};
	struct pattern pattern;
	size_t at = 0;

	text_addf(&start, "    acl name_%zu %s -i -m %s", number, dialect->name, match);
	list.start = text_string(&start);
	while (pattern_list_next(&rule->patterns, &at, &pattern))
		if (pattern.kind == kind && part_is_first_pattern(rule, &pattern, at))
			add_pattern(&list, &pattern);
	proxy_list_end(&list);
	out->failed |= text_failed(&start);
}

static void add_sources(struct export_job *job, const struct export_rule *rule, size_t number)
{
	char start[48];

	snprintf(start, sizeof(start), "    acl from_%zu src", number);
	if (!rule->rule->any_source)
		proxy_add_clients(job, rule, start, rule->rule->sources, rule->rule->source_count);
}

/* ACLs of one name are alternatives. */
static void add_rule(struct export_job *job, const struct dialect *dialect,
		     const struct export_rule *rule, size_t number)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;
	struct text *out = job->out;

	text_add(out, "    # ");
	part_add_title(out, rule);
	text_add(out, "\n");
	add_names(out, dialect, rule->rule, number, PATTERN_EXACT, "str");
	add_names(out, dialect, rule->rule, number, PATTERN_BELOW, "end");
	add_names(out, dialect, rule->rule, number, PATTERN_LABEL, "reg");
	add_names(out, dialect, rule->rule, number, PATTERN_ANY, "reg");
	add_sources(job, rule, number);
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
	out->failed |= text_failed(&label);
}

/* ------------------------------------------------------------------ network rules */

static bool has_port(const struct rule *rule, uint16_t port)
{
	for (size_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].first <= port && port <= rule->ports[i].last)
			return true;
	return rule->any_port;
}

/* By the address that the name led to. */
static void add_destinations(struct export_job *job, const struct export_rule *rule, size_t number)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	char start[64];

	if (rule->rule->any_destination) {
		text_addf(job->out, "    acl to_%zu always_true\n", number);
		return;
	}
	if (!part_list_destinations(job, rule->rule, &list))
		return;
	snprintf(start, sizeof(start), "    acl to_%zu var(txn.address) -m ip", number);
	proxy_add_denied(job, rule, start, &list);
}

static void add_network_rule(struct export_job *job, const struct dialect *dialect,
			     const struct export_rule *rule, size_t number)
{
	text_add(job->out, "    # ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	add_destinations(job, rule, number);
	add_sources(job, rule, number);
	text_addf(job->out, "    %s %s if to_%zu", dialect->directive, dialect->refuse, number);
	if (!rule->rule->any_source)
		text_addf(job->out, " from_%zu", number);
	text_add(job->out, "\n");
}

/* ----------------------------------------------------------------------- dialling */

static void add_guard(struct export_job *job, const struct dialect *dialect)
{
	text_add(job->out, "    # No name leads to these, whatever DNS answers.\n"
			   "    acl guarded var(txn.address) -m beg ::ffff:\n");
	proxy_add_guarded(job, "    acl guarded var(txn.address) -m ip");
	text_addf(job->out, "    %s %s if guarded\n", dialect->directive, dialect->refuse);
}

static bool denies_addresses(const struct export_rule *rule, uint16_t port)
{
	return rule->collection->action == RULE_DENY && (rule->rule->transports & TRANSPORT_TCP) &&
	       !rule->rule->fqdn_count && !proxy_is_dead(rule) && has_port(rule->rule, port);
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
		if (denies_addresses(&job->rules[i], port))
			add_network_rule(job, dialect, &job->rules[i], i + 1);
	text_addf(job->out,
		  "    %s set-dst var(txn.address)\n"
		  "    %s set-dst-port int(%u)\n"
		  "    default_backend %s\n",
		  directive, directive, port, dialect->word);
}

/* ---------------------------------------------------------------------- frontends */

/* A client's address must not pass for another one. */
static void add_protection(struct export_job *job)
{
	const struct rule_set *set = job->request->set;

	text_add(job->out, "    tcp-request connection reject if { src 2002::/16 }\n");
	if (!set->protected_source_count)
		return;
	proxy_add_clients(job, NULL, "    acl inside src", set->protected_sources,
			  set->protected_source_count);
	text_add(job->out, "    tcp-request connection reject if !inside\n");
}

/* The name is whole and one: a NUL in it would end it for the resolver. */
static void add_hello_checks(struct text *out)
{
	struct pattern any = {.kind = PATTERN_ANY};

	text_add(out, "    tcp-request inspect-delay 5s\n"
		      "    tcp-request content reject if !{ req.ssl_hello_type 1 }\n"
		      "    tcp-request content reject if !{ req.ssl_sni -i -m reg ^");
	part_add_expression(out, &any);
	text_add(out, "$ }\n");
}

static void add_host_checks(struct text *out, uint16_t port)
{
	struct pattern any = {.kind = PATTERN_ANY};

	text_add(out, "    option http-server-close\n"
		      "    http-request deny deny_status 400 if !{ req.hdr_cnt(host) eq 1 }\n"
		      "    http-request deny deny_status 403 if !{ req.hdr(host) -i -m reg ^");
	part_add_expression(out, &any);
	text_addf(out,
		  "(:%u)?$ }\n"
		  "    http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n"
		  "    http-request deny deny_status 403 if { method CONNECT }\n"
		  "    http-request del-header upgrade\n",
		  port);
}

static void add_start(struct export_job *job, const struct dialect *dialect, uint16_t port,
		      unsigned int listen)
{
	bool tls = dialect->protocol == APPLICATION_HTTPS;

	text_addf(job->out,
		  "\n# redirect tcp port %u to port %u\n"
		  "frontend %s_%u\n"
		  "    bind 0.0.0.0:%u\n"
		  "    bind :::%u v6only\n"
		  "    mode %s\n"
		  "    option %slog\n",
		  port, listen, dialect->word, port, listen, listen, tls ? "tcp" : "http",
		  tls ? "tcp" : "http");
	add_protection(job);
	if (tls)
		add_hello_checks(job->out);
	else
		add_host_checks(job->out, port);
}

static void add_frontend(struct export_job *job, const struct dialect *dialect, uint16_t port,
			 unsigned int listen)
{
	add_start(job, dialect, port, listen);
	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (proxy_rule_has(job->rules[i].rule, dialect->protocol, port) &&
		    !proxy_is_dead(&job->rules[i]))
			add_rule(job, dialect, &job->rules[i], i + 1);
	add_dialling(job, dialect, port);
}

static size_t add_frontends(struct export_job *job, const struct dialect *dialect, size_t before)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(job, dialect->protocol, &ports);

	job->failed |= !ports;
	for (size_t i = 0; ports && i < count; i++)
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
	count = add_frontends(job, &s_http, count);
	if (!count)
		text_addf(job->out,
			  "\n# No rule is about TLS or HTTP.\nfrontend nothing\n"
			  "    bind 127.0.0.1:%u\n    mode tcp\n"
			  "    tcp-request connection reject\n",
			  FIRST_PORT);
}

const struct export_writer export_haproxy = {
	.file = "haproxy.cfg", .comment = "# ", .write = write_haproxy};
