/*
 * One endpoint detail of AKS's answer is one fact: a name or an address, a protocol, a port. Https
 * and Http become application rules, TCP and UDP network rules; the facts of one category that
 * share protocol and port share a rule. A fact that no rule can say (a wildcard in a network rule,
 * another protocol, no port) is told as a loss, and never widened into something that can be said.
 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/aks_api_impl.h"
#include "import/config_text.h"
#include "yaml/read.h"

#define PURPOSE_LIMIT 4000
#define RULES_LIMIT   1000 /* of one category; real ones have two or three */

/* One protocol of the answer and what it is to us. */
struct protocol {
	const char *name;
	int collection;
	unsigned int code; /* TRANSPORT_* or enum application_protocol */
};

static const struct protocol s_protocols[] = {
	{"Https", AKS_APPLICATION, APPLICATION_HTTPS},
	{"Http", AKS_APPLICATION, APPLICATION_HTTP},
	{"TCP", AKS_NETWORK, TRANSPORT_TCP},
	{"UDP", AKS_NETWORK, TRANSPORT_UDP},
};

struct fact {
	const struct json_item *detail;
	const char *name, *address; /* NULL: not told */
	const struct protocol *protocol;
	uint16_t port;
};

/* "category 'images', 'mcr.microsoft.com'", for messages. */
#define FACT_SIZE 200
static const char *describe(const struct aks_reading *reading, const struct fact *fact,
			    char text[FACT_SIZE])
{
	char category[YAML_QUOTE_SIZE], name[YAML_QUOTE_SIZE];

	snprintf(text, FACT_SIZE, "category %s, %s", yaml_quote(reading->category.name, category),
		 yaml_quote(fact->name      ? fact->name
			    : fact->address ? fact->address
					    : "",
			    name));
	return text;
}

static bool rule_fits(const struct rule *rule, const struct fact *fact)
{
	if (fact->protocol->collection == AKS_NETWORK)
		return rule->transports == fact->protocol->code &&
		       rule->ports[0].first == fact->port;
	return rule->protocols[0].protocol == fact->protocol->code &&
	       rule->protocols[0].port == fact->port;
}

static struct rule *add_rule(struct rule_collection *collection, const struct fact *fact)
{
	struct rule *rule = rule_collection_add_rule(collection);
	int error = -ENOMEM;

	if (!rule)
		return NULL;
	rule->any_source = true;
	if (fact->protocol->collection == AKS_NETWORK) {
		rule->transports = fact->protocol->code;
		error = rule_add_ports(rule, fact->port, fact->port);
	} else {
		error = rule_add_protocol(rule, (enum application_protocol)fact->protocol->code,
					  fact->port);
	}
	return error < 0 ? NULL : rule;
}

/* The category's rule for this protocol and port; NULL: there can be none, which is noted. */
static struct rule *find_rule(struct aks_reading *reading, const struct fact *fact)
{
	int kind = fact->protocol->collection;
	struct rule_collection *collection = &reading->set.collections[kind];
	size_t first = reading->category.first[kind];
	struct rule *rule;

	for (size_t i = first; i < collection->rule_count; i++)
		if (rule_fits(&collection->rules[i], fact))
			return &collection->rules[i];
	if (collection->rule_count - first >= RULES_LIMIT) {
		reading->too_large = true;
		return NULL;
	}
	rule = add_rule(collection, fact);
	reading->no_memory |= !rule;
	return rule;
}

/* The purpose starts as the category's name and gathers descriptions, each once. */
static void add_purpose(struct aks_reading *reading, struct rule *rule,
			const struct json_item *description)
{
	const char *text = description ? json_item_text(description) : NULL;
	char *purpose = NULL;

	if (!rule->purpose)
		rule->purpose = strdup(reading->category.name);
	reading->no_memory |= !rule->purpose;
	if (!text || !*text || !rule->purpose || strstr(rule->purpose, text))
		return;
	if (strlen(rule->purpose) + strlen(text) > PURPOSE_LIMIT) {
		losses_note(&reading->losses, description,
			    "the description is left out: the rule's purpose would be too long");
		return;
	}
	if (asprintf(&purpose, "%s%s %s", rule->purpose,
		     strcmp(rule->purpose, reading->category.name) ? ";" : ":", text) < 0) {
		reading->no_memory = true;
		return;
	}
	free(rule->purpose);
	rule->purpose = purpose;
}

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* Is it the first time that the category has the name for this protocol and port? */
static bool is_new(struct aks_reading *reading, const struct fact *fact, const char *name)
{
	char *key = NULL;

	if (asprintf(&key, "%s %u %s", fact->protocol->name, fact->port, name) < 0) {
		reading->no_memory = true;
		return false;
	}
	char *const *found = tsearch(key, &reading->category.seen, compare);

	reading->no_memory |= !found;
	if (found && *found == key)
		return true;
	free(key);
	return false;
}

static void take_pattern(struct aks_reading *reading, const struct fact *fact)
{
	char where[FACT_SIZE], spelled[PATTERN_TEXT_SIZE];
	struct pattern pattern;
	struct rule *rule;
	const char *message;

	if (pattern_parse(fact->name, &pattern, &message) < 0) {
		losses_add(&reading->losses, fact->detail, "%s: %s; left out",
			   describe(reading, fact, where), message);
		return;
	}
	rule = find_rule(reading, fact);
	if (!rule)
		return;
	if (is_new(reading, fact, pattern_format(&pattern, spelled)))
		reading->no_memory |= rule_add_pattern(rule, &pattern) < 0;
	add_purpose(reading, rule, json_item_find(fact->detail, "description"));
}

static void take_address(struct aks_reading *reading, const struct fact *fact)
{
	char where[FACT_SIZE];
	struct ip_prefix prefix;
	struct rule *rule;

	if (ip_prefix_parse(fact->address, &prefix) < 0) {
		losses_add(&reading->losses, fact->detail,
			   "%s: its ipAddress is no address; left out",
			   describe(reading, fact, where));
		return;
	}
	rule = find_rule(reading, fact);
	if (!rule)
		return;
	if (is_new(reading, fact, fact->address))
		reading->no_memory |= rule_add_destination(rule, &prefix) < 0;
	add_purpose(reading, rule, json_item_find(fact->detail, "description"));
}

/* A network rule by name, which must be exact. */
static void take_name(struct aks_reading *reading, const struct fact *fact)
{
	bool is_wildcard = strchr(fact->name, '*') != NULL;
	char where[FACT_SIZE];
	struct rule *rule;
	struct name name;
	enum name_error error = is_wildcard ? NAME_OK : name_from_person(fact->name, &name);

	if (is_wildcard) {
		losses_add(&reading->losses, fact->detail,
			   "%s, %s %u: a network rule takes exact names only; left out: write a "
			   "rule with the name itself, or with the address prefixes",
			   describe(reading, fact, where), fact->protocol->name, fact->port);
		return;
	}
	if (error != NAME_OK) {
		losses_add(&reading->losses, fact->detail, "%s is no name: it %s; left out",
			   describe(reading, fact, where), name_error_text(error));
		return;
	}
	rule = find_rule(reading, fact);
	if (!rule)
		return;
	if (is_new(reading, fact, name.text))
		reading->no_memory |= rule_add_fqdn(rule, &name) < 0;
	add_purpose(reading, rule, json_item_find(fact->detail, "description"));
}

static void take_fact(struct aks_reading *reading, struct fact *fact)
{
	char where[FACT_SIZE];

	if (!fact->name && !fact->address)
		losses_add(&reading->losses, fact->detail,
			   "%s has neither domainName nor ipAddress; left out",
			   describe(reading, fact, where));
	else if (!fact->name && fact->protocol->collection == AKS_APPLICATION)
		losses_add(&reading->losses, fact->detail,
			   "%s, %s %u: an application rule goes by name, and there is none; left "
			   "out",
			   describe(reading, fact, where), fact->protocol->name, fact->port);
	else if (fact->protocol->collection == AKS_APPLICATION)
		take_pattern(reading, fact);
	else if (fact->name && (!strchr(fact->name, '*') || !fact->address))
		take_name(reading, fact); /* its ipAddress is but where it led that day */
	else
		take_address(reading, fact);
	if (fact->protocol->collection == AKS_NETWORK && fact->address && fact->name &&
	    strchr(fact->name, '*'))
		losses_note(&reading->losses, fact->detail,
			    "%s: taken by its address of the day, because a network rule takes "
			    "exact names only",
			    describe(reading, fact, where));
}

const char *aks_member_text(const struct json_item *item, const char *key)
{
	const struct json_item *member = json_item_find(item, key);
	const char *text = member ? json_item_text(member) : NULL;

	return text && *text ? text : NULL;
}

void aks_read_detail(struct aks_reading *reading, const struct json_item *endpoint,
		     const struct json_item *detail)
{
	const struct json_item *port = json_item_find(detail, "port");
	const char *protocol = aks_member_text(detail, "protocol");
	struct fact fact = {.detail = detail,
			    .name = aks_member_text(endpoint, "domainName"),
			    .address = aks_member_text(detail, "ipAddress")};
	char where[FACT_SIZE], quoted[YAML_QUOTE_SIZE];
	int64_t number = 0;

	reading->too_large |= ++reading->details > IMPORT_ITEM_LIMIT;
	for (size_t i = 0; i < sizeof(s_protocols) / sizeof(*s_protocols); i++)
		if (protocol && !strcasecmp(protocol, s_protocols[i].name))
			fact.protocol = &s_protocols[i];
	if (!fact.protocol) {
		losses_add(&reading->losses, detail,
			   "%s: protocol %s is none of Https, Http, TCP and UDP; left out",
			   describe(reading, &fact, where),
			   yaml_quote(protocol ? protocol : "", quoted));
		return;
	}
	if (!port || !json_item_integer(port, &number) || number < 1 || number > UINT16_MAX) {
		losses_add(&reading->losses, port ? port : detail,
			   "%s: expected a port from 1 to 65535; left out",
			   describe(reading, &fact, where));
		return;
	}
	fact.port = (uint16_t)number;
	take_fact(reading, &fact);
}
