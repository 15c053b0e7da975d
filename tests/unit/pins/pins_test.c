#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pins/pins.h"

static struct name named(const char *text)
{
	struct name name;

	assert_int_equal(name_from_person(text, &name), NAME_OK);
	return name;
}

static struct ip_address addressed(const char *text)
{
	struct ip_address address;

	assert_int_equal(ip_parse(text, &address), 0);
	return address;
}

static int learn(struct pins *pins, const char *name, const char *address, uint64_t now,
		 uint64_t expires)
{
	struct name n = named(name);
	struct ip_address a = addressed(address);
	enum pin_news news;
	uint64_t previous;

	return pins_learn(pins, &n, &a, now, expires, &news, &previous);
}

static bool holds(struct pins *pins, const char *name, const char *address, uint64_t now)
{
	struct name n = named(name);
	struct ip_address a = addressed(address);

	return pins_holds(pins, &n, &a, now);
}

static void a_pin_holds_for_its_own_name_and_address_only_until_it_expires(void **state)
{
	struct pins *pins = pins_new(8);

	(void)state;
	assert_int_equal(learn(pins, "a.example", "203.0.113.1", 100, 200), 0);
	assert_true(holds(pins, "a.example", "203.0.113.1", 199));
	assert_false(holds(pins, "a.example", "203.0.113.1", 200));
	assert_false(holds(pins, "b.example", "203.0.113.1", 150));
	assert_false(holds(pins, "a.example", "203.0.113.2", 150));
	assert_false(holds(pins, "a.example", "::cb00:7101", 150));
	pins_free(pins);
}

static void learning_again_keeps_the_later_expiry_and_tells_what_was(void **state)
{
	struct pins *pins = pins_new(8);
	struct name name = named("a.example");
	struct ip_address address = addressed("2001:db8::1");
	enum pin_news news;
	uint64_t previous;

	(void)state;
	assert_int_equal(pins_learn(pins, &name, &address, 100, 200, &news, &previous), 0);
	assert_int_equal(news, PIN_NEW);
	assert_int_equal(previous, 0);
	assert_int_equal(pins_learn(pins, &name, &address, 150, 180, &news, &previous), 0);
	assert_int_equal(news, PIN_REFRESHED);
	assert_int_equal(previous, 200);
	assert_true(pins_holds(pins, &name, &address, 199));
	assert_int_equal(pins_learn(pins, &name, &address, 250, 300, &news, &previous), 0);
	assert_int_equal(news, PIN_NEW);
	assert_int_equal(pins_figures(pins).held, 1);
	assert_int_equal(pins_figures(pins).changes, 2);
	pins_free(pins);
}

static void a_full_table_refuses_new_pins_until_old_ones_have_expired(void **state)
{
	struct pins *pins = pins_new(2);

	(void)state;
	assert_int_equal(learn(pins, "a.example", "203.0.113.1", 100, 1000), 0);
	assert_int_equal(learn(pins, "b.example", "203.0.113.2", 100, 2000), 0);
	assert_int_equal(learn(pins, "c.example", "203.0.113.3", 500, 2000), -ENOSPC);
	assert_int_equal(pins_figures(pins).refused, 1);
	assert_true(holds(pins, "a.example", "203.0.113.1", 500));
	assert_int_equal(learn(pins, "c.example", "203.0.113.3", 1000, 2000), 0);
	assert_false(holds(pins, "a.example", "203.0.113.1", 1000));
	assert_true(holds(pins, "b.example", "203.0.113.2", 1000));
	assert_int_equal(pins_figures(pins).held, 2);
	pins_free(pins);
}

/* Processor seconds that giving up a full table takes, which learning one more pin needs; one
   address for all of its names, or one each. */
static double seconds_to_sweep(bool one_address)
{
	enum { FULL = 1 << 15 };
	struct pins *pins = pins_new(FULL);
	char name[32], address[32];
	clock_t began;

	for (unsigned int i = 0; i < FULL; i++) {
		unsigned int host = one_address ? 1 : i;

		(void)snprintf(name, sizeof(name), "n%u.example", i);
		(void)snprintf(address, sizeof(address), "203.0.%u.%u", host >> 8, host & 255);
		assert_int_equal(learn(pins, name, address, 100, 200), 0);
	}
	began = clock();
	assert_int_equal(learn(pins, "last.example", "203.0.113.1", 300, 400), 0);
	began = clock() - began;
	assert_int_equal(pins_figures(pins).held, 1);
	pins_free(pins);
	return (double)began / CLOCKS_PER_SEC;
}

/* A zone below a wildcard chooses the addresses. Walking from a chain's head for each of its
   entries took 7.5 seconds for 65,536 of them, in which no worker could look up a pin. */
static void a_table_of_one_address_s_names_is_given_up_as_fast_as_any_other(void **state)
{
	(void)state;
	assert_true(seconds_to_sweep(true) < 0.1 + 10 * seconds_to_sweep(false));
}

/* They were kept until the table was full: 26,000 names asked for once were walked past for hours.
 */
static void expired_pins_are_tidied_away_in_rounds_and_valid_ones_stay(void **state)
{
	enum { MANY = 2 * PINS_TIDIED_AT_ONCE + 100 };
	struct pins *pins = pins_new(2 * MANY);
	char name[32];

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		assert_int_equal(learn(pins, name, "203.0.113.1", 100, i % 100 ? 200 : 900), 0);
	}
	pins_tidy(pins, 150);
	assert_int_equal(pins_figures(pins).held, MANY);
	pins_tidy(pins, 300);
	assert_in_range(pins_figures(pins).held, MANY - PINS_TIDIED_AT_ONCE, MANY - 1);
	pins_tidy(pins, 300);
	pins_tidy(pins, 300);
	assert_int_equal(pins_figures(pins).held, (MANY + 99) / 100);
	assert_true(holds(pins, "n0.example", "203.0.113.1", 300));
	assert_true(holds(pins, "n8200.example", "203.0.113.1", 300));
	assert_int_equal(learn(pins, "n1.example", "203.0.113.1", 300, 400), 0);
	pins_tidy(pins, 1000);
	pins_tidy(pins, 1000);
	pins_tidy(pins, 1000);
	assert_int_equal(pins_figures(pins).held, 0);
	pins_tidy(pins, 1000);
	pins_free(pins);
}

static void names_of_an_address_and_addresses_of_a_name_are_all_counted(void **state)
{
	struct pins *pins = pins_new(8);
	struct ip_address address = addressed("203.0.113.1"), addresses[4];
	struct name names[1], name = named("a.example");

	(void)state;
	learn(pins, "a.example", "203.0.113.1", 1, 100);
	learn(pins, "b.example", "203.0.113.1", 1, 100);
	learn(pins, "a.example", "203.0.113.9", 1, 100);
	learn(pins, "a.example", "203.0.113.8", 1, 50);
	assert_int_equal(pins_names_of(pins, &address, 60, names, 1), 2);
	assert_int_equal(pins_addresses_of(pins, &name, 60, addresses, 4), 2);
	pins_free(pins);
}

static void the_expiry_of_an_address_is_the_latest_of_its_names(void **state)
{
	struct pins *pins = pins_new(8);
	struct name name = named("a.example"), other = named("c.example");
	struct ip_address address = addressed("203.0.113.1");

	(void)state;
	learn(pins, "a.example", "203.0.113.1", 1, 100);
	learn(pins, "b.example", "203.0.113.1", 1, 200);
	learn(pins, "b.example", "203.0.113.2", 1, 300);
	assert_int_equal(pins_expiry(pins, &name, &address, 1), 100);
	assert_int_equal(pins_expiry(pins, &name, &address, 100), 0);
	assert_int_equal(pins_expiry(pins, &other, &address, 1), 0);
	assert_int_equal(pins_expiry(pins, NULL, &address, 1), 200);
	assert_int_equal(pins_expiry(pins, NULL, &address, 200), 0);
	pins_free(pins);
}

static void a_forgotten_pin_is_gone_and_its_room_is_used_again(void **state)
{
	struct pins *pins = pins_new(1);
	struct name name = named("a.example");
	struct ip_address address = addressed("203.0.113.1");

	(void)state;
	learn(pins, "a.example", "203.0.113.1", 1, 100);
	pins_forget(pins, &name, &address);
	pins_forget(pins, &name, &address);
	assert_false(holds(pins, "a.example", "203.0.113.1", 2));
	assert_int_equal(learn(pins, "b.example", "203.0.113.1", 2, 100), 0);
	pins_free(pins);
}

/* Against a plain list: many random steps on few names and addresses, with time passing. */
static void random_steps_agree_with_a_plain_list(void **state)
{
	enum { NAMES = 5, ADDRESSES = 5 };
	uint64_t expiry[NAMES][ADDRESSES] = {{0}};
	struct pins *pins = pins_new(NAMES * ADDRESSES);
	uint32_t random = 7;
	uint64_t now = 1;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		char name[32], address[32];
		unsigned int n, a;

		random = random * 1664525u + 1013904223u;
		n = random >> 8 & 0xff;
		a = random >> 16 & 0xff;
		n %= NAMES;
		a %= ADDRESSES;
		snprintf(name, sizeof(name), "n%u.example", n);
		snprintf(address, sizeof(address), "203.0.113.%u", a);
		now += random >> 24 & 3;
		assert_int_equal(holds(pins, name, address, now), expiry[n][a] > now);
		if (random >> 27 & 1) {
			uint64_t expires = now + (random >> 28);

			assert_int_equal(learn(pins, name, address, now, expires), 0);
			if (expires > expiry[n][a])
				expiry[n][a] = expires;
		}
	}
	pins_free(pins);
}

static char s_path[64];

static int make_path(void **state)
{
	(void)state;
	snprintf(s_path, sizeof(s_path), "/tmp/sallyport-pins-%d", (int)getpid());
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	unlink(s_path);
	return 0;
}

static void write_file(const char *content)
{
	FILE *file = fopen(s_path, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void saved_pins_come_back_with_the_time_they_had_left(void **state)
{
	struct pins *pins = pins_new(8), *other = pins_new(8);

	(void)state;
	learn(pins, "a.example", "203.0.113.1", 1000, 6000);
	learn(pins, "b.example", "2001:db8::1", 1000, 2000);
	assert_int_equal(pins_save(pins, s_path, 1000, 1700000000000), 0);
	/* Another boot, two seconds later: the steady clock starts anew. */
	assert_int_equal(pins_load(other, s_path, 10, 1700000002000, 60000), 0);
	assert_true(holds(other, "a.example", "203.0.113.1", 3009));
	assert_false(holds(other, "a.example", "203.0.113.1", 3010));
	assert_false(holds(other, "b.example", "2001:db8::1", 10));
	pins_free(pins);
	pins_free(other);
}

static void a_file_that_says_no_time_makes_no_pin_last_for_years(void **state)
{
	struct pins *pins = pins_new(8);

	(void)state;
	write_file("sallyport pins 1\na.example 203.0.113.1 1700000005000\n");
	assert_int_equal(pins_load(pins, s_path, 10, 1600000000000, 60000), 0);
	assert_true(holds(pins, "a.example", "203.0.113.1", 60009));
	assert_false(holds(pins, "a.example", "203.0.113.1", 60010));
	pins_free(pins);
}

static void a_clock_that_was_set_back_leaves_a_saved_pin_what_it_had(void **state)
{
	struct pins *pins = pins_new(8), *other = pins_new(8);

	(void)state;
	learn(pins, "a.example", "203.0.113.1", 1000, 6000);
	assert_int_equal(pins_save(pins, s_path, 1000, 1700000000000), 0);
	assert_int_equal(pins_load(other, s_path, 10, 1600000000000, 86400000), 0);
	assert_true(holds(other, "a.example", "203.0.113.1", 5009));
	assert_false(holds(other, "a.example", "203.0.113.1", 5010));
	pins_free(pins);
	pins_free(other);
}

static void a_clock_that_was_set_forward_costs_the_saved_pins(void **state)
{
	struct pins *pins = pins_new(8), *other = pins_new(8);

	(void)state;
	learn(pins, "a.example", "203.0.113.1", 1000, 6000);
	assert_int_equal(pins_save(pins, s_path, 1000, 1600000000000), 0);
	assert_int_equal(pins_load(other, s_path, 10, 1700000000000, 60000), 0);
	assert_int_equal(pins_figures(other).held, 0);
	pins_free(pins);
	pins_free(other);
}

static void a_malformed_file_is_refused_as_a_whole(void **state)
{
	static const char *const bad[] = {
		"",
		"sallyport pins 2\n",
		"sallyport pins 1",
		"sallyport pins 1\nsaved \n",
		"sallyport pins 1\nsaved 1x\n",
		"sallyport pins 1\nsaved 1",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999\nb.example 203.0.113.1\n",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999\nb.example x 1\n",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999\nb..e 203.0.113.1 1\n",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999\nb.e 203.0.113.1 -1\n",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999\nb.e 203.0.113.1 1x\n",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999 more\n",
		"sallyport pins 1\na.example 203.0.113.1 99999999999999\nb.example 203.0.1",
	};
	struct pins *pins = pins_new(8);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(bad[i]);
		assert_int_equal(pins_load(pins, s_path, 1, 1, 60000), -EBADMSG);
		assert_int_equal(pins_figures(pins).held, 0);
	}
	unlink(s_path);
	assert_int_equal(pins_load(pins, s_path, 1, 1, 60000), -ENOENT);
	pins_free(pins);
}

static void a_failed_save_leaves_the_old_file(void **state)
{
	struct pins *pins = pins_new(8);

	(void)state;
	assert_int_equal(pins_save(pins, "/nonexistent/folder/pins", 1, 1), -ENOENT);
	pins_free(pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pin_holds_for_its_own_name_and_address_only_until_it_expires),
		cmocka_unit_test(learning_again_keeps_the_later_expiry_and_tells_what_was),
		cmocka_unit_test(a_full_table_refuses_new_pins_until_old_ones_have_expired),
		cmocka_unit_test(a_table_of_one_address_s_names_is_given_up_as_fast_as_any_other),
		cmocka_unit_test(expired_pins_are_tidied_away_in_rounds_and_valid_ones_stay),
		cmocka_unit_test(names_of_an_address_and_addresses_of_a_name_are_all_counted),
		cmocka_unit_test(the_expiry_of_an_address_is_the_latest_of_its_names),
		cmocka_unit_test(a_forgotten_pin_is_gone_and_its_room_is_used_again),
		cmocka_unit_test(random_steps_agree_with_a_plain_list),
		cmocka_unit_test_setup_teardown(saved_pins_come_back_with_the_time_they_had_left,
						make_path, remove_path),
		cmocka_unit_test_setup_teardown(
			a_file_that_says_no_time_makes_no_pin_last_for_years, make_path,
			remove_path),
		cmocka_unit_test_setup_teardown(
			a_clock_that_was_set_back_leaves_a_saved_pin_what_it_had, make_path,
			remove_path),
		cmocka_unit_test_setup_teardown(a_clock_that_was_set_forward_costs_the_saved_pins,
						make_path, remove_path),
		cmocka_unit_test_setup_teardown(a_malformed_file_is_refused_as_a_whole, make_path,
						remove_path),
		cmocka_unit_test(a_failed_save_leaves_the_old_file),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
