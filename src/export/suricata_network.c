/*
 * What Suricata passes by address: network rules, and the handshakes in front of the names. Deny
 * rules are taken out of what is passed (suricata.c says why), ports as a map of all of them.
 */
#include <string.h>

#include "base/cleanup.h"
#include "export/appliance_impl.h"
#include "export/suricata_impl.h"

/* ----------------------------------------------------------------------- addresses */

static void add_prefixes(struct text *out, const struct ip_prefix *items, size_t count,
			 const char *start)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		text_addf(out, "%s%s%s", i ? "," : "", start, ip_prefix_format(&items[i], prefix));
}

bool suricata_add_sources(struct export_job *job, struct text *out, const struct rule *rule)
{
	cleanup(appliance_sources_done) struct appliance_sources sources = {0};

	if (!appliance_list_sources(job, rule, &sources))
		return false;
	if (sources.any) {
		text_add(out, "any");
		return true;
	}
	text_add(out, "[");
	add_prefixes(out, sources.list.items, sources.list.count, "");
	text_add(out, "]");
	return sources.list.count > 0;
}

/* ----------------------------------------------------------------- network rules */

/* What a pass rule may lead to, of which what earlier rules deny is taken out. */
struct reach {
	const struct rule *rule; /* of which it is */
	unsigned int transport;  /* one TRANSPORT_* bit, or TRANSPORT_ANY */
	bool any;                /* address */
	const struct part_prefixes *list;
	struct part_prefixes denied;
	bool ports[UINT16_MAX + 1];
	bool narrower; /* more was taken out than is denied */
};

static void reach_done(struct reach *reach)
{
	part_prefixes_done(&reach->denied);
}

static bool is_in(const struct rule *rule, unsigned int port)
{
	for (size_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].first <= port && port <= rule->ports[i].last)
			return true;
	return rule->any_port;
}

static void set_ports(struct reach *reach, const struct rule *rule)
{
	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		reach->ports[port] = is_in(rule, port);
}

static bool has_ports(const struct reach *reach)
{
	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		if (reach->ports[port])
			return true;
	return false;
}

static void take_out_ports(struct reach *reach, const struct rule *denied)
{
	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		reach->ports[port] &= !is_in(denied, port);
}

static void add_denied(struct export_job *job, struct reach *reach, const struct rule *denied)
{
	cleanup(part_prefixes_done) struct part_prefixes before = reach->denied;

	reach->denied = (struct part_prefixes){0};
	(void)appliance_join(job, before.items, before.count, denied->destinations,
			     denied->destination_count, &reach->denied);
}

/* Two prefixes meet only where one is inside the other. */
static bool meet(const struct ip_prefix *one, const struct ip_prefix *other)
{
	return ip_prefix_contains(one, &other->address) || ip_prefix_contains(other, &one->address);
}

static bool share_addresses(const struct rule *rule, const struct rule *denied)
{
	if (rule->any_destination || denied->any_destination)
		return true;
	for (size_t i = 0; i < rule->destination_count; i++)
		for (size_t j = 0; j < denied->destination_count; j++)
			if (meet(&rule->destinations[i], &denied->destinations[j]))
				return true;
	return false;
}

static void take_out(struct export_job *job, struct reach *reach, const struct rule *denied)
{
	bool meets = false, covers = true;

	if (!(denied->transports & reach->transport) || !share_addresses(reach->rule, denied))
		return;
	for (unsigned int port = 0; port <= UINT16_MAX; port++) {
		meets |= reach->ports[port] && is_in(denied, port);
		covers &= !reach->ports[port] || is_in(denied, port);
	}
	if (!meets)
		return;
	if (denied->any_destination)
		take_out_ports(reach, denied);
	else
		add_denied(job, reach, denied);
	reach->narrower |= !denied->any_source || (!denied->any_destination && !covers) ||
			   (denied->transports & reach->transport) != reach->transport;
}

static bool denies_addresses(const struct export_rule *rule)
{
	return rule->collection->action == RULE_DENY && !proxy_is_dead(rule) &&
	       !rule->rule->fqdn_count;
}

static void take_out_earlier(struct export_job *job, struct reach *reach, size_t index)
{
	for (size_t i = 0; i < index && i < job->network_count; i++)
		if (denies_addresses(&job->rules[i]))
			take_out(job, reach, job->rules[i].rule);
}

static const struct ip_prefix s_everything[] = {{.address.family = 4}, {.address.family = 6}};

#define PREFIXES_A_RULE 100

/* What is left, in parts that each fit into a rule; `*next` is where to go on. */
static void add_destinations(struct text *out, const struct reach *reach,
			     const struct part_prefixes *left, size_t *next)
{
	size_t from = *next, count = left->count - from;

	*next = left->count;
	if (reach->any && !reach->denied.count) {
		text_add(out, "any");
	} else if (reach->any && reach->denied.count <= PREFIXES_A_RULE) {
		text_add(out, "["); /* shorter with what is left out */
		add_prefixes(out, s_everything, 2, "");
		text_add(out, ",");
		add_prefixes(out, reach->denied.items, reach->denied.count, "!");
		text_add(out, "]");
	} else {
		count = count < PREFIXES_A_RULE ? count : PREFIXES_A_RULE;
		text_add(out, "[");
		add_prefixes(out, left->items + from, count, "");
		text_add(out, "]");
		*next = from + count;
	}
}

static bool list_left(struct export_job *job, const struct reach *reach, struct part_prefixes *left)
{
	return reach->any ? appliance_take_out(job, s_everything, 2, &reach->denied, left)
			  : appliance_take_out(job, reach->list->items, reach->list->count,
					       &reach->denied, left);
}

/* "[25,465:587]"; `any` where nothing is missing. */
static void add_port_list(struct text *out, const struct reach *reach)
{
	unsigned int first = 0, last, count = 0;
	cleanup(text_free) struct text list = TEXT_EMPTY;

	for (; first <= UINT16_MAX; first = last + 1) {
		last = first;
		if (!reach->ports[first])
			continue;
		while (last < UINT16_MAX && reach->ports[last + 1])
			last++;
		text_addf(&list, first == last ? "%s%u" : "%s%u:%u", count++ ? "," : "", first,
			  last);
	}
	if (!strcmp(text_string(&list), "0:65535"))
		text_add(out, "any");
	else
		text_addf(out, "[%s]", text_string(&list));
	out->failed |= text_failed(&list);
}

/* The rules for what is left. `rule` NULL: handshakes. */
static void add_passes(struct suricata *suricata, const struct export_rule *rule,
		       const char *protocol, const struct reach *reach, const char *flow)
{
	cleanup(part_prefixes_done) struct part_prefixes left = {0};
	cleanup(text_free) struct text start = TEXT_EMPTY;
	size_t next = 0;

	text_addf(&start, "pass %s ", protocol);
	if (!has_ports(reach) || !suricata_add_sources(suricata->job, &start, reach->rule) ||
	    !list_left(suricata->job, reach, &left))
		return;
	text_add(&start, " any -> ");
	while (next < left.count) {
		cleanup(text_free) struct text line = TEXT_EMPTY;

		text_add(&line, text_string(&start));
		add_destinations(&line, reach, &left, &next);
		text_add(&line, " ");
		add_port_list(&line, reach);
		text_addf(&line, " (flow:%s;", flow);
		suricata_end(suricata, &line, rule ? "allows" : "allows handshakes", rule);
	}
	suricata->job->failed |= text_failed(&start);
}

static void add_network_pass(struct suricata *suricata, size_t index, const char *protocol,
			     unsigned int transport)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	struct export_job *job = suricata->job;
	const struct export_rule *rule = &job->rules[index];
	cleanup(reach_done) struct reach reach = {.rule = rule->rule,
						  .transport = transport,
						  .any = rule->rule->any_destination,
						  .list = &list};

	if (!part_list_destinations(job, rule->rule, &list))
		return;
	set_ports(&reach, rule->rule);
	take_out_earlier(job, &reach, index);
	if (reach.narrower)
		export_loss(job, rule, SURICATA_TAKEN_OUT);
	add_passes(suricata, rule, protocol, &reach, "to_server");
}

/* Can the rule stay one for all of IP? Not where an earlier one denies some ports or protocols. */
static bool is_all_traffic_left(const struct export_job *job, size_t index)
{
	if (!part_is_all_traffic(job->rules[index].rule))
		return false;
	for (size_t i = 0; i < index; i++)
		if (denies_addresses(&job->rules[i]) && !part_is_all_traffic(job->rules[i].rule) &&
		    share_addresses(job->rules[index].rule, job->rules[i].rule))
			return false;
	return true;
}

static void add_transports(struct suricata *suricata, size_t index)
{
	const struct export_rule *rule = &suricata->job->rules[index];
	const struct rule *own = rule->rule;

	if (is_all_traffic_left(suricata->job, index)) {
		add_network_pass(suricata, index, "ip", TRANSPORT_ANY);
		return;
	}
	if (part_is_all_traffic(own))
		export_loss(suricata->job, rule,
			    "protocols other than TCP, UDP and ICMP are left out, as an earlier "
			    "rule denies some of its ports or protocols");
	if (own->transports & TRANSPORT_TCP)
		add_network_pass(suricata, index, "tcp", TRANSPORT_TCP);
	if (own->transports & TRANSPORT_UDP)
		add_network_pass(suricata, index, "udp", TRANSPORT_UDP);
	/* ICMP has no ports: a rule that names some is not about it. */
	if ((own->transports & TRANSPORT_ICMP) && own->any_port)
		add_network_pass(suricata, index, "icmp", TRANSPORT_ICMP);
}

void suricata_add_network_rule(struct suricata *suricata, size_t index)
{
	struct export_job *job = suricata->job;
	const struct export_rule *rule = &job->rules[index];
	const struct rule *own = rule->rule;

	if (proxy_is_dead(rule))
		return;
	if (rule->collection->action == RULE_DENY) {
		if (own->fqdn_count)
			export_leave_out(job, rule,
					 "left out: all addresses of a name are never known, so "
					 "they cannot be denied");
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
	add_transports(suricata, index);
}

/* ----------------------------------------------------------------------- handshakes */

static void tell_losses(struct export_job *job, uint16_t port)
{
	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (job->rules[i].collection->action == RULE_ALLOW &&
		    (proxy_rule_has(job->rules[i].rule, APPLICATION_HTTPS, port) ||
		     proxy_rule_has(job->rules[i].rule, APPLICATION_HTTP, port)))
			export_loss(job, &job->rules[i], SURICATA_TAKEN_OUT);
}

static bool has_denials(const struct export_job *job, uint16_t port)
{
	for (size_t i = 0; i < job->network_count; i++)
		if (denies_addresses(&job->rules[i]) &&
		    (job->rules[i].rule->transports & TRANSPORT_TCP) &&
		    is_in(job->rules[i].rule, port))
			return true;
	return false;
}

/* To no address that is denied or guarded. */
static void add_handshake(struct suricata *suricata, struct reach *reach)
{
	struct export_job *job = suricata->job;

	if (!has_ports(reach) || !appliance_list_guarded(job, &reach->denied))
		return;
	take_out_earlier(job, reach, job->network_count);
	for (unsigned int port = 0; reach->narrower && port <= UINT16_MAX; port++)
		if (reach->ports[port])
			tell_losses(job, (uint16_t)port);
	add_passes(suricata, NULL, "tcp", reach, "not_established,to_server");
}

/* Ports that a deny rule by address is about stand alone. */
static void add_ports(struct suricata *suricata, struct reach *common,
		      enum application_protocol protocol)
{
	cleanup(free_memory) uint16_t *ports = NULL;
	size_t count = proxy_ports(suricata->job, protocol, &ports);

	suricata->job->failed |= !ports;
	for (size_t i = 0; ports && i < count; i++) {
		cleanup(reach_done) struct reach single = *common;

		if (!has_denials(suricata->job, ports[i])) {
			common->ports[ports[i]] = true;
			continue;
		}
		memset(single.ports, 0, sizeof(single.ports));
		single.ports[ports[i]] = true;
		add_handshake(suricata, &single);
	}
}

void suricata_add_handshakes(struct suricata *suricata)
{
	struct rule everyone = {.any_source = true, .any_destination = true};
	cleanup(reach_done) struct reach common = {
		.rule = &everyone, .transport = TRANSPORT_TCP, .any = true};

	text_add(suricata->job->out, "# Names come behind the handshake.\n");
	add_ports(suricata, &common, APPLICATION_HTTPS);
	add_ports(suricata, &common, APPLICATION_HTTP);
	add_handshake(suricata, &common);
}
