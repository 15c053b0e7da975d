/*
 * More questions than there is room for, and upstreams that do not keep up: memory stays what it
 * was at the start, every question ends in time, and all is well again afterwards.
 */
#include "resolve_case.h"

#include <malloc.h>

#include "base/clock.h"
#include "resolve/cache_impl.h"

#define AT_ONCE    500
#define TIMEOUT_MS (getenv("SALLYPORT_SLOW") ? 500u : 50u)
#define TRIES      4
#define SLACK_MS   1500 /* for a machine with other things to do */

struct asker {
	struct resolver_ask ask;
	bool over;
	int status;
};

static struct world *s_world;
static struct asker s_askers[AT_ONCE];
static size_t s_under_way, s_good, s_failed;
static unsigned int s_next;

static void ask_done(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	struct asker *asker = loop_owner(ask, struct asker, ask);

	asker->over = true;
	asker->status = answer->status;
	s_good += answer->status == 0;
	s_failed += answer->status < 0;
	if (--s_under_way == 0)
		loop_stop(s_world->loop);
}

/* Fresh subdomains, all at once; returns how many there was room for. */
static size_t ask_for_fresh_names(size_t count)
{
	size_t taken = 0;

	s_good = s_failed = s_under_way = 0;
	for (size_t i = 0; i < count; i++) {
		struct name name;
		char text[64];

		snprintf(text, sizeof(text), "%08x.wild.test.example", s_next++);
		name = named(text);
		s_askers[i] = (struct asker){0};
		if (resolver_ask(s_world->resolver, &name, DNS_TYPE_A, ASK_LEARN, &s_askers[i].ask,
				 ask_done) == 0) {
			s_under_way++;
			taken++;
		}
	}
	if (s_under_way > 0)
		world_run(s_world);
	return taken;
}

static void open_world(size_t pending)
{
	struct resolver_settings settings;

	s_world = world_new();
	settings = quick_settings(s_world);
	settings.pending_capacity = pending;
	settings.cache_capacity = 1000;
	settings.timeout_ms = TIMEOUT_MS;
	settings.tries = TRIES;
	world_make_resolver(s_world, &settings);
}

static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

static void a_million_names_take_no_memory_of_the_cache_after_its_start(void **state)
{
	static uint8_t message[CACHE_MESSAGE_MAX];
	struct cache *cache = cache_new(1000);
	size_t before = allocated();

	(void)state;
	for (uint32_t i = 0; i < 1000000; i++) {
		struct name name;
		char text[64];

		snprintf(text, sizeof(text), "%08x.wild.test.example", i);
		name = named(text);
		cache_put(cache, &(struct cache_key){&name, DNS_TYPE_A, false}, message,
			  100 + i % 1000, 1 + i % 3600, i);
		assert_in_range(cache_held(cache), 1, 1000);
	}
	assert_int_equal(allocated(), before);
	cache_free(cache);
}

static void twenty_thousand_questions_take_no_memory_after_the_start(void **state)
{
	size_t before;

	(void)state;
	open_world(100);
	ask_for_fresh_names(100); /* standard output's and the loop's own first times */
	before = allocated();
	for (int i = 0; i < 200; i++) {
		assert_int_equal(ask_for_fresh_names(100), 100);
		assert_int_equal(s_good, 100);
	}
	assert_int_equal(allocated(), before);
	assert_int_equal(resolver_figures(s_world->resolver).cache_held, 1000);
	assert_int_equal(resolver_figures(s_world->resolver).pending, 0);
	world_free(s_world);
}

static void what_finds_no_room_is_refused_at_once_and_the_rest_is_answered(void **state)
{
	(void)state;
	open_world(50);
	assert_int_equal(ask_for_fresh_names(AT_ONCE), 50);
	assert_int_equal(s_good, 50);
	assert_int_equal(resolver_figures(s_world->resolver).full, AT_ONCE - 50);
	assert_int_equal(ask_for_fresh_names(50), 50);
	world_free(s_world);
}

static void with_silent_upstreams_every_question_ends_in_time_and_the_next_is_answered(void **state)
{
	uint64_t began;

	(void)state;
	open_world(AT_ONCE);
	s_world->upstreams[0].silent = s_world->upstreams[1].silent = true;
	began = clock_steady_ms();
	assert_int_equal(ask_for_fresh_names(AT_ONCE), AT_ONCE);
	assert_in_range(clock_steady_ms() - began, TIMEOUT_MS, TIMEOUT_MS * TRIES + SLACK_MS);
	assert_int_equal(s_failed, AT_ONCE);
	assert_int_equal(resolver_figures(s_world->resolver).pending, 0);
	s_world->upstreams[0].silent = s_world->upstreams[1].silent = false;
	assert_int_equal(ask_for_fresh_names(10), 10); /* though both are put back */
	assert_int_equal(s_good, 10);
	world_free(s_world);
}

/* ---------------------------------------------------------------- slow upstreams */

static struct {
	struct sockaddr_in to;
	uint8_t query[600];
	size_t length;
} s_late[AT_ONCE];
static size_t s_late_count;

static bool keep_for_later(struct fake_upstream *upstream, const uint8_t *query, size_t length,
			   struct builder *reply)
{
	(void)reply;
	if (s_late_count < AT_ONCE) {
		s_late[s_late_count].to = upstream->asked_from;
		memcpy(s_late[s_late_count].query, query, length);
		s_late[s_late_count++].length = length;
	}
	return false;
}

static void answers_that_come_too_late_are_nobody_s(void **state)
{
	static struct builder reply;
	struct fake_upstream *upstream;

	(void)state;
	open_world(100);
	upstream = &s_world->upstreams[0];
	s_late_count = 0;
	upstream->script = s_world->upstreams[1].script = keep_for_later;
	assert_int_equal(ask_for_fresh_names(100), 100);
	assert_int_equal(s_failed, 100);
	/* Their sockets are closed by now; new questions are under way on others. */
	upstream->script = s_world->upstreams[1].script = NULL;
	for (size_t i = 0; i < s_late_count; i++) {
		reply_start(&reply, s_late[i].query, 0, 1, 0);
		put_pointer(&reply, 12);
		size_t begin = open_record(&reply, DNS_TYPE_A, 60);
		put32(&reply, 0x14000066);
		close_record(&reply, begin);
		(void)!sendto(upstream->udp.descriptor, reply.bytes, reply.length, 0,
			      (struct sockaddr *)&s_late[i].to, sizeof(s_late[i].to));
	}
	assert_int_equal(ask_for_fresh_names(100), 100);
	assert_int_equal(s_good, 100);
	assert_int_equal(s_world->learnings, 100);
	assert_int_equal(s_world->learned[0].address.bytes[3], 1);
	world_free(s_world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_names_take_no_memory_of_the_cache_after_its_start),
		cmocka_unit_test(twenty_thousand_questions_take_no_memory_after_the_start),
		cmocka_unit_test(what_finds_no_room_is_refused_at_once_and_the_rest_is_answered),
		cmocka_unit_test(
			with_silent_upstreams_every_question_ends_in_time_and_the_next_is_answered),
		cmocka_unit_test(answers_that_come_too_late_are_nobody_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
