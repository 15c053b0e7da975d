#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolve/upstreams_impl.h"

static struct upstreams s_upstreams;

static void make(size_t count, uint32_t tries)
{
	struct resolver_settings settings = {.upstream_count = count, .tries = tries};

	for (size_t i = 0; i < count; i++)
		settings.upstreams[i] = (struct ip_endpoint){
			.address = ip_from_v4(0x14000000 + (uint32_t)i), .port = 53};
	s_upstreams = (struct upstreams){0};
	upstreams_set(&s_upstreams, &settings);
}

/* -1: no tries are left. */
static int next(struct upstream_turn *turn, uint64_t now_ms)
{
	return upstreams_next(&s_upstreams, turn, now_ms) ? (int)turn->current : -1;
}

static void zeroes_stand_for_the_defaults(void **state)
{
	(void)state;
	make(1, 0);
	assert_int_equal(s_upstreams.timeout_ms, 1500);
	assert_int_equal(s_upstreams.tries, 4);
}

static void upstreams_are_tried_in_order_and_then_again(void **state)
{
	struct upstream_turn turn;

	(void)state;
	make(3, 5);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 0), 0);
	assert_false(upstreams_all_tried(&turn));
	assert_int_equal(next(&turn, 0), 1);
	assert_int_equal(next(&turn, 0), 2);
	assert_true(upstreams_all_tried(&turn));
	assert_int_equal(next(&turn, 0), 0);
	assert_int_equal(next(&turn, 0), 1);
	assert_int_equal(next(&turn, 0), -1);
}

static void without_upstreams_there_is_nothing_to_try(void **state)
{
	struct upstream_turn turn;

	(void)state;
	make(0, 4);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 0), -1);
}

static void one_that_failed_comes_last_for_five_seconds(void **state)
{
	struct upstream_turn turn;

	(void)state;
	make(2, 4);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 1000), 0);
	upstreams_failed(&s_upstreams, &turn, 1000);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 5999), 1);
	assert_int_equal(next(&turn, 5999), 0);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 6000), 0);
}

static void when_all_have_failed_all_are_tried(void **state)
{
	struct upstream_turn turn;

	(void)state;
	make(2, 2);
	upstreams_begin(&s_upstreams, &turn);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(&turn, 0), i);
		upstreams_failed(&s_upstreams, &turn, 0);
	}
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 1), 0);
	assert_int_equal(next(&turn, 1), 1);
	assert_int_equal(next(&turn, 1), -1);
}

static void one_that_works_is_in_good_standing_at_once(void **state)
{
	struct upstream_turn turn;

	(void)state;
	make(2, 4);
	upstreams_begin(&s_upstreams, &turn);
	next(&turn, 0);
	upstreams_failed(&s_upstreams, &turn, 0);
	upstreams_worked(&s_upstreams, &turn);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 1), 0);
}

static void a_question_under_way_keeps_the_old_list_and_says_nothing_of_the_new(void **state)
{
	struct upstream_turn turn, later;
	struct resolver_settings settings = {
		.upstreams = {{.address = ip_from_v4(0x15000000), .port = 53}},
		.upstream_count = 1};

	(void)state;
	make(2, 4);
	upstreams_begin(&s_upstreams, &turn);
	assert_int_equal(next(&turn, 0), 0);
	upstreams_set(&s_upstreams, &settings);
	upstreams_failed(&s_upstreams, &turn, 0);
	assert_int_equal(next(&turn, 0), 1);
	assert_int_equal(upstreams_current(&turn)->address.bytes[3], 1);
	upstreams_begin(&s_upstreams, &later);
	assert_int_equal(next(&later, 0), 0);
	assert_int_equal(upstreams_current(&later)->address.bytes[0], 0x15);
	assert_int_equal(s_upstreams.put_back_until_ms[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroes_stand_for_the_defaults),
		cmocka_unit_test(upstreams_are_tried_in_order_and_then_again),
		cmocka_unit_test(without_upstreams_there_is_nothing_to_try),
		cmocka_unit_test(one_that_failed_comes_last_for_five_seconds),
		cmocka_unit_test(when_all_have_failed_all_are_tried),
		cmocka_unit_test(one_that_works_is_in_good_standing_at_once),
		cmocka_unit_test(
			a_question_under_way_keeps_the_old_list_and_says_nothing_of_the_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
