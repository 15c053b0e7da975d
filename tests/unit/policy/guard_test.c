#include "write_rules.h"

/* Lists in words, separated by spaces. */
static struct policy *guard(const char *private_destinations, const char *special_exceptions,
			    const char *own_addresses)
{
	const char *const lists[] = {private_destinations, special_exceptions, own_addresses};
	struct rule_set set = {0};

	set.private_destinations = calloc(8, sizeof(struct ip_prefix));
	set.special_exceptions = calloc(8, sizeof(struct ip_prefix));
	set.own_addresses = calloc(8, sizeof(struct ip_address));
	for (size_t i = 0; i < 3; i++) {
		char *copy = strdup(lists[i]), *rest = NULL;

		for (char *word = strtok_r(copy, " ", &rest); word;
		     word = strtok_r(NULL, " ", &rest)) {
			struct ip_prefix prefix;

			assert_int_equal(ip_prefix_parse(word, &prefix), 0);
			if (i == 0)
				set.private_destinations[set.private_destination_count++] = prefix;
			else if (i == 1)
				set.special_exceptions[set.special_exception_count++] = prefix;
			else
				set.own_addresses[set.own_address_count++] = prefix.address;
		}
		free(copy);
	}
	return compile(&set);
}

static void assert_check(const struct policy *policy, const char *text, enum reason expected)
{
	struct ip_address address = write_address(text);
	enum reason reason = policy_check_address(policy, &address);

	if (reason != expected)
		fail_msg("%s: expected %s, got %s", text, reason_text(expected),
			 reason_text(reason));
}

static void public_addresses_pass_and_special_and_private_ones_do_not(void **state)
{
	static const char *const special[] = {"169.254.169.254",
					      "168.63.129.16",
					      "127.0.0.1",
					      "0.0.0.0",
					      "224.0.0.1",
					      "255.255.255.255",
					      "::1",
					      "::",
					      "fe80::1",
					      "ff02::1",
					      "::ffff:8.8.8.8",
					      "::ffff:169.254.169.254",
					      "64:ff9b::169.254.169.254",
					      "2002:7f00:1::"};
	static const char *const private[] = {"10.0.0.1",    "172.16.0.1", "192.168.1.1",
					      "100.64.0.1",  "fd00::1",    "64:ff9b::10.0.0.1",
					      "2002:a00:1::"};
	struct policy *policy = guard("", "", "");

	(void)state;
	assert_check(policy, "20.0.0.1", REASON_RULE_ALLOWS);
	assert_check(policy, "2603:1000::1", REASON_RULE_ALLOWS);
	assert_check(policy, "64:ff9b::8.8.8.8", REASON_RULE_ALLOWS);
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		assert_check(policy, special[i], REASON_SPECIAL_ADDRESS);
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		assert_check(policy, private[i], REASON_PRIVATE_ADDRESS);
	policy_free(policy);
}

static void listed_private_destinations_pass_also_in_disguise(void **state)
{
	struct policy *policy = guard("10.1.0.0/16 10.1.2.0/24 fd00:1::/32", "", "");

	(void)state;
	assert_check(policy, "10.1.2.3", REASON_RULE_ALLOWS);
	assert_check(policy, "10.1.9.9", REASON_RULE_ALLOWS);
	assert_check(policy, "64:ff9b::10.1.2.3", REASON_RULE_ALLOWS);
	assert_check(policy, "fd00:1::5", REASON_RULE_ALLOWS);
	assert_check(policy, "10.2.0.1", REASON_PRIVATE_ADDRESS);
	assert_check(policy, "fd00:2::5", REASON_PRIVATE_ADDRESS);
	policy_free(policy);
}

static void a_list_of_private_destinations_opens_no_special_address(void **state)
{
	struct policy *policy = guard("0.0.0.0/0 ::/0", "", "");

	(void)state;
	assert_check(policy, "10.2.0.1", REASON_RULE_ALLOWS);
	assert_check(policy, "169.254.169.254", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "::ffff:10.2.0.1", REASON_SPECIAL_ADDRESS);
	policy_free(policy);
}

static void exceptions_open_special_addresses_and_nothing_private(void **state)
{
	struct policy *policy = guard("", "168.63.129.16/32 0.0.0.0/8 10.0.0.0/8", "");

	(void)state;
	assert_check(policy, "168.63.129.16", REASON_RULE_ALLOWS);
	assert_check(policy, "::ffff:168.63.129.16", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "169.254.169.254", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "10.0.0.1", REASON_PRIVATE_ADDRESS);
	policy_free(policy);
}

static void own_addresses_have_no_exception(void **state)
{
	struct policy *policy =
		guard("10.0.0.0/8", "20.0.0.0/8 10.0.0.0/8 ::/0", "20.0.0.4 10.0.0.4 2603::4");

	(void)state;
	assert_check(policy, "20.0.0.4", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "10.0.0.4", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "64:ff9b::20.0.0.4", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "::ffff:10.0.0.4", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "2603::4", REASON_SPECIAL_ADDRESS);
	assert_check(policy, "20.0.0.5", REASON_RULE_ALLOWS);
	assert_check(policy, "10.0.0.5", REASON_RULE_ALLOWS);
	policy_free(policy);
}

static void what_is_no_address_is_special(void **state)
{
	struct policy *policy = guard("", "0.0.0.0/0 ::/0", "");
	struct ip_address none = {0}, odd = {.family = 5};

	(void)state;
	assert_int_equal(policy_check_address(policy, &none), REASON_SPECIAL_ADDRESS);
	assert_int_equal(policy_check_address(policy, &odd), REASON_SPECIAL_ADDRESS);
	policy_free(policy);
}

static void only_protected_sources_and_the_host_itself_get_anything(void **state)
{
	static const struct {
		const char *source;
		bool gets;
	} sources[] = {
		{"10.42.1.4", true},    {"10.43.0.1", false},
		{"203.0.113.9", false}, {"127.0.0.1", true},
		{"::1", true},          {"fd42::4", true},
		{"fd43::4", false},     {"::ffff:10.42.1.4", false},
	};
	struct rule_set set = {0};
	struct name name = write_name("a.example");
	struct policy *policy;

	(void)state;
	write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "a", "from:* https:443 pattern:a.example");
	set.protected_sources = calloc(2, sizeof(struct ip_prefix));
	assert_int_equal(ip_prefix_parse("10.42.0.0/16", &set.protected_sources[0]), 0);
	assert_int_equal(ip_prefix_parse("fd42::/48", &set.protected_sources[1]), 0);
	set.protected_source_count = 2;
	policy = compile(&set);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct policy_facts facts = {.source = write_address(sources[i].source),
					     .protocol = FLOW_HTTPS,
					     .port = 443,
					     .name = &name};
		struct verdict judged = policy_judge(policy, &facts);
		struct verdict query = policy_judge_query(policy, &facts.source, &name);

		assert_int_equal(judged.action, sources[i].gets ? RULE_ALLOW : RULE_DENY);
		assert_int_equal(query.action, judged.action);
		assert_int_equal(query.reason, judged.reason);
		if (!sources[i].gets)
			assert_int_equal(judged.reason, REASON_SOURCE_NOT_PROTECTED);
	}
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_protected_sources_and_the_host_itself_get_anything),
		cmocka_unit_test(public_addresses_pass_and_special_and_private_ones_do_not),
		cmocka_unit_test(listed_private_destinations_pass_also_in_disguise),
		cmocka_unit_test(a_list_of_private_destinations_opens_no_special_address),
		cmocka_unit_test(exceptions_open_special_addresses_and_nothing_private),
		cmocka_unit_test(own_addresses_have_no_exception),
		cmocka_unit_test(what_is_no_address_is_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
