/*
 * Application rules on FortiOS: for each kind of source and each port one policy with one URL
 * filter, a list of regular expressions whose first match decides; the last entry blocks the rest.
 *
 * FortiOS takes the first policy that fits and stays with it, so a filter for sources S holds, in
 * judging order,
 *   - the allow rules whose sources are all of S, or more;
 *   - the deny rules whose sources meet S at all.
 * Nothing gets wider by that, whatever the policies' order. Narrow sources come before wide ones,
 * so that as few as possible are lost: an allow rule whose sources only meet those of an earlier
 * policy does not count there.
 */
#include "export/fortigate_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define PORT_COUNT (UINT16_MAX + 1)

/* A kind of source: those of one rule, and of all others with the same. */
struct kind {
	struct appliance_sources sources;
	double size; /* of addresses */
};

struct web {
	struct fortigate *config;
	struct export_job *job;
	struct kind *own;          /* of every application rule, in judging order */
	const struct kind **kinds; /* each once, the narrow ones first */
	size_t rule_count, kind_count;
	uint8_t *ports; /* for every port the protocols that some rule has for it, as bits */
};

static const struct export_rule *rule_at(const struct web *web, size_t index)
{
	return &web->job->rules[web->job->network_count + index];
}

/* ----------------------------------------------------------------------- kinds of source */

static bool prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->length <= inner->length && ip_prefix_contains(outer, &inner->address);
}

static bool list_covers(const struct part_prefixes *outer, const struct ip_prefix *inner)
{
	for (size_t i = 0; i < outer->count; i++)
		if (prefix_covers(&outer->items[i], inner))
			return true;
	return false;
}

/* Is every source of `inner` one of `outer`, as far as single prefixes show? */
static bool covers(const struct kind *outer, const struct kind *inner)
{
	if (outer->sources.any || inner->sources.any)
		return outer->sources.any;
	for (size_t i = 0; i < inner->sources.list.count; i++)
		if (!list_covers(&outer->sources.list, &inner->sources.list.items[i]))
			return false;
	return true;
}

static bool meet(const struct kind *a, const struct kind *b)
{
	if (a->sources.any || b->sources.any)
		return true;
	for (size_t i = 0; i < a->sources.list.count; i++)
		if (list_covers(&b->sources.list, &a->sources.list.items[i]))
			return true;
	for (size_t i = 0; i < b->sources.list.count; i++)
		if (list_covers(&a->sources.list, &b->sources.list.items[i]))
			return true;
	return false;
}

static bool is_nobody(const struct kind *kind)
{
	return !kind->sources.any && !kind->sources.list.count;
}

static bool is_same(const struct kind *a, const struct kind *b)
{
	return covers(a, b) && covers(b, a);
}

static double measure(const struct kind *kind)
{
	double size = 0;

	if (kind->sources.any)
		return INFINITY;
	for (size_t i = 0; i < kind->sources.list.count; i++) {
		const struct ip_prefix *one = &kind->sources.list.items[i];

		size += ldexp(1, (one->address.family == 4 ? 32 : 128) - one->length);
	}
	return size;
}

static int compare_kinds(const void *left, const void *right)
{
	const struct kind *a = *(const struct kind *const *)left;
	const struct kind *b = *(const struct kind *const *)right;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a < b ? -1 : a > b; /* as written */
}

static void add_kind(struct web *web, const struct kind *kind)
{
	for (size_t i = 0; i < web->kind_count; i++)
		if (is_same(web->kinds[i], kind))
			return;
	if (!is_nobody(kind))
		web->kinds[web->kind_count++] = kind;
}

static bool list_kinds(struct web *web)
{
	web->own = calloc(web->rule_count + 1, sizeof(*web->own));
	web->kinds = calloc(web->rule_count + 1, sizeof(const struct kind *));
	web->ports = calloc(PORT_COUNT, 1);
	if (!web->own || !web->kinds || !web->ports) {
		web->job->failed = true;
		return false;
	}
	for (size_t i = 0; i < web->rule_count; i++) {
		if (!appliance_list_sources(web->job, rule_at(web, i)->rule, &web->own[i].sources))
			return false;
		web->own[i].size = measure(&web->own[i]);
		add_kind(web, &web->own[i]);
	}
	qsort(web->kinds, web->kind_count, sizeof(*web->kinds), compare_kinds);
	return true;
}

static void web_done(struct web *web)
{
	for (size_t i = 0; web->own && i < web->rule_count; i++)
		appliance_sources_done(&web->own[i].sources);
	free(web->own);
	free(web->kinds);
	free(web->ports);
}

/* ----------------------------------------------------------------------- ports */

static bool has_port(const struct rule *rule, struct application_port port)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == port.protocol &&
		    rule->protocols[i].port == port.port)
			return true;
	return false;
}

static uint8_t bit_of(enum application_protocol protocol)
{
	return protocol == APPLICATION_HTTPS ? 2 : 1;
}

static void mark_ports(struct web *web)
{
	for (size_t i = 0; i < web->rule_count; i++) {
		const struct rule *rule = rule_at(web, i)->rule;

		for (size_t k = 0; k < rule->protocol_count; k++)
			web->ports[rule->protocols[k].port] |= bit_of(rule->protocols[k].protocol);
	}
}

static bool is_port_of(const struct web *web, struct application_port port)
{
	return web->ports[port.port] & bit_of(port.protocol);
}

/* FortiOS takes a port for one protocol only: TLS, which it cannot be talked out of. */
static bool is_taken_by_tls(const struct web *web, struct application_port port)
{
	return port.protocol == APPLICATION_HTTP &&
	       is_port_of(web, (struct application_port){APPLICATION_HTTPS, port.port});
}

/* " 443 8443" */
static void list_ports(const struct web *web, enum application_protocol protocol, struct text *out)
{
	for (unsigned int number = 1; number <= UINT16_MAX; number++) {
		struct application_port port = {protocol, (uint16_t)number};

		if (is_port_of(web, port) && !is_taken_by_tls(web, port))
			text_addf(out, " %u", number);
	}
}

/* ----------------------------------------------------------------------- one filter */

struct filter {
	struct text entries;
	size_t entry_count;
	struct fortigate_addresses destinations; /* of what is allowed */
	bool denies;
};

/* Backslashes are doubled inside FortiOS' quotes. */
static void add_entry(struct filter *filter, const struct pattern *pattern, bool allow)
{
	cleanup(text_free) struct text expression = TEXT_EMPTY;

	part_add_expression(&expression, pattern);
	text_addf(&filter->entries, "            edit %zu\n                set url \"^",
		  ++filter->entry_count);
	for (const char *at = text_string(&expression); *at; at++)
		text_addf(&filter->entries, *at == '\\' ? "\\%c" : "%c", *at);
	text_addf(&filter->entries,
		  "(:[0-9]+)?(/.*)?$\"\n"
		  "                set type regex\n"
		  "                set action %s\n"
		  "            next\n",
		  allow ? "allow" : "block");
	filter->entries.failed |= text_failed(&expression);
}

static void add_destination(struct web *web, struct filter *filter, const struct pattern *pattern)
{
	char fqdn[NAME_MAX_LENGTH + 3];

	if (pattern->kind == PATTERN_EXACT) {
		fortigate_add_fqdn(web->config, pattern->name.text, &filter->destinations);
		return;
	}
	snprintf(fqdn, sizeof(fqdn), "*.%s", pattern->name.text);
	fortigate_add_fqdn(web->config, fqdn, &filter->destinations);
}

static void add_allowed(struct web *web, struct filter *filter, const struct export_rule *rule)
{
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->rule->patterns, &at, &pattern)) {
		if (!part_is_first_pattern(rule->rule, &pattern, at))
			continue;
		if (pattern.kind == PATTERN_ANY) {
			export_leave_out(web->job, rule,
					 "left out: '*' would pass what is neither TLS nor HTTP "
					 "anywhere");
			continue;
		}
		add_entry(filter, &pattern, true);
		add_destination(web, filter, &pattern);
	}
}

static void add_denied(struct filter *filter, const struct export_rule *rule)
{
	struct pattern pattern;
	size_t at = 0;

	filter->denies = true;
	while (pattern_list_next(&rule->rule->patterns, &at, &pattern))
		if (part_is_first_pattern(rule->rule, &pattern, at))
			add_entry(filter, &pattern, false);
}

static void fill_filter(struct web *web, struct filter *filter, const struct kind *kind,
			struct application_port port)
{
	for (size_t i = 0; i < web->rule_count; i++) {
		const struct export_rule *rule = rule_at(web, i);

		if (!has_port(rule->rule, port))
			continue;
		if (rule->collection->action == RULE_DENY && meet(&web->own[i], kind))
			add_denied(filter, rule);
		if (rule->collection->action == RULE_ALLOW && covers(&web->own[i], kind))
			add_allowed(web, filter, rule);
		else if (rule->collection->action == RULE_ALLOW && meet(&web->own[i], kind) &&
			 !covers(kind, &web->own[i]))
			export_loss(web->job, rule,
				    "not for sources that another rule with this port names too");
	}
}

static void filter_done(struct filter *filter)
{
	text_free(&filter->entries);
	fortigate_addresses_done(&filter->destinations);
}

/* ----------------------------------------------------------------------- one policy */

static void add_profile(struct web *web, const struct filter *filter, struct text *profiles)
{
	struct fortigate *config = web->config;
	size_t number = config->table_count++;

	text_addf(&config->profiles,
		  "config webfilter urlfilter\n"
		  "    edit %zu\n"
		  "        set name \"sallyport-%zu\"\n"
		  "        config entries\n"
		  "%s"
		  "            edit %zu\n"
		  "                set url \"*\"\n"
		  "                set type wildcard\n"
		  "                set action block\n"
		  "            next\n"
		  "        end\n"
		  "    next\n"
		  "end\n"
		  "config webfilter profile\n"
		  "    edit \"sallyport-%zu\"\n"
		  "        set feature-set proxy\n"
		  "        config web\n"
		  "            set urlfilter-table %zu\n"
		  "        end\n"
		  "        config ftgd-wf\n"
		  "            set options error-allow\n"
		  "        end\n"
		  "    next\n"
		  "end\n",
		  FORTIGATE_FIRST_TABLE + number, number + 1, text_string(&filter->entries),
		  filter->entry_count + 1, number + 1, FORTIGATE_FIRST_TABLE + number);
	text_addf(profiles,
		  "        set utm-status enable\n"
		  "        set inspection-mode proxy\n"
		  "        set profile-protocol-options \"sallyport\"\n"
		  "        set ssl-ssh-profile \"sallyport\"\n"
		  "        set webfilter-profile \"sallyport-%zu\"\n",
		  number + 1);
	config->profiles.failed |= text_failed(&filter->entries);
}

static const struct rule *rule_of_kind(const struct web *web, const struct kind *kind)
{
	return rule_at(web, (size_t)(kind - web->own))->rule;
}

static void add_policy(struct web *web, size_t kind_index, struct application_port port)
{
	const struct kind *kind = web->kinds[kind_index];
	cleanup(filter_done) struct filter filter = {0};
	cleanup(fortigate_addresses_done) struct fortigate_addresses sources = {0},
								     everything = {0};
	cleanup(text_free) struct text services = TEXT_EMPTY, profiles = TEXT_EMPTY,
				       name = TEXT_EMPTY;
	bool allow;

	fill_filter(web, &filter, kind, port);
	allow = filter.destinations.v4.length > 0;
	if ((!allow && !filter.denies) ||
	    !fortigate_add_sources(web->config, rule_of_kind(web, kind), &sources))
		return;
	text_addf(&name, "sallyport-%s-%u", port.protocol == APPLICATION_HTTPS ? "https" : "http",
		  port.port);
	if (!kind->sources.any)
		text_addf(&name, "-from-%zu", kind_index + 1);
	text_add(&everything.v4, " \"all\"");
	text_add(&everything.v6, " \"all\"");
	fortigate_add_service(web->config, "tcp", (struct port_range){port.port, port.port},
			      &services);
	if (allow)
		add_profile(web, &filter, &profiles);
	web->job->failed |= text_failed(&name) || text_failed(&profiles);
	fortigate_add_policy(web->config,
			     &(struct fortigate_policy){
				     .name = text_string(&name),
				     .allow = allow,
				     .sources = &sources,
				     .destinations = allow ? &filter.destinations : &everything,
				     .services = &services,
				     .profiles = text_string(&profiles),
			     });
}

/* Only where a rule is for just these sources: the others' policies come later anyway. */
static bool needs_policy(const struct web *web, const struct kind *kind,
			 struct application_port port)
{
	for (size_t i = 0; i < web->rule_count; i++)
		if (has_port(rule_at(web, i)->rule, port) && is_same(&web->own[i], kind))
			return true;
	return false;
}

static void add_port(struct web *web, struct application_port port)
{
	if (!is_port_of(web, port))
		return;
	if (is_taken_by_tls(web, port)) {
		for (size_t i = 0; i < web->rule_count; i++)
			if (has_port(rule_at(web, i)->rule, port))
				export_leave_out(web->job, rule_at(web, i),
						 "left out for http: its port is one of https too");
		return;
	}
	for (size_t i = 0; i < web->kind_count; i++)
		if (needs_policy(web, web->kinds[i], port))
			add_policy(web, i, port);
}

/* ----------------------------------------------------------------------- all */

static void add_inspection(struct web *web)
{
	cleanup(text_free) struct text http = TEXT_EMPTY, https = TEXT_EMPTY;
	struct text *out = &web->config->profiles;

	list_ports(web, APPLICATION_HTTP, &http);
	list_ports(web, APPLICATION_HTTPS, &https);
	text_add(out, "config firewall profile-protocol-options\n"
		      "    edit \"sallyport\"\n"
		      "        config http\n");
	if (http.length)
		text_addf(out,
			  "            set ports%s\n"
			  "            set status enable\n"
			  "            set tunnel-non-http disable\n",
			  text_string(&http));
	else
		text_add(out, "            set status disable\n");
	text_add(out, "        end\n"
		      "    next\n"
		      "end\n"
		      "config firewall ssl-ssh-profile\n"
		      "    edit \"sallyport\"\n"
		      "        config https\n");
	if (https.length)
		text_addf(out,
			  "            set ports%s\n"
			  "            set status certificate-inspection\n"
			  "            set sni-server-cert-check strict\n",
			  text_string(&https));
	else
		text_add(out, "            set status disable\n");
	text_add(out, "        end\n"
		      "    next\n"
		      "end\n");
	out->failed |= text_failed(&http) || text_failed(&https);
}

void fortigate_add_web(struct fortigate *config)
{
	struct web web = {.config = config,
			  .job = config->job,
			  .rule_count = config->job->rule_count - config->job->network_count};

	if (web.rule_count && list_kinds(&web)) {
		mark_ports(&web);
		add_inspection(&web);
		for (unsigned int number = 1; number <= UINT16_MAX; number++) {
			add_port(&web,
				 (struct application_port){APPLICATION_HTTPS, (uint16_t)number});
			add_port(&web,
				 (struct application_port){APPLICATION_HTTP, (uint16_t)number});
		}
	}
	web_done(&web);
}
