#include "yaml/read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	bool flag;
	char *word;
	size_t size;
	uint64_t wait;
	size_t colour;
};

static bool read_colour(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	static const char *const words[] = {"green", "red", NULL};

	(void)field;
	return yaml_read_word(value, words, target, problems);
}

static const struct yaml_integer_limits s_size = {1, 64};
static const struct yaml_integer_limits s_wait = {500, 3600000};

static const struct yaml_field s_fields[] = {
	{.key = "flag", .read = yaml_read_bool, .offset = YAML_MEMBER(struct sample, flag, bool)},
	{.key = "word",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct sample, word, char *)},
	{.key = "size",
	 .read = yaml_read_size,
	 .offset = YAML_MEMBER(struct sample, size, size_t),
	 .limits = &s_size},
	{.key = "wait",
	 .read = yaml_read_duration,
	 .offset = YAML_MEMBER(struct sample, wait, uint64_t),
	 .limits = &s_wait},
	{.key = "colour",
	 .read = read_colour,
	 .offset = YAML_MEMBER(struct sample, colour, size_t),
	 .required = true},
};

/* Reads the text; returns what was complained of. The caller frees. */
static char *read_text(const char *text, struct sample *sample)
{
	struct problems *problems = problems_new();
	struct yaml_tree *tree = yaml_tree_parse(text, strlen(text), "t", problems);
	char *said;

	assert_non_null(tree);
	bool good = yaml_read_fields(yaml_tree_root(tree), s_fields, sample, problems);
	assert_int_equal(good, !problems_has_errors(problems));
	said = problems_format(problems);
	yaml_tree_free(tree);
	problems_free(problems);
	return said;
}

static void expect_complaint(const char *text, const char *complaint)
{
	struct sample sample = {.wait = 7};
	char *said = read_text(text, &sample);

	assert_string_equal(said, complaint);
	free(said);
	free(sample.word);
}

static void good_values_reach_their_members(void **state)
{
	struct sample sample = {.word = strdup("before")};
	char *said =
		read_text("{flag: true, word: 'x y', size: 64, wait: 4s, colour: red}", &sample);

	(void)state;
	assert_string_equal(said, "");
	assert_true(sample.flag);
	assert_string_equal(sample.word, "x y");
	assert_int_equal(sample.size, 64);
	assert_int_equal(sample.wait, 4000);
	assert_int_equal(sample.colour, 1);
	free(said);
	free(sample.word);
}

static void an_unknown_key_lists_the_allowed_and_the_nearest(void **state)
{
	(void)state;
	expect_complaint("{colour: red, falg: true}",
			 "t:1:15: error: unknown key 'falg'; did you mean 'flag'?; allowed here: "
			 "flag, word, size, wait, colour\n");
	expect_complaint("{colour: red, banana: true}",
			 "t:1:15: error: unknown key 'banana'; allowed here: flag, word, size, "
			 "wait, colour\n");
}

static void a_missing_required_key_is_told(void **state)
{
	(void)state;
	expect_complaint("{flag: true}", "t:1:1: error: key 'colour' is missing\n");
}

static void a_key_without_value_is_told(void **state)
{
	(void)state;
	expect_complaint("colour: red\nword:\n",
			 "t:2:6: error: word: the key has no value; leave it out instead\n");
}

static void a_map_is_expected_where_a_table_stands(void **state)
{
	(void)state;
	expect_complaint("[1]", "t:1:1: error: expected a map with some of these keys: flag, word, "
				"size, wait, colour; not a list\n");
	expect_complaint("x", "t:1:1: error: expected a map with some of these keys: flag, word, "
			      "size, wait, colour; not a single value\n");
}

static void booleans_are_true_or_false_without_quotes(void **state)
{
	(void)state;
	expect_complaint("{colour: red, flag: yes}",
			 "t:1:21: error: flag: expected true or false, not 'yes'\n");
	expect_complaint("{colour: red, flag: 'true'}", "t:1:21: error: flag: expected true or "
							"false without quotes, not 'true'\n");
	expect_complaint("{colour: red, flag: [true]}",
			 "t:1:21: error: flag: expected a single value, not a list\n");
}

static void numbers_keep_their_bounds_and_are_not_quoted(void **state)
{
	(void)state;
	expect_complaint("{colour: red, size: 65}",
			 "t:1:21: error: size: expected a number from 1 to 64, not '65'\n");
	expect_complaint("{colour: red, size: 0}",
			 "t:1:21: error: size: expected a number from 1 to 64, not '0'\n");
	expect_complaint("{colour: red, size: -1}",
			 "t:1:21: error: size: expected a number from 1 to 64, not '-1'\n");
	expect_complaint("{colour: red, size: 99999999999999999999}",
			 "t:1:21: error: size: expected a number from 1 to 64, not "
			 "'99999999999999999999'\n");
	expect_complaint("{colour: red, size: '6'}", "t:1:21: error: size: expected a number from "
						     "1 to 64 without quotes, not '6'\n");
	expect_complaint("{colour: red, size: {}}", "t:1:21: error: size: expected a single value, "
						    "not a map (key: value)\n");
}

static void times_have_a_unit_and_bounds(void **state)
{
	const char *const bad[] = {
		"5", "499ms", "2h", "s", "5d", "99999999999999999999s", "9999999999999999h"};
	char text[100], expected[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "{colour: red, wait: %s}", bad[i]);
		snprintf(expected, sizeof(expected),
			 "t:1:21: error: wait: expected a time from 500ms to 1h (500ms, 4s, 15m, "
			 "1h), not '%s'\n",
			 bad[i]);
		expect_complaint(text, expected);
	}
	expect_complaint("{colour: red, wait: 1h}", "");
	expect_complaint("{colour: red, wait: 500ms}", "");
}

static void words_outside_the_list_are_refused(void **state)
{
	(void)state;
	expect_complaint("{colour: gren}", "t:1:10: error: colour: unknown value 'gren'; did you "
					   "mean 'green'?; allowed: green, red\n");
	expect_complaint("{colour: [red]}",
			 "t:1:10: error: colour: expected a single value, not a list\n");
}

static void empty_and_endless_texts_are_refused(void **state)
{
	char text[5000] = "{colour: red, word: ";

	(void)state;
	expect_complaint("{colour: red, word: ''}",
			 "t:1:21: error: word: expected a text of 1 to 4096 bytes\n");
	memset(text + strlen(text), 'x', 4097);
	strcat(text, "}");
	expect_complaint(text, "t:1:21: error: word: expected a text of 1 to 4096 bytes\n");
}

static void quotes_are_short_and_hold_no_control_bytes(void **state)
{
	char quoted[YAML_QUOTE_SIZE], longer[200];

	(void)state;
	assert_string_equal(yaml_quote("a\x1b[1m\x7f", quoted), "'a?[1m?'");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	yaml_quote(longer, quoted);
	assert_true(strlen(quoted) < YAML_QUOTE_SIZE);
	assert_string_equal(quoted + strlen(quoted) - 5, "x...'");
	for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xa9", 2);
	yaml_quote(longer, quoted);
	assert_string_equal(quoted + strlen(quoted) - 6, "\xc3\xa9...'");
}

static void the_nearest_word_is_near(void **state)
{
	static const char *const words[] = {"region", "edition", "cloud", NULL};
	char longest[60];

	(void)state;
	assert_string_equal(yaml_nearest_word("regoin", words), "region");
	assert_string_equal(yaml_nearest_word("editoin", words), "edition");
	assert_string_equal(yaml_nearest_word("clod", words), "cloud");
	assert_null(yaml_nearest_word("x", words));
	assert_null(yaml_nearest_word("reggaeton", words));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(yaml_nearest_word(longest, words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_values_reach_their_members),
		cmocka_unit_test(an_unknown_key_lists_the_allowed_and_the_nearest),
		cmocka_unit_test(a_missing_required_key_is_told),
		cmocka_unit_test(a_key_without_value_is_told),
		cmocka_unit_test(a_map_is_expected_where_a_table_stands),
		cmocka_unit_test(booleans_are_true_or_false_without_quotes),
		cmocka_unit_test(numbers_keep_their_bounds_and_are_not_quoted),
		cmocka_unit_test(times_have_a_unit_and_bounds),
		cmocka_unit_test(words_outside_the_list_are_refused),
		cmocka_unit_test(empty_and_endless_texts_are_refused),
		cmocka_unit_test(quotes_are_short_and_hold_no_control_bytes),
		cmocka_unit_test(the_nearest_word_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
