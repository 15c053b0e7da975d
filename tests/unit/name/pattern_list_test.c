#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../pattern_at.h"

#include "name/pattern_list.h"

static struct pattern parse(const char *text)
{
	struct pattern pattern;
	const char *message;

	assert_int_equal(pattern_parse(text, &pattern, &message), 0);
	return pattern;
}

static void add(struct pattern_list *list, const char *text)
{
	struct pattern pattern = parse(text);

	assert_int_equal(pattern_list_add(list, &pattern), 0);
}

static void assert_patterns(const struct pattern_list *list, const char *const *expected,
			    size_t count)
{
	char text[PATTERN_TEXT_SIZE];
	struct pattern pattern;
	size_t at = 0;

	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++) {
		struct pattern again = parse(expected[i]);

		memset(&pattern, 0xaa, sizeof(pattern));
		assert_true(pattern_list_next(list, &at, &pattern));
		assert_string_equal(pattern_format(&pattern, text), expected[i]);
		assert_int_equal(pattern.kind, again.kind);
		assert_true(pattern.kind == PATTERN_ANY || name_equal(&pattern.name, &again.name));
		assert_string_equal(pattern.prefix, again.prefix);
		assert_string_equal(pattern.postfix, again.postfix);
	}
	assert_false(pattern_list_next(list, &at, &pattern));
	assert_false(pattern_list_next(list, &at, &pattern));
}

static const char *const s_every_kind[] = {
	"a.example", "*.b.example", "*", "md-*.c.example", "*-x.c.example", "md-*-x.c.example",
};

static void every_kind_comes_back_in_the_order_of_adding(void **state)
{
	struct pattern_list list = {0}, copy;

	(void)state;
	assert_patterns(&list, NULL, 0);
	for (size_t i = 0; i < 6; i++)
		add(&list, s_every_kind[i]);
	assert_patterns(&list, s_every_kind, 6);
	assert_int_equal(pattern_list_copy(&list, &copy), 0);
	pattern_list_free(&list);
	assert_patterns(&list, NULL, 0);
	assert_patterns(&copy, s_every_kind, 6);
	add(&copy, "*.after.example");
	assert_string_equal(pattern_at(&copy, 6)->name.text, "after.example");
	pattern_list_free(&copy);
}

static void the_longest_patterns_fit(void **state)
{
	struct pattern_list list = {0};
	char label[LABEL_MAX_LENGTH + 1], longest[NAME_MAX_LENGTH + 1];
	const char *expected[100];

	(void)state;
	memset(label, 'x', LABEL_MAX_LENGTH);
	label[LABEL_MAX_LENGTH] = '\0';
	snprintf(longest, sizeof(longest), "%s.%s.%s.%.61s", label, label, label, label);
	assert_int_equal(strlen(longest), NAME_MAX_LENGTH);
	for (size_t i = 0; i < 100; i++) {
		add(&list, longest);
		expected[i] = longest;
	}
	assert_patterns(&list, expected, 100);
	pattern_list_free(&list);
}

static void a_pattern_takes_little_more_than_its_text(void **state)
{
	struct pattern_list list = {0};

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		add(&list, "*.b.example");
	assert_int_equal(pattern_list_memory(&list), 1000 * (4 + strlen("b.example")));
	pattern_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_in_the_order_of_adding),
		cmocka_unit_test(the_longest_patterns_fit),
		cmocka_unit_test(a_pattern_takes_little_more_than_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
