/*
 * A network rule: destinations by address, service tag or exact name; protocols; ports. Service
 * tags are expanded here, so that the model knows prefixes only.
 */
#include "config/rule_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/values_impl.h"
#include "tags/tags.h"

#define HTTP_PORT  80
#define HTTPS_PORT 443

static bool read_transport(const struct yaml_item *item, struct rule_reading *reading,
			   struct problems *problems)
{
	static const char *const words[] = {"tcp", "udp", "icmp", "any", NULL};
	static const unsigned int bits[] = {TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_ICMP,
					    TRANSPORT_ANY};
	size_t index;

	if (!yaml_read_word(item, words, &index, problems))
		return false;
	reading->rule->transports |= bits[index];
	return true;
}

static bool read_transports(const struct yaml_item *value, const struct yaml_field *field,
			    void *target, struct problems *problems)
{
	(void)field;
	return rule_read_each(value, target, read_transport, problems);
}

static bool complain_unknown_tag(const struct yaml_item *item, const struct service_tags *tags,
				 struct problems *problems)
{
	const char *text = yaml_scalar_text(item);
	const struct service_tag *nearest = service_tags_nearest(tags, text);
	char quoted[YAML_QUOTE_SIZE];

	yaml_complain(item, problems,
		      "%s is neither an address nor a service tag in %s%s%s%s (names stand under "
		      "fqdns)",
		      yaml_quote(text, quoted), service_tags_file(tags),
		      nearest ? "; did you mean '" : "", nearest ? service_tag_name(nearest) : "",
		      nearest ? "'?" : "");
	return false;
}

/* "Storage", "Storage.WestEurope", "AzureCloud.francecentral". */
static const struct service_tag *find_tag(const struct service_tags *tags, const char *text)
{
	const struct service_tag *tag = service_tags_find(tags, text);
	const char *dot = strrchr(text, '.');
	cleanup(free_memory) char *service = NULL;

	if (tag || !dot)
		return tag;
	service = strndup(text, (size_t)(dot - text));
	return service ? service_tags_find_regional(tags, service, dot + 1) : NULL;
}

/* Named twice, a tag's prefixes would only fill memory twice. */
static bool has_tag(const struct rule *rule, const struct service_tag *tag)
{
	for (size_t i = 0; i < rule->tag_count; i++)
		if (!strcmp(rule->tags[i].name, service_tag_name(tag)))
			return true;
	return false;
}

static bool add_service_tag(const struct yaml_item *item, struct rule_reading *reading,
			    struct problems *problems)
{
	const struct service_tags *tags = reading->config->service_tags;
	cleanup(free_memory) struct ip_prefix *prefixes = NULL;
	char quoted[YAML_QUOTE_SIZE];
	size_t count = 0;

	if (!tags) {
		if (!reading->config->cluster.service_tags_file)
			yaml_complain(item, problems,
				      "%s is no address or prefix; to use it as a service tag, "
				      "name Microsoft's file in cluster.service_tags (names stand "
				      "under fqdns)",
				      yaml_quote(yaml_scalar_text(item), quoted));
		return false;
	}
	const struct service_tag *tag = find_tag(tags, yaml_scalar_text(item));
	if (!tag)
		return complain_unknown_tag(item, tags, problems);
	if (has_tag(reading->rule, tag))
		return true;
	if (service_tag_prefixes(tags, tag, &prefixes, &count) < 0)
		return rule_fail_memory(item, problems);
	return rule_add_tag(reading->rule, service_tag_name(tag), prefixes, count) == 0 ||
	       rule_fail_memory(item, problems);
}

static bool read_destination(const struct yaml_item *item, struct rule_reading *reading,
			     struct problems *problems)
{
	struct ip_prefix prefix;

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	if (rule_is_star(item)) {
		reading->rule->any_destination = true;
		return true;
	}
	if (!(*text >= '0' && *text <= '9') && !strpbrk(text, ":/"))
		return add_service_tag(item, reading, problems);
	if (!config_read_prefix(item, &prefix, problems))
		return false;
	return rule_add_destination(reading->rule, &prefix) == 0 ||
	       rule_fail_memory(item, problems);
}

static bool read_destinations(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	(void)field;
	return rule_read_each(value, target, read_destination, problems) &&
	       rule_check_star_alone(value, problems);
}

static bool read_fqdn(const struct yaml_item *item, struct rule_reading *reading,
		      struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];
	enum name_error error;
	struct name name;

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	if (strchr(text, '*') || *text == '.') {
		yaml_complain(item, problems,
			      "%s: a network rule takes exact names only, because it admits the "
			      "addresses they resolve to; wildcards belong into a collection of "
			      "kind application",
			      yaml_quote(text, quoted));
		return false;
	}
	error = name_from_person(text, &name);
	if (error != NAME_OK) {
		yaml_complain(item, problems, "%s is no name: it %s", yaml_quote(text, quoted),
			      name_error_text(error));
		return false;
	}
	return rule_add_fqdn(reading->rule, &name) == 0 || rule_fail_memory(item, problems);
}

static bool read_fqdns(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	(void)field;
	return rule_read_each(value, target, read_fqdn, problems);
}

static bool parse_port_range(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	const char *dash = strchr(text, '-');
	size_t length = dash ? (size_t)(dash - text) : strlen(text);

	if (!config_parse_port(text, length, ret_first) || *ret_first == 0)
		return false;
	*ret_last = *ret_first;
	return !dash ||
	       (config_parse_port(dash + 1, strlen(dash + 1), ret_last) && *ret_last >= *ret_first);
}

static bool read_port(const struct yaml_item *item, struct rule_reading *reading,
		      struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];
	uint16_t first, last;

	if (!yaml_expect_scalar(item, problems))
		return false;
	if (rule_is_star(item)) {
		reading->rule->any_port = true;
		return true;
	}
	if (!parse_port_range(yaml_scalar_text(item), &first, &last)) {
		yaml_complain(item, problems,
			      "expected a port from 1 to 65535, a range as in \"8000-8080\", or "
			      "\"*\", not %s",
			      yaml_quote(yaml_scalar_text(item), quoted));
		return false;
	}
	return rule_add_ports(reading->rule, first, last) == 0 || rule_fail_memory(item, problems);
}

static bool read_ports(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	(void)field;
	return rule_read_each(value, target, read_port, problems) &&
	       rule_check_star_alone(value, problems);
}

static const struct yaml_field s_network_fields[] = {
	{.key = "name", .read = rule_read_name, .required = true},
	{.key = "purpose", .read = rule_read_purpose},
	{.key = "sources", .read = rule_read_sources},
	{.key = "destinations", .read = read_destinations},
	{.key = "fqdns", .read = read_fqdns},
	{.key = "protocols", .read = read_transports, .required = true},
	{.key = "ports", .read = read_ports},
};

static bool has_port(const struct rule *rule, uint16_t port)
{
	for (size_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].first <= port && port <= rule->ports[i].last)
			return true;
	return rule->any_port;
}

/* tcp and udp have ports, icmp and other protocols have none. */
static bool check_ports(const struct yaml_item *item, struct rule *rule, struct problems *problems)
{
	bool all_have_ports = !(rule->transports & ~(TRANSPORT_TCP | TRANSPORT_UDP));

	if (!all_have_ports && rule->port_count) {
		yaml_complain(item, problems,
			      "only tcp and udp have ports: give icmp and any a rule of their own, "
			      "without ports");
		return false;
	}
	if (all_have_ports && !rule->port_count && !rule->any_port) {
		yaml_complain(item, problems, "key 'ports' is missing; [\"*\"] means every port");
		return false;
	}
	rule->any_port |= !all_have_ports;
	return true;
}

static bool check_network_rule(const struct yaml_item *item, const struct rule_reading *reading,
			       struct problems *problems)
{
	struct rule *rule = reading->rule;

	if (!yaml_map_find(item, "destinations") && !yaml_map_find(item, "fqdns")) {
		yaml_complain(item, problems,
			      "a network rule needs 'destinations' or 'fqdns'; destinations: "
			      "[\"*\"] means any");
		return false;
	}
	if (!check_ports(item, rule, problems))
		return false;
	if (reading->collection->action == RULE_ALLOW && rule->any_destination &&
	    (rule->transports & TRANSPORT_TCP) &&
	    (has_port(rule, HTTPS_PORT) || has_port(rule, HTTP_PORT)))
		yaml_warn(item, problems,
			  "rule '%s' allows TCP to every address on port %s: network rules are "
			  "judged first, so it bypasses all rules by FQDN there",
			  rule->name,
			  !has_port(rule, HTTPS_PORT)  ? "80"
			  : !has_port(rule, HTTP_PORT) ? "443"
						       : "80 and 443");
	return true;
}

bool config_read_network_rule(const struct yaml_item *item, struct rule_reading *reading,
			      struct problems *problems)
{
	return yaml_read_fields(item, s_network_fields, reading, problems) &&
	       check_network_rule(item, reading, problems);
}
