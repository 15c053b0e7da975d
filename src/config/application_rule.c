/* An application rule: patterns of names, http and https ports, and switches for what is less than
   plain: QUIC, hellos without a name, encrypted ones. */
#include "config/rule_impl.h"

#include <string.h>

#include "config/values_impl.h"

#define HTTP_PORT  80
#define HTTPS_PORT 443

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
	return rule_add_pattern(reading->rule, &pattern) == 0 || rule_fail_memory(item, problems);
}

static bool read_patterns(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	(void)field;
	return rule_read_each(value, target, read_pattern, problems);
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
	return rule_add_protocol(reading->rule, protocol, port) == 0 ||
	       rule_fail_memory(item, problems);
}

static bool read_application_protocols(const struct yaml_item *value,
				       const struct yaml_field *field, void *target,
				       struct problems *problems)
{
	(void)field;
	return rule_read_each(value, target, read_application_protocol, problems);
}

static const char *const s_quic_words[] = {"deny", "inspect", NULL};

static bool has_https(const struct rule *rule)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == APPLICATION_HTTPS)
			return true;
	return false;
}

/* The switches stand behind `fqdns` and `protocols` in the table, so those are read. */
static bool read_quic(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	struct rule_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, s_quic_words, &index, problems))
		return false;
	reading->rule->inspects_quic = index == 1;
	if (reading->rule->inspects_quic && reading->collection->action == RULE_DENY)
		yaml_warn(value, problems, "a deny rule denies QUIC whatever stands here");
	else if (reading->rule->inspects_quic && !has_https(reading->rule))
		yaml_warn(value, problems, "QUIC is https, which the rule's protocols do not name");
	return true;
}

static const char *const s_no_sni_words[] = {"deny", "allow", NULL};

static bool has_exact_name(const struct rule *rule)
{
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->patterns, &at, &pattern))
		if (pattern.kind == PATTERN_EXACT)
			return true;
	return false;
}

static bool read_no_sni(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	struct rule_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, s_no_sni_words, &index, problems))
		return false;
	reading->rule->allows_no_sni = index == 1;
	if (!reading->rule->allows_no_sni)
		return true;
	if (reading->collection->action == RULE_DENY)
		yaml_warn(value, problems,
			  "a deny rule denies what carries no name whatever stands here");
	else if (!has_https(reading->rule))
		yaml_warn(value, problems,
			  "server names are of https, which the rule's protocols do not name");
	else if (!has_exact_name(reading->rule))
		yaml_warn(value, problems,
			  "the rule has no exact name, by whose addresses it could allow anything");
	return true;
}

static const char *const s_ech_words[] = {"outer", "deny", NULL};

static bool read_ech(const struct yaml_item *value, const struct yaml_field *field, void *target,
		     struct problems *problems)
{
	struct rule_reading *reading = target;
	size_t index;

	(void)field;
	if (!yaml_read_word(value, s_ech_words, &index, problems))
		return false;
	reading->rule->refuses_ech = index == 1;
	if (reading->rule->refuses_ech && reading->collection->action == RULE_ALLOW &&
	    !has_https(reading->rule))
		yaml_warn(value, problems,
			  "encrypted hellos are of https, which the rule's protocols do not name");
	return true;
}

static const struct yaml_field s_application_fields[] = {
	{.key = "name", .read = rule_read_name, .required = true},
	{.key = "purpose", .read = rule_read_purpose},
	{.key = "sources", .read = rule_read_sources},
	{.key = "fqdns", .read = read_patterns, .required = true},
	{.key = "protocols", .read = read_application_protocols, .required = true},
	{.key = "quic", .read = read_quic},
	{.key = "no_sni", .read = read_no_sni},
	{.key = "ech", .read = read_ech},
};

bool config_read_application_rule(const struct yaml_item *item, struct rule_reading *reading,
				  struct problems *problems)
{
	return yaml_read_fields(item, s_application_fields, reading, problems);
}
