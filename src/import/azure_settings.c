/* What policies say besides their rules. */
#include <string.h>

#include "import/azure_firewall_impl.h"
#include "yaml/read.h"

/* A mode: what it is when it only reports, and what when it blocks. */
static void read_mode(struct azure_reading *reading, const struct json_item *member,
		      const char *what)
{
	const char *mode = member ? arm_text(&reading->arm, member) : NULL;

	if (!member || (mode && !strcasecmp(mode, "Off")))
		return;
	if (mode && !strcasecmp(mode, "Alert"))
		losses_note(&reading->losses, member,
			    "%s (Alert) has no counterpart: nothing will report it", what);
	else
		losses_add(&reading->losses, member,
			   "%s has no counterpart: what it blocks is not blocked", what);
}

static void read_snat(struct azure_reading *reading, const struct json_item *properties)
{
	const struct json_item *snat = json_item_find(properties, "snat");
	const struct json_item *ranges = json_item_find(snat, "privateRanges");

	if (ranges && !json_item_is_empty(ranges))
		losses_note(&reading->losses, ranges,
			    "snat.privateRanges is not carried over: see network.snat, which knows "
			    "no exceptions by destination");
}

static void read_explicit(struct azure_reading *reading, const struct json_item *properties)
{
	const struct json_item *proxy = json_item_find(properties, "explicitProxy");
	const struct json_item *enabled = json_item_find(proxy, "enableExplicitProxy");

	if (enabled && !json_item_is_empty(enabled))
		losses_add(&reading->losses, enabled,
			   "explicitProxy is not carried over: see explicit.listen");
}

static void read_dns(struct azure_reading *reading, const struct json_item *properties)
{
	const struct json_item *settings = json_item_find(properties, "dnsSettings");
	const struct json_item *servers = json_item_find(settings, "servers");
	const struct json_item *list = servers ? arm_value(&reading->arm, servers) : NULL;

	if (!servers || json_item_is_empty(list ? list : servers))
		return;
	if (list && json_item_kind(list) == JSON_KIND_LIST)
		reading->dns = list;
	losses_note(&reading->losses, servers,
		    "dnsSettings.servers: name them in dns.upstreams if the gateway is to ask them "
		    "too");
}

/* The rules of a base policy come first; without them all that they deny is open. */
static void read_base(struct azure_reading *reading, const struct azure_policy *policy)
{
	bool is_here = false;

	for (size_t i = 0; policy->base && *policy->base && i < reading->group_count; i++)
		is_here |= !strcasecmp(reading->groups[i].policy, policy->base);
	if (policy->base && !is_here)
		losses_add(&reading->losses, json_item_find(policy->properties, "basePolicy"),
			   "the rules of the base policy, which are judged before these, are not "
			   "in this file; if they deny something, the result is WIDER than the "
			   "policy");
}

void azure_read_settings(struct azure_reading *reading)
{
	for (size_t i = 0; i < reading->policy_count; i++) {
		const struct azure_policy *policy = &reading->policies[i];
		const struct json_item *properties = policy->properties;
		const struct json_item *detection =
			json_item_find(properties, "intrusionDetection");

		read_base(reading, policy);
		read_mode(reading, json_item_find(properties, "threatIntelMode"),
			  "threat intelligence");
		read_mode(reading, json_item_find(detection, "mode"), "intrusion detection");
		read_snat(reading, properties);
		read_explicit(reading, properties);
		read_dns(reading, properties);
	}
}
