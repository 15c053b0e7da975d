/*
 * Service-tag files that are not what they should be, made from one small good file. Whatever is
 * wrong, there is one complaint and no tags; what only looks odd is taken.
 */
#include "tags/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The shape of 2019: no regionId, no networkFeatures. */
static const char s_good[] = "{\n"
			     "  \"changeNumber\": 7,\n"
			     "  \"cloud\": \"AzureGermany\",\n"
			     "  \"values\": [\n"
			     "    {\n"
			     "      \"name\": \"Storage\",\n"
			     "      \"id\": \"Storage\",\n"
			     "      \"properties\": {\n"
			     "        \"changeNumber\": 1,\n"
			     "        \"region\": \"\",\n"
			     "        \"platform\": \"Azure\",\n"
			     "        \"systemService\": \"\",\n"
			     "        \"addressPrefixes\": [\"51.4.0.0/17\", \"51.5.0.0/17\"]\n"
			     "      }\n"
			     "    }\n"
			     "  ]\n"
			     "}\n";

static struct service_tags *parse(const char *bytes, size_t length, char **ret_said)
{
	struct problems *problems = problems_new();
	struct service_tags *tags = service_tags_parse(bytes, length, "tags.json", problems);

	assert_int_equal(tags == NULL, problems_has_errors(problems));
	assert_int_equal(problems_count(problems), tags ? 0 : 1);
	*ret_said = problems_format(problems);
	problems_free(problems);
	return tags;
}

static void expect_taken(const char *bytes, size_t length)
{
	cleanup(free_memory) char *said = NULL;
	struct service_tags *tags = parse(bytes, length, &said);

	assert_string_equal(said, "");
	assert_int_equal(service_tags_count(tags), 1);
	assert_non_null(service_tags_find(tags, "storage"));
	service_tags_free(tags);
}

static void expect_refused(const char *bytes, size_t length, const char *complaint)
{
	cleanup(free_memory) char *said = NULL;

	assert_null(parse(bytes, length, &said));
	assert_string_equal(said, complaint);
}

/* A copy of the good file with one text instead of another. The caller frees. */
static char *replaced(const char *old, const char *new)
{
	const char *at = strstr(s_good, old);
	char *text = NULL;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - s_good), s_good, new, at + strlen(old)) >
		    0);
	return text;
}

static void expect_replaced_refused(const char *old, const char *new, const char *complaint)
{
	cleanup(free_memory) char *text = replaced(old, new);

	expect_refused(text, strlen(text), complaint);
}

static void expect_replaced_taken(const char *old, const char *new)
{
	cleanup(free_memory) char *text = replaced(old, new);

	expect_taken(text, strlen(text));
}

static void the_shape_of_every_year_is_taken(void **state)
{
	(void)state;
	expect_taken(s_good, strlen(s_good));
	expect_replaced_taken("\"platform\"", "\"regionId\": 0, \"platform\"");
	expect_replaced_taken("\"platform\"", "\"networkFeatures\": null, \"platform\"");
	expect_replaced_taken("\"platform\"", "\"networkFeatures\": [\"API\"], \"platform\"");
	expect_replaced_taken("\"platform\"", "\"of a later year\": {\"a\": []}, \"platform\"");
}

static void line_ends_and_a_mark_make_no_difference(void **state)
{
	cleanup(free_memory) char *crlf = calloc(2, sizeof(s_good)), *marked = NULL;
	size_t length = 0;

	(void)state;
	assert_non_null(crlf);
	for (const char *at = s_good; *at; at++) {
		if (*at == '\n')
			crlf[length++] = '\r';
		crlf[length++] = *at;
	}
	expect_taken(crlf, length);
	assert_true(asprintf(&marked, "\xef\xbb\xbf%s", s_good) > 0);
	expect_taken(marked, strlen(marked));
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	(void)state;
	expect_refused("", 0, "tags.json:1:1: error: the file is empty\n");
	for (size_t length = 1; length < strlen(s_good) - 1; length++) {
		cleanup(free_memory) char *said = NULL;
		cleanup(free_memory) char *cut = malloc(length); /* a byte too far is noticed */

		assert_non_null(cut);
		memcpy(cut, s_good, length);
		assert_null(parse(cut, length, &said));
		assert_memory_equal(said, "tags.json:", 10);
	}
}

static void another_encoding_is_refused_by_its_name(void **state)
{
	static const char words[] =
		"tags.json:1:1: error: the file is UTF-16 (as PowerShell's '>' writes it) or "
		"binary; JSON is UTF-8: save it so, as with Out-File -Encoding utf8\n";

	(void)state;
	expect_refused("\xff\xfe{\0}\0", 6, words);
	expect_refused("\xfe\xff\0{\0}", 6, words);
	expect_refused("{\0}\0", 4, words);
	expect_refused("\0{\0}", 4, words);
	expect_replaced_refused(
		"Azure\"", "\xe4zure\"",
		"tags.json:11:22: error: the file is not UTF-8 from here on: save it as UTF-8\n");
}

static void bytes_that_are_no_json_are_refused_with_their_place(void **state)
{
	cleanup(free_memory) char *text = strdup(s_good);

	(void)state;
	assert_non_null(text);
	text[strlen("{\n  \"cha")] = '\0';
	expect_refused(text, strlen(s_good),
		       "tags.json:2:7: error: the file is binary, not JSON: a zero byte stands "
		       "here\n");
	expect_refused("\x7f\x45LF\x02", 5,
		       "tags.json:1:1: error: not valid JSON: '[' or '{' expected near '?'\n");
	expect_replaced_refused("]\n}\n", "]\n}\nx",
				"tags.json:18:1: error: not valid JSON: end of file expected near "
				"'x'\n");
	expect_replaced_refused("Storage", "Sto\\u0000rage",
				"tags.json:6:29: error: not valid JSON: \\u0000 is not allowed "
				"without JSON_ALLOW_NUL near '\"Sto\\u0000rage\"'\n");
}

static void a_key_that_is_there_twice_is_refused_at_any_depth(void **state)
{
	(void)state;
	expect_replaced_refused("\"cloud\"", "\"changeNumber\": 8, \"cloud\"",
				"tags.json:3:16: error: not valid JSON: duplicate object key near "
				"'\"changeNumber\"'\n");
	expect_replaced_refused("\"platform\"", "\"region\": \"x\", \"platform\"",
				"tags.json:11:16: error: not valid JSON: duplicate object key near "
				"'\"region\"'\n");
}

static void a_million_brackets_are_refused(void **state)
{
	static const char *const starts[] = {"[", "{\"a\":"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t step = strlen(starts[i]), length = step * 1000000;
		cleanup(free_memory) char *text = malloc(length), *said = NULL;

		assert_non_null(text);
		for (size_t at = 0; at < length; at += step)
			memcpy(text + at, starts[i], step);
		assert_null(parse(text, length, &said));
		assert_non_null(strstr(said, "nested too deeply"));
	}
}

static void more_values_than_any_file_has_are_refused(void **state)
{
	size_t length = 9000000;
	cleanup(free_memory) char *text = malloc(length);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < length; i++)
		text[i] = i % 2 ? ',' : '0';
	text[0] = '[';
	expect_refused(text, length,
		       "tags.json:1:8000000: error: the file has more than 4,000,000 values\n");
}

/* Brackets and commas within names are no values. */
static void a_long_text_is_one_value(void **state)
{
	size_t length = 5000000;
	cleanup(free_memory) char *commas = malloc(length + 1), *text = NULL;

	(void)state;
	assert_non_null(commas);
	memset(commas, ',', length);
	commas[length] = '\0';
	memcpy(commas, "\\\"[{", 4);
	text = replaced("\"systemService\": \"", "\"systemService\": \"\", \"long\": \"");
	char *whole = NULL, *at = strstr(text, "\"long\": \"") + strlen("\"long\": \"");
	assert_true(asprintf(&whole, "%.*s%s%s", (int)(at - text), text, commas, at) > 0);
	expect_taken(whole, strlen(whole));
	free(whole);
}

static void an_absurd_prefix_is_refused_with_its_tag(void **state)
{
	static const char *const absurd[] = {"",
					     "/",
					     "51.4.0.0/33",
					     "51.4.0.0/-1",
					     "51.4.0.0/",
					     "51.4.0.0/017",
					     "51.4.0/17",
					     "51.4.0.256",
					     "2603::/129",
					     "2603::1::/64",
					     " 51.4.0.0/17",
					     "51.4.0.0/17 ",
					     "51.4.0.0 /17",
					     "example.com",
					     "*",
					     "51.4.0.0/4294967297",
					     "51.4.0.0/17/17",
					     "[::1]",
					     "fe80::1%1"};
	char long_prefix[301];

	(void)state;
	for (size_t i = 0; i < sizeof(absurd) / sizeof(*absurd); i++)
		expect_replaced_refused("51.5.0.0/17", absurd[i],
					"tags.json: error: tag Storage, addressPrefixes[1]: "
					"expected an address prefix such as \"20.0.0.0/8\"\n");
	memset(long_prefix, '1', 300);
	long_prefix[300] = '\0';
	expect_replaced_refused("51.5.0.0/17", long_prefix,
				"tags.json: error: tag Storage, addressPrefixes[1]: "
				"expected an address prefix such as \"20.0.0.0/8\"\n");
	expect_replaced_refused("51.5.0.0/17", "51.5.0.1/17",
				"tags.json: error: tag Storage, addressPrefixes[1]: '51.5.0.1/17' "
				"has host bits set\n");
	expect_replaced_refused("51.5.0.0/17", "2603:1::/16",
				"tags.json: error: tag Storage, addressPrefixes[1]: '2603:1::/16' "
				"has host bits set\n");
	expect_replaced_taken("51.5.0.0/17", "51.5.0.1"); /* a host */
	expect_replaced_taken("51.5.0.0/17", "::/0");
}

static void a_name_of_300_bytes_is_refused(void **state)
{
	char name[302];

	(void)state;
	memset(name, 'a', 301);
	strcpy(name + 300, "\"");
	expect_replaced_refused("Storage\"", name,
				"tags.json: error: values[0]: expected a 'name' of 1 to 100 "
				"letters, digits, '.', '-' or '_'\n");
	strcpy(name + 300, "");
	expect_replaced_refused("\"region\": \"\"", "\"region\": \"East US\"",
				"tags.json: error: tag Storage: expected 'properties' with a "
				"'region' (may be empty)\n");
}

/* What is at the path is never read as a whole before its size is known. */
static void a_file_over_the_limit_is_refused_by_the_limit(void **state)
{
	char path[] = "/tmp/sallyport-tags-XXXXXX";
	int descriptor = mkstemp(path);
	struct problems *problems = problems_new();

	(void)state;
	assert_true(descriptor >= 0);
	assert_int_equal(ftruncate(descriptor, (64 << 20) + 1), 0);
	assert_null(service_tags_load(path, problems));
	assert_int_equal(problems_count(problems), 1);
	assert_string_equal(problems_at(problems, 0)->text,
			    "service tags cannot be read: the file is longer than 64 MiB");
	assert_string_equal(problems_at(problems, 0)->file, path);
	problems_free(problems);
	close(descriptor);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shape_of_every_year_is_taken),
		cmocka_unit_test(line_ends_and_a_mark_make_no_difference),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(another_encoding_is_refused_by_its_name),
		cmocka_unit_test(bytes_that_are_no_json_are_refused_with_their_place),
		cmocka_unit_test(a_key_that_is_there_twice_is_refused_at_any_depth),
		cmocka_unit_test(a_million_brackets_are_refused),
		cmocka_unit_test(more_values_than_any_file_has_are_refused),
		cmocka_unit_test(a_long_text_is_one_value),
		cmocka_unit_test(an_absurd_prefix_is_refused_with_its_tag),
		cmocka_unit_test(a_name_of_300_bytes_is_refused),
		cmocka_unit_test(a_file_over_the_limit_is_refused_by_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
