#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* Let an allocation that is too large fail under the sanitizers as it does without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void text_grows_as_it_is_added_to(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	assert_string_equal(text_string(&text), "");
	assert_null(text.data);
	for (int i = 0; i < 1000; i++)
		text_addf(&text, "%03d,", i);
	assert_false(text_failed(&text));
	assert_int_equal(text.length, 4000);
	assert_int_equal(strlen(text_string(&text)), 4000);
	assert_memory_equal(text.data, "000,001,", 8);
	assert_memory_equal(text.data + 3992, "998,999,", 8);
}

static void text_of_every_length_ends_in_nul(void **state)
{
	char large[2000];

	(void)state;
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	for (size_t length = 250; length < 260; length++) {
		cleanup(text_free) struct text text = TEXT_EMPTY;

		text_add_bytes(&text, large, length);
		assert_int_equal(strlen(text_string(&text)), length);
	}
	cleanup(text_free) struct text text = TEXT_EMPTY;
	text_add(&text, large);
	text_addf(&text, "%s", large);
	assert_int_equal(text.length, 2 * strlen(large));
}

static void bytes_may_hold_nul(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	text_add_bytes(&text, "a\0b", 3);
	text_add_bytes(&text, "", 0);
	assert_int_equal(text.length, 3);
	assert_memory_equal(text.data, "a\0b", 4);
}

static void json_strings_are_escaped(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;
	static const char bytes[] = "a\"b\\c\n\0\x1f \x7e\x7f\xff/";

	(void)state;
	text_add_json_string(&text, bytes, sizeof(bytes) - 1);
	assert_string_equal(text_string(&text),
			    "\"a\\\"b\\\\c\\u000a\\u0000\\u001f ~\\u007f\\ufffd/\"");
	text_clear(&text);
	text_add_json_string(&text, "", 0);
	assert_string_equal(text_string(&text), "\"\"");
}

static void json_strings_keep_every_character_of_utf8(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;
	static const char bytes[] = "\xc3\xbc \xe2\x80\x94 \xf0\x9f\x9a\xa2";

	(void)state;
	text_add_json_string(&text, bytes, sizeof(bytes) - 1);
	assert_string_equal(text_string(&text), "\"\\u00fc \\u2014 \\ud83d\\udea2\"");
	text_clear(&text);
	text_add_json_string(&text, bytes, 5); /* cut within a character */
	assert_string_equal(text_string(&text), "\"\\u00fc \\ufffd\\ufffd\"");
	text_clear(&text);
	text_add_json_string(&text, "\xc0\x80\xed\xa0\x80", 5); /* overlong; a surrogate */
	assert_string_equal(text_string(&text), "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void clearing_keeps_the_room(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	text_clear(&text);
	assert_string_equal(text_string(&text), "");
	text_add(&text, "abc");
	size_t capacity = text.capacity;
	text_clear(&text);
	assert_string_equal(text_string(&text), "");
	assert_int_equal(text.length, 0);
	assert_int_equal(text.capacity, capacity);
}

static void a_failure_is_remembered_and_keeps_what_there_was(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	text_add(&text, "abc");
	text_add_bytes(&text, "", (size_t)1 << 62);
	assert_true(text_failed(&text));
	text_add(&text, "def");
	text_addf(&text, "%d", 1);
	assert_true(text_failed(&text));
	assert_string_equal(text_string(&text), "abc");
}

static void freed_text_may_be_used_again(void **state)
{
	struct text text = TEXT_EMPTY;

	(void)state;
	text_add(&text, "abc");
	text_free(&text);
	assert_string_equal(text_string(&text), "");
	text_add(&text, "d");
	assert_string_equal(text_string(&text), "d");
	text_free(&text);
}

static void what_a_terminal_would_obey_becomes_a_question_mark(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	text_add_printable(&text, "f\xc3\xbcr \033[2J\r\n\x7f \xc2\x9b \xff \xe6\x97\xa5");
	assert_string_equal(text_string(&text), "f\xc3\xbcr ?[2J??? ? ? \xe6\x97\xa5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_would_obey_becomes_a_question_mark),
		cmocka_unit_test(text_grows_as_it_is_added_to),
		cmocka_unit_test(text_of_every_length_ends_in_nul),
		cmocka_unit_test(bytes_may_hold_nul),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(json_strings_keep_every_character_of_utf8),
		cmocka_unit_test(clearing_keeps_the_room),
		cmocka_unit_test(a_failure_is_remembered_and_keeps_what_there_was),
		cmocka_unit_test(freed_text_may_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
