/* The ruleset that somebody else takes away, in a played kernel. */
#include "world.h"

static void write_rules(struct rule_set *set)
{
	write_collection(set, "net", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "ssh", "from:* to:203.0.113.0/24 tcp port:22");
}

static struct ip_prefix s_sources[1];

static int open_world(void **state)
{
	struct world *world;
	struct text error = TEXT_EMPTY;

	make_world(state, write_rules);
	world = *state;
	assert_int_equal(ip_prefix_parse("10.42.0.0/16", &s_sources[0]), 0);
	strcpy(world->config.network.interfaces[0], "eth1");
	world->config.network.interface_count = 1;
	world->config.network.sources = s_sources;
	world->config.network.source_count = 1;
	world->config.capacity.pins = 200;
	assert_int_equal(gateway_put_ruleset(&world->gateway, &error), 0);
	assert_int_equal(s_kernel.applications, 1);
	assert_int_equal(s_kernel.rule_installations, 2);
	return 0;
}

static void a_ruleset_in_its_place_is_left_alone(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 3; i++)
		gateway_check_ruleset(&world->gateway);
	assert_int_equal(s_kernel.applications, 1);
	assert_int_equal(world->gateway.restored_rulesets, 0);
}

static void one_that_is_gone_or_changed_is_put_back_as_a_whole(void **state)
{
	struct world *world = *state;

	s_kernel.fingerprint = 0;
	gateway_check_ruleset(&world->gateway);
	assert_int_equal(s_kernel.applications, 2);
	assert_int_equal(s_kernel.rule_installations, 4);
	assert_non_null(strstr(text_string(&s_kernel.ruleset), "delete table inet sallyport\n"));
	s_kernel.fingerprint = 4711;
	gateway_check_ruleset(&world->gateway);
	gateway_check_ruleset(&world->gateway);
	assert_int_equal(s_kernel.applications, 3);
	assert_int_equal(world->gateway.restored_rulesets, 2);
}

static void what_cannot_be_put_back_is_tried_again_at_each_look(void **state)
{
	struct world *world = *state;

	s_kernel.fingerprint = 0;
	s_kernel.nft_error = -EPIPE; /* the helper died */
	for (int i = 0; i < 3; i++)
		gateway_check_ruleset(&world->gateway);
	assert_int_equal(s_kernel.applications, 4);
	assert_true(world->gateway.ruleset_is_missing);
	s_kernel.nft_error = 0;
	s_kernel.rule_error = -ENOBUFS; /* all but the queue's rule */
	gateway_check_ruleset(&world->gateway);
	assert_true(world->gateway.ruleset_is_missing);
	s_kernel.rule_error = 0;
	gateway_check_ruleset(&world->gateway);
	assert_false(world->gateway.ruleset_is_missing);
	assert_int_equal(world->gateway.restored_rulesets, 1);
	gateway_check_ruleset(&world->gateway);
	assert_int_equal(world->gateway.restored_rulesets, 1);
}

static void a_look_that_the_kernel_does_not_answer_changes_nothing(void **state)
{
	struct world *world = *state;

	s_kernel.fingerprint = 0;
	s_kernel.fingerprint_error = -ENOBUFS;
	gateway_check_ruleset(&world->gateway);
	assert_int_equal(s_kernel.applications, 1);
	s_kernel.fingerprint_error = 0;
	gateway_check_ruleset(&world->gateway);
	assert_int_equal(s_kernel.applications, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_ruleset_in_its_place_is_left_alone, open_world,
						end_world),
		cmocka_unit_test_setup_teardown(one_that_is_gone_or_changed_is_put_back_as_a_whole,
						open_world, end_world),
		cmocka_unit_test_setup_teardown(what_cannot_be_put_back_is_tried_again_at_each_look,
						open_world, end_world),
		cmocka_unit_test_setup_teardown(
			a_look_that_the_kernel_does_not_answer_changes_nothing, open_world,
			end_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
