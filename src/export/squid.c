/*
 * squid.conf for Debian's squid-openssl: an HTTP proxy that peeks at the ClientHello and splices,
 * never decrypting.
 *
 * Rules become ACLs in judging order, used in two places: `http_access` judges every plain request
 * by its host, `ssl_bump` judges TLS by the server name of the hello. A connection that was
 * redirected here comes to http_access twice, before the hello by its address and behind it by its
 * name; so http_access lets redirected TLS pass to ssl_bump, which ends with `terminate`.
 *
 * Squid's ".x" covers x too, ours does not: such patterns are regular expressions, anchored, with
 * no dot in front of x left to chance. ACLs of one line are alternatives, ACLs beside each other in
 * a rule must all match.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "export/parts_impl.h"
#include "export/proxy_impl.h"
#include "export/targets_impl.h"

static void add_head(struct export_job *job)
{
	struct text *out = job->out;

	text_add(out, "\n# Clients that are told of a proxy (HTTPS_PROXY=http://gateway:3128).\n"
		      "http_port 3128 ssl-bump tls-cert=/etc/squid/sallyport.pem "
		      "generate-host-certificates=off\n"
		      "# What the router redirects here: plain HTTP, and TLS of every port of the "
		      "rules.\n"
		      "http_port 3129 intercept name=redirected_http\n"
		      "https_port 3130 intercept ssl-bump tls-cert=/etc/squid/sallyport.pem "
		      "generate-host-certificates=off name=redirected_tls\n\n"
		      "# The address must be one that the name resolves to.\n"
		      "host_verify_strict on\n"
		      "cache deny all\nforwarded_for delete\npinger_enable off\n"
		      "shutdown_lifetime 2 seconds\n\n"
		      "acl redirected_http myportname redirected_http\n"
		      "acl redirected_tls myportname redirected_tls\n"
		      "acl first_step at_step SslBump1\n"
		      "acl plain proto HTTP\n"
		      "acl has_host req_header Host .\n"
		      "acl no_name dstdom_regex -n -i (^|[.])[0-9]+$ (^|[.])0x[0-9a-f]*$ :\n");
}

static void add_guard(struct export_job *job)
{
	text_add(job->out, "\n# No name leads to these, whatever DNS answers.\n");
	proxy_add_guarded(job, "acl guarded dst");
	text_add(job->out, "http_access deny guarded\n");
}

/* What comes in by another port than its URL says; what is no HTTP or names nothing. */
static void add_checks(struct export_job *job)
{
	const struct rule_set *set = job->request->set;
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(job, APPLICATION_HTTP, &ports);

	job->failed |= !ports;
	text_add(job->out, "\nhttp_access deny manager\n"
			   "http_access deny !CONNECT !plain\n"
			   "http_access deny no_name !redirected_tls\n"
			   "# Without a Host nothing ties the URL's name to the address.\n"
			   "http_access deny redirected_http !has_host\n");
	if (set->protected_source_count) {
		proxy_add_clients(job, NULL, "acl inside src", set->protected_sources,
				  set->protected_source_count);
		text_add(job->out, "http_access deny !inside\n");
	}
	for (size_t i = 0; ports && i < count; i++)
		text_addf(job->out,
			  "acl to_%u port %u\nacl by_%u localport %u\n"
			  "http_access deny redirected_http by_%u !to_%u\n",
			  ports[i], ports[i], ports[i], ports[i], ports[i], ports[i]);
}

/* ------------------------------------------------------------------------ ACLs */

static void add_sources(struct export_job *job, const struct export_rule *rule, size_t number)
{
	char start[48];

	snprintf(start, sizeof(start), "acl r%zu_from src", number);
	if (!rule->rule->any_source)
		proxy_add_clients(job, rule, start, rule->rule->sources, rule->rule->source_count);
}

static void add_pattern(struct proxy_list *list, const struct pattern *pattern)
{
	cleanup(text_free) struct text expression = TEXT_EMPTY;

	if (pattern->kind == PATTERN_EXACT) {
		proxy_list_add(list, "%s", pattern->name.text);
		return;
	}
	part_add_expression(&expression, pattern);
	proxy_list_add(list, "^%s$", text_string(&expression));
	list->out->failed |= text_failed(&expression);
}

/* Names of one sort, exact ones or all others, as an ACL of `type`; false: there are none. */
static bool add_names(struct text *out, const struct rule *rule, size_t number, const char *what,
		      const char *type, bool exact)
{
	char start[96];
	struct proxy_list list = {out, start, 0};
	struct pattern pattern;
	size_t at = 0;

	snprintf(start, sizeof(start), "acl r%zu_%s %s", number, what, type);
	while (pattern_list_next(&rule->patterns, &at, &pattern))
		if (part_is_first_pattern(rule, &pattern, at) &&
		    (pattern.kind == PATTERN_EXACT) == exact)
			add_pattern(&list, &pattern);
	proxy_list_end(&list);
	return list.count > 0;
}

/* Which of a rule's ACLs there are. */
struct acls {
	bool host, host_like, name, name_like;
};

static struct acls add_acls(struct export_job *job, const struct export_rule *rule, size_t number)
{
	struct text *out = job->out;
	const struct rule *own = rule->rule;
	struct acls acls;

	text_add(out, "\n# ");
	part_add_title(out, rule);
	text_add(out, "\n");
	add_sources(job, rule, number);
	acls.host = add_names(out, own, number, "host", "dstdomain -n", true);
	acls.host_like = add_names(out, own, number, "host_like", "dstdom_regex -n -i", false);
	acls.name =
		add_names(out, own, number, "name", "ssl::server_name --client-requested", true);
	acls.name_like =
		add_names(out, own, number, "name_like", "ssl::server_name_regex -i", false);
	return acls;
}

/* "acl rN_https port 443 8443"; false: the rule has no port of this protocol. */
static bool add_ports(struct text *out, const struct rule *rule, size_t number,
		      enum application_protocol protocol, const char *what)
{
	char start[48];
	struct proxy_list list = {out, start, 0};

	snprintf(start, sizeof(start), "acl r%zu_%s port", number, what);
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == protocol)
			proxy_list_add(&list, "%u", rule->protocols[i].port);
	proxy_list_end(&list);
	return list.count > 0;
}

/* One line of a directive: the ACL of the names, the ports, the sources. */
static void add_line(struct text *out, const char *directive, const struct rule *rule,
		     size_t number, const char *names, const char *ports)
{
	text_addf(out, "%s r%zu_%s r%zu_%s", directive, number, names, number, ports);
	if (!rule->any_source)
		text_addf(out, " r%zu_from", number);
	text_add(out, "\n");
}

static void add_application_rule(struct export_job *job, const struct export_rule *rule,
				 size_t number, struct text *bump)
{
	bool allows = rule->collection->action == RULE_ALLOW;
	const char *plain = allows ? "http_access allow !CONNECT" : "http_access deny !CONNECT";
	const char *tunnel = allows ? "http_access allow CONNECT" : "http_access deny CONNECT";
	const char *hello = allows ? "ssl_bump splice" : "ssl_bump terminate";
	struct acls acls = add_acls(job, rule, number);
	bool http = add_ports(job->out, rule->rule, number, APPLICATION_HTTP, "http");
	bool https = add_ports(job->out, rule->rule, number, APPLICATION_HTTPS, "https");

	if (http && acls.host)
		add_line(job->out, plain, rule->rule, number, "host", "http");
	if (http && acls.host_like)
		add_line(job->out, plain, rule->rule, number, "host_like", "http");
	if (https && acls.host)
		add_line(job->out, tunnel, rule->rule, number, "host", "https");
	if (https && acls.host_like)
		add_line(job->out, tunnel, rule->rule, number, "host_like", "https");
	if (https && acls.name)
		add_line(bump, hello, rule->rule, number, "name", "https");
	if (https && acls.name_like)
		add_line(bump, hello, rule->rule, number, "name_like", "https");
}

/* ------------------------------------------------------------------ network rules */

static void add_denied_ports(struct text *out, const struct rule *rule, size_t number)
{
	char start[48];
	struct proxy_list list = {out, start, 0};

	snprintf(start, sizeof(start), "acl r%zu_port port", number);
	for (size_t i = 0; !rule->any_port && i < rule->port_count; i++) {
		struct port_range range = rule->ports[i];

		if (range.first == range.last)
			proxy_list_add(&list, "%u", range.first);
		else
			proxy_list_add(&list, "%u-%u", range.first, range.last);
	}
	proxy_list_end(&list);
}

static void add_network_rule(struct export_job *job, const struct export_rule *rule, size_t number)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	const struct rule *own = rule->rule;
	char start[48];

	if (!proxy_takes_network_rule(job, rule) || !part_list_destinations(job, own, &list))
		return;
	text_add(job->out, "\n# ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	add_sources(job, rule, number);
	add_denied_ports(job->out, own, number);
	snprintf(start, sizeof(start), "acl r%zu_to dst", number);
	if (!own->any_destination)
		proxy_add_denied(job, rule, start, &list);
	text_add(job->out, "http_access deny");
	if (own->any_destination)
		text_add(job->out, " all");
	else
		text_addf(job->out, " r%zu_to", number);
	if (!own->any_port)
		text_addf(job->out, " r%zu_port", number);
	if (!own->any_source)
		text_addf(job->out, " r%zu_from", number);
	text_add(job->out, "\n");
}

/* ----------------------------------------------------------------------- the file */

static void add_notes(struct export_job *job)
{
	export_note(job,
		    "needs squid with OpenSSL (Debian: squid-openssl) and a certificate that no "
		    "client need trust: openssl req -x509 -newkey rsa:2048 -nodes -days 3650 "
		    "-subj /CN=peek -keyout /etc/squid/sallyport.pem -out "
		    "/etc/squid/sallyport.pem");
	export_note(job,
		    "clients and this proxy must ask the same resolver: an address that the name "
		    "does not resolve to here is refused");
	export_note(job, "a TLS connection without a server name is ended");
	export_note(job,
		    "bytes of a long connection pass through this process, and HTTP/2 inside TLS "
		    "is judged by its first name alone");
}

static void add_redirected(struct export_job *job)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(job, APPLICATION_HTTPS, &ports);
	struct proxy_list list = {job->out, "acl tls_port port", 0};

	if (!ports) {
		job->failed = true;
		return;
	}
	if (!count)
		return;
	text_add(job->out,
		 "\n# Redirected TLS goes on to its hello; the address was judged above.\n");
	for (size_t i = 0; i < count; i++)
		proxy_list_add(&list, "%u", ports[i]);
	proxy_list_end(&list);
	text_add(job->out, "http_access allow CONNECT redirected_tls no_name tls_port\n");
}

static void write_squid(struct export_job *job)
{
	cleanup(text_free) struct text bump = TEXT_EMPTY;

	add_notes(job);
	add_head(job);
	add_checks(job);
	add_guard(job);
	for (size_t i = 0; i < job->network_count; i++)
		add_network_rule(job, &job->rules[i], i + 1);
	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (!proxy_is_dead(&job->rules[i]))
			add_application_rule(job, &job->rules[i], i + 1, &bump);
	add_redirected(job);
	text_add(job->out, "http_access deny all\n\n"
			   "# The hello decides, in the same order.\n"
			   "ssl_bump peek first_step\n");
	text_add(job->out, text_string(&bump));
	text_add(job->out, "ssl_bump terminate all\n");
	job->failed |= text_failed(&bump);
}

const struct export_writer export_squid = {
	.file = "squid.conf", .comment = "# ", .write = write_squid};
