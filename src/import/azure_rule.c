/*
 * What network and application rules share: the words for what is lost, sources, IP groups.
 *
 * A rule is the union of what its lists name. To leave out one name narrows an allow rule, which is
 * safe, and narrows a deny rule, which is not: the result is then wider than the policy, and the
 * message says so. A condition of the rule as a whole that has no counterpart takes the whole rule
 * with it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/azure_firewall_impl.h"
#include "import/config_text.h"
#include "yaml/read.h"

#define WORDS_SIZE 600

/* "rule 'r' of collection 'c'" */
#define WHERE_SIZE 200
static const char *describe(const struct azure_rule *rule, char text[WHERE_SIZE])
{
	char name[YAML_QUOTE_SIZE], collection[YAML_QUOTE_SIZE];

	snprintf(text, WHERE_SIZE, "rule %s of collection %s", yaml_quote(rule->name, name),
		 yaml_quote(rule->collection->name, collection));
	return text;
}

static const char *consequence(const struct azure_rule *rule)
{
	return rule->collection->action == RULE_DENY
		       ? "; left out, so the result is WIDER than the policy: add the deny yourself"
		       : "; left out";
}

void azure_lose_part(struct azure_rule *rule, const struct json_item *item, const char *format, ...)
{
	char words[WORDS_SIZE], where[WHERE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	rule->lost++;
	losses_add(&rule->reading->losses, item, "%s: %s%s", describe(rule, where), words,
		   consequence(rule));
}

bool azure_lose_rule(struct azure_rule *rule, const char *format, ...)
{
	char words[WORDS_SIZE], where[WHERE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	rule->lost++;
	losses_add(&rule->reading->losses, rule->item, "the whole %s: %s%s", describe(rule, where),
		   words, consequence(rule));
	return false;
}

void azure_note(struct azure_rule *rule, const struct json_item *item, const char *format, ...)
{
	char words[WORDS_SIZE], where[WHERE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	losses_note(&rule->reading->losses, item, "%s: %s", describe(rule, where), words);
}

/* Counts an item of a list: beyond what one configuration may hold reading on is pointless. */
static bool may_take(struct azure_reading *reading)
{
	reading->too_large |= ++reading->listed > IMPORT_ITEM_LIMIT;
	return !reading->too_large && !reading->no_memory;
}

static void take_each(struct azure_rule *rule, const struct json_item *list, azure_take *take)
{
	struct arm_template *arm = &rule->reading->arm;

	for (size_t i = 0; i < json_item_count(list) && may_take(rule->reading); i++) {
		const struct json_item *item = json_item_at(list, i);
		const struct json_item *value = arm_value(arm, item);

		if (!value)
			azure_lose_part(rule, item, "%s: an expression is not known: %s",
					json_item_key(list), arm->reason);
		else if (!json_item_text(value))
			azure_lose_part(rule, item, "%s: expected a string", json_item_key(list));
		else
			take(rule, item, json_item_text(value));
	}
}

void azure_each(struct azure_rule *rule, const char *key, azure_take *take)
{
	const struct json_item *member = json_item_find(rule->item, key);
	const struct json_item *list = member ? arm_value(&rule->reading->arm, member) : NULL;

	if (member && !list)
		azure_lose_part(rule, member, "%s is not known: %s", key,
				rule->reading->arm.reason);
	else if (list && json_item_kind(list) != JSON_KIND_LIST)
		azure_lose_part(rule, member, "%s: expected a list", key);
	else if (list)
		take_each(rule, list, take);
}

bool azure_take_addresses(struct azure_rule *rule, const struct json_item *item, const char *text,
			  int (*add)(struct rule *rule, const struct ip_prefix *prefix))
{
	int taken = azure_add_addresses(text, rule->result, add);
	char quoted[YAML_QUOTE_SIZE];

	rule->reading->no_memory |= taken == -ENOMEM;
	if (taken == 1)
		azure_note(rule, item, "%s has bits set beyond its length, which are cleared",
			   yaml_quote(text, quoted));
	return taken != -EINVAL;
}

static void take_source(struct azure_rule *rule, const struct json_item *item, const char *text)
{
	char quoted[YAML_QUOTE_SIZE];

	if (!strcmp(text, "*"))
		rule->result->any_source = true;
	else if (!azure_take_addresses(rule, item, text, rule_add_source))
		azure_lose_part(rule, item, "source %s is no address, prefix or range",
				yaml_quote(text, quoted));
}

void azure_take_ip_group(struct azure_rule *rule, const struct json_item *item, const char *text,
			 azure_take *take)
{
	const struct azure_ip_group *group = azure_find_ip_group(rule->reading, text);
	const char *name = strrchr(text, '/');
	char quoted[YAML_QUOTE_SIZE];

	if (group)
		take_each(rule, group->addresses, take);
	else
		azure_lose_part(rule, item,
				"the addresses of IP group %s are not in this file: export it with "
				"the policy",
				yaml_quote(name ? name + 1 : text, quoted));
}

static void take_source_group(struct azure_rule *rule, const struct json_item *item,
			      const char *text)
{
	azure_take_ip_group(rule, item, text, take_source);
}

bool azure_read_sources(struct azure_rule *rule)
{
	azure_each(rule, "sourceAddresses", take_source);
	azure_each(rule, "sourceIpGroups", take_source_group);
	if (rule->result->any_source || rule->result->source_count > 0)
		return true;
	return azure_lose_rule(rule, "no source is left of it");
}

bool azure_has_unknown_key(struct azure_rule *rule, const char *const *known, size_t count)
{
	char quoted[YAML_QUOTE_SIZE];

	for (size_t i = 0; i < json_item_count(rule->item); i++) {
		const struct json_item *member = json_item_at(rule->item, i);
		size_t at = 0;

		while (at < count && strcmp(known[at], json_item_key(member)) != 0)
			at++;
		if (at < count || json_item_is_empty(member))
			continue;
		azure_lose_rule(rule, "it has %s, whose meaning is not known here",
				yaml_quote(json_item_key(member), quoted));
		return true;
	}
	return false;
}
