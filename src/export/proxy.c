#include "export/proxy_impl.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* As the guard of policy/guard.c refuses them, IPv4 inside IPv6 included. */
void proxy_add_special(struct text *out, bool with_mapped)
{
	text_add(out, " 0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 168.63.129.16/32 224.0.0.0/4 "
		      "240.0.0.0/4 ::/127 fe80::/10 ff00::/8 64:ff9b::/96 2002::/16");
	text_add(out, with_mapped ? " ::ffff:0:0/96" : "");
}

void proxy_add_private(struct text *out)
{
	text_add(out, " 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7");
}

static void add_prefixes(struct text *out, const struct ip_prefix *prefixes, size_t count)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		text_addf(out, " %s", ip_prefix_format(&prefixes[i], prefix));
}

void proxy_add_exceptions(struct text *out, const struct rule_set *set)
{
	add_prefixes(out, set->private_destinations, set->private_destination_count);
	add_prefixes(out, set->special_exceptions, set->special_exception_count);
}

bool proxy_has_exceptions(const struct rule_set *set)
{
	return set->private_destination_count || set->special_exception_count;
}

bool proxy_takes_network_rule(struct export_job *job, const struct export_rule *rule)
{
	bool denies = rule->collection->action == RULE_DENY;

	if (denies && !(rule->rule->transports & TRANSPORT_TCP))
		return false; /* nothing of it ever comes here */
	if (denies && !rule->rule->fqdn_count)
		return true;
	export_leave_out(job, rule,
			 denies ? "left out: a name's addresses cannot be denied here"
				: "left out: a proxy carries HTTP and TLS alone; let these pass "
				  "beside it, by a packet filter");
	return false;
}

static int compare_ports(const void *left, const void *right)
{
	return *(const uint16_t *)left - *(const uint16_t *)right;
}

bool proxy_rule_has(const struct rule *rule, enum application_protocol protocol, uint16_t port)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == protocol && rule->protocols[i].port == port)
			return true;
	return false;
}

static size_t unique(uint16_t *ports, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (i == 0 || ports[i] != ports[kept - 1])
			ports[kept++] = ports[i];
	return kept;
}

size_t proxy_ports(const struct export_job *job, enum application_protocol protocol,
		   uint16_t **ret_ports)
{
	size_t count = 0;
	uint16_t *ports;

	for (size_t i = job->network_count; i < job->rule_count; i++)
		count += export_ports_of(job->rules[i].rule, protocol, NULL, 0);
	ports = calloc(count + 1, sizeof(*ports));
	*ret_ports = ports;
	if (!ports)
		return 0;
	count = 0;
	for (size_t i = job->network_count; i < job->rule_count; i++)
		count += export_ports_of(job->rules[i].rule, protocol, ports + count, SIZE_MAX);
	qsort(ports, count, sizeof(*ports), compare_ports);
	return unique(ports, count);
}
