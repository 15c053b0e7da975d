#include "export/rule_text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct list {
	struct text *out;
	bool json; /* strings in quotes, and nothing for people */
	size_t count, most, left_out;
};

static void add_item(struct list *list, const char *item)
{
	if (list->most != 0 && list->count >= list->most) {
		list->left_out++;
		return;
	}
	if (list->count++ > 0)
		text_add(list->out, list->json ? "," : ", ");
	if (list->json)
		text_add_json_string(list->out, item, strlen(item));
	else
		text_add(list->out, item);
}

static void end_list(const struct list *list)
{
	if (list->left_out > 0)
		text_addf(list->out, ", … %zu more", list->left_out);
	else if (list->count == 0)
		text_add(list->out, "(nothing)");
}

/* For people a tag stands for its prefixes; machines get both, each in a list of its own. */
static void add_tags(struct list *list, const struct rule *rule)
{
	for (size_t i = 0; i < rule->tag_count; i++) {
		cleanup(text_free) struct text item = TEXT_EMPTY;

		text_add(&item, rule->tags[i].name);
		if (!list->json && rule->tags[i].count)
			text_addf(&item, " (%zu prefixes)", rule->tags[i].count);
		add_item(list, text_string(&item));
	}
}

static void add_destinations(struct list *list, const struct rule *rule, enum rule_kind kind)
{
	char text[PATTERN_TEXT_SIZE], prefix[IP_PREFIX_TEXT_SIZE];
	struct pattern pattern;
	size_t at = 0;

	if (kind == RULE_APPLICATION) {
		while (pattern_list_next(&rule->patterns, &at, &pattern))
			add_item(list, pattern_format(&pattern, text));
		return;
	}
	if (rule->any_destination)
		add_item(list, "*");
	for (size_t i = 0; i < rule->fqdn_count; i++)
		add_item(list, rule->fqdns[i].text);
	if (!list->json)
		add_tags(list, rule);
	for (size_t i = 0; i < rule->destination_count; i++)
		if (list->json || !rule_is_of_tag(rule, i))
			add_item(list, ip_prefix_format(&rule->destinations[i], prefix));
}

void rule_write_destinations(struct text *out, const struct rule *rule, enum rule_kind kind,
			     size_t most)
{
	struct list list = {.out = out, .most = most};

	add_destinations(&list, rule, kind);
	end_list(&list);
}

static void add_application_ports(struct list *list, const struct rule *rule)
{
	for (size_t i = 0; i < rule->protocol_count; i++) {
		char item[16];

		snprintf(item, sizeof(item), "%s:%u",
			 rule->protocols[i].protocol == APPLICATION_HTTPS ? "https" : "http",
			 rule->protocols[i].port);
		add_item(list, item);
	}
}

static void add_transport_ports(struct list *list, const struct rule *rule, const char *transport)
{
	char item[32];

	if (rule->any_port) {
		snprintf(item, sizeof(item), "%s:*", transport);
		add_item(list, item);
	}
	for (size_t i = 0; i < rule->port_count; i++) {
		if (rule->ports[i].first == rule->ports[i].last)
			snprintf(item, sizeof(item), "%s:%u", transport, rule->ports[i].first);
		else
			snprintf(item, sizeof(item), "%s:%u-%u", transport, rule->ports[i].first,
				 rule->ports[i].last);
		add_item(list, item);
	}
}

static void add_ports(struct list *list, const struct rule *rule, enum rule_kind kind)
{
	if (kind == RULE_APPLICATION) {
		add_application_ports(list, rule);
		return;
	}
	if (rule->transports == TRANSPORT_ANY) {
		add_transport_ports(list, rule, "any");
		return;
	}
	if (rule->transports & TRANSPORT_TCP)
		add_transport_ports(list, rule, "tcp");
	if (rule->transports & TRANSPORT_UDP)
		add_transport_ports(list, rule, "udp");
	if (rule->transports & TRANSPORT_ICMP)
		add_item(list, "icmp");
}

void rule_write_ports(struct text *out, const struct rule *rule, enum rule_kind kind)
{
	struct list list = {.out = out};

	add_ports(&list, rule, kind);
	end_list(&list);
}

static void add_sources(struct list *list, const struct rule *rule)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (rule->any_source)
		add_item(list, "*");
	for (size_t i = 0; i < rule->source_count; i++)
		add_item(list, ip_prefix_format(&rule->sources[i], prefix));
}

void rule_write_sources(struct text *out, const struct rule *rule)
{
	struct list list = {.out = out};

	add_sources(&list, rule);
	end_list(&list);
}

static const struct {
	const char *key, *value;
	size_t set; /* offset of the bool */
} s_switches[] = {
	{"quic", "inspect", offsetof(struct rule, inspects_quic)},
	{"no_sni", "allow", offsetof(struct rule, allows_no_sni)},
	{"ech", "deny", offsetof(struct rule, refuses_ech)},
};
#define SWITCHES (sizeof(s_switches) / sizeof(s_switches[0]))

static bool is_set(const struct rule *rule, size_t which)
{
	return *(const bool *)((const char *)rule + s_switches[which].set);
}

void rule_write_switches(struct text *out, const struct rule *rule)
{
	const char *between = "";

	for (size_t i = 0; i < SWITCHES; i++) {
		if (!is_set(rule, i))
			continue;
		text_addf(out, "%s%s: %s", between, s_switches[i].key, s_switches[i].value);
		between = ", ";
	}
}

/* ------------------------------------------------------------------------ json */

static void add_string(struct text *out, const char *key, const char *value)
{
	if (!value)
		return;
	text_addf(out, ",\"%s\":", key);
	text_add_json_string(out, value, strlen(value));
}

void rule_write_json(struct text *out, const struct rule_collection *collection,
		     const struct rule *rule)
{
	bool application = collection->kind == RULE_APPLICATION;
	struct list sources = {.out = out, .json = true}, destinations = sources, ports = sources,
		    tags = sources;
	cleanup(text_free) struct text label = TEXT_EMPTY;

	text_addf(&label, "%s/%s", collection->name, rule->name);
	text_add(out, "{\"rule\":");
	text_add_json_string(out, text_string(&label), label.length);
	text_addf(out, ",\"kind\":\"%s\",\"priority\":%u,\"action\":\"%s\",\"sources\":[",
		  application ? "application" : "network", collection->priority,
		  collection->action == RULE_ALLOW ? "allow" : "deny");
	add_sources(&sources, rule);
	text_addf(out, "],\"%s\":[", application ? "fqdns" : "destinations");
	add_destinations(&destinations, rule, collection->kind);
	if (rule->tag_count) {
		text_add(out, "],\"service_tags\":[");
		add_tags(&tags, rule);
	}
	text_add(out, "],\"ports\":[");
	add_ports(&ports, rule, collection->kind);
	text_add(out, "]");
	for (size_t i = 0; i < SWITCHES; i++)
		if (is_set(rule, i))
			add_string(out, s_switches[i].key, s_switches[i].value);
	add_string(out, "purpose", rule->purpose);
	add_string(out, "origin", rule->origin);
	if (rule->correction)
		text_add(out, ",\"correction\":true");
	add_string(out, "note", rule->note);
	text_add(out, "}");
}
