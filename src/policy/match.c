/* One rule against one flow, dimension by dimension. */
#include "base/assertion.h"
#include "policy/policy_impl.h"
#include "policy/prefixes_impl.h"

unsigned int flow_transport(enum flow_protocol protocol)
{
	if (protocol == FLOW_UDP || protocol == FLOW_QUIC)
		return TRANSPORT_UDP;
	if (protocol == FLOW_ICMP)
		return TRANSPORT_ICMP;
	invariant(protocol == FLOW_TCP || protocol == FLOW_HTTP || protocol == FLOW_HTTPS);
	return TRANSPORT_TCP;
}

bool flow_application(enum flow_protocol protocol, enum application_protocol *ret_protocol)
{
	if (protocol != FLOW_HTTP && protocol != FLOW_HTTPS && protocol != FLOW_QUIC)
		return false;
	*ret_protocol = protocol == FLOW_HTTP ? APPLICATION_HTTP : APPLICATION_HTTPS;
	return true;
}

bool rule_has_source(const struct rule *rule, const struct ip_address *source)
{
	return rule->any_source || prefixes_contain(rule->sources, rule->source_count, source);
}

bool rule_has_address(const struct rule *rule, const struct ip_address *destination)
{
	return rule->any_destination ||
	       prefixes_contain(rule->destinations, rule->destination_count, destination);
}

static const struct name *find_name(const struct rule *rule, const struct name *name)
{
	for (size_t i = 0; i < rule->fqdn_count; i++)
		if (name_equal(&rule->fqdns[i], name))
			return &rule->fqdns[i];
	return NULL;
}

const struct name *rule_find_fqdn(const struct rule *rule, const struct policy_facts *facts)
{
	const struct name *found = NULL;

	for (size_t i = 0; !found && i < facts->pinned_name_count; i++)
		found = find_name(rule, &facts->pinned_names[i]);
	if (!found && !facts->destination.family && facts->name)
		found = find_name(rule, facts->name);
	return found;
}

bool rule_has_transport(const struct rule *rule, enum flow_protocol protocol)
{
	return rule->transports & flow_transport(protocol);
}

bool rule_has_port(const struct rule *rule, enum flow_protocol protocol, uint16_t port)
{
	if (rule->any_port)
		return true;
	if (protocol == FLOW_ICMP)
		return false;
	for (size_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].first <= port && port <= rule->ports[i].last)
			return true;
	return false;
}

bool rule_has_application_port(const struct rule *rule, enum application_protocol protocol,
			       uint16_t port)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == protocol && rule->protocols[i].port == port)
			return true;
	return false;
}
