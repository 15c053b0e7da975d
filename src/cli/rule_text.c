#include "cli/rule_text.h"

#include <stdio.h>
#include <string.h>

struct list {
	struct text *out;
	size_t count, most, left_out;
};

/* The place for one more item; NULL: it is only counted. */
static struct text *next_item(struct list *list)
{
	if (list->most != 0 && list->count >= list->most) {
		list->left_out++;
		return NULL;
	}
	if (list->count++ > 0)
		text_add(list->out, ", ");
	return list->out;
}

static void end_list(const struct list *list)
{
	if (list->left_out > 0)
		text_addf(list->out, ", … %zu more", list->left_out);
	else if (list->count == 0)
		text_add(list->out, "(nothing)");
}

static void add_item(struct list *list, const char *item)
{
	struct text *out = next_item(list);

	if (out)
		text_add(out, item);
}

void rule_write_destinations(struct text *out, const struct rule *rule, enum rule_kind kind,
			     size_t most)
{
	struct list list = {.out = out, .most = most};
	char pattern[PATTERN_TEXT_SIZE], prefix[IP_PREFIX_TEXT_SIZE];

	if (kind == RULE_APPLICATION) {
		for (size_t i = 0; i < rule->pattern_count; i++)
			add_item(&list, pattern_format(&rule->patterns[i], pattern));
	} else {
		if (rule->any_destination)
			add_item(&list, "*");
		for (size_t i = 0; i < rule->fqdn_count; i++)
			add_item(&list, rule->fqdns[i].text);
		for (size_t i = 0; i < rule->destination_count; i++)
			add_item(&list, ip_prefix_format(&rule->destinations[i], prefix));
	}
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

void rule_write_ports(struct text *out, const struct rule *rule, enum rule_kind kind)
{
	struct list list = {.out = out};

	if (kind == RULE_APPLICATION) {
		add_application_ports(&list, rule);
	} else if (rule->transports == TRANSPORT_ANY) {
		add_transport_ports(&list, rule, "any");
	} else {
		if (rule->transports & TRANSPORT_TCP)
			add_transport_ports(&list, rule, "tcp");
		if (rule->transports & TRANSPORT_UDP)
			add_transport_ports(&list, rule, "udp");
		if (rule->transports & TRANSPORT_ICMP)
			add_item(&list, "icmp");
	}
	end_list(&list);
}

void rule_write_sources(struct text *out, const struct rule *rule)
{
	struct list list = {.out = out};
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (rule->any_source)
		add_item(&list, "*");
	for (size_t i = 0; i < rule->source_count; i++)
		add_item(&list, ip_prefix_format(&rule->sources[i], prefix));
	end_list(&list);
}

/* ------------------------------------------------------------------------ json */

static void add_string(struct text *out, const char *key, const char *value)
{
	if (!value)
		return;
	text_addf(out, ",\"%s\":", key);
	text_add_json_string(out, value, strlen(value));
}

static void add_array(struct text *out, const char *key, const struct text *list)
{
	const char *at = text_string(list), *end;

	text_addf(out, ",\"%s\":[", key);
	if (strcmp(at, "(nothing)") != 0)
		for (;; at = end + 2) {
			end = strstr(at, ", ");
			text_add_json_string(out, at, end ? (size_t)(end - at) : strlen(at));
			if (!end)
				break;
			text_add(out, ",");
		}
	text_add(out, "]");
}

void rule_write_json(struct text *out, const struct policy_rule *rule)
{
	bool application = rule->kind == RULE_APPLICATION;
	struct text list = TEXT_EMPTY;

	text_add(out, "{\"rule\":");
	text_add_json_string(out, rule->label, strlen(rule->label));
	text_addf(out, ",\"kind\":\"%s\",\"priority\":%u,\"action\":\"%s\"",
		  application ? "application" : "network", rule->collection->priority,
		  rule->action == RULE_ALLOW ? "allow" : "deny");
	rule_write_sources(&list, rule->rule);
	add_array(out, "sources", &list);
	text_clear(&list);
	rule_write_destinations(&list, rule->rule, rule->kind, 0);
	add_array(out, application ? "fqdns" : "destinations", &list);
	text_clear(&list);
	rule_write_ports(&list, rule->rule, rule->kind);
	add_array(out, "ports", &list);
	add_string(out, "purpose", rule->rule->purpose);
	add_string(out, "origin", rule->rule->origin);
	text_add(out, "}");
	if (text_failed(&list))
		out->failed = true;
	text_free(&list);
}
