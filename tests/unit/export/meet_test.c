/* Do two rules meet? Held against the policy itself: rules that say they do not, never both match.
 */
#include "../policy/write_rules.h"

#include "export/meet_impl.h"

static bool meet(enum rule_kind first_kind, const char *first, enum rule_kind second_kind,
		 const char *second)
{
	struct rule_set set = {0};
	struct export_rule a, b;
	bool there, back;

	write_collection(&set, "a", first_kind, 200, RULE_DENY);
	write_rule(&set, "a", first);
	write_collection(&set, "b", second_kind, 300, RULE_ALLOW);
	write_rule(&set, "b", second);
	a = (struct export_rule){&set.collections[0], &set.collections[0].rules[0]};
	b = (struct export_rule){&set.collections[1], &set.collections[1].rules[0]};
	there = rules_meet(&a, &b);
	back = rules_meet(&b, &a);
	rule_set_done(&set);
	assert_int_equal(there, back);
	return there;
}

static bool names_meet(const char *first, const char *second)
{
	char a[128], b[128];

	snprintf(a, sizeof(a), "from:* https:443 pattern:%s", first);
	snprintf(b, sizeof(b), "from:* https:443 pattern:%s", second);
	return meet(RULE_APPLICATION, a, RULE_APPLICATION, b);
}

static bool network_meet(const char *first, const char *second)
{
	return meet(RULE_NETWORK, first, RULE_NETWORK, second);
}

static void names_meet_where_one_name_fits_both(void **state)
{
	(void)state;
	assert_true(names_meet("a.example", "a.example"));
	assert_false(names_meet("a.example", "b.example"));
	assert_true(names_meet("*.example", "a.b.example"));
	assert_false(names_meet("*.b.example", "b.example"));
	assert_false(names_meet("*.b.example", "ab.example"));
	assert_true(names_meet("*.example", "*.b.example"));
	assert_false(names_meet("*.b.example", "*.xb.example"));
	assert_false(names_meet("*.b.example", "*.c.example"));
	assert_true(names_meet("md-*.b.example", "*.b.example"));
	assert_true(names_meet("md-*.b.example", "*.example"));
	assert_false(names_meet("md-*.b.example", "*.a.b.example"));
	assert_true(names_meet("md-*.b.example", "md-1.b.example"));
	assert_false(names_meet("md-*.b.example", "1.b.example"));
	assert_true(names_meet("md-*.b.example", "*-1.b.example"));
	assert_false(names_meet("md-*.b.example", "md-*.c.example"));
	assert_true(names_meet("*", "a.example"));
}

static void addresses_ports_and_sources_must_all_meet(void **state)
{
	(void)state;
	assert_true(network_meet("from:* to:* any port:*", "from:* to:192.0.2.1/32 udp port:1"));
	assert_true(network_meet("from:* to:192.0.2.0/24 tcp port:1-9",
				 "from:* to:192.0.2.1/32 tcp port:5"));
	assert_false(network_meet("from:* to:192.0.2.0/25 tcp port:1-9",
				  "from:* to:192.0.2.128/25 tcp port:5"));
	assert_false(network_meet("from:* to:* tcp port:1-9", "from:* to:* tcp port:10-20"));
	assert_true(network_meet("from:* to:* tcp port:1-10", "from:* to:* tcp port:10-20"));
	assert_false(network_meet("from:* to:* tcp port:*", "from:* to:* udp port:*"));
	assert_true(network_meet("from:* to:192.0.2.0/25 tcp port:1",
				 "from:* fqdn:a.example tcp port:1"));
	assert_false(network_meet("from:10.0.0.0/16 to:* tcp port:1",
				  "from:10.1.0.0/16 to:* tcp port:1"));
	assert_true(network_meet("from:10.0.0.0/8 to:* tcp port:1",
				 "from:10.1.0.0/16 to:* tcp port:1"));
	assert_false(network_meet("to:* tcp port:1", "from:10.1.0.0/16 to:* tcp port:1"));
}

static void a_name_may_have_any_address(void **state)
{
	(void)state;
	assert_true(meet(RULE_NETWORK, "from:* to:192.0.2.0/24 any port:*", RULE_APPLICATION,
			 "from:* https:443 pattern:a.example"));
	assert_false(meet(RULE_NETWORK, "from:* to:192.0.2.0/24 tcp port:25", RULE_APPLICATION,
			  "from:* https:443 pattern:a.example"));
	assert_false(meet(RULE_NETWORK, "from:* to:* udp port:443", RULE_APPLICATION,
			  "from:* https:443 pattern:a.example"));
}

static void a_port_is_the_same_for_tls_and_for_http(void **state)
{
	(void)state;
	assert_true(meet(RULE_APPLICATION, "from:* https:443 pattern:a.example", RULE_APPLICATION,
			 "from:* http:443 pattern:a.example"));
	assert_false(meet(RULE_APPLICATION, "from:* https:443 pattern:a.example", RULE_APPLICATION,
			  "from:* http:80 pattern:a.example"));
}

/* Every two of these patterns against every one of these names. */
static void patterns_that_do_not_meet_share_no_name(void **state)
{
	static const char *const patterns[] = {
		"*",
		"a.b.example",
		"b.example",
		"*.b.example",
		"*.example",
		"a*.b.example",
		"*a.b.example",
		"x*.example",
		"*.a.b.example",
		"a*a.b.example",
	};
	static const char *const names[] = {
		"b.example",  "a.b.example", "aa.b.example",  "x.b.example",   "x.example",
		"xb.example", "ab.example",  "b.a.b.example", "a.a.b.example", "example",
	};
	const size_t count = sizeof(patterns) / sizeof(*patterns);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			struct pattern a, b;
			const char *message;

			assert_int_equal(pattern_parse(patterns[i], &a, &message), 0);
			assert_int_equal(pattern_parse(patterns[k], &b, &message), 0);
			if (patterns_meet(&a, &b))
				continue;
			for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
				struct name name = write_name(names[n]);

				assert_false(pattern_matches(&a, &name) &&
					     pattern_matches(&b, &name));
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_meet_where_one_name_fits_both),
		cmocka_unit_test(addresses_ports_and_sources_must_all_meet),
		cmocka_unit_test(a_name_may_have_any_address),
		cmocka_unit_test(a_port_is_the_same_for_tls_and_for_http),
		cmocka_unit_test(patterns_that_do_not_meet_share_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
