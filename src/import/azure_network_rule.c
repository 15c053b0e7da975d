/* A network rule of Azure: addresses, service tags, IP groups and exact names, protocols, ports. */
#include <stdlib.h>
#include <string.h>

#include "import/azure_firewall_impl.h"
#include "yaml/read.h"

#define TAG_LIMIT 100 /* bytes of a service tag's name, as in src/tags */

static const char *const s_keys[] = {
	"name",
	"description",
	"ruleType",
	"ipProtocols",
	"sourceAddresses",
	"sourceIpGroups",
	"destinationPorts",
	"destinationAddresses",
	"protocols",
	"destinationIpGroups",
	"destinationFqdns",
};

/* A service tag's name, and one that Microsoft's files hold. */
static bool is_tag(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return strlen(text) <= TAG_LIMIT && strspn(text, letters) == strlen(text) &&
	       !(*text >= '0' && *text <= '9') && *text && *text != '.' && *text != '-' &&
	       *text != '_';
}

/* Tags of virtual networks, which no file lists. */
static bool is_network_tag(const char *text)
{
	static const char *const tags[] = {"Internet",          "VirtualNetwork",
					   "AzureLoadBalancer", "AzurePlatformDNS",
					   "AzurePlatformIMDS", "AzurePlatformLKM"};

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (!strcasecmp(text, tags[i]))
			return true;
	return false;
}

static void take_tag(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	if (is_network_tag(text)) {
		azure_lose_part(rule, item,
				"service tag '%s' is in no file of Microsoft's, so its addresses "
				"are not known",
				text);
		return;
	}
	if (!rule->reading->names_tags)
		azure_note(rule, item,
			   "service tags are kept by name: cluster.service_tags must name "
			   "Microsoft's file");
	rule->reading->names_tags = true;
	rule->reading->no_memory |= rule_add_tag(rule->result, text, NULL, 0) < 0;
}

static void take_destination(struct azure_rule *rule, const struct json_item *item,
			     const char *text)
{
	char quoted[YAML_QUOTE_SIZE];

	if (!strcmp(text, "*"))
		rule->result->any_destination = true;
	else if (is_tag(text))
		take_tag(rule, item, text);
	else if (!azure_take_addresses(rule, item, text, rule_add_destination))
		azure_lose_part(rule, item,
				"destination %s is no address, prefix, range or service tag",
				yaml_quote(text, quoted));
}

static void take_destination_group(struct azure_rule *rule, const struct json_item *item,
				   const char *text)
{
	azure_take_ip_group(rule, item, text, take_destination);
}

static void take_fqdn(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	char quoted[YAML_QUOTE_SIZE];
	enum name_error error;
	struct name name;

	if (strchr(text, '*')) {
		azure_lose_part(rule, item,
				"destinationFqdns %s: network rules take exact names only, in "
				"Azure too",
				yaml_quote(text, quoted));
		return;
	}
	error = name_from_person(text, &name);
	if (error != NAME_OK) {
		azure_lose_part(rule, item, "destinationFqdns %s is no name: it %s",
				yaml_quote(text, quoted), name_error_text(error));
		return;
	}
	rule->reading->names_fqdns = true;
	rule->reading->no_memory |= rule_add_fqdn(rule->result, &name) < 0;
}

static void take_transport(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	static const struct {
		const char *word;
		unsigned int bits;
	} words[] = {{"TCP", TRANSPORT_TCP},
		     {"UDP", TRANSPORT_UDP},
		     {"ICMP", TRANSPORT_ICMP},
		     {"Any", TRANSPORT_ANY}};
	char quoted[YAML_QUOTE_SIZE];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(text, words[i].word)) {
			rule->result->transports |= words[i].bits;
			return;
		}
	}
	azure_lose_part(rule, item, "protocol %s is none of TCP, UDP, ICMP and Any",
			yaml_quote(text, quoted));
}

/* "443", "8000-8080"; false: neither. */
static bool parse_ports(const char *text, unsigned long *ret_first, unsigned long *ret_last)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits;
	size_t more = *rest == '-' ? strspn(rest + 1, "0123456789") : 0;

	if (digits < 1 || digits > 5 || more > 5 ||
	    (*rest == '-' ? !more || rest[1 + more] : *rest))
		return false;
	*ret_first = strtoul(text, NULL, 10);
	*ret_last = more ? strtoul(rest + 1, NULL, 10) : *ret_first;
	return *ret_first <= *ret_last && *ret_last <= UINT16_MAX;
}

static void take_port(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	unsigned long first, last;
	char quoted[YAML_QUOTE_SIZE];

	if (!strcmp(text, "*")) {
		rule->result->any_port = true;
		return;
	}
	if (!parse_ports(text, &first, &last) || last == 0) {
		azure_lose_part(rule, item, "port %s is no port from 1 to 65535 and no range",
				yaml_quote(text, quoted));
		return;
	}
	if (first <= 1 && last == UINT16_MAX) {
		rule->result->any_port = true; /* port 0 is nobody's */
		return;
	}
	if (first == 0)
		azure_note(rule, item, "ports %s: read from 1 on, because nothing uses port 0",
			   yaml_quote(text, quoted));
	rule->reading->no_memory |=
		rule_add_ports(rule->result, first ? (uint16_t)first : 1, (uint16_t)last) < 0;
}

/* Ports belong to TCP and UDP alone; with ports, "Any" can only mean these two. */
static bool fit_ports(struct azure_rule *rule)
{
	struct rule *result = rule->result;
	bool has_ports = result->transports & (TRANSPORT_TCP | TRANSPORT_UDP);

	if (has_ports && !result->any_port && result->port_count == 0)
		return azure_lose_rule(rule, "no port is left of it");
	if (result->transports == TRANSPORT_ANY && !result->any_port) {
		azure_note(rule, rule->item,
			   "protocol Any with ports is read as TCP and UDP, which have ports");
		result->transports = TRANSPORT_TCP | TRANSPORT_UDP;
	}
	return true;
}

bool azure_read_network_rule(struct azure_rule *rule)
{
	struct rule *result = rule->result;
	bool is_classic = rule->collection->group->policy_kind != NULL;

	if (azure_has_unknown_key(rule, s_keys, sizeof(s_keys) / sizeof(*s_keys)) ||
	    !azure_read_sources(rule))
		return false;
	azure_each(rule, "destinationAddresses", take_destination);
	azure_each(rule, "destinationIpGroups", take_destination_group);
	azure_each(rule, "destinationFqdns", take_fqdn);
	if (!result->any_destination && result->destination_count == 0 && result->tag_count == 0 &&
	    result->fqdn_count == 0)
		return azure_lose_rule(rule, "no destination is left of it");
	azure_each(rule, is_classic ? "protocols" : "ipProtocols", take_transport);
	if (result->transports == 0)
		return azure_lose_rule(rule, "no protocol is left of it");
	azure_each(rule, "destinationPorts", take_port);
	return fit_ports(rule);
}
