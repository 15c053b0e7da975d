#include "world.h"

static void write_rules(struct rule_set *set)
{
	write_collection(set, "by-name", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "time", "from:* fqdn:time.example fqdn:clock.example udp port:123");
	write_rule(set, "subnet", "from:10.42.0.0/16 to:203.0.113.0/24 tcp port:8000-8010");
	write_collection(set, "by-hello", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(set, "web", "from:* https:8443 http:81 pattern:time.example");
}

static void write_other_rules(struct rule_set *set)
{
	write_collection(set, "other", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "api", "from:* fqdn:api.example tcp port:443");
}

static void write_too_many(struct rule_set *set, size_t count)
{
	write_collection(set, "many", RULE_NETWORK, 200, RULE_ALLOW);
	for (size_t i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "r%zu", i);
		write_rule(set, name, "from:* fqdn:api.example tcp port:443");
	}
}

static void write_most(struct rule_set *set)
{
	write_too_many(set, GATEWAY_RULES_OF_A_NAME);
}

static void write_one_too_many(struct rule_set *set)
{
	write_too_many(set, GATEWAY_RULES_OF_A_NAME + 1);
}

static struct ip_prefix s_sources[1];

static int open_world(void **state)
{
	struct world *world;

	make_world(state, write_rules);
	world = *state;
	assert_int_equal(ip_prefix_parse("10.42.0.0/16", &s_sources[0]), 0);
	strcpy(world->config.network.interfaces[0], "eth1");
	world->config.network.interface_count = 1;
	world->config.network.sources = s_sources;
	world->config.network.source_count = 1;
	world->config.capacity.pins = 200;
	return 0;
}

static int apply(struct world *world, const struct policy *policy, bool first, struct text *error)
{
	const struct policy *current = policy_slot_enter(world->gateway.slot);
	int result = gateway_apply(&world->gateway, &world->config, policy ? policy : current,
				   first, error);

	policy_slot_leave(world->gateway.slot);
	return result;
}

static void apply_well(struct world *world, bool first)
{
	struct text error = TEXT_EMPTY;

	if (apply(world, NULL, first, &error) < 0)
		fail_msg("%s", text_string(&error));
	assert_int_equal(error.length, 0);
}

static void assert_ruleset_has(const char *words)
{
	if (!strstr(text_string(&s_kernel.ruleset), words))
		fail_msg("the ruleset has no '%s':\n%s", words, text_string(&s_kernel.ruleset));
}

static void assert_ruleset_lacks(const char *words)
{
	if (strstr(text_string(&s_kernel.ruleset), words))
		fail_msg("the ruleset has '%s'", words);
}

static size_t count_in_ruleset(const char *words)
{
	size_t count = 0;

	for (const char *at = text_string(&s_kernel.ruleset); (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void rules_become_text_under_their_admission_numbers(void **state)
{
	struct world *world = *state;

	apply_well(world, true);
	assert_ruleset_has("define inside = { \"eth1\" }");
	assert_ruleset_has("10.42.0.0/16");
	assert_ruleset_has("define https_ports = { 8443 }");
	assert_ruleset_has("define http_ports = { 81 }");
	assert_ruleset_has("set names_1_v4");
	assert_ruleset_lacks("set names_2_v4");
	assert_ruleset_has("203.0.113.0/24");
	assert_ruleset_has("8000-8010");
	assert_ruleset_has("comment \"by-name/subnet\"");
	assert_int_equal(number_of(world, ADMISSION_RULE, "by-name/time"), 1);
	assert_int_equal(world->gateway.applied.count, 2);
	assert_int_equal(world->gateway.applied.numbers[1], 2);
	assert_int_equal(world->gateway.applied.named_count, 1);
}

static void pins_that_are_there_come_along_each_once_with_its_latest_end(void **state)
{
	struct world *world = *state;

	pin_for(world, "time.example", "198.51.100.7", 5 * MINUTE_MS);
	pin_for(world, "clock.example", "198.51.100.7", 9 * MINUTE_MS);
	pin_for(world, "time.example", "2001:db8::7", 5 * MINUTE_MS);
	pin_for(world, "stranger.example", "198.51.100.8", 5 * MINUTE_MS);
	apply_well(world, true);
	assert_int_equal(count_in_ruleset("198.51.100.7 timeout"), 2); /* pinned, names_1 */
	assert_ruleset_has("names_1_v4 { 198.51.100.7 timeout 5");     /* 5399xxms … 540000ms */
	assert_ruleset_has("pinned_v4 { 198.51.100.7 timeout ");
	assert_int_equal(count_in_ruleset("2001:db8::7 timeout"), 2);
	assert_ruleset_lacks("198.51.100.8");
}

static void pins_of_another_guard_stay_out(void **state)
{
	struct world *world = *state;

	pin_for(world, "time.example", "10.1.2.3", 5 * MINUTE_MS);
	pin_for(world, "time.example", "168.63.129.16", 5 * MINUTE_MS);
	apply_well(world, true);
	assert_ruleset_lacks("10.1.2.3");
	assert_ruleset_lacks("168.63.129.16 timeout");
}

static void the_next_ruleset_makes_the_sets_of_names_anew(void **state)
{
	struct world *world = *state;

	apply_well(world, true);
	policy_slot_swap(world->gateway.slot, make_policy(write_other_rules));
	apply_well(world, false);
	assert_ruleset_has("delete set inet sallyport names_1_v4");
	assert_ruleset_lacks("delete set inet sallyport names_3_v4");
	assert_ruleset_has("set names_3_v4");
	assert_int_equal(world->gateway.applied.count, 1);
}

static void write_fewer_names(struct rule_set *set)
{
	write_collection(set, "by-name", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "time", "from:* fqdn:time.example udp port:123");
}

static void what_a_rule_no_longer_names_leaves_its_set(void **state)
{
	struct world *world = *state;

	pin_for(world, "time.example", "198.51.100.1", 5 * MINUTE_MS);
	pin_for(world, "clock.example", "198.51.100.2", 5 * MINUTE_MS);
	apply_well(world, true);
	assert_ruleset_has("names_1_v4 { 198.51.100.2 ");
	policy_slot_swap(world->gateway.slot, make_policy(write_fewer_names));
	apply_well(world, false);
	assert_ruleset_has("delete set inet sallyport names_1_v4");
	assert_ruleset_has("names_1_v4 { 198.51.100.1 ");
	assert_ruleset_lacks("198.51.100.2");
}

static void assert_refused(struct world *world, int nft_error, const char *nft_words,
			   int expected_error, const char *expected)
{
	struct text error = TEXT_EMPTY;
	uint32_t *before = world->gateway.applied.numbers;

	s_kernel.nft_error = nft_error;
	s_kernel.nft_words = nft_words;
	assert_int_equal(apply(world, NULL, false, &error), expected_error);
	assert_string_equal(text_string(&error), expected);
	assert_ptr_equal(world->gateway.applied.numbers, before);
	text_free(&error);
}

static void each_refusal_has_its_words_and_changes_nothing(void **state)
{
	struct world *world = *state;

	apply_well(world, true);
	assert_refused(world, -ENOENT, NULL, -ENOENT,
		       "the program nft is missing: install the Debian package nftables");
	assert_refused(world, -EREMOTEIO, "-:1:1-2: Error: no\nadd rule\n^^^\n", -EREMOTEIO,
		       "the kernel refused the ruleset: -:1:1-2: Error: no");
	assert_refused(world, -EMFILE, NULL, -EMFILE, "cannot run nft: Too many open files");
}

static void numbers_that_run_out_refuse_the_ruleset(void **state)
{
	struct world *world = *state;
	struct text error = TEXT_EMPTY;

	admissions_free(world->gateway.admissions);
	world->gateway.admissions = admissions_new(1);
	assert_int_equal(apply(world, NULL, true, &error), -ENOSPC);
	assert_non_null(strstr(text_string(&error), "cannot prepare the ruleset"));
	assert_int_equal(s_kernel.applications, 0);
	text_free(&error);
}

static void a_name_in_more_rules_than_learners_hold_is_refused(void **state)
{
	struct world *world = *state;
	struct policy *policy = make_policy(write_one_too_many);
	struct text error = TEXT_EMPTY;

	assert_int_equal(apply(world, policy, true, &error), -E2BIG);
	assert_string_equal(text_string(&error), "more than 64 network rules name api.example");
	text_free(&error);
	policy_free(policy);
	policy = make_policy(write_most);
	pin_for(world, "api.example", "198.51.100.7", MINUTE_MS);
	assert_int_equal(apply(world, policy, true, &error), 0);
	assert_int_equal(count_in_ruleset("198.51.100.7 timeout"), GATEWAY_RULES_OF_A_NAME);
	policy_free(policy);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rules_become_text_under_their_admission_numbers),
		TEST(pins_that_are_there_come_along_each_once_with_its_latest_end),
		TEST(pins_of_another_guard_stay_out),
		TEST(the_next_ruleset_makes_the_sets_of_names_anew),
		TEST(what_a_rule_no_longer_names_leaves_its_set),
		TEST(each_refusal_has_its_words_and_changes_nothing),
		TEST(numbers_that_run_out_refuse_the_ruleset),
		TEST(a_name_in_more_rules_than_learners_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
