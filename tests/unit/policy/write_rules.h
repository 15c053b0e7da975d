/*
 * Rules for tests, written in words:
 *     write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
 *     write_rule(&set, "github", "from:10.42.0.0/16 https:443 pattern:*.github.com");
 * Words: from:PREFIX|*  to:PREFIX|*  fqdn:NAME  tcp udp icmp any  port:N|N-M|*  http:N https:N
 * pattern:PATTERN  purpose:WORD  origin:WORD  quic  no_sni  no_ech
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

static inline struct ip_address write_address(const char *text)
{
	struct ip_address address = {0};

	if (text)
		assert_int_equal(ip_parse(text, &address), 0);
	return address;
}

static inline struct name write_name(const char *text)
{
	struct name name;

	assert_int_equal(name_from_person(text, &name), NAME_OK);
	return name;
}

static inline void write_collection(struct rule_set *set, const char *name, enum rule_kind kind,
				    unsigned int priority, enum rule_action action)
{
	struct rule_collection *collection = rule_set_add_collection(set);

	assert_non_null(collection);
	collection->name = name ? strdup(name) : NULL;
	collection->kind = kind;
	collection->priority = priority;
	collection->action = action;
}

static inline void write_prefix(struct rule *rule, const char *text, bool *any,
				int (*add)(struct rule *, const struct ip_prefix *))
{
	struct ip_prefix prefix;

	if (strcmp(text, "*") == 0) {
		*any = true;
		return;
	}
	assert_int_equal(ip_prefix_parse(text, &prefix), 0);
	assert_int_equal(add(rule, &prefix), 0);
}

static inline void write_ports(struct rule *rule, const char *text)
{
	unsigned int first, last;

	if (strcmp(text, "*") == 0) {
		rule->any_port = true;
		return;
	}
	if (sscanf(text, "%u-%u", &first, &last) != 2)
		first = last = (unsigned int)atoi(text);
	assert_int_equal(rule_add_ports(rule, (uint16_t)first, (uint16_t)last), 0);
}

static inline void write_pattern(struct rule *rule, const char *text)
{
	struct pattern pattern;
	const char *message;

	assert_int_equal(pattern_parse(text, &pattern, &message), 0);
	assert_int_equal(rule_add_pattern(rule, &pattern), 0);
}

static inline void write_pair(struct rule *rule, const char *key, const char *value)
{
	if (strcmp(key, "from") == 0) {
		write_prefix(rule, value, &rule->any_source, rule_add_source);
	} else if (strcmp(key, "to") == 0) {
		write_prefix(rule, value, &rule->any_destination, rule_add_destination);
	} else if (strcmp(key, "port") == 0) {
		write_ports(rule, value);
	} else if (strcmp(key, "pattern") == 0) {
		write_pattern(rule, value);
	} else if (strcmp(key, "fqdn") == 0) {
		struct name name = write_name(value);

		assert_int_equal(rule_add_fqdn(rule, &name), 0);
	} else if (strcmp(key, "purpose") == 0) {
		rule->purpose = strdup(value);
	} else if (strcmp(key, "origin") == 0) {
		rule->origin = strdup(value);
	} else {
		enum application_protocol protocol =
			strcmp(key, "http") == 0 ? APPLICATION_HTTP : APPLICATION_HTTPS;

		assert_true(protocol == APPLICATION_HTTP || strcmp(key, "https") == 0);
		assert_int_equal(rule_add_protocol(rule, protocol, (uint16_t)atoi(value)), 0);
	}
}

static inline void write_word(struct rule *rule, char *word)
{
	char *colon = strchr(word, ':');

	if (colon) {
		*colon = '\0';
		write_pair(rule, word, colon + 1);
	} else if (strcmp(word, "tcp") == 0) {
		rule->transports |= TRANSPORT_TCP;
	} else if (strcmp(word, "udp") == 0) {
		rule->transports |= TRANSPORT_UDP;
	} else if (strcmp(word, "icmp") == 0) {
		rule->transports |= TRANSPORT_ICMP;
	} else if (strcmp(word, "quic") == 0) {
		rule->inspects_quic = true;
	} else if (strcmp(word, "no_sni") == 0) {
		rule->allows_no_sni = true;
	} else if (strcmp(word, "no_ech") == 0) {
		rule->refuses_ech = true;
	} else {
		assert_string_equal(word, "any");
		rule->transports |= TRANSPORT_ANY;
	}
}

/* Into the collection written last. */
static inline void write_rule(struct rule_set *set, const char *name, const char *words)
{
	struct rule *rule = rule_collection_add_rule(&set->collections[set->collection_count - 1]);
	char *copy = strdup(words), *rest = NULL;

	assert_non_null(rule);
	rule->name = name ? strdup(name) : NULL;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		write_word(rule, word);
	free(copy);
}

static inline struct policy *compile(struct rule_set *set)
{
	struct policy *policy = NULL;
	char *detail = NULL;

	assert_int_equal(policy_compile(set, &policy, &detail), 0);
	assert_non_null(policy);
	assert_null(detail);
	assert_int_equal(set->collection_count, 0);
	return policy;
}

/* A flow in words: source, destination (NULL: none), protocol, port, name (NULL: none). */
static inline struct verdict judge(const struct policy *policy, const char *source,
				   const char *destination, enum flow_protocol protocol,
				   uint16_t port, const char *name_text)
{
	struct name name;
	struct policy_facts facts = {
		.source = write_address(source),
		.destination = write_address(destination),
		.protocol = protocol,
		.port = port,
	};

	if (name_text) {
		name = write_name(name_text);
		facts.name = &name;
	}
	return policy_judge(policy, &facts);
}

static inline void assert_allowed(struct verdict verdict, const char *label)
{
	assert_int_equal(verdict.action, RULE_ALLOW);
	assert_int_equal(verdict.reason, REASON_RULE_ALLOWS);
	assert_non_null(verdict.rule);
	assert_string_equal(verdict.rule->label, label);
}

static inline void assert_denied(struct verdict verdict, enum reason reason)
{
	assert_int_equal(verdict.action, RULE_DENY);
	assert_string_equal(reason_text(verdict.reason), reason_text(reason));
}
