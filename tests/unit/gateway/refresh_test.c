/*
 * The refresher with a resolver that answers when the test says so, and timers that the test reads
 * instead of waiting for them.
 */
#include "world.h"

static void write_rules(struct rule_set *set)
{
	write_collection(set, "time", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "ntp", "from:* fqdn:time.example udp port:123");
}

static void write_many(struct rule_set *set)
{
	write_collection(set, "many", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "ntp", "from:* udp port:123");
	for (int i = 0; i < 120; i++) {
		struct name name;
		char text[32];

		snprintf(text, sizeof(text), "n%03d.example", i);
		name = write_name(text);
		assert_int_equal(rule_add_fqdn(set->collections[0].rules, &name), 0);
	}
}

/* ------------------------------------------------------------------------- timers */

static struct {
	struct loop_timer *timer;
	uint64_t after_ms;
} s_timers[256];
static size_t s_timer_count;

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	for (size_t i = 0; i < s_timer_count; i++)
		if (s_timers[i].timer == timer)
			s_timers[i--] = s_timers[--s_timer_count];
}

int loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
		     void (*fired)(struct loop_timer *timer))
{
	loop_timer_stop(loop, timer);
	assert_true(s_timer_count < 256);
	timer->fired = fired;
	s_timers[s_timer_count].timer = timer;
	s_timers[s_timer_count++].after_ms = after_ms;
	return 0;
}

static void fire(size_t index)
{
	struct loop_timer *timer = s_timers[index].timer;

	s_timers[index] = s_timers[--s_timer_count];
	timer->fired(timer);
}

/* ----------------------------------------------------------------------- resolver */

static struct {
	struct resolver_lookup *lookup;
	struct name name;
	size_t asked, cancelled;
	bool full;
} s_resolver;

struct resolver *resolver_new(struct loop *loop, const struct resolver_settings *settings,
			      struct policy_slot *slot, const struct learner *learner)
{
	(void)loop;
	(void)slot;
	assert_int_equal(settings->upstream_count, 1);
	assert_non_null(learner->learn);
	return (struct resolver *)(void *)&s_resolver;
}

void resolver_free(struct resolver *resolver)
{
	(void)resolver;
}

int resolver_refresh(struct resolver *resolver, const struct name *name,
		     struct resolver_lookup *lookup,
		     void (*done)(struct resolver_lookup *lookup,
				  const struct resolver_result *result))
{
	(void)resolver;
	s_resolver.asked++;
	if (s_resolver.full)
		return -ENOSPC;
	lookup->done = done;
	s_resolver.lookup = lookup;
	s_resolver.name = *name;
	return 0;
}

void resolver_cancel(struct resolver *resolver, struct resolver_lookup *lookup)
{
	(void)resolver;
	assert_ptr_equal(lookup, s_resolver.lookup);
	s_resolver.lookup = NULL;
	s_resolver.cancelled++;
}

struct resolver_settings gateway_resolver_settings(const struct config *config)
{
	(void)config;
	return (struct resolver_settings){.upstream_count = 1};
}

static void answer(int status, uint32_t first_ttl, uint32_t second_ttl)
{
	struct learned_address addresses[2] = {{write_address("198.51.100.1"), first_ttl},
					       {write_address("198.51.100.2"), second_ttl}};
	struct resolver_result result = {status, REASON_RULE_ALLOWS, addresses, status < 0 ? 0 : 2};
	struct resolver_lookup *lookup = s_resolver.lookup;

	assert_non_null(lookup);
	s_resolver.lookup = NULL;
	lookup->done(lookup, &result);
}

static int open_refresher(void **state)
{
	struct world *world;

	make_world(state, write_rules);
	world = *state;
	memset(&s_resolver, 0, sizeof(s_resolver));
	s_timer_count = 0;
	return refresher_open(&world->gateway.refresher, &world->gateway);
}

static int close_refresher(void **state)
{
	struct world *world = *state;

	refresher_close(&world->gateway.refresher);
	assert_int_equal(s_timer_count, 0);
	assert_null(s_resolver.lookup);
	return end_world(state);
}

/* --------------------------------------------------------------------------- tests */

static void assert_asks_again_after(uint64_t milliseconds)
{
	assert_int_equal(s_timer_count, 1);
	assert_int_equal(s_timers[0].after_ms, milliseconds);
}

static void a_name_is_asked_for_at_once_and_then_at_its_least_ttl(void **state)
{
	(void)state;
	assert_asks_again_after(0);
	fire(0);
	assert_string_equal(s_resolver.name.text, "time.example");
	assert_int_equal(s_timer_count, 0);
	answer(0, 9, 7);
	assert_asks_again_after(7000);
}

static void it_is_asked_for_every_15_seconds_however_long_its_ttl(void **state)
{
	(void)state;
	fire(0);
	answer(0, 3600, 86400);
	assert_asks_again_after(15000);
}

static void it_is_asked_for_once_a_second_at_most(void **state)
{
	(void)state;
	fire(0);
	answer(0, 0, 300);
	assert_asks_again_after(1000);
}

static void after_a_failure_it_is_asked_for_in_5_seconds(void **state)
{
	(void)state;
	fire(0);
	answer(-ETIMEDOUT, 0, 0);
	assert_asks_again_after(5000);
	s_resolver.full = true;
	fire(0);
	assert_asks_again_after(5000);
	assert_int_equal(s_resolver.asked, 2);
}

static void a_new_policy_brings_its_own_names(void **state)
{
	struct world *world = *state;

	fire(0); /* a question is under way */
	policy_slot_swap(world->gateway.slot, make_policy(write_many));
	assert_int_equal(refresher_renew(&world->gateway.refresher), 0);
	assert_int_equal(s_resolver.cancelled, 1);
	assert_int_equal(s_timer_count, 120);
}

static void first_questions_are_spread(void **state)
{
	struct world *world = *state;

	policy_slot_swap(world->gateway.slot, make_policy(write_many));
	assert_int_equal(refresher_renew(&world->gateway.refresher), 0);
	for (size_t i = 0; i < 120; i++)
		assert_int_equal(s_timers[i].after_ms, i / 50 * 100);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_refresher, close_refresher)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_asked_for_at_once_and_then_at_its_least_ttl),
		TEST(it_is_asked_for_every_15_seconds_however_long_its_ttl),
		TEST(it_is_asked_for_once_a_second_at_most),
		TEST(after_a_failure_it_is_asked_for_in_5_seconds),
		TEST(a_new_policy_brings_its_own_names),
		TEST(first_questions_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
