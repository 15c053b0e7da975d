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
 * A rule with sources, or with a star inside a label, is left out: after the most specific name has
 * been found Envoy does not go back to a wider one, and there is no match inside a label.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/parts_impl.h"
#include "export/proxy_impl.h"
#include "export/targets_impl.h"

#define FIRST_PORT 7200

/* The patterns of one port that count. */
struct entry {
	const struct export_rule *rule;
	const struct pattern *pattern;
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
		if (covers(entries->items[i].pattern, pattern))
			return true;
	return false;
}

static size_t count_patterns(const struct export_job *job)
{
	size_t count = 0;

	for (size_t i = job->network_count; i < job->rule_count; i++)
		count += job->rules[i].rule->pattern_count;
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

		if (!proxy_rule_has(rule->rule, protocol, port))
			continue;
		for (size_t j = 0; j < rule->rule->pattern_count; j++) {
			const struct pattern *pattern = &rule->rule->patterns[j];

			if (is_kept(job, rule, pattern) && !is_covered(entries, pattern))
				entries->items[entries->count++] = (struct entry){rule, pattern};
		}
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

static void add_quoted(struct text *out, const struct pattern *pattern)
{
	char text[PATTERN_TEXT_SIZE];

	text_addf(out, "\"%s\"", pattern_format(pattern, text));
}

static void add_chain(struct text *out, const struct entry *entry, uint16_t port)
{
	text_add(out, "    # ");
	part_add_title(out, entry->rule);
	text_add(out, "\n    - filter_chain_match: {transport_protocol: tls");
	if (entry->pattern->kind != PATTERN_ANY) {
		text_add(out, ", server_names: [");
		add_quoted(out, entry->pattern);
		text_add(out, "]");
	}
	text_add(out, "}\n");
	if (entry->rule->collection->action == RULE_DENY) {
		text_add(out, "      filters: [] # closed at once\n");
		return;
	}
	text_addf(out,
		  "      filters:\n"
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

static void add_tls(struct export_job *job, uint16_t port, unsigned int listen)
{
	cleanup(entries_done) struct entries entries = {0};
	struct text *out = job->out;

	collect(job, APPLICATION_HTTPS, port, &entries);
	add_listener(out, "tls", port, listen);
	text_add(out, "    listener_filters_timeout: 5s\n"
		      "    listener_filters:\n"
		      "    - name: envoy.filters.listener.tls_inspector\n"
		      "      typed_config:\n"
		      "        \"@type\": type.googleapis.com/envoy.extensions.filters.listener."
		      "tls_inspector.v3.TlsInspector\n");
	text_add(out, entries.count ? "    filter_chains:\n" : "    filter_chains: []\n");
	for (size_t i = 0; i < entries.count; i++)
		add_chain(out, &entries.items[i], port);
}

static void add_virtual_host(struct text *out, const struct entry *entry, size_t number)
{
	bool allows = entry->rule->collection->action == RULE_ALLOW;

	text_add(out, "            # ");
	part_add_title(out, entry->rule);
	text_addf(out, "\n            - name: host_%zu\n              domains: [", number);
	add_quoted(out, entry->pattern);
	text_add(out, "]\n              routes:\n              - match: {prefix: \"/\"}\n");
	text_add(out, allows ? "                route: {cluster: names}\n"
			     : "                direct_response: {status: 403}\n");
}

static bool has_any(const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].pattern->kind == PATTERN_ANY)
			return true;
	return false;
}

static void add_http(struct export_job *job, uint16_t port, unsigned int listen)
{
	cleanup(entries_done) struct entries entries = {0};
	struct text *out = job->out;

	collect(job, APPLICATION_HTTP, port, &entries);
	add_listener(out, "http", port, listen);
	text_addf(out,
		  "    filter_chains:\n"
		  "    - filters:\n"
		  "      - name: envoy.filters.network.http_connection_manager\n"
		  "        typed_config:\n"
		  "          \"@type\": type.googleapis.com/envoy.extensions.filters.network."
		  "http_connection_manager.v3.HttpConnectionManager\n"
		  "          stat_prefix: http_%u\n"
		  "          codec_type: HTTP1\n"
		  "          strip_matching_host_port: true\n"
		  "          route_config:\n"
		  "            virtual_hosts:\n",
		  port);
	for (size_t i = 0; i < entries.count; i++)
		add_virtual_host(out, &entries.items[i], i + 1);
	if (!has_any(&entries))
		text_add(out, "            - name: denied\n"
			      "              domains: [\"*\"]\n"
			      "              routes:\n"
			      "              - match: {prefix: \"/\"}\n"
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

typedef void add_one(struct export_job *job, uint16_t port, unsigned int listen);

static size_t add_listeners(struct export_job *job, enum application_protocol protocol,
			    add_one *add, size_t before)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(job, protocol, &ports);

	job->failed |= !ports;
	for (size_t i = 0; i < count; i++)
		add(job, ports[i], FIRST_PORT + (unsigned int)(before + i));
	return before + count;
}

static void write_envoy(struct export_job *job)
{
	size_t count;

	export_note(job,
		    "it must run on the router, which redirects each port to the listener that "
		    "its comment names");
	export_note(job,
		    "a TLS connection without a server name is closed; a name is resolved here, "
		    "and the client's own address for it does not matter");
	export_note(job,
		    "nothing here keeps a name from leading to special or private addresses: let "
		    "the resolver or a packet filter refuse them");
	for (size_t i = 0; i < job->network_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (rule->collection->action == RULE_DENY)
			export_leave_out(job, rule,
					 "left out: addresses cannot be denied behind a name");
		else
			(void)proxy_takes_network_rule(job, rule);
	}
	text_add(job->out, "static_resources:\n  listeners:\n");
	count = add_listeners(job, APPLICATION_HTTPS, add_tls, 0);
	count = add_listeners(job, APPLICATION_HTTP, add_http, count);
	if (!count)
		text_add(job->out, "  []\n");
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
}

const struct export_writer export_envoy = {
	.file = "envoy.yaml", .comment = "# ", .write = write_envoy};
