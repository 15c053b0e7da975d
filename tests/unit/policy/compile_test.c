#include "write_rules.h"

#include <errno.h>

/* Compiles what must be refused; the label that the refusal names, which the caller frees. */
static char *refuse(struct rule_set *set, int error)
{
	struct policy *policy = NULL;
	char *detail = NULL;

	assert_int_equal(policy_compile(set, &policy, &detail), error);
	assert_null(policy);
	assert_int_equal(set->collection_count, 0); /* taken over all the same */
	return detail;
}

static void assert_refused(struct rule_set *set, int error, const char *label)
{
	char *detail = refuse(set, error);

	assert_non_null(detail);
	assert_string_equal(detail, label);
	free(detail);
}

static void two_rules_with_one_label_are_refused(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "a", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "x", "from:*");
	write_rule(&set, "y", "from:*");
	write_collection(&set, "a", RULE_APPLICATION, 200, RULE_DENY);
	write_rule(&set, "y", "from:*");
	assert_refused(&set, -EEXIST, "a/y");
	write_collection(&set, "a", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, NULL, "from:*");
	write_rule(&set, "1", "from:*");
	assert_refused(&set, -EEXIST, "a/1");
}

static void fields_that_do_not_belong_to_the_kind_are_refused(void **state)
{
	static const char *const network[] = {"pattern:*", "https:443"};
	static const char *const application[] = {"to:*", "to:192.0.2.1", "fqdn:a.example",
						  "tcp",  "port:*",       "port:80"};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct rule_set set = {0};

		write_collection(&set, "c", i < 2 ? RULE_NETWORK : RULE_APPLICATION, 100,
				 RULE_ALLOW);
		write_rule(&set, "good", "from:*");
		write_rule(&set, "bad", i < 2 ? network[i] : application[i - 2]);
		assert_refused(&set, -EINVAL, "c/bad");
	}
}

static struct rule *one_rule(struct rule_set *set, enum rule_kind kind)
{
	write_collection(set, "c", kind, 100, RULE_ALLOW);
	write_rule(set, "r", "from:*");
	return &set->collections[0].rules[0];
}

static void values_outside_their_types_are_refused(void **state)
{
	struct ip_prefix host_bits = {.address = write_address("10.0.0.1"), .length = 8};
	struct ip_prefix too_long = {.address = write_address("10.0.0.0"), .length = 33};
	struct ip_prefix nothing = {0};
	struct rule_set set = {0};

	(void)state;
	rule_add_source(one_rule(&set, RULE_NETWORK), &host_bits);
	assert_refused(&set, -EINVAL, "c/r");
	rule_add_destination(one_rule(&set, RULE_NETWORK), &too_long);
	assert_refused(&set, -EINVAL, "c/r");
	rule_add_source(one_rule(&set, RULE_APPLICATION), &nothing);
	assert_refused(&set, -EINVAL, "c/r");
	rule_add_protocol(one_rule(&set, RULE_APPLICATION), (enum application_protocol)2, 443);
	assert_refused(&set, -EINVAL, "c/r");
	one_rule(&set, (enum rule_kind)2);
	assert_refused(&set, -EINVAL, "c/r");
	one_rule(&set, RULE_NETWORK);
	set.collections[0].action = (enum rule_action)2;
	assert_refused(&set, -EINVAL, "c/r");
	one_rule(&set, RULE_NETWORK);
	set.private_destinations = calloc(1, sizeof(struct ip_prefix));
	set.private_destination_count = 1;
	assert_null(refuse(&set, -EINVAL)); /* no rule is to blame */
}

static void the_detail_may_be_left_out(void **state)
{
	struct policy *policy;
	struct rule_set set = {0};

	(void)state;
	one_rule(&set, (enum rule_kind)2);
	assert_int_equal(policy_compile(&set, &policy, NULL), -EINVAL);
}

static void rules_stand_in_judging_order_and_are_found_by_label(void **state)
{
	static const char *const expected[] = {"n1/1", "n2/b", "n2/a", "a1/1", "collection-1/x"};
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, NULL, RULE_APPLICATION, 300, RULE_ALLOW);
	write_rule(&set, "x", "from:*");
	write_collection(&set, "n2", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&set, "b", "from:*");
	write_rule(&set, "a", "from:*");
	write_collection(&set, "a1", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, NULL, "from:*");
	write_collection(&set, "n1", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, NULL, "from:*");
	write_collection(&set, "empty", RULE_NETWORK, 150, RULE_ALLOW);
	struct policy *policy = compile(&set);

	assert_int_equal(policy_rule_count(policy), 5);
	assert_int_equal(policy_network_rule_count(policy), 3);
	for (uint32_t i = 0; i < 5; i++) {
		const struct policy_rule *entry = policy_rule_at(policy, i);

		assert_string_equal(entry->label, expected[i]);
		assert_int_equal(entry->position, i);
		assert_int_equal(entry->kind, i < 3 ? RULE_NETWORK : RULE_APPLICATION);
		assert_ptr_equal(policy_rule_find(policy, expected[i]), entry);
	}
	assert_int_equal(policy_rule_at(policy, 1)->action, RULE_DENY);
	assert_int_equal(policy_rule_at(policy, 1)->collection->priority, 200);
	assert_null(policy_rule_find(policy, "n2"));
	assert_null(policy_rule_find(policy, "z/z"));
	assert_null(policy_rule_find(policy, ""));
	policy_free(policy);
}

static void ports_of_allow_rules_are_listed_once_and_ascending(void **state)
{
	struct rule_set set = {0};
	size_t count;

	(void)state;
	write_collection(&set, "a", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, NULL, "https:8443 https:443 http:80 https:65535");
	write_rule(&set, NULL, "https:443");
	write_collection(&set, "d", RULE_APPLICATION, 200, RULE_DENY);
	write_rule(&set, NULL, "https:9443 http:8080");
	struct policy *policy = compile(&set);
	const uint16_t *ports = policy_ports(policy, APPLICATION_HTTPS, &count);

	assert_int_equal(count, 3);
	assert_int_equal(ports[0], 443);
	assert_int_equal(ports[1], 8443);
	assert_int_equal(ports[2], 65535);
	ports = policy_ports(policy, APPLICATION_HTTP, &count);
	assert_int_equal(count, 1);
	assert_int_equal(ports[0], 80);
	policy_free(policy);
}

/* They come in no order. */
static void assert_exact_names(const struct policy *policy, const char *const *expected,
			       size_t count)
{
	struct policy_name_walk walk = {0};
	struct name name;
	bool seen[8] = {0};

	assert_int_equal(policy_exact_name_count(policy), count);
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		assert_true(policy_next_exact_name(policy, &walk, &name));
		while (at < count && strcmp(expected[at], name.text) != 0)
			at++;
		assert_true(at < count && !seen[at]);
		seen[at] = true;
	}
	assert_false(policy_next_exact_name(policy, &walk, &name));
	assert_false(policy_next_exact_name(policy, &walk, &name));
}

static void exact_names_are_those_whose_addresses_rules_need(void **state)
{
	static const char *const expected[] = {"a.example", "api.example", "blocked.example",
					       "ntp.example"};
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "a", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, NULL, "pattern:ntp.example pattern:*.example pattern:a.example pattern:*");
	write_collection(&set, "d", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&set, NULL, "pattern:never.example");
	write_collection(&set, "n", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, NULL, "fqdn:ntp.example fqdn:api.example");
	write_collection(&set, "nd", RULE_NETWORK, 100, RULE_DENY);
	write_rule(&set, NULL, "fqdn:blocked.example");
	struct policy *policy = compile(&set);

	assert_exact_names(policy, expected, 4);
	policy_free(policy);
}

static void forgotten_patterns_change_no_verdict(void **state)
{
	static const char *const expected[] = {"a.example"};
	struct rule_set set = {0};
	struct name exact = write_name("a.example"), below = write_name("x.b.example");
	struct policy_facts facts = {
		.source = write_address("10.0.0.1"), .protocol = FLOW_HTTPS, .port = 443};

	(void)state;
	write_collection(&set, "a", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, NULL, "from:* https:443 no_sni pattern:a.example pattern:*.b.example");
	struct policy *policy = compile(&set);
	size_t before = policy_memory(policy);

	policy_forget_patterns(policy);
	assert_int_equal(policy_rule_at(policy, 0)->rule->patterns.count, 0);
	assert_true(policy_memory(policy) < before);
	facts.name = &below;
	assert_int_equal(policy_judge(policy, &facts).action, RULE_ALLOW);
	facts.name_left_out = true;
	assert_int_equal(policy_judge(policy, &facts).reason, REASON_NO_NAME);
	facts.name = &exact;
	assert_int_equal(policy_judge(policy, &facts).action, RULE_ALLOW);
	assert_exact_names(policy, expected, 1);
	policy_free(policy);
}

static void network_rules_of_a_name_are_all_counted(void **state)
{
	struct rule_set set = {0};
	struct name name = write_name("a.example"), other = write_name("b.example");
	uint32_t positions[2] = {77, 77};

	(void)state;
	write_collection(&set, "n", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, NULL, "fqdn:a.example");
	write_rule(&set, NULL, "fqdn:c.example");
	write_rule(&set, NULL, "fqdn:c.example fqdn:a.example fqdn:a.example");
	write_rule(&set, NULL, "fqdn:a.example");
	struct policy *policy = compile(&set);

	assert_int_equal(policy_network_rules_of_name(policy, &name, positions, 2), 3);
	assert_int_equal(positions[0], 0);
	assert_int_equal(positions[1], 2);
	assert_int_equal(policy_network_rules_of_name(policy, &other, positions, 2), 0);
	assert_int_equal(policy_network_rules_of_name(policy, &name, NULL, 0), 3);
	policy_free(policy);
}

static void only_https_allow_rules_make_a_name_inspected(void **state)
{
	struct rule_set set = {0};
	struct name https = write_name("x.a.example"), http = write_name("b.example");
	struct name denied = write_name("c.example");

	(void)state;
	write_collection(&set, "a", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, NULL, "http:80 https:443 pattern:*.a.example");
	write_rule(&set, NULL, "http:80 pattern:b.example");
	write_collection(&set, "d", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&set, NULL, "https:443 pattern:c.example");
	struct policy *policy = compile(&set);

	assert_true(policy_inspects_name(policy, &https));
	assert_false(policy_inspects_name(policy, &http));
	assert_false(policy_inspects_name(policy, &denied));
	policy_free(policy);
}

static struct policy *with_rules(const char *const *names, size_t count)
{
	struct rule_set set = {0};

	write_collection(&set, "c", RULE_NETWORK, 100, RULE_ALLOW);
	for (size_t i = 0; i < count; i++)
		write_rule(&set, names[i], "from:*");
	return compile(&set);
}

static void hits_are_counted_and_inherited_by_label(void **state)
{
	static const char *const before[] = {"b", "gone", "a", "z"};
	static const char *const after[] = {"a", "b", "new", "zz"};
	struct policy *previous = with_rules(before, 4), *policy = with_rules(after, 4);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t hits = 0; hits <= i; hits++)
			policy_count_hit(previous, policy_rule_at(previous, i));
	policy_inherit_hits(policy, previous);
	assert_int_equal(policy_hits(policy, policy_rule_find(policy, "c/a")), 3);
	assert_int_equal(policy_hits(policy, policy_rule_find(policy, "c/b")), 1);
	assert_int_equal(policy_hits(policy, policy_rule_find(policy, "c/new")), 0);
	assert_int_equal(policy_hits(policy, policy_rule_find(policy, "c/zz")), 0);
	policy_inherit_hits(previous, policy);
	assert_int_equal(policy_hits(previous, policy_rule_find(previous, "c/gone")), 2);
	policy_free(previous);
	policy_free(policy);
	policy_free(NULL);
}

static void memory_grows_with_the_rules(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct policy *small = with_rules(names, 1), *large = with_rules(names, 4);

	(void)state;
	assert_true(policy_memory(large) >= policy_memory(small) + 3 * sizeof(struct rule));
	policy_free(small);
	policy_free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_rules_with_one_label_are_refused),
		cmocka_unit_test(fields_that_do_not_belong_to_the_kind_are_refused),
		cmocka_unit_test(values_outside_their_types_are_refused),
		cmocka_unit_test(the_detail_may_be_left_out),
		cmocka_unit_test(rules_stand_in_judging_order_and_are_found_by_label),
		cmocka_unit_test(ports_of_allow_rules_are_listed_once_and_ascending),
		cmocka_unit_test(exact_names_are_those_whose_addresses_rules_need),
		cmocka_unit_test(forgotten_patterns_change_no_verdict),
		cmocka_unit_test(network_rules_of_a_name_are_all_counted),
		cmocka_unit_test(only_https_allow_rules_make_a_name_inspected),
		cmocka_unit_test(hits_are_counted_and_inherited_by_label),
		cmocka_unit_test(memory_grows_with_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
