#include "../policy/write_rules.h"

#include <jansson.h>

#include "base/text.h"
#include "export/rule_text.h"

static struct rule_set s_set;

/* One rule in words, as rules are written in tests. */
static const struct rule *make_rule(enum rule_kind kind, const char *words)
{
	rule_set_done(&s_set);
	memset(&s_set, 0, sizeof(s_set));
	write_collection(&s_set, "team", kind, 200, RULE_ALLOW);
	write_rule(&s_set, "rule", words);
	return s_set.collections[0].rules;
}

static void assert_destinations(enum rule_kind kind, size_t most, const char *words,
				const char *expected)
{
	struct text text = TEXT_EMPTY;

	rule_write_destinations(&text, make_rule(kind, words), kind, most);
	assert_string_equal(text_string(&text), expected);
	text_free(&text);
}

static void assert_ports(enum rule_kind kind, const char *words, const char *expected)
{
	struct text text = TEXT_EMPTY;

	rule_write_ports(&text, make_rule(kind, words), kind);
	assert_string_equal(text_string(&text), expected);
	text_free(&text);
}

static void destinations_are_patterns_or_names_and_prefixes(void **state)
{
	(void)state;
	assert_destinations(RULE_APPLICATION, 0, "pattern:a.example pattern:*.b.example pattern:*",
			    "a.example, *.b.example, *");
	assert_destinations(RULE_NETWORK, 0, "to:203.0.113.0/24 fqdn:time.example to:2001:db8::/32",
			    "time.example, 203.0.113.0/24, 2001:db8::/32");
	assert_destinations(RULE_NETWORK, 0, "to:*", "*");
	assert_destinations(RULE_NETWORK, 0, "tcp", "(nothing)");
}

static void a_long_list_is_cut_with_a_count(void **state)
{
	(void)state;
	assert_destinations(RULE_NETWORK, 2, "to:192.0.2.1/32 to:192.0.2.2/32",
			    "192.0.2.1/32, 192.0.2.2/32");
	assert_destinations(RULE_NETWORK, 2,
			    "to:192.0.2.1/32 to:192.0.2.2/32 to:192.0.2.3/32 to:192.0.2.4/32",
			    "192.0.2.1/32, 192.0.2.2/32, … 2 more");
}

static void ports_stand_behind_their_protocol(void **state)
{
	(void)state;
	assert_ports(RULE_APPLICATION, "https:443 http:80", "https:443, http:80");
	assert_ports(RULE_NETWORK, "tcp udp port:53 port:8000-8010",
		     "tcp:53, tcp:8000-8010, udp:53, udp:8000-8010");
	assert_ports(RULE_NETWORK, "tcp port:*", "tcp:*");
	assert_ports(RULE_NETWORK, "icmp", "icmp");
	assert_ports(RULE_NETWORK, "any port:*", "any:*");
	assert_ports(RULE_NETWORK, "to:*", "(nothing)");
}

static void switches_are_written_where_they_are_not_at_their_default(void **state)
{
	static const char *const cases[][2] = {
		{"https:443", ""},
		{"https:443 quic", "quic: inspect"},
		{"https:443 no_ech no_sni quic", "quic: inspect, no_sni: allow, ech: deny"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct text text = TEXT_EMPTY;

		rule_write_switches(&text, make_rule(RULE_APPLICATION, cases[i][0]));
		assert_string_equal(text_string(&text), cases[i][1]);
		text_free(&text);
	}
}

static void sources_are_prefixes_or_anyone(void **state)
{
	struct text text = TEXT_EMPTY;

	(void)state;
	rule_write_sources(&text, make_rule(RULE_NETWORK, "from:*"));
	text_add(&text, "|");
	rule_write_sources(&text, make_rule(RULE_NETWORK, "from:10.0.0.0/8 from:fd00::/8"));
	text_add(&text, "|");
	rule_write_sources(&text, make_rule(RULE_NETWORK, "tcp"));
	assert_string_equal(text_string(&text), "*|10.0.0.0/8, fd00::/8|(nothing)");
	text_free(&text);
}

static json_t *write_json(struct rule_set *set)
{
	struct text text = TEXT_EMPTY;
	json_t *json;

	rule_write_json(&text, &set->collections[0], &set->collections[0].rules[0]);
	json = json_loads(text_string(&text), JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		fail_msg("no JSON: %s", text_string(&text));
	text_free(&text);
	rule_set_done(set);
	return json;
}

static void a_rule_as_json_has_all_that_it_says(void **state)
{
	struct rule_set set = {0};
	json_t *json, *expected;

	(void)state;
	write_collection(&set, "team", RULE_APPLICATION, 300, RULE_DENY);
	write_rule(&set, "web",
		   "from:10.42.0.0/16 https:443 http:80 pattern:*.example no_ech "
		   "purpose:f\xc3\xbcr\"uns\" origin:here");
	json = write_json(&set);
	expected = json_pack("{s:s, s:s, s:i, s:s, s:[s], s:[s], s:[s,s], s:s, s:s, s:s}", "rule",
			     "team/web", "kind", "application", "priority", 300, "action", "deny",
			     "sources", "10.42.0.0/16", "fqdns", "*.example", "ports", "https:443",
			     "http:80", "ech", "deny", "purpose", "f\xc3\xbcr\"uns\"", "origin",
			     "here");
	assert_non_null(expected);
	assert_true(json_equal(json, expected));
	json_decref(json);
	json_decref(expected);
}

static void a_correction_says_so_and_why(void **state)
{
	struct rule_set set = {0};
	json_t *json;

	(void)state;
	write_collection(&set, "aks-fqdn", RULE_APPLICATION, 300, RULE_ALLOW);
	write_rule(&set, "vaults", "https:443 pattern:*.vault.example");
	set.collections[0].rules[0].correction = true;
	set.collections[0].rules[0].note = strdup("each vault has a name of its own");
	json = write_json(&set);
	assert_true(json_is_true(json_object_get(json, "correction")));
	assert_string_equal(json_string_value(json_object_get(json, "note")),
			    "each vault has a name of its own");
	json_decref(json);
}

static void lists_without_an_entry_are_empty_in_json(void **state)
{
	struct rule_set set = {0};
	json_t *json, *expected;

	(void)state;
	write_collection(&set, "team", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&set, "none", "udp");
	json = write_json(&set);
	expected = json_pack("{s:s, s:s, s:i, s:s, s:[], s:[], s:[]}", "rule", "team/none", "kind",
			     "network", "priority", 300, "action", "allow", "sources",
			     "destinations", "ports");
	assert_non_null(expected);
	assert_true(json_equal(json, expected));
	json_decref(json);
	json_decref(expected);
}

static int done(void **state)
{
	(void)state;
	rule_set_done(&s_set);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_are_patterns_or_names_and_prefixes),
		cmocka_unit_test(a_long_list_is_cut_with_a_count),
		cmocka_unit_test(ports_stand_behind_their_protocol),
		cmocka_unit_test(switches_are_written_where_they_are_not_at_their_default),
		cmocka_unit_test(sources_are_prefixes_or_anyone),
		cmocka_unit_test(a_rule_as_json_has_all_that_it_says),
		cmocka_unit_test(a_correction_says_so_and_why),
		cmocka_unit_test(lists_without_an_entry_are_empty_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
