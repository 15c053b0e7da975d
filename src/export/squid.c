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
		      "http_port 3129 intercept\n"
		      "https_port 3130 intercept ssl-bump tls-cert=/etc/squid/sallyport.pem "
		      "generate-host-certificates=off name=redirected_tls\n\n"
		      "# The address must be one that the name resolves to.\n"
		      "host_verify_strict on\n"
		      "cache deny all\nforwarded_for delete\npinger_enable off\n"
		      "shutdown_lifetime 2 seconds\n\n"
		      "acl redirected myportname redirected_tls\n"
		      "acl first_step at_step SslBump1\n");
}

static void add_guard(struct export_job *job)
{
	text_add(job->out, "\n# No name leads to these, whatever DNS answers.\nacl guarded dst");
	proxy_add_special(job->out, false);
	proxy_add_private(job->out);
	text_add(job->out, "\n");
	if (proxy_has_exceptions(job->request->set)) {
		text_add(job->out, "acl excepted dst");
		proxy_add_exceptions(job->out, job->request->set);
		text_add(job->out, "\nhttp_access deny guarded !excepted\n");
	} else {
		text_add(job->out, "http_access deny guarded\n");
	}
}

/* ------------------------------------------------------------------------ ACLs */

static void add_sources(struct text *out, const struct rule *rule, size_t number)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (rule->any_source)
		return;
	text_addf(out, "acl r%zu_from src", number);
	for (size_t i = 0; i < rule->source_count; i++)
		text_addf(out, " %s", ip_prefix_format(&rule->sources[i], prefix));
	text_add(out, "\n");
}

/* Names of one sort, exact ones or all others, as an ACL of `type`; false: there are none. */
static bool add_names(struct text *out, const struct rule *rule, size_t number, const char *what,
		      const char *type, bool exact)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	for (size_t i = 0; i < rule->pattern_count; i++) {
		if (!part_is_first_pattern(rule, i) ||
		    (rule->patterns[i].kind == PATTERN_EXACT) != exact)
			continue;
		text_add(&words, exact ? " " : " ^");
		if (exact)
			text_add(&words, rule->patterns[i].name.text);
		else
			part_add_expression(&words, &rule->patterns[i]);
		text_add(&words, exact ? "" : "$");
	}
	if (words.length)
		text_addf(out, "acl r%zu_%s %s%s\n", number, what, type, text_string(&words));
	return words.length > 0;
}

/* Which of a rule's ACLs there are. */
struct acls {
	bool host, host_like, name, name_like;
};

static struct acls add_acls(struct text *out, const struct export_rule *rule, size_t number)
{
	const struct rule *own = rule->rule;
	struct acls acls;

	text_add(out, "\n# ");
	part_add_title(out, rule);
	text_add(out, "\n");
	add_sources(out, own, number);
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
	bool any = false;

	for (size_t i = 0; i < rule->protocol_count; i++) {
		if (rule->protocols[i].protocol != protocol)
			continue;
		if (!any)
			text_addf(out, "acl r%zu_%s port", number, what);
		text_addf(out, " %u", rule->protocols[i].port);
		any = true;
	}
	text_add(out, any ? "\n" : "");
	return any;
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
	struct acls acls = add_acls(job->out, rule, number);
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
	if (rule->any_port)
		return;
	text_addf(out, "acl r%zu_port port", number);
	for (size_t i = 0; i < part_range_count(rule); i++) {
		struct port_range range = part_range_at(rule, i);

		text_addf(out, range.first == range.last ? " %u" : " %u-%u", range.first,
			  range.last);
	}
	text_add(out, "\n");
}

static void add_network_rule(struct export_job *job, const struct export_rule *rule, size_t number)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	const struct rule *own = rule->rule;
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (!proxy_takes_network_rule(job, rule) || !part_list_destinations(job, own, &list))
		return;
	text_add(job->out, "\n# ");
	part_add_title(job->out, rule);
	text_add(job->out, "\n");
	add_sources(job->out, own, number);
	add_denied_ports(job->out, own, number);
	if (!own->any_destination) {
		text_addf(job->out, "acl r%zu_to dst", number);
		for (size_t i = 0; i < list.count; i++)
			text_addf(job->out, " %s", ip_prefix_format(&list.items[i], prefix));
		text_add(job->out, "\n");
	}
	text_add(job->out, "http_access deny");
	text_addf(job->out, own->any_destination ? "" : " r%zu_to", number);
	text_addf(job->out, own->any_port ? "" : " r%zu_port", number);
	text_addf(job->out, own->any_source ? "" : " r%zu_from", number);
	text_add(job->out, "\n");
}

/* ----------------------------------------------------------------------- the file */

static void add_notes(struct export_job *job)
{
	export_note(job,
		    "needs squid with OpenSSL (Debian: squid-openssl) and a certificate that no "
		    "client ever sees: openssl req -x509 -newkey rsa:2048 -nodes -days 3650 "
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

	if (!ports) {
		job->failed = true;
		return;
	}
	if (!count)
		return;
	text_add(job->out,
		 "\n# Redirected TLS goes on to its hello; the address was judged above.\n"
		 "acl tls_port port");
	for (size_t i = 0; i < count; i++)
		text_addf(job->out, " %u", ports[i]);
	text_add(job->out, "\nhttp_access allow CONNECT redirected tls_port\n");
}

static void write_squid(struct export_job *job)
{
	cleanup(text_free) struct text bump = TEXT_EMPTY;

	add_notes(job);
	add_head(job);
	add_guard(job);
	for (size_t i = 0; i < job->network_count; i++)
		add_network_rule(job, &job->rules[i], i + 1);
	for (size_t i = job->network_count; i < job->rule_count; i++)
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
