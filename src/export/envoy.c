/*
 * Envoy's static bootstrap: a listener for each port of the rules. TLS is matched by the hello's
 * server name (tls_inspector), and the name is resolved and dialled here
 * (sni_dynamic_forward_proxy); plain HTTP by virtual hosts, with dynamic_forward_proxy.
 *
 * Envoy does not take the first match but the most specific: an exact name before "*.x", a longer
 * "*.x" before a shorter one. Exact names and "*.x" either nest or have nothing in common, so first
 * match is kept by leaving out what an earlier rule covers whole: what is left is more specific
 * than everything earlier that it meets.
 *
 * Envoy takes the port to dial from the Host, 80 without one: on any other port the Host must name
 * the port, so hosts are written out with theirs.
 *
 * It cannot keep a name from leading to an address. The second file does: a packet filter on what
 * Envoy itself dials, which holds deny rules by address too.
 *
 * A rule with sources, or with a star inside a label, is left out: after the most specific name has
 * been found Envoy does not go back to a wider one, and there is no match inside a label.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/envoy_impl.h"
#include "export/proxy_impl.h"
#include "export/targets_impl.h"

#define FIRST_PORT 7200
#define HTTP_PORT  80 /* what Envoy dials for a Host without a port */

/* The patterns of one port that count. */
struct entry {
	const struct export_rule *rule;
	struct pattern pattern;
};

struct entries {
	struct entry *items;
	size_t count;
};

static void entries_done(struct entries *entries)
{
	free(entries->items);
}

static bool is_kept(struct export_job *job, const struct export_rule *rule,
		    const struct pattern *pattern)
{
	if (!rule->rule->any_source)
		export_leave_out(job, rule, "left out: its sources cannot be kept");
	else if (pattern->kind == PATTERN_LABEL)
		export_leave_out(job, rule, "left out: a star inside a label");
	else
		return true;
	return false;
}

static bool is_below(const struct name *name, const struct name *suffix)
{
	return name->length > suffix->length &&
	       name->text[name->length - suffix->length - 1] == '.' &&
	       !strcmp(name->text + name->length - suffix->length, suffix->text);
}

static bool covers(const struct pattern *wide, const struct pattern *narrow)
{
	if (wide->kind == PATTERN_ANY)
		return true;
	if (wide->kind == PATTERN_EXACT || narrow->kind == PATTERN_ANY)
		return wide->kind == narrow->kind && name_equal(&wide->name, &narrow->name);
	return is_below(&narrow->name, &wide->name) ||
	       (narrow->kind == PATTERN_BELOW && name_equal(&wide->name, &narrow->name));
}

static bool is_covered(const struct entries *entries, const struct pattern *pattern)
{
	for (size_t i = 0; i < entries->count; i++)
		if (covers(&entries->items[i].pattern, pattern))
			return true;
	return false;
}

static size_t count_patterns(const struct export_job *job)
{
	size_t count = 0;

	for (size_t i = job->network_count; i < job->rule_count; i++)
		count += job->rules[i].rule->patterns.count;
	return count;
}

/* In judging order, so that what is covered already is dead. */
static void collect(struct export_job *job, enum application_protocol protocol, uint16_t port,
		    struct entries *entries)
{
	entries->items = calloc(count_patterns(job) + 1, sizeof(*entries->items));
	if (!entries->items) {
		job->failed = true;
		return;
	}
	for (size_t i = job->network_count; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];
		struct pattern pattern;
		size_t at = 0;

		if (!proxy_rule_has(rule->rule, protocol, port) || proxy_is_dead(rule))
			continue;
		while (pattern_list_next(&rule->rule->patterns, &at, &pattern))
			if (is_kept(job, rule, &pattern) && !is_covered(entries, &pattern))
				entries->items[entries->count++] = (struct entry){rule, pattern};
	}
}

/* ----------------------------------------------------------------------- listeners */

static void add_listener(struct text *out, const char *kind, uint16_t port, unsigned int listen)
{
	text_addf(out,
		  "  # redirect tcp port %u to port %u\n"
		  "  - name: %s_%u\n"
		  "    address:\n"
		  "      socket_address: {address: \"::\", port_value: %u, ipv4_compat: true}\n",
		  port, listen, kind, port, listen);
}

static void add_cache(struct text *out, const char *indent)
{
	text_addf(out,
		  "%sdns_cache_config:\n"
		  "%s  name: names\n"
		  "%s  dns_lookup_family: V4_PREFERRED\n",
		  indent, indent, indent);
}

/* `port` 0: the name alone. */
static void add_quoted(struct text *out, const struct pattern *pattern, uint16_t port)
{
	char text[PATTERN_TEXT_SIZE];

	text_addf(out, port ? "\"%s:%u\"" : "\"%s\"", pattern_format(pattern, text), port);
}

/* The protected sources, on every chain alike. */
static void add_sources(struct export_job *job)
{
	const struct rule_set *set = job->request->set;
	char address[IP_TEXT_SIZE];

	if (!set->protected_source_count)
		return;
	text_add(job->out, "        source_prefix_ranges:\n");
	for (size_t i = 0; i < set->protected_source_count; i++)
		text_addf(job->out, "        - {address_prefix: \"%s\", prefix_len: %u}\n",
			  ip_format(&set->protected_sources[i].address, address),
			  set->protected_sources[i].length);
}

/* In a YAML string in double quotes. Envoy matches the whole of a string. */
static void add_name_expression(struct text *out, const char *end)
{
	cleanup(text_free) struct text expression = TEXT_EMPTY;
	struct pattern any = {.kind = PATTERN_ANY};

	part_add_expression(&expression, &any);
	text_add(out, "\"(?i)");
	for (const char *at = text_string(&expression); *at; at++)
		text_addf(out, *at == '\\' ? "\\%c" : "%c", *at);
	text_addf(out, "%s\"", end);
	out->failed |= text_failed(&expression);
}

/* A chain for every name is one for none, and for addresses, too. */
static void add_name_check(struct text *out, uint16_t port)
{
	text_addf(out,
		  "      - name: envoy.filters.network.rbac\n"
		  "        typed_config:\n"
		  "          \"@type\": type.googleapis.com/envoy.extensions.filters.network."
		  "rbac.v3.RBAC\n"
		  "          stat_prefix: named_%u\n"
		  "          rules:\n"
		  "            action: ALLOW\n"
		  "            policies:\n"
		  "              named:\n"
		  "                permissions:\n"
		  "                - requested_server_name: {safe_regex: {regex: ",
		  port);
	add_name_expression(out, "");
	text_add(out, "}}\n"
		      "                principals:\n"
		      "                - any: true\n");
}

static void add_chain(struct export_job *job, const struct entry *entry, uint16_t port)
{
	struct text *out = job->out;

	text_add(out, "    # ");
	part_add_title(out, entry->rule);
	text_add(out, "\n    - filter_chain_match:\n        transport_protocol: tls\n");
	if (entry->pattern.kind != PATTERN_ANY) {
		text_add(out, "        server_names: [");
		add_quoted(out, &entry->pattern, 0);
		text_add(out, "]\n");
	}
	add_sources(job);
	if (entry->rule->collection->action == RULE_DENY) {
		text_add(out, "      filters: [] # closed at once\n");
		return;
	}
	text_add(out, "      filters:\n");
	if (entry->pattern.kind == PATTERN_ANY)
		add_name_check(out, port);
	text_addf(out,
		  "      - name: envoy.filters.network.sni_dynamic_forward_proxy\n"
		  "        typed_config:\n"
		  "          \"@type\": type.googleapis.com/envoy.extensions.filters.network."
		  "sni_dynamic_forward_proxy.v3.FilterConfig\n"
		  "          port_value: %u\n",
		  port);
	add_cache(out, "          ");
	text_addf(out,
		  "      - name: envoy.filters.network.tcp_proxy\n"
		  "        typed_config:\n"
		  "          \"@type\": type.googleapis.com/envoy.extensions.filters.network."
		  "tcp_proxy.v3.TcpProxy\n"
		  "          stat_prefix: tls_%u\n"
		  "          cluster: names\n",
		  port);
}

static void add_tls(struct export_job *job, const struct entries *entries, uint16_t port,
		    unsigned int listen)
{
	struct text *out = job->out;

	add_listener(out, "tls", port, listen);
	text_add(out, "    listener_filters_timeout: 5s\n"
		      "    listener_filters:\n"
		      "    - name: envoy.filters.listener.tls_inspector\n"
		      "      typed_config:\n"
		      "        \"@type\": type.googleapis.com/envoy.extensions.filters.listener."
		      "tls_inspector.v3.TlsInspector\n"
		      "    filter_chains:\n");
	for (size_t i = 0; i < entries->count; i++)
		add_chain(job, &entries->items[i], port);
}

/* Every host, or what is really a name with no port but this one. */
static void add_route_match(struct text *out, const struct entry *entry, uint16_t port)
{
	char end[16];

	text_add(out, "              - match:\n                  prefix: \"/\"\n");
	if (entry->pattern.kind != PATTERN_ANY)
		return;
	snprintf(end, sizeof(end), port == HTTP_PORT ? "(:%u)?" : ":%u", port);
	text_add(out, "                  headers:\n"
		      "                  - name: \":authority\"\n"
		      "                    string_match: {safe_regex: {regex: ");
	add_name_expression(out, end);
	text_add(out, "}}\n");
}

static void add_virtual_host(struct text *out, const struct entry *entry, size_t number,
			     uint16_t port)
{
	bool allows = entry->rule->collection->action == RULE_ALLOW;
	bool any = entry->pattern.kind == PATTERN_ANY;

	text_add(out, "            # ");
	part_add_title(out, entry->rule);
	text_addf(out, "\n            - name: host_%zu\n              domains: [", number);
	if (any || port == HTTP_PORT || !allows)
		add_quoted(out, &entry->pattern, 0);
	text_add(out, !any && (port == HTTP_PORT || !allows) ? ", " : "");
	if (!any)
		add_quoted(out, &entry->pattern, port);
	text_add(out, "]\n              routes:\n");
	add_route_match(out, entry, port);
	text_add(out, allows ? "                route: {cluster: names}\n"
			     : "                direct_response: {status: 403}\n");
}

static bool has_any(const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].pattern.kind == PATTERN_ANY)
			return true;
	return false;
}

static void add_manager(struct export_job *job, uint16_t port)
{
	text_add(job->out, "    filter_chains:\n    - filter_chain_match:\n"
			   "        transport_protocol: raw_buffer\n");
	add_sources(job);
	text_addf(job->out,
		  "      filters:\n"
		  "      - name: envoy.filters.network.http_connection_manager\n"
		  "        typed_config:\n"
		  "          \"@type\": type.googleapis.com/envoy.extensions.filters.network."
		  "http_connection_manager.v3.HttpConnectionManager\n"
		  "          stat_prefix: http_%u\n"
		  "          codec_type: HTTP1\n"
		  "          route_config:\n"
		  "            virtual_hosts:\n",
		  port);
}

static void add_http(struct export_job *job, const struct entries *entries, uint16_t port,
		     unsigned int listen)
{
	struct text *out = job->out;

	add_listener(out, "http", port, listen);
	add_manager(job, port);
	for (size_t i = 0; i < entries->count; i++)
		add_virtual_host(out, &entries->items[i], i + 1, port);
	if (!has_any(entries))
		text_add(out, "            - name: denied\n"
			      "              domains: [\"*\"]\n"
			      "              routes:\n"
			      "              - match:\n                  prefix: \"/\"\n"
			      "                direct_response: {status: 403}\n");
	text_add(out, "          http_filters:\n"
		      "          - name: envoy.filters.http.dynamic_forward_proxy\n"
		      "            typed_config:\n"
		      "              \"@type\": type.googleapis.com/envoy.extensions.filters.http."
		      "dynamic_forward_proxy.v3.FilterConfig\n");
	add_cache(out, "              ");
	text_add(out, "          - name: envoy.filters.http.router\n"
		      "            typed_config:\n"
		      "              \"@type\": type.googleapis.com/envoy.extensions.filters.http."
		      "router.v3.Router\n");
}

/* ----------------------------------------------------------------------- the file */

typedef void add_one(struct export_job *job, const struct entries *entries, uint16_t port,
		     unsigned int listen);

struct listeners {
	size_t count;
	struct text ports; /* "443, 80" */
};

static void add_listeners(struct export_job *job, enum application_protocol protocol, add_one *add,
			  struct listeners *listeners)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(job, protocol, &ports);

	job->failed |= !ports;
	for (size_t i = 0; ports && i < count; i++) {
		struct entries entries = {0};

		collect(job, protocol, ports[i], &entries);
		if (entries.count) { /* Envoy refuses a listener that takes nobody */
			text_add(job->out, listeners->count ? "" : "  listeners:\n");
			text_addf(&listeners->ports, "%s%u", listeners->count ? ", " : "",
				  ports[i]);
			add(job, &entries, ports[i], FIRST_PORT + (unsigned int)listeners->count++);
		}
		entries_done(&entries);
	}
}

static void add_notes(struct export_job *job)
{
	export_note(job,
		    "it must run on the router, which redirects each port to the listener that "
		    "its comment names");
	export_note(job,
		    "a TLS connection without a server name is closed; a name is resolved here, "
		    "and the client's own address for it does not matter");
	export_note(job,
		    "guard.nft belongs to it, for `nft -f` where Envoy runs, with its user put in: "
		    "it keeps names from leading to special, private or denied addresses, which "
		    "Envoy cannot");
	export_note(job, "on ports other than 80 the Host of a plain request must name the port");
	for (size_t i = 0; i < job->network_count; i++)
		(void)proxy_takes_network_rule(job, &job->rules[i]);
}

static void write_envoy(struct export_job *job)
{
	struct listeners listeners = {0};

	add_notes(job);
	text_add(job->out, "static_resources:\n");
	add_listeners(job, APPLICATION_HTTPS, add_tls, &listeners);
	add_listeners(job, APPLICATION_HTTP, add_http, &listeners);
	if (!listeners.count)
		text_add(job->out, "  listeners: []\n");
	text_add(job->out, "  clusters:\n"
			   "  - name: names\n"
			   "    lb_policy: CLUSTER_PROVIDED\n"
			   "    connect_timeout: 10s\n"
			   "    cluster_type:\n"
			   "      name: envoy.clusters.dynamic_forward_proxy\n"
			   "      typed_config:\n"
			   "        \"@type\": type.googleapis.com/envoy.extensions.clusters."
			   "dynamic_forward_proxy.v3.ClusterConfig\n");
	add_cache(job->out, "        ");
	if (listeners.count)
		envoy_add_guard(job, text_string(&listeners.ports));
	job->failed |= text_failed(&listeners.ports);
	text_free(&listeners.ports);
}

const struct export_writer export_envoy = {
	.file = "envoy.yaml", .comment = "# ", .several = true, .write = write_envoy};
