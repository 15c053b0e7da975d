/*
 * An application rule of Azure: names, http and https ports.
 *
 * Azure's star stands at the left end and means any string: "*.x" is the same as ours, "*x" is
 * wider than anything of ours. Nearest and narrower is x with all names below it, which leaves out
 * strangers such as "otherx" (most who write it do not mean them); after a hyphen or underscore, as
 * in "*-prod.x", the star within the label. A deny takes as much as can be said.
 */
#include <stdio.h>
#include <string.h>

#include "import/azure_firewall_impl.h"
#include "yaml/read.h"

#define HTTP_PORT  80
#define HTTPS_PORT 443

static const char *const s_keys[] = {
	"name",
	"description",
	"ruleType",
	"protocols",
	"targetFqdns",
	"fqdnTags",
	"targetUrls",
	"webCategories",
	"terminateTLS",
	"terminateTls",
	"sourceIpGroups",
	"sourceAddresses",
	"httpHeadersToInsert",
	"destinationAddresses",
};

static void add_pattern(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	char quoted[YAML_QUOTE_SIZE];
	struct pattern pattern;
	const char *message;

	if (pattern_parse(text, &pattern, &message) < 0) {
		azure_lose_part(rule, item, "targetFqdns %s: %s", yaml_quote(text, quoted),
				message);
		return;
	}
	rule->reading->names_fqdns = true;
	rule->reading->no_memory |= rule_add_pattern(rule->result, &pattern) < 0;
}

/* "*x" with no dot after the star. */
static void take_open_star(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	const char *rest = text + 1;
	bool is_label_end = *rest == '-' || *rest == '_';
	bool is_deny = rule->collection->action == RULE_DENY;
	size_t before = rule->result->patterns.count;
	char below[PATTERN_TEXT_SIZE], quoted[YAML_QUOTE_SIZE];

	if (snprintf(below, sizeof(below), "*.%s", rest) >= (int)sizeof(below)) {
		azure_lose_part(rule, item, "targetFqdns %s is too long", yaml_quote(text, quoted));
		return;
	}
	yaml_quote(text, quoted);
	add_pattern(rule, item, is_label_end || is_deny ? text : rest);
	if (rule->result->patterns.count == before)
		return;
	if (!is_label_end)
		add_pattern(rule, item, below);
	if (is_label_end)
		azure_lose_part(rule, item,
				"targetFqdns %s: Azure's star is any string, here it stands for a "
				"part of the first label; what it matches beyond that",
				quoted);
	else
		azure_lose_part(rule, item,
				"targetFqdns %s: Azure's star is any string, here it is taken as "
				"'%s' and '%s'; what it matches beyond these",
				quoted, is_deny ? text : rest, below);
}

static void take_fqdn(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	const char *star = strchr(text, '*');
	char quoted[YAML_QUOTE_SIZE];

	if (star && (star != text || strchr(star + 1, '*')))
		azure_lose_part(rule, item,
				"targetFqdns %s: Azure itself takes one star at the left end only",
				yaml_quote(text, quoted));
	else if (*text == '.')
		azure_lose_part(rule, item, "targetFqdns %s begins with a dot",
				yaml_quote(text, quoted));
	else if (star && text[1] && text[1] != '.')
		take_open_star(rule, item, text);
	else
		add_pattern(rule, item, text);
}

static void take_tag(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	bool is_aks = !strcasecmp(text, "AzureKubernetesService");
	char quoted[YAML_QUOTE_SIZE];

	if (is_aks && rule->collection->action == RULE_ALLOW) {
		if (!rule->reading->aks_rule)
			rule->reading->aks_rule = rule->item;
		azure_lose_part(rule, item,
				"the FQDN tag AzureKubernetesService is what sallyport's catalogue "
				"holds: name the cluster in section 'cluster'");
		return;
	}
	azure_lose_part(rule, item,
			"the FQDN tag %s has no counterpart: what is in it, Microsoft does not say",
			yaml_quote(text, quoted));
}

static void take_category(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	char quoted[YAML_QUOTE_SIZE];

	azure_lose_part(rule, item,
			"web category %s has no counterpart: sallyport has no list of sites",
			yaml_quote(text, quoted));
}

static void take_url(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	char quoted[YAML_QUOTE_SIZE];

	azure_lose_part(rule, item,
			"targetUrls %s has no counterpart: sallyport judges names, not paths",
			yaml_quote(text, quoted));
}

static void add_port(struct azure_rule *rule, const struct json_item *item, const char *protocol,
		     int64_t port)
{
	bool is_https = !strcasecmp(protocol, "Https");
	char quoted[YAML_QUOTE_SIZE];

	if (!strcasecmp(protocol, "Mssql")) {
		azure_lose_part(rule, item,
				"protocol Mssql has no counterpart: write a network rule for the "
				"server's name, tcp 1433");
		return;
	}
	if (!is_https && strcasecmp(protocol, "Http") != 0) {
		azure_lose_part(rule, item, "protocol %s is none of Http, Https and Mssql",
				yaml_quote(protocol, quoted));
		return;
	}
	if (port < 0)
		port = is_https ? HTTPS_PORT : HTTP_PORT; /* Azure's default */
	if (port < 1 || port > UINT16_MAX) {
		azure_lose_part(rule, item, "protocol %s: expected a port from 1 to 64000",
				protocol);
		return;
	}
	rule->reading->no_memory |=
		rule_add_protocol(rule->result, is_https ? APPLICATION_HTTPS : APPLICATION_HTTP,
				  (uint16_t)port) < 0;
}

static void read_protocol(struct azure_rule *rule, const struct json_item *listed)
{
	struct arm_template *arm = &rule->reading->arm;
	const struct json_item *item = arm_value(arm, listed);
	const struct json_item *type = item ? json_item_find(item, "protocolType") : NULL;
	const struct json_item *port = item ? json_item_find(item, "port") : NULL;
	const char *protocol = type ? arm_text(arm, type) : NULL;
	const struct json_item *value = port ? arm_value(arm, port) : NULL;
	int64_t number = -1;

	if (!protocol || (port && (!value || !json_item_integer(value, &number) || number < 0)))
		azure_lose_part(rule, listed,
				"protocols: expected a known 'protocolType' and 'port'");
	else
		add_port(rule, listed, protocol, number);
}

static void read_protocols(struct azure_rule *rule)
{
	struct arm_template *arm = &rule->reading->arm;
	const struct json_item *member = json_item_find(rule->item, "protocols");
	const struct json_item *list = member ? arm_value(arm, member) : NULL;

	if (member && (!list || json_item_kind(list) != JSON_KIND_LIST))
		azure_lose_part(rule, member, "protocols: expected a list that is known");
	for (size_t i = 0; list && i < json_item_count(list); i++)
		read_protocol(rule, json_item_at(list, i));
}

/* destinationAddresses other than "*", headers to insert: without them the rule is another one. */
static bool has_other_condition(struct azure_rule *rule)
{
	const struct json_item *addresses = json_item_find(rule->item, "destinationAddresses");
	const struct json_item *headers = json_item_find(rule->item, "httpHeadersToInsert");
	const struct json_item *first =
		addresses && json_item_count(addresses) == 1 ? json_item_at(addresses, 0) : NULL;
	bool is_any = first && json_item_text(first) && !strcmp(json_item_text(first), "*");

	if (addresses && !json_item_is_empty(addresses) && !is_any) {
		azure_lose_rule(rule, "an application rule with destinationAddresses has no "
				      "counterpart");
		return true;
	}
	if (headers && !json_item_is_empty(headers)) {
		azure_lose_rule(rule, "httpHeadersToInsert has no counterpart: sallyport does not "
				      "decrypt");
		return true;
	}
	return false;
}

/* The name is judged all the same; only the look inside is not to be had. */
static void note_inspection(struct azure_rule *rule)
{
	static const char *const keys[] = {"terminateTLS", "terminateTls"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct json_item *member = json_item_find(rule->item, keys[i]);

		if (!member || json_item_is_empty(member))
			continue;
		rule->reading->losses.count++;
		azure_note(rule, member,
			   "TLS inspection (%s) has no counterpart: the rule is carried over, by "
			   "the server name that the client asks for, without decryption",
			   keys[i]);
	}
}

bool azure_read_application_rule(struct azure_rule *rule)
{
	size_t lost;

	if (azure_has_unknown_key(rule, s_keys, sizeof(s_keys) / sizeof(*s_keys)) ||
	    has_other_condition(rule) || !azure_read_sources(rule))
		return false;
	lost = rule->lost;
	azure_each(rule, "targetFqdns", take_fqdn);
	azure_each(rule, "fqdnTags", take_tag);
	azure_each(rule, "webCategories", take_category);
	azure_each(rule, "targetUrls", take_url);
	if (rule->result->patterns.count == 0 && rule->lost > lost)
		return false; /* all that it names has been told */
	if (rule->result->patterns.count == 0)
		return azure_lose_rule(rule, "it names nothing to reach");
	read_protocols(rule);
	if (rule->result->protocol_count == 0)
		return azure_lose_rule(rule, "no protocol is left of it");
	note_inspection(rule);
	return true;
}
