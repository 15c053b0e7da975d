#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proto/dns/message.h"
#include "resolve/name_budget.h"

#define SOURCES  4
#define MINUTE   60000u
#define TEN_MIN  (10u * MINUTE)
#define WILDCARD ".wild.example"

static const struct name_budget_limits s_sixty = {60, 100};

static struct name named(const char *text)
{
	struct name name;

	assert_int_equal(name_from_wire(text, strlen(text), &name), NAME_OK);
	return name;
}

static bool asks(struct name_budget *budget, uint32_t source, const char *text, uint16_t type,
		 uint64_t now_ms)
{
	struct ip_address address = ip_from_v4(source);
	struct name name = named(text);
	size_t open = name.length > strlen(WILDCARD) ? name.length - strlen(WILDCARD) : 1;

	return name_budget_pay(budget, &(struct name_budget_ask){&address, &name, type, open},
			       now_ms);
}

/* Short words, each worth one name, that no other call makes. */
static size_t ask_for_new_names(struct name_budget *budget, uint32_t source, size_t count,
				uint64_t now_ms)
{
	static unsigned int next;
	size_t granted = 0;
	char text[64];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "n%x" WILDCARD, next++);
		granted += asks(budget, source, text, DNS_TYPE_A, now_ms);
	}
	return granted;
}

static void each_sixty_four_bits_cost_a_name(void **state)
{
	char longest[240];

	(void)state;
	assert_int_equal(name_budget_price("eastus", 6), 1);
	assert_int_equal(name_budget_price("westeurope.z12", 14), 1);
	assert_int_equal(name_budget_price("3f2504e0-4f89-11d3-9a0c-0305e82c3301", 36), 3);
	/* one letter for ever says nothing but its length */
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(name_budget_price(longest, sizeof(longest)), 1);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = "abcdefghijklmnopqrstuvwxyz234567"[i * 7 % 32];
	assert_int_equal(name_budget_price(longest, sizeof(longest)), 19); /* 1,200 bits */
	assert_int_equal(name_budget_price("", 0), 1);
}

static void a_source_has_a_burst_and_then_its_rate(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	assert_int_equal(ask_for_new_names(budget, 1, 150, 1000), 100);
	assert_int_equal(ask_for_new_names(budget, 1, 10, 1999), 0);
	assert_int_equal(ask_for_new_names(budget, 1, 10, 2000), 1);
	assert_int_equal(ask_for_new_names(budget, 1, 100, 1000 + MINUTE), 59);
	assert_int_equal(ask_for_new_names(budget, 1, 500, 1000 + 60 * MINUTE), 100);
	assert_int_equal(name_budget_figures(budget).new_names, 260);
	assert_int_equal(name_budget_figures(budget).refused, 510);
	name_budget_free(budget);
}

static void names_that_a_source_knows_go_on_when_its_budget_is_used_up(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_A, 0));
	ask_for_new_names(budget, 1, 1000, 0);
	for (int i = 0; i < 1000; i++)
		assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_A, 0));
	name_budget_free(budget);
}

static void what_was_refused_is_not_known_when_asked_again(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	ask_for_new_names(budget, 1, 100, 0);
	for (int i = 0; i < 10; i++)
		assert_false(asks(budget, 1, "again" WILDCARD, DNS_TYPE_A, 0));
	name_budget_free(budget);
}

static void addresses_and_https_are_one_question_and_other_types_are_not(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_A, 0));
	ask_for_new_names(budget, 1, 99, 0);
	assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_AAAA, 0));
	assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_HTTPS, 0));
	assert_false(asks(budget, 1, "mine" WILDCARD, 16 /* TXT */, 0));
	name_budget_free(budget);
}

static void a_name_in_use_outlives_thousands_of_others(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);
	uint64_t now_ms = 0;

	(void)state;
	assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_A, now_ms));
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ask_for_new_names(budget, 1, 100, now_ms), i == 0 ? 99 : 100);
		assert_true(asks(budget, 1, "mine" WILDCARD, DNS_TYPE_A, now_ms));
		now_ms += 2 * MINUTE;
	}
	name_budget_free(budget);
}

static void a_few_hundred_names_are_known_at_once(void **state)
{
	struct name_budget *budget =
		name_budget_new(SOURCES, &(struct name_budget_limits){60, 250});
	char text[64];

	(void)state;
	/* 250 in 64 sets of 16: that one overflows is left to one run in some 30,000 */
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 250; i++) {
			snprintf(text, sizeof(text), "k%d" WILDCARD, i);
			assert_true(asks(budget, 1, text, DNS_TYPE_A, 0));
		}
	assert_int_equal(name_budget_figures(budget).new_names, 250);
	name_budget_free(budget);
}

static void sources_have_budgets_of_their_own(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	ask_for_new_names(budget, 1, 1000, 0);
	assert_int_equal(ask_for_new_names(budget, 2, 1000, 0), 100);
	/* what one knows is new to another */
	assert_true(asks(budget, 3, "mine" WILDCARD, DNS_TYPE_A, 0));
	assert_false(asks(budget, 2, "mine" WILDCARD, DNS_TYPE_A, 0));
	name_budget_free(budget);
}

static void a_full_table_puts_out_none_but_the_idle(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	for (uint32_t source = 1; source <= SOURCES; source++)
		assert_int_equal(ask_for_new_names(budget, source, 100, 0), 100);
	assert_int_equal(ask_for_new_names(budget, 9, 10, TEN_MIN - 1), 0);
	assert_int_equal(name_budget_figures(budget).full, 10);
	assert_int_equal(name_budget_figures(budget).sources, SOURCES);
	/* the first is heard of, the second is idle longest */
	assert_int_equal(ask_for_new_names(budget, 1, 1, TEN_MIN - 1), 1);
	assert_int_equal(ask_for_new_names(budget, 9, 200, TEN_MIN), 100);
	assert_int_equal(ask_for_new_names(budget, 1, 200, TEN_MIN), 99);
	assert_int_equal(name_budget_figures(budget).sources, SOURCES);
	name_budget_free(budget);
}

static void an_idle_source_stays_until_its_bucket_is_full(void **state)
{
	struct name_budget *budget = name_budget_new(1, &(struct name_budget_limits){1, 100});

	(void)state;
	ask_for_new_names(budget, 1, 100, 0);
	assert_int_equal(ask_for_new_names(budget, 2, 1, 100 * MINUTE - 1), 0);
	assert_int_equal(ask_for_new_names(budget, 2, 1, 100 * MINUTE), 1);
	name_budget_free(budget);
}

static void invented_sources_gain_no_more_than_the_table_holds(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);
	size_t granted = 0;

	(void)state;
	for (uint32_t source = 1; source <= 10000; source++)
		granted += ask_for_new_names(budget, source, 100, source);
	/* 4 bursts, and what the four earn in ten seconds: nothing, as they are not heard again */
	assert_int_equal(granted, 4 * 100);
	name_budget_free(budget);
}

static void without_a_rate_there_is_no_limit(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &(struct name_budget_limits){0, 32});

	(void)state;
	for (uint32_t source = 1; source <= 10; source++)
		assert_int_equal(ask_for_new_names(budget, source, 1000, 0), 1000);
	assert_int_equal(name_budget_figures(budget).sources, 0);
	name_budget_free(budget);
}

static void new_limits_hold_at_once(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	assert_int_equal(ask_for_new_names(budget, 1, 10, 0), 10);
	name_budget_set(budget, &(struct name_budget_limits){60, 40});
	assert_int_equal(ask_for_new_names(budget, 1, 100, 0), 40);
	name_budget_set(budget, &(struct name_budget_limits){1000000, 1000000});
	assert_int_equal(ask_for_new_names(budget, 1, 1000, 60), 1000);
	assert_true(asks(budget, 1, "late" WILDCARD, DNS_TYPE_A, UINT64_MAX)); /* no overflow */
	name_budget_free(budget);
}

static void a_clock_behind_another_worker_s_neither_fills_nor_empties(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);

	(void)state;
	assert_int_equal(ask_for_new_names(budget, 1, 200, 5000), 100);
	assert_int_equal(ask_for_new_names(budget, 1, 10, 4000), 0);
	assert_int_equal(ask_for_new_names(budget, 1, 10, 5000), 0);
	assert_int_equal(ask_for_new_names(budget, 1, 10, 6000), 1);
	name_budget_free(budget);
}

static void a_million_random_names_carry_no_more_than_the_budget(void **state)
{
	struct name_budget *budget = name_budget_new(SOURCES, &s_sixty);
	struct ip_address source = ip_from_v4(1);
	uint64_t bits = 0, random = 1;

	(void)state;
	/* in a minute; 63 letters of five bits each, as a tunnel would */
	for (uint64_t i = 0; i < 1000000; i++) {
		struct name name;
		char text[128];

		for (size_t j = 0; j < 63; j++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			text[j] = "abcdefghijklmnopqrstuvwxyz234567"[random >> 59];
		}
		strcpy(text + 63, WILDCARD);
		name = named(text);
		if (name_budget_pay(budget,
				    &(struct name_budget_ask){&source, &name, DNS_TYPE_A, 63},
				    i * MINUTE / 1000000))
			bits += 63 * 5;
	}
	/* 160 names' worth; a short label's entropy is estimated a little low */
	assert_in_range(bits, 5000, 160 * 64 * 5 / 4);
	name_budget_free(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sixty_four_bits_cost_a_name),
		cmocka_unit_test(a_source_has_a_burst_and_then_its_rate),
		cmocka_unit_test(names_that_a_source_knows_go_on_when_its_budget_is_used_up),
		cmocka_unit_test(what_was_refused_is_not_known_when_asked_again),
		cmocka_unit_test(addresses_and_https_are_one_question_and_other_types_are_not),
		cmocka_unit_test(a_name_in_use_outlives_thousands_of_others),
		cmocka_unit_test(a_few_hundred_names_are_known_at_once),
		cmocka_unit_test(sources_have_budgets_of_their_own),
		cmocka_unit_test(a_full_table_puts_out_none_but_the_idle),
		cmocka_unit_test(an_idle_source_stays_until_its_bucket_is_full),
		cmocka_unit_test(invented_sources_gain_no_more_than_the_table_holds),
		cmocka_unit_test(without_a_rate_there_is_no_limit),
		cmocka_unit_test(new_limits_hold_at_once),
		cmocka_unit_test(a_clock_behind_another_worker_s_neither_fills_nor_empties),
		cmocka_unit_test(a_million_random_names_carry_no_more_than_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
