#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/cache_impl.h"

static struct name named(const char *text)
{
	struct name name;

	assert_int_equal(name_from_wire(text, strlen(text), &name), NAME_OK);
	return name;
}

static void put(struct cache *cache, const char *text, const char *message, uint32_t ttl,
		uint64_t now_ms)
{
	struct name name = named(text);

	cache_put(cache, &(struct cache_key){.name = &name, .type = 1}, (const uint8_t *)message,
		  strlen(message), ttl, now_ms);
}

static bool find(struct cache *cache, const char *text, uint64_t now_ms, struct cache_view *view)
{
	struct name name = named(text);

	return cache_find(cache, &(struct cache_key){.name = &name, .type = 1}, now_ms, view);
}

static bool holds(struct cache *cache, const char *text, uint64_t now_ms)
{
	struct cache_view view;

	return find(cache, text, now_ms, &view);
}

static void an_answer_is_found_with_its_age_until_its_ttl_is_over(void **state)
{
	struct cache *cache = cache_new(4);
	struct cache_view view;

	(void)state;
	put(cache, "a.example", "answer", 10, 1000);
	assert_true(find(cache, "a.example", 1999, &view));
	assert_int_equal(view.age, 0);
	assert_int_equal(view.length, 6);
	assert_memory_equal(view.message, "answer", 6);
	assert_true(find(cache, "a.example", 10999, &view));
	assert_int_equal(view.age, 9);
	assert_false(find(cache, "a.example", 11000, &view));
	assert_int_equal(cache_held(cache), 0);
	cache_free(cache);
}

static void type_and_dnssec_flag_are_part_of_the_key(void **state)
{
	struct cache *cache = cache_new(4);
	struct name name = named("a.example");
	struct cache_key keys[] = {{&name, 1, false}, {&name, 1, true}, {&name, 28, false}};
	struct cache_view view;

	(void)state;
	cache_put(cache, &keys[0], (const uint8_t *)"0", 1, 10, 0);
	assert_false(cache_find(cache, &keys[1], 0, &view));
	assert_false(cache_find(cache, &keys[2], 0, &view));
	cache_put(cache, &keys[1], (const uint8_t *)"1", 1, 10, 0);
	cache_put(cache, &keys[2], (const uint8_t *)"2", 1, 10, 0);
	for (int i = 0; i < 3; i++) {
		assert_true(cache_find(cache, &keys[i], 0, &view));
		assert_int_equal(view.message[0], '0' + i);
	}
	cache_free(cache);
}

static void a_later_answer_takes_the_place_of_the_earlier(void **state)
{
	struct cache *cache = cache_new(4);
	struct cache_view view;

	(void)state;
	put(cache, "a.example", "old", 10, 0);
	put(cache, "a.example", "newer", 20, 1000);
	assert_true(find(cache, "a.example", 15000, &view));
	assert_int_equal(view.length, 5);
	assert_int_equal(cache_held(cache), 1);
	cache_free(cache);
}

static void a_ttl_of_zero_and_a_long_message_are_not_kept(void **state)
{
	static const uint8_t message[CACHE_MESSAGE_MAX + 1];
	struct cache *cache = cache_new(4);
	struct name name = named("a.example");
	struct cache_key key = {.name = &name, .type = 1};

	(void)state;
	put(cache, "a.example", "x", 0, 0);
	assert_int_equal(cache_held(cache), 0);
	cache_put(cache, &key, message, CACHE_MESSAGE_MAX, 10, 0);
	assert_int_equal(cache_held(cache), 1);
	cache_put(cache, &key, message, CACHE_MESSAGE_MAX + 1, 10, 0);
	assert_int_equal(cache_held(cache), 0);
	cache_free(cache);
}

static void a_full_cache_puts_out_the_expired_first(void **state)
{
	struct cache *cache = cache_new(3);

	(void)state;
	put(cache, "a.example", "a", 100, 0);
	put(cache, "b.example", "b", 1, 0);
	put(cache, "c.example", "c", 100, 0);
	put(cache, "d.example", "d", 100, 2000);
	assert_int_equal(cache_held(cache), 3);
	assert_true(holds(cache, "a.example", 2000));
	assert_false(holds(cache, "b.example", 500));
	assert_true(holds(cache, "c.example", 2000));
	assert_true(holds(cache, "d.example", 2000));
	cache_free(cache);
}

static void a_full_cache_without_expired_ones_puts_out_the_least_recently_used(void **state)
{
	struct cache *cache = cache_new(3);

	(void)state;
	put(cache, "a.example", "a", 100, 0);
	put(cache, "b.example", "b", 100, 0);
	put(cache, "c.example", "c", 100, 0);
	assert_true(holds(cache, "a.example", 1));
	put(cache, "d.example", "d", 100, 2);
	assert_false(holds(cache, "b.example", 3));
	assert_true(holds(cache, "a.example", 3));
	assert_true(holds(cache, "c.example", 3));
	assert_true(holds(cache, "d.example", 3));
	cache_free(cache);
}

/* Against a table of what must be there, with random names, TTLs and times. */
static void the_three_threadings_stay_together_under_random_use(void **state)
{
	enum { NAMES = 64, CAPACITY = 64 };
	uint64_t expires[NAMES] = {0}, now = 0;
	struct cache *cache = cache_new(CAPACITY);

	(void)state;
	srandom(7);
	for (int step = 0; step < 20000; step++) {
		unsigned int which = (unsigned int)random() % NAMES;
		char text[32];

		snprintf(text, sizeof(text), "n%u.example", which);
		now += (unsigned int)random() % 200;
		if (random() % 2) {
			uint32_t ttl = (uint32_t)random() % 10;

			put(cache, text, text, ttl, now);
			expires[which] = ttl ? now + ttl * 1000u : 0;
		} else {
			struct cache_view view;
			bool found = find(cache, text, now, &view);

			assert_int_equal(found, expires[which] > now);
			if (found)
				assert_memory_equal(view.message, text, view.length);
		}
	}
	cache_free(cache);
}

static void a_small_cache_under_many_names_never_holds_more_than_its_capacity(void **state)
{
	struct cache *cache = cache_new(5);
	struct cache_view view;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "n%u.example", i % 97);
		put(cache, text, text, 1 + i % 7, i * 100);
		assert_true(cache_held(cache) <= 5);
		assert_true(find(cache, text, i * 100, &view));
		assert_memory_equal(view.message, text, view.length);
	}
	cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_found_with_its_age_until_its_ttl_is_over),
		cmocka_unit_test(type_and_dnssec_flag_are_part_of_the_key),
		cmocka_unit_test(a_later_answer_takes_the_place_of_the_earlier),
		cmocka_unit_test(a_ttl_of_zero_and_a_long_message_are_not_kept),
		cmocka_unit_test(a_full_cache_puts_out_the_expired_first),
		cmocka_unit_test(
			a_full_cache_without_expired_ones_puts_out_the_least_recently_used),
		cmocka_unit_test(the_three_threadings_stay_together_under_random_use),
		cmocka_unit_test(a_small_cache_under_many_names_never_holds_more_than_its_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
