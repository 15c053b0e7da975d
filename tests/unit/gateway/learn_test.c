#include "world.h"

/* The collection "by-name" has the rules with numbers 1 and 2, "by-hello" wants the inspector. */
static void write_rules(struct rule_set *set)
{
	write_collection(set, "by-name", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "time", "from:* fqdn:time.example fqdn:clock.example udp port:123");
	write_rule(set, "api", "from:* fqdn:api.example tcp port:443");
	write_collection(set, "by-hello", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(set, "web", "from:* https:443 pattern:api.example pattern:*.web.example");
	write_rule(set, "plain", "from:* http:80 pattern:plain.example");
}

static int open_learner(void **state)
{
	struct world *world;

	make_world(state, write_rules);
	world = *state;
	number_rules(world);
	return learning_open(&world->learning, &world->gateway);
}

static int close_learner(void **state)
{
	struct world *world = *state;

	learning_close(&world->learning);
	return end_world(state);
}

static int learn_many(struct world *world, const char *name_text,
		      const struct learned_address *addresses, size_t count)
{
	struct learner learner = learning_learner(&world->learning);
	struct name name = write_name(name_text);

	return learner.learn(learner.context, &name, addresses, count);
}

static int learn_one(struct world *world, const char *name, const char *address, uint32_t ttl)
{
	struct learned_address learned = {write_address(address), ttl};

	return learn_many(world, name, &learned, 1);
}

static void fill_addresses(struct learned_address *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "198.51.100.%zu", i + 1);
		addresses[i] = (struct learned_address){write_address(text), 60};
	}
}

static void assert_put(size_t index, uint32_t number, const char *address, uint64_t timeout_ms)
{
	struct ip_address expected = write_address(address);

	assert_true(index < s_kernel.put_count);
	assert_int_equal(s_kernel.puts[index].number, number);
	assert_true(ip_equal(&s_kernel.puts[index].address, &expected));
	assert_about(s_kernel.puts[index].timeout_ms, timeout_ms);
}

/* ------------------------------------------------------------------- which sets */

static void a_name_for_the_inspector_goes_into_the_pinned_set(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.put_count, 1);
	assert_put(0, 0, "198.51.100.7", 15 * MINUTE_MS);
	assert_about(pin_lasts(world, "x.web.example", "198.51.100.7"), 15 * MINUTE_MS);
}

static void a_name_of_a_network_rule_goes_into_that_rules_set_only(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "time.example", "2001:db8::7", 60), 0);
	assert_int_equal(s_kernel.put_count, 1);
	assert_put(0, 1, "2001:db8::7", 15 * MINUTE_MS);
}

static void a_name_of_both_kinds_goes_into_both_sets(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.put_count, 2);
	assert_put(0, 0, "198.51.100.7", 15 * MINUTE_MS);
	assert_put(1, 2, "198.51.100.7", 15 * MINUTE_MS);
}

static void a_name_for_plain_http_is_pinned_but_in_no_set(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "plain.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.put_count, 0);
	assert_about(pin_lasts(world, "plain.example", "198.51.100.7"), 15 * MINUTE_MS);
}

static void without_a_ruleset_only_pins_are_made(void **state)
{
	struct world *world = *state;

	learning_close(&world->learning);
	world->gateway.applied.in_kernel = false;
	assert_int_equal(learning_open(&world->learning, &world->gateway), 0);
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.batches, 0);
	assert_about(pin_lasts(world, "api.example", "198.51.100.7"), 15 * MINUTE_MS);
}

/* --------------------------------------------------------------------- how long */

static void a_long_ttl_and_the_grace_outlast_stale_after(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 3600), 0);
	assert_put(0, 0, "198.51.100.7", 61 * MINUTE_MS);
}

static void no_ttl_is_taken_for_more_than_a_day(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", UINT32_MAX), 0);
	assert_put(0, 0, "198.51.100.7", 24 * 60 * MINUTE_MS + MINUTE_MS);
}

static void the_pinned_set_keeps_an_address_as_long_as_any_of_its_names(void **state)
{
	struct world *world = *state;

	pin_for(world, "other.web.example", "198.51.100.7", 50 * MINUTE_MS);
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	assert_put(0, 0, "198.51.100.7", 50 * MINUTE_MS);
	assert_put(1, 2, "198.51.100.7", 15 * MINUTE_MS);
}

static void a_rules_set_keeps_an_address_as_long_as_any_of_its_own_names(void **state)
{
	struct world *world = *state;

	pin_for(world, "clock.example", "198.51.100.7", 30 * MINUTE_MS);
	pin_for(world, "api.example", "198.51.100.7", 50 * MINUTE_MS); /* not this rule's */
	assert_int_equal(learn_one(world, "time.example", "198.51.100.7", 60), 0);
	assert_put(0, 1, "198.51.100.7", 30 * MINUTE_MS);
}

static void an_end_that_hardly_moves_is_left_alone(void **state)
{
	struct world *world = *state;

	pin_for(world, "x.web.example", "198.51.100.7", 15 * MINUTE_MS - 50000);
	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.batches, 0);
	assert_about(pin_lasts(world, "x.web.example", "198.51.100.7"), 15 * MINUTE_MS - 50000);
}

static void an_end_that_moves_by_more_than_a_sixteenth_is_moved(void **state)
{
	struct world *world = *state;

	pin_for(world, "x.web.example", "198.51.100.7", 15 * MINUTE_MS - 60000);
	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 60), 0);
	assert_put(0, 0, "198.51.100.7", 15 * MINUTE_MS);
}

static void a_shorter_ttl_takes_nothing_away(void **state)
{
	struct world *world = *state;

	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 7200), 0);
	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 1), 0);
	assert_int_equal(s_kernel.batches, 1);
	assert_about(pin_lasts(world, "x.web.example", "198.51.100.7"), 121 * MINUTE_MS);
}

/* ------------------------------------------------------------------ all or nothing */

static void what_the_kernel_refuses_is_not_pinned(void **state)
{
	struct world *world = *state;

	s_kernel.put_error = -ENFILE;
	s_kernel.put_fails_at = 1;
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), -ENFILE);
	assert_int_equal(pin_lasts(world, "api.example", "198.51.100.7"), 0);
	s_kernel.put_fails_at = 0;
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.put_count, 2);
}

static void what_was_known_before_a_refusal_keeps_its_end(void **state)
{
	struct world *world = *state;

	pin_for(world, "x.web.example", "198.51.100.7", 5 * MINUTE_MS);
	s_kernel.put_error = -ENOENT;
	s_kernel.put_fails_at = 1;
	assert_int_equal(learn_one(world, "x.web.example", "198.51.100.7", 60), -ENOENT);
	assert_about(pin_lasts(world, "x.web.example", "198.51.100.7"), 5 * MINUTE_MS);
}

static void a_full_table_refuses_the_answer_and_keeps_what_it_has(void **state)
{
	struct world *world = *state;
	struct learned_address addresses[2] = {{write_address("198.51.100.1"), 60},
					       {write_address("198.51.100.2"), 60}};

	pin_for(world, "x.web.example", "198.51.100.9", 5 * MINUTE_MS);
	for (int i = 0; i < 198; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d.example", i);
		pin_for(world, name, "203.0.113.1", 5 * MINUTE_MS);
	}
	assert_int_equal(learn_many(world, "x.web.example", addresses, 2), -ENOSPC);
	assert_int_equal(s_kernel.put_count, 0);
	assert_int_equal(pin_lasts(world, "x.web.example", "198.51.100.1"), 0);
	assert_int_equal(pin_lasts(world, "x.web.example", "198.51.100.2"), 0);
	assert_about(pin_lasts(world, "x.web.example", "198.51.100.9"), 5 * MINUTE_MS);
	assert_int_equal(learn_many(world, "x.web.example", addresses, 1), 0); /* one place left */
}

static void an_address_that_the_guard_refuses_is_not_learned(void **state)
{
	struct world *world = *state;
	struct learned_address addresses[2] = {{write_address("198.51.100.1"), 60},
					       {write_address("169.254.169.254"), 60}};

	assert_int_equal(learn_many(world, "x.web.example", addresses, 2), -EACCES);
	assert_int_equal(s_kernel.put_count, 0);
	assert_int_equal(pin_lasts(world, "x.web.example", "198.51.100.1"), 0);
}

static void more_addresses_than_an_answer_has_are_learned_in_batches(void **state)
{
	struct world *world = *state;
	struct learned_address addresses[100];

	fill_addresses(addresses, 100);
	assert_int_equal(learn_many(world, "api.example", addresses, 100), 0);
	assert_int_equal(s_kernel.put_count, 200); /* two sets */
	assert_put(199, 2, "198.51.100.100", 15 * MINUTE_MS);
}

static void a_later_batch_that_fails_takes_its_own_addresses_back(void **state)
{
	struct world *world = *state;
	struct learned_address addresses[100];

	fill_addresses(addresses, 100);
	s_kernel.put_error = -ENFILE;
	s_kernel.put_fails_at = 3; /* 64 addresses are two full batches */
	assert_int_equal(learn_many(world, "api.example", addresses, 100), -ENFILE);
	assert_about(pin_lasts(world, "api.example", "198.51.100.64"), 15 * MINUTE_MS);
	assert_int_equal(pin_lasts(world, "api.example", "198.51.100.65"), 0);
	assert_int_equal(pin_lasts(world, "api.example", "198.51.100.100"), 0);
}

/* ---------------------------------------------------------------- during a reload */

static void while_a_reload_has_the_lock_nothing_new_is_learned(void **state)
{
	struct world *world = *state;

	pthread_rwlock_wrlock(&world->gateway.applied.lock);
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), -EAGAIN);
	assert_int_equal(pin_lasts(world, "api.example", "198.51.100.7"), 0);
	assert_int_equal(s_kernel.batches, 0);
	pthread_rwlock_unlock(&world->gateway.applied.lock);
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	assert_int_equal(s_kernel.put_count, 2);
}

static void what_is_pinned_already_waits_for_no_reload(void **state)
{
	struct world *world = *state;
	struct learned_address both[] = {{write_address("198.51.100.7"), 60},
					 {write_address("198.51.100.8"), 60}};

	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	pthread_rwlock_wrlock(&world->gateway.applied.lock);
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 60), 0);
	assert_int_equal(learn_many(world, "api.example", both, 2), -EAGAIN);
	assert_int_equal(learn_one(world, "api.example", "198.51.100.7", 7200), -EAGAIN);
	pthread_rwlock_unlock(&world->gateway.applied.lock);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_learner, close_learner)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_for_the_inspector_goes_into_the_pinned_set),
		TEST(a_name_of_a_network_rule_goes_into_that_rules_set_only),
		TEST(a_name_of_both_kinds_goes_into_both_sets),
		TEST(a_name_for_plain_http_is_pinned_but_in_no_set),
		TEST(without_a_ruleset_only_pins_are_made),
		TEST(a_long_ttl_and_the_grace_outlast_stale_after),
		TEST(no_ttl_is_taken_for_more_than_a_day),
		TEST(the_pinned_set_keeps_an_address_as_long_as_any_of_its_names),
		TEST(a_rules_set_keeps_an_address_as_long_as_any_of_its_own_names),
		TEST(an_end_that_hardly_moves_is_left_alone),
		TEST(an_end_that_moves_by_more_than_a_sixteenth_is_moved),
		TEST(a_shorter_ttl_takes_nothing_away),
		TEST(what_the_kernel_refuses_is_not_pinned),
		TEST(what_was_known_before_a_refusal_keeps_its_end),
		TEST(a_full_table_refuses_the_answer_and_keeps_what_it_has),
		TEST(an_address_that_the_guard_refuses_is_not_learned),
		TEST(more_addresses_than_an_answer_has_are_learned_in_batches),
		TEST(a_later_batch_that_fails_takes_its_own_addresses_back),
		TEST(while_a_reload_has_the_lock_nothing_new_is_learned),
		TEST(what_is_pinned_already_waits_for_no_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
