#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"

struct order {
	struct loop *loop;
	struct loop_timer timers[8];
	int fired[16];
	int count;
};

static struct order s_order;

static void note_and_stop_at_last(struct loop_timer *timer)
{
	s_order.fired[s_order.count++] = (int)(timer - s_order.timers);
	if (timer == &s_order.timers[7])
		loop_stop(s_order.loop);
}

static void timers_fire_in_the_order_of_their_time(void **state)
{
	static const uint64_t delays[8] = {7, 3, 5, 1, 9, 2, 8, 20};
	static const int expected[8] = {3, 5, 1, 2, 0, 6, 4, 7};

	(void)state;
	s_order = (struct order){.loop = loop_new()};
	for (int i = 0; i < 8; i++)
		assert_int_equal(loop_timer_start(s_order.loop, &s_order.timers[i], delays[i] * 3,
						  note_and_stop_at_last),
				 0);
	loop_run(s_order.loop);
	assert_int_equal(s_order.count, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(s_order.fired[i], expected[i]);
	loop_free(s_order.loop);
}

static void a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once(void **state)
{
	(void)state;
	s_order = (struct order){.loop = loop_new()};
	loop_timer_start(s_order.loop, &s_order.timers[0], 1, note_and_stop_at_last);
	loop_timer_stop(s_order.loop, &s_order.timers[0]);
	loop_timer_stop(s_order.loop, &s_order.timers[0]);
	loop_timer_start(s_order.loop, &s_order.timers[1], 1, note_and_stop_at_last);
	loop_timer_start(s_order.loop, &s_order.timers[1], 4, note_and_stop_at_last);
	loop_timer_start(s_order.loop, &s_order.timers[7], 10, note_and_stop_at_last);
	loop_run(s_order.loop);
	assert_int_equal(s_order.count, 2);
	assert_int_equal(s_order.fired[0], 1);
	loop_free(s_order.loop);
}

static void many_timers_stopped_in_any_order_keep_the_heap_sound(void **state)
{
	enum { COUNT = 500 };
	static struct loop_timer timers[COUNT];
	struct loop *loop = loop_new();
	uint32_t random = 12345;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < COUNT; i++) {
			random = random * 1664525u + 1013904223u;
			loop_timer_start(loop, &timers[i], 1000 + random % 1000, NULL);
		}
		for (int i = 0; i < COUNT; i++) {
			random = random * 1664525u + 1013904223u;
			loop_timer_stop(loop, &timers[random % COUNT]);
		}
	}
	for (int i = 0; i < COUNT; i++)
		loop_timer_stop(loop, &timers[i]);
	loop_free(loop);
}

struct pair {
	struct loop *loop;
	struct loop_watch *first, *second;
	int calls;
};

static struct pair s_pair;

static void remove_the_other_and_free_it(struct loop_watch *watch, uint32_t events)
{
	struct loop_watch **other = watch == s_pair.first ? &s_pair.second : &s_pair.first;

	(void)events;
	s_pair.calls++;
	loop_watch_remove(s_pair.loop, *other);
	free(*other);
	*other = NULL;
	loop_watch_remove(s_pair.loop, watch);
	loop_stop(s_pair.loop);
}

static void a_watch_removed_by_another_callback_is_never_called(void **state)
{
	int pipes[2][2];

	(void)state;
	s_pair = (struct pair){.loop = loop_new(),
			       .first = calloc(1, sizeof(struct loop_watch)),
			       .second = calloc(1, sizeof(struct loop_watch))};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
	}
	loop_watch_add(s_pair.loop, s_pair.first, pipes[0][0], EPOLLIN,
		       remove_the_other_and_free_it);
	loop_watch_add(s_pair.loop, s_pair.second, pipes[1][0], EPOLLIN,
		       remove_the_other_and_free_it);
	loop_run(s_pair.loop);
	assert_int_equal(s_pair.calls, 1);
	free(s_pair.first);
	free(s_pair.second);
	loop_free(s_pair.loop);
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
}

struct posted {
	struct loop *loop;
	int sum;
};

static void add_one(void *context)
{
	struct posted *posted = context;

	if (++posted->sum == 1000)
		loop_stop(posted->loop);
}

static void *post_many(void *context)
{
	struct posted *posted = context;

	for (int i = 0; i < 500; i++)
		loop_call(posted->loop, add_one, posted);
	return NULL;
}

static void calls_from_other_threads_all_run_in_the_loops_thread(void **state)
{
	struct posted posted = {.loop = loop_new()};
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, post_many, &posted);
	loop_run(posted.loop);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(posted.sum, 1000);
	loop_free(posted.loop);
}

struct burst {
	struct loop *loop;
	struct loop_timer timers[2];
	struct loop_task task, dropped;
	int timers_fired, tasks_run, timers_fired_before_task;
};

static struct burst s_burst;

static void run_and_stop(struct loop_task *task)
{
	s_burst.timers_fired_before_task = s_burst.timers_fired;
	if (++s_burst.tasks_run == 2)
		loop_stop(s_burst.loop);
	else
		loop_task_schedule(s_burst.loop, task, run_and_stop); /* by itself: run once more */
}

static void schedule_twice(struct loop_timer *timer)
{
	(void)timer;
	s_burst.timers_fired++;
	loop_task_schedule(s_burst.loop, &s_burst.dropped, run_and_stop);
	loop_task_schedule(s_burst.loop, &s_burst.task, run_and_stop);
	loop_task_schedule(s_burst.loop, &s_burst.task, run_and_stop);
	loop_task_cancel(s_burst.loop, &s_burst.dropped);
}

static void a_task_runs_once_when_the_turn_has_been_served(void **state)
{
	(void)state;
	s_burst = (struct burst){.loop = loop_new()};
	for (int i = 0; i < 2; i++)
		loop_timer_start(s_burst.loop, &s_burst.timers[i], 0, schedule_twice);
	usleep(2000);
	loop_run(s_burst.loop);
	assert_int_equal(s_burst.timers_fired_before_task, 2);
	assert_int_equal(s_burst.tasks_run, 2);
	loop_free(s_burst.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_the_order_of_their_time),
		cmocka_unit_test(a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once),
		cmocka_unit_test(many_timers_stopped_in_any_order_keep_the_heap_sound),
		cmocka_unit_test(a_watch_removed_by_another_callback_is_never_called),
		cmocka_unit_test(calls_from_other_threads_all_run_in_the_loops_thread),
		cmocka_unit_test(a_task_runs_once_when_the_turn_has_been_served),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
