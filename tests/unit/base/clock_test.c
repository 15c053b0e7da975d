#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void the_steady_clock_never_goes_back(void **state)
{
	uint64_t before = clock_steady_ms(), after;
	struct timespec pause = {.tv_nsec = 3000000};

	(void)state;
	nanosleep(&pause, NULL);
	after = clock_steady_ms();
	assert_true(after >= before + 2);
	assert_true(after < before + 60000);
}

static void the_wall_clock_tells_the_time_of_day(void **state)
{
	uint64_t seconds = (uint64_t)time(NULL), wall = clock_wall_ms() / 1000;

	(void)state;
	assert_true(wall >= seconds && wall <= seconds + 60);
}

static void times_are_printed_in_utc_with_milliseconds(void **state)
{
	static const struct {
		uint64_t wall_ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{999, "1970-01-01T00:00:00.999Z"},
		{951782400007, "2000-02-29T00:00:00.007Z"},
		{1795456800123, "2026-11-23T18:00:00.123Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
	};
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_format_wall(cases[i].wall_ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_steady_clock_never_goes_back),
		cmocka_unit_test(the_wall_clock_tells_the_time_of_day),
		cmocka_unit_test(times_are_printed_in_utc_with_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
