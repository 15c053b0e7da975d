/*
 * FortiOS: addresses, services and firewall policies in judging order; application rules through
 * URL filters (fortigate_web.c).
 *
 *   network rule       one policy: addresses, names (type fqdn) and ports
 *   the guard          a policy that denies what names may not lead to, between the two kinds
 *   application rules  one policy for each port and kind of source, with a URL filter
 *
 * FortiOS decides by the first policy that fits addresses and service; a URL filter cannot pass a
 * flow on to a later policy. So every filter holds all application rules that could concern its
 * flows, in judging order.
 */
#include "export/fortigate_impl.h"

#include <string.h>

#include "base/cleanup.h"
#include "export/targets_impl.h"

#define POLICY_NAME_MOST 35
#define OBJECT_NAME_MOST 63

/* ----------------------------------------------------------------------- objects */

void fortigate_add_object(struct text *objects, const struct text *lines)
{
	objects->failed |= text_failed(lines);
	if (!strstr(text_string(objects), text_string(lines)))
		text_add(objects, text_string(lines));
}

static void add_mask(struct text *out, uint8_t length)
{
	uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;

	text_addf(out, "%u.%u.%u.%u", mask >> 24, mask >> 16 & 0xff, mask >> 8 & 0xff, mask & 0xff);
}

/* "sallyport-2001-db8--_32": names take no colon and no slash. */
static void add_prefix_name(struct text *out, const char *prefix)
{
	text_add(out, "sallyport-");
	for (; *prefix; prefix++)
		text_add_bytes(out, *prefix == ':' ? "-" : *prefix == '/' ? "_" : prefix, 1);
}

static void add_prefix(struct fortigate *config, const struct ip_prefix *prefix,
		       struct fortigate_addresses *addresses)
{
	cleanup(text_free) struct text name = TEXT_EMPTY, lines = TEXT_EMPTY;
	char text[IP_PREFIX_TEXT_SIZE], address[IP_TEXT_SIZE];
	bool v4 = prefix->address.family == 4;

	ip_prefix_format(prefix, text);
	add_prefix_name(&name, text);
	text_addf(&lines, "    edit \"%s\"\n", text_string(&name));
	if (v4) {
		text_addf(&lines, "        set type ipmask\n        set subnet %s ",
			  ip_format(&prefix->address, address));
		add_mask(&lines, prefix->length);
		text_add(&lines, "\n    next\n");
	} else {
		text_addf(&lines, "        set ip6 %s\n    next\n", text);
	}
	fortigate_add_object(v4 ? &config->addresses : &config->addresses6, &lines);
	text_addf(v4 ? &addresses->v4 : &addresses->v6, " \"%s\"", text_string(&name));
}

void fortigate_add_prefixes(struct fortigate *config, const struct part_prefixes *list,
			    struct fortigate_addresses *addresses)
{
	for (size_t i = 0; i < list->count; i++)
		add_prefix(config, &list->items[i], addresses);
}

void fortigate_add_fqdn(struct fortigate *config, const char *fqdn,
			struct fortigate_addresses *addresses)
{
	cleanup(text_free) struct text name = TEXT_EMPTY, lines = TEXT_EMPTY, member = TEXT_EMPTY;

	part_add_short_name(&name, *fqdn == '*' ? "sallyport_below" : "sallyport-",
			    *fqdn == '*' ? fqdn + 1 : fqdn, OBJECT_NAME_MOST);
	text_addf(&lines,
		  "    edit \"%s\"\n        set type fqdn\n        set fqdn \"%s\"\n    next\n",
		  text_string(&name), fqdn);
	fortigate_add_object(&config->addresses, &lines);
	fortigate_add_object(&config->addresses6, &lines);
	text_addf(&member, " \"%s\"", text_string(&name));
	addresses->v4.failed |= text_failed(&name) || text_failed(&member);
	if (strstr(text_string(&addresses->v4), text_string(&member)))
		return;
	text_add(&addresses->v4, text_string(&member));
	text_add(&addresses->v6, text_string(&member));
}

static void add_everything(struct fortigate_addresses *addresses)
{
	text_add(&addresses->v4, " \"all\"");
	text_add(&addresses->v6, " \"all\"");
}

void fortigate_addresses_done(struct fortigate_addresses *addresses)
{
	text_free(&addresses->v4);
	text_free(&addresses->v6);
}

bool fortigate_add_sources(struct fortigate *config, const struct rule *rule,
			   struct fortigate_addresses *addresses)
{
	cleanup(appliance_sources_done) struct appliance_sources sources = {0};

	if (!appliance_list_sources(config->job, rule, &sources))
		return false;
	if (sources.any)
		add_everything(addresses);
	fortigate_add_prefixes(config, &sources.list, addresses);
	return true;
}

/* ----------------------------------------------------------------------- services */

void fortigate_add_service(struct fortigate *config, const char *transport, struct port_range range,
			   struct text *services)
{
	cleanup(text_free) struct text lines = TEXT_EMPTY, ports = TEXT_EMPTY;

	text_addf(&ports, "%u", range.first);
	if (range.last != range.first)
		text_addf(&ports, "-%u", range.last);
	text_addf(&lines,
		  "    edit \"sallyport-%s-%s\"\n"
		  "        set protocol TCP/UDP/SCTP\n"
		  "        set %s-portrange %s\n"
		  "    next\n",
		  transport, text_string(&ports), transport, text_string(&ports));
	fortigate_add_object(&config->services, &lines);
	text_addf(services, " \"sallyport-%s-%s\"", transport, text_string(&ports));
	services->failed |= text_failed(&ports);
}

static void add_plain_service(struct fortigate *config, const char *name, const char *protocol,
			      struct text *services)
{
	cleanup(text_free) struct text lines = TEXT_EMPTY;

	text_addf(&lines, "    edit \"sallyport-%s\"\n        set protocol %s\n    next\n", name,
		  protocol);
	fortigate_add_object(&config->services, &lines);
	text_addf(services, " \"sallyport-%s\"", name);
}

static void add_services(struct fortigate *config, const struct rule *rule, struct text *services)
{
	if (part_is_all_traffic(rule)) {
		add_plain_service(config, "all", "IP", services);
		return;
	}
	for (size_t i = 0; i < part_range_count(rule); i++) {
		if (rule->transports & TRANSPORT_TCP)
			fortigate_add_service(config, "tcp", part_range_at(rule, i), services);
		if (rule->transports & TRANSPORT_UDP)
			fortigate_add_service(config, "udp", part_range_at(rule, i), services);
	}
	if (rule->transports & TRANSPORT_ICMP && rule->any_port) {
		add_plain_service(config, "icmp", "ICMP", services);
		add_plain_service(config, "icmp6", "ICMP6", services);
	}
}

/* ----------------------------------------------------------------------- policies */

/* A family counts where it has both ends. */
static bool add_ends(struct text *out, const struct fortigate_addresses *sources,
		     const struct fortigate_addresses *destinations)
{
	bool v4 = sources->v4.length && destinations->v4.length;
	bool v6 = sources->v6.length && destinations->v6.length;

	if (v4)
		text_addf(out, "        set srcaddr%s\n        set dstaddr%s\n",
			  text_string(&sources->v4), text_string(&destinations->v4));
	if (v6)
		text_addf(out, "        set srcaddr6%s\n        set dstaddr6%s\n",
			  text_string(&sources->v6), text_string(&destinations->v6));
	return v4 || v6;
}

void fortigate_add_policy(struct fortigate *config, const struct fortigate_policy *policy)
{
	cleanup(text_free) struct text ends = TEXT_EMPTY;
	struct text *out = &config->policies;

	if (!policy->services->length || !add_ends(&ends, policy->sources, policy->destinations))
		return;
	text_addf(out,
		  "    edit 0\n"
		  "        set name \"%s\"\n"
		  "        set srcintf \"inside\"\n"
		  "        set dstintf \"outside\"\n"
		  "%s"
		  "        set action %s\n"
		  "        set schedule \"always\"\n"
		  "        set service%s\n"
		  "        set logtraffic all\n",
		  policy->name, text_string(&ends), policy->allow ? "accept" : "deny",
		  text_string(policy->services));
	if (policy->profiles)
		text_add(out, policy->profiles);
	if (policy->rule) {
		text_add(out, "        set comments \"");
		part_add_title(out, policy->rule);
		text_add(out, "\"\n");
	}
	text_add(out, "    next\n");
	out->failed |= text_failed(&ends) || text_failed(policy->services) ||
		       text_failed(&policy->sources->v4) || text_failed(&policy->sources->v6) ||
		       text_failed(&policy->destinations->v4) ||
		       text_failed(&policy->destinations->v6);
}

/* ----------------------------------------------------------------------- network rules */

static void add_external_list(struct fortigate *config, const struct export_rule *rule,
			      struct fortigate_addresses *destinations)
{
	cleanup(text_free) struct text name = TEXT_EMPTY, file = TEXT_EMPTY;

	part_add_rule_name(&name, rule, POLICY_NAME_MOST);
	appliance_add_list_file(&file, rule);
	text_addf(&config->lists,
		  "    edit \"%s\"\n"
		  "        set type address\n"
		  "        set resource \"" APPLIANCE_LISTS "/%s\"\n"
		  "        set refresh-rate 60\n"
		  "    next\n",
		  text_string(&name), text_string(&file));
	config->lists.failed |= text_failed(&name) || text_failed(&file);
	text_addf(&destinations->v4, " \"%s\"", text_string(&name));
	text_addf(&destinations->v6, " \"%s\"", text_string(&name));
}

static void add_network_rule(struct fortigate *config, const struct export_rule *rule)
{
	cleanup(fortigate_addresses_done) struct fortigate_addresses sources = {0};
	cleanup(fortigate_addresses_done) struct fortigate_addresses destinations = {0};
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	cleanup(text_free) struct text services = TEXT_EMPTY, name = TEXT_EMPTY;

	if (!fortigate_add_sources(config, rule->rule, &sources))
		return;
	if (rule->rule->any_destination)
		add_everything(&destinations);
	else if (appliance_has_list(rule))
		add_external_list(config, rule, &destinations);
	else if (part_list_destinations(config->job, rule->rule, &list))
		fortigate_add_prefixes(config, &list, &destinations);
	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		fortigate_add_fqdn(config, rule->rule->fqdns[i].text, &destinations);
	add_services(config, rule->rule, &services);
	part_add_rule_name(&name, rule, POLICY_NAME_MOST);
	config->policies.failed |= text_failed(&name);
	fortigate_add_policy(config, &(struct fortigate_policy){
					     .name = text_string(&name),
					     .rule = rule,
					     .allow = rule->collection->action == RULE_ALLOW,
					     .sources = &sources,
					     .destinations = &destinations,
					     .services = &services,
				     });
}

static void add_guard(struct fortigate *config)
{
	cleanup(fortigate_addresses_done) struct fortigate_addresses everyone = {0};
	cleanup(fortigate_addresses_done) struct fortigate_addresses guarded = {0};
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	cleanup(text_free) struct text services = TEXT_EMPTY;

	if (!appliance_list_guarded(config->job, &list) || !list.count)
		return;
	add_everything(&everyone);
	fortigate_add_prefixes(config, &list, &guarded);
	add_plain_service(config, "all", "IP", &services);
	fortigate_add_policy(config, &(struct fortigate_policy){.name = "sallyport-guard",
								.sources = &everyone,
								.destinations = &guarded,
								.services = &services});
}

static void add_last(struct fortigate *config)
{
	cleanup(fortigate_addresses_done) struct fortigate_addresses everyone = {0};
	cleanup(text_free) struct text services = TEXT_EMPTY;

	add_everything(&everyone);
	add_plain_service(config, "all", "IP", &services);
	fortigate_add_policy(config, &(struct fortigate_policy){.name = "sallyport-deny-all",
								.sources = &everyone,
								.destinations = &everyone,
								.services = &services});
}

/* ----------------------------------------------------------------------- the file */

static void add_section(struct text *out, const char *path, const struct text *entries)
{
	if (entries->length)
		text_addf(out, "config %s\n%send\n", path, text_string(entries));
	out->failed |= text_failed(entries);
}

static void add_notes(struct export_job *job)
{
	export_note(job, "the interfaces or zones are called inside and outside, policies come "
			 "behind those that are there, and none translates addresses: put in "
			 "yours, move them, set nat; remove those of an earlier export first");
	export_note(job, "lists of addresses (.txt) are to be served by you: put in your address "
			 "for " APPLIANCE_LISTS);
	export_note(job, "FortiOS 7.0 or later; URL filters " FORTIGATE_TABLES
			 " must not be in use otherwise");
	export_note(job,
		    "a flow of an application rule must fit twice: its address is one that "
		    "DNS gave for a name (wildcards learn from DNS answers that pass the "
		    "FortiGate, so nodes must ask through it), and SNI or Host passes the filter");
	export_note(job, "what is neither TLS nor HTTP on these ports is held to the addresses "
			 "alone, and so are the names of network rules");
}

static void write_fortigate(struct export_job *job)
{
	struct fortigate config = {.job = job};

	add_notes(job);
	for (size_t i = 0; i < job->network_count; i++)
		add_network_rule(&config, &job->rules[i]);
	if (job->network_count < job->rule_count)
		add_guard(&config);
	fortigate_add_web(&config);
	add_last(&config);
	add_section(job->out, "system external-resource", &config.lists);
	add_section(job->out, "firewall address", &config.addresses);
	add_section(job->out, "firewall address6", &config.addresses6);
	add_section(job->out, "firewall service custom", &config.services);
	text_add(job->out, text_string(&config.profiles));
	add_section(job->out, "firewall policy", &config.policies);
	job->out->failed |= text_failed(&config.profiles);
	text_free(&config.lists);
	text_free(&config.addresses);
	text_free(&config.addresses6);
	text_free(&config.services);
	text_free(&config.profiles);
	text_free(&config.policies);
	appliance_write_lists(job);
	appliance_add_header(job);
}

const struct export_writer export_fortigate = {
	.file = "fortigate.conf", .several = true, .write = write_fortigate};
