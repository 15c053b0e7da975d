#include "base/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

static void assert_formatted(const struct problems *problems, const char *expected)
{
	cleanup(free_memory) char *text = problems_format(problems);

	assert_string_equal(text, expected);
}

static void no_problems_are_an_empty_text(void **state)
{
	cleanup(free_problems) struct problems *problems = problems_new();

	(void)state;
	assert_int_equal(problems_count(problems), 0);
	assert_false(problems_has_errors(problems));
	assert_formatted(problems, "");
	problems_free(NULL);
}

static void each_problem_is_a_line_with_what_is_known_of_its_place(void **state)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	char file[] = "a.yaml";

	(void)state;
	problems_add(problems, PROBLEM_WARNING, (struct problem_place){file, 12, 5}, "odd %d", 7);
	assert_false(problems_has_errors(problems));
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){file, 0, 0}, "bad");
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){NULL, 0, 0}, "no file");
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){NULL, 3, 1}, "a line");
	file[0] = 'X'; /* the list holds a copy */
	assert_true(problems_has_errors(problems));
	assert_formatted(problems, "a.yaml:12:5: warning: odd 7\n"
				   "a.yaml: error: bad\n"
				   "error: no file\n"
				   "3:1: error: a line\n");
}

static void problems_are_kept_in_order(void **state)
{
	cleanup(free_problems) struct problems *problems = problems_new();

	(void)state;
	for (unsigned int i = 1; i <= 100; i++)
		problems_add(problems, PROBLEM_WARNING, (struct problem_place){"f", i, 1}, "p%u",
			     i);
	assert_int_equal(problems_count(problems), 100);
	for (unsigned int i = 1; i <= 100; i++) {
		const struct problem *problem = problems_at(problems, i - 1);

		assert_int_equal(problem->line, i);
		assert_int_equal(problem->severity, PROBLEM_WARNING);
		assert_string_equal(problem->file, "f");
		assert_int_equal(problem->text[0], 'p');
	}
	assert_false(problems_has_errors(problems));
}

static void what_a_terminal_would_obey_is_replaced(void **state)
{
	cleanup(free_problems) struct problems *problems = problems_new();

	(void)state;
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){"a\x1b[2J", 1, 1},
		     "no \x1b[31m%s\x7f\n", "\xc2\x9b\xc3\xbc\xe2\x82\xac\xe4\xf0\x9f\x9a");
	assert_formatted(problems, "a?[2J:1:1: error: no ?[31m?\xc3\xbc\xe2\x82\xac\?\?\?\?\?\?\n");
}

static void a_flood_of_problems_ends_in_a_line_that_says_so(void **state)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	const struct problem *last;

	(void)state;
	for (unsigned int i = 1; i <= 2 * PROBLEMS_LIMIT; i++)
		problems_add(problems, PROBLEM_WARNING, (struct problem_place){"f", i, 1}, "p");
	assert_int_equal(problems_count(problems), PROBLEMS_LIMIT + 1);
	last = problems_at(problems, PROBLEMS_LIMIT);
	assert_string_equal(last->file, "f");
	assert_string_equal(last->text, "there is more to say than these 1,000 lines");
	assert_int_equal(last->severity, PROBLEM_WARNING);
	assert_false(problems_has_errors(problems));
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){"f", 1, 1}, "bad");
	assert_int_equal(problems_count(problems), PROBLEMS_LIMIT + 1);
	assert_int_equal(problems_at(problems, PROBLEMS_LIMIT)->severity, PROBLEM_ERROR);
	assert_true(problems_has_errors(problems));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_problems_are_an_empty_text),
		cmocka_unit_test(each_problem_is_a_line_with_what_is_known_of_its_place),
		cmocka_unit_test(problems_are_kept_in_order),
		cmocka_unit_test(what_a_terminal_would_obey_is_replaced),
		cmocka_unit_test(a_flood_of_problems_ends_in_a_line_that_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
