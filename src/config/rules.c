/*
 * The collections section → config->own.
 *
 * A rule is read by the table of its collection's kind. Names are written once: two collections of
 * one name, or two rules of one name in a collection, are told with both places. Empty lists are
 * refused, because they match nothing and were certainly meant as something.
 */
#include "config/sections_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/rules.h"
#include "config/values_impl.h"
#include "tags/tags.h"

#define HTTP_PORT  80
#define HTTPS_PORT 443

struct rule_reading {
	const struct config *config;
	const struct rule_collection *collection;
	struct rule *rule;
};

typedef bool read_rule_item(const struct yaml_item *item, struct rule_reading *reading,
			    struct problems *problems);

static bool fail_memory(const struct yaml_item *item, struct problems *problems)
{
	yaml_complain(item, problems, "out of memory");
	return false;
}

/* Each item of a list that must not be empty. */
static bool read_each(const struct yaml_item *list, struct rule_reading *reading,
		      read_rule_item *read, struct problems *problems)
{
	bool good = true;

	if (!yaml_expect_list(list, problems))
		return false;
	if (yaml_list_count(list) == 0) {
		yaml_complain(list, problems,
			      "an empty list matches nothing; name something, or \"*\" for any");
		return false;
	}
	for (size_t i = 0; i < yaml_list_count(list); i++)
		good &= read(yaml_list_at(list, i), reading, problems);
	return good;
}

/* Is it "*"? Alone in its list, or it makes the rest pointless. */
static bool is_star(const struct yaml_item *item)
{
	return yaml_item_kind(item) == YAML_KIND_SCALAR && !strcmp(yaml_scalar_text(item), "*");
}

static bool check_star_alone(const struct yaml_item *list, struct problems *problems)
{
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		if (yaml_list_count(list) > 1 && is_star(yaml_list_at(list, i))) {
			yaml_complain(yaml_list_at(list, i), problems,
				      "\"*\" means any: nothing else can stand beside it");
			return false;
		}
	}
	return true;
}

static bool read_source(const struct yaml_item *item, struct rule_reading *reading,
			struct problems *problems)
{
	struct ip_prefix prefix;

	if (is_star(item)) {
		reading->rule->any_source = true;
		return true;
	}
	if (!config_read_prefix(item, &prefix, problems))
		return false;
	return rule_add_source(reading->rule, &prefix) == 0 || fail_memory(item, problems);
}

static bool read_sources(const struct yaml_item *value, const struct yaml_field *field,
			 void *target, struct problems *problems)
{
	struct rule_reading *reading = target;

	(void)field;
	reading->rule->any_source = false;
	return read_each(value, reading, read_source, problems) &&
	       check_star_alone(value, problems);
}

static bool read_pattern(const struct yaml_item *item, struct rule_reading *reading,
			 struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];
	struct pattern pattern;
	const char *message;

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	if (pattern_parse(text, &pattern, &message) < 0) {
		yaml_complain(item, problems, "%s: %s", yaml_quote(text, quoted), message);
		return false;
	}
	if (pattern.leading_dot)
		yaml_warn(item, problems,
			  "'%s' is taken as '*%s' (names below it, not itself); other products "
			  "read it differently, so write the star",
			  text, text);
	return rule_add_pattern(reading->rule, &pattern) == 0 || fail_memory(item, problems);
}

static bool read_patterns(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	(void)field;
	return read_each(value, target, read_pattern, problems);
}

/* "https:443", "https", "http:8080" … */
static bool parse_application_port(const char *text, enum application_protocol *ret_protocol,
				   uint16_t *ret_port)
{
	size_t length = strcspn(text, ":");

	if (length == 5 && !strncmp(text, "https", 5)) {
		*ret_protocol = APPLICATION_HTTPS;
		*ret_port = HTTPS_PORT;
	} else if (length == 4 && !strncmp(text, "http", 4)) {
		*ret_protocol = APPLICATION_HTTP;
		*ret_port = HTTP_PORT;
	} else {
		return false;
	}
	if (!text[length])
		return true;
	text += length + 1;
	return config_parse_port(text, strlen(text), ret_port) && *ret_port != 0;
}

static bool read_application_protocol(const struct yaml_item *item, struct rule_reading *reading,
				      struct problems *problems)
{
	enum application_protocol protocol;
	char quoted[YAML_QUOTE_SIZE];
	uint16_t port;

	if (!yaml_expect_scalar(item, problems))
		return false;
	if (!parse_application_port(yaml_scalar_text(item), &protocol, &port)) {
		yaml_complain(item, problems,
			      "expected https or http, with or without a port from 1 to 65535, as "
			      "in \"https:443\" or \"http:80\", not %s",
			      yaml_quote(yaml_scalar_text(item), quoted));
		return false;
	}
	return rule_add_protocol(reading->rule, protocol, port) == 0 || fail_memory(item, problems);
}

static bool read_application_protocols(const struct yaml_item *value,
				       const struct yaml_field *field, void *target,
				       struct problems *problems)
{
	(void)field;
	return read_each(value, target, read_application_protocol, problems);
}

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
	return read_each(value, target, read_transport, problems);
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
	if (service_tag_prefixes(tags, tag, &prefixes, &count) < 0)
		return fail_memory(item, problems);
	for (size_t i = 0; i < count; i++)
		if (rule_add_destination(reading->rule, &prefixes[i]) < 0)
			return fail_memory(item, problems);
	return true;
}

static bool read_destination(const struct yaml_item *item, struct rule_reading *reading,
			     struct problems *problems)
{
	struct ip_prefix prefix;

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	if (is_star(item)) {
		reading->rule->any_destination = true;
		return true;
	}
	if (!(*text >= '0' && *text <= '9') && !strpbrk(text, ":/"))
		return add_service_tag(item, reading, problems);
	if (!config_read_prefix(item, &prefix, problems))
		return false;
	return rule_add_destination(reading->rule, &prefix) == 0 || fail_memory(item, problems);
}

static bool read_destinations(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	(void)field;
	return read_each(value, target, read_destination, problems) &&
	       check_star_alone(value, problems);
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
	return rule_add_fqdn(reading->rule, &name) == 0 || fail_memory(item, problems);
}

static bool read_fqdns(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	(void)field;
	return read_each(value, target, read_fqdn, problems);
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
	if (is_star(item)) {
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
	return rule_add_ports(reading->rule, first, last) == 0 || fail_memory(item, problems);
}

static bool read_ports(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	(void)field;
	return read_each(value, target, read_port, problems) && check_star_alone(value, problems);
}

static bool read_rule_name(const struct yaml_item *value, const struct yaml_field *field,
			   void *target, struct problems *problems)
{
	(void)field;
	return config_read_label(value, &((struct rule_reading *)target)->rule->name, problems);
}

static bool read_purpose(const struct yaml_item *value, const struct yaml_field *field,
			 void *target, struct problems *problems)
{
	return yaml_read_string(value, field, &((struct rule_reading *)target)->rule->purpose,
				problems);
}

static const struct yaml_field s_application_fields[] = {
	{.key = "name", .read = read_rule_name, .required = true},
	{.key = "purpose", .read = read_purpose},
	{.key = "sources", .read = read_sources},
	{.key = "fqdns", .read = read_patterns, .required = true},
	{.key = "protocols", .read = read_application_protocols, .required = true},
};

static const struct yaml_field s_network_fields[] = {
	{.key = "name", .read = read_rule_name, .required = true},
	{.key = "purpose", .read = read_purpose},
	{.key = "sources", .read = read_sources},
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

/* The earlier item of a list that has the same name; NULL: none. */
static const struct yaml_item *earlier_namesake(const struct yaml_item *list, size_t index)
{
	const char *name;

	if (yaml_item_kind(yaml_list_at(list, index)) != YAML_KIND_MAP)
		return NULL;
	const struct yaml_item *own = yaml_map_find(yaml_list_at(list, index), "name");
	if (!own || yaml_item_kind(own) != YAML_KIND_SCALAR)
		return NULL;
	name = yaml_scalar_text(own);
	for (size_t i = 0; i < index; i++) {
		const struct yaml_item *item = yaml_list_at(list, i);
		const struct yaml_item *other =
			yaml_item_kind(item) == YAML_KIND_MAP ? yaml_map_find(item, "name") : NULL;

		if (other && yaml_item_kind(other) == YAML_KIND_SCALAR &&
		    !strcmp(yaml_scalar_text(other), name))
			return other;
	}
	return NULL;
}

static bool check_namesake(const struct yaml_item *list, size_t index, const char *what,
			   struct problems *problems)
{
	const struct yaml_item *other = earlier_namesake(list, index);
	char quoted[YAML_QUOTE_SIZE];

	if (!other)
		return true;
	yaml_complain(yaml_map_find(yaml_list_at(list, index), "name"), problems,
		      "%s %s is there twice; first at line %u", what,
		      yaml_quote(yaml_scalar_text(other), quoted), yaml_item_place(other).line);
	return false;
}

static bool read_rule(const struct yaml_item *item, const char *file, struct rule_reading *reading,
		      struct problems *problems)
{
	bool network = reading->collection->kind == RULE_NETWORK;
	struct problem_place place = yaml_item_place(item);

	reading->rule->any_source = true;
	if (asprintf(&reading->rule->origin, "%s:%u", file, place.line) < 0) {
		reading->rule->origin = NULL;
		return fail_memory(item, problems);
	}
	if (!network)
		return yaml_read_fields(item, s_application_fields, reading, problems);
	return yaml_read_fields(item, s_network_fields, reading, problems) &&
	       check_network_rule(item, reading, problems);
}

struct collection_reading {
	const struct config *config;
	const char *file;
	struct rule_collection *collection;
	bool knows_kind; /* rules cannot be judged before */
};

static bool read_rules(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	struct collection_reading *reading = target;
	bool good = true;

	(void)field;
	if (!reading->knows_kind || !yaml_expect_list(value, problems))
		return false;
	for (size_t i = 0; i < yaml_list_count(value); i++) {
		struct rule_reading rule = {.config = reading->config,
					    .collection = reading->collection,
					    .rule = rule_collection_add_rule(reading->collection)};

		if (!rule.rule)
			return fail_memory(value, problems);
		good &= check_namesake(value, i, "rule", problems);
		good &= read_rule(yaml_list_at(value, i), reading->file, &rule, problems);
	}
	return good;
}

static bool read_collection_name(const struct yaml_item *value, const struct yaml_field *field,
				 void *target, struct problems *problems)
{
	struct collection_reading *reading = target;

	(void)field;
	if (!config_read_label(value, &reading->collection->name, problems))
		return false;
	if (strncmp(reading->collection->name, CATALOG_COLLECTION_START,
		    strlen(CATALOG_COLLECTION_START)) != 0)
		return true;
	yaml_complain(value, problems, "names that start with '%s' belong to the catalogue",
		      CATALOG_COLLECTION_START);
	return false;
}

static bool read_priority(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	static const struct yaml_integer_limits limits = {RULE_PRIORITY_BEST, RULE_PRIORITY_WORST};
	struct collection_reading *reading = target;
	uint64_t number;

	(void)field;
	if (!yaml_read_integer(value, &limits, &number, problems))
		return false;
	reading->collection->priority = (unsigned int)number;
	return true;
}

static bool read_action(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	static const char *const words[] = {[RULE_ALLOW] = "allow", [RULE_DENY] = "deny", NULL};
	struct collection_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	reading->collection->action = (enum rule_action)index;
	return true;
}

static bool read_kind(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	static const char *const words[] = {
		[RULE_NETWORK] = "network", [RULE_APPLICATION] = "application", NULL};
	struct collection_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	reading->collection->kind = (enum rule_kind)index;
	reading->knows_kind = true;
	return true;
}

/* Kind and action stand before the rules, which are read by them. */
static const struct yaml_field s_collection_fields[] = {
	{.key = "name", .read = read_collection_name, .required = true},
	{.key = "priority", .read = read_priority, .required = true},
	{.key = "action", .read = read_action, .required = true},
	{.key = "kind", .read = read_kind, .required = true},
	{.key = "rules", .read = read_rules, .required = true},
};

bool config_read_collections(const struct yaml_item *list, const char *file, struct config *config,
			     struct problems *problems)
{
	bool good = true;

	if (!yaml_expect_list(list, problems))
		return false;
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		struct collection_reading reading = {.config = config,
						     .file = file,
						     .collection =
							     rule_set_add_collection(&config->own)};

		if (!reading.collection)
			return fail_memory(list, problems);
		good &= check_namesake(list, i, "collection", problems);
		good &= yaml_read_fields(yaml_list_at(list, i), s_collection_fields, &reading,
					 problems);
	}
	return good;
}
