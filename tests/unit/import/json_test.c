#include "import/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static struct json_tree *parse(const char *text)
{
	struct problems *problems = problems_new();
	struct json_tree *tree = json_tree_parse(text, strlen(text), "x.json", problems);

	assert_int_equal(problems_count(problems), 0);
	assert_non_null(tree);
	problems_free(problems);
	return tree;
}

static void expect_refusal_of(const char *text, size_t length, const char *complaint)
{
	struct problems *problems = problems_new();
	char *said;

	assert_null(json_tree_parse(text, length, "x.json", problems));
	said = problems_format(problems);
	assert_string_equal(said, complaint);
	free(said);
	problems_free(problems);
}

static void expect_refusal(const char *text, const char *complaint)
{
	expect_refusal_of(text, strlen(text), complaint);
}

static void expect_place(const struct json_item *item, unsigned int line, unsigned int column)
{
	struct problem_place place = json_item_place(item);

	assert_string_equal(place.file, "x.json");
	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
}

static void every_value_knows_its_place(void **state)
{
	struct json_tree *tree = parse("{\"a\" : [true,\n  true, null],\n"
				       "\t\"\\\"}\\\\\":{\"ü]\":-1.5e3 , \"n\":12},\"z\":\"\"}");
	const struct json_item *root = json_tree_root(tree), *list = json_item_find(root, "a");
	const struct json_item *inner = json_item_find(root, "\"}\\");

	(void)state;
	expect_place(root, 1, 1);
	expect_place(list, 1, 8);
	expect_place(json_item_at(list, 0), 1, 9);
	expect_place(json_item_at(list, 1), 2, 3);
	expect_place(json_item_at(list, 2), 2, 9);
	expect_place(inner, 3, 10);
	expect_place(json_item_find(inner, "ü]"), 3, 16);
	expect_place(json_item_find(inner, "n"), 3, 29);
	expect_place(json_item_find(root, "z"), 3, 37);
	json_tree_free(tree);
}

static void values_are_read_by_their_kind(void **state)
{
	struct json_tree *tree = parse("[\"x\",7,7.5,true,false,null,{\"k\":null,\"l\":1},[]]");
	static const enum json_kind kinds[] = {JSON_KIND_STRING, JSON_KIND_INTEGER, JSON_KIND_REAL,
					       JSON_KIND_BOOL,   JSON_KIND_BOOL,    JSON_KIND_NULL,
					       JSON_KIND_OBJECT, JSON_KIND_LIST};
	const struct json_item *root = json_tree_root(tree);
	int64_t number = 0;

	(void)state;
	assert_int_equal(json_item_count(root), 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(json_item_kind(json_item_at(root, i)), kinds[i]);
	assert_string_equal(json_item_text(json_item_at(root, 0)), "x");
	assert_null(json_item_text(json_item_at(root, 1)));
	assert_true(json_item_integer(json_item_at(root, 1), &number));
	assert_int_equal(number, 7);
	assert_false(json_item_integer(json_item_at(root, 2), &number));
	assert_true(json_item_is_true(json_item_at(root, 3)));
	assert_false(json_item_is_true(json_item_at(root, 4)));
	assert_null(json_item_find(json_item_at(root, 6), "k"));
	assert_string_equal(json_item_key(json_item_find(json_item_at(root, 6), "l")), "l");
	assert_null(json_item_find(json_item_at(root, 7), "l"));
	assert_null(json_item_find(NULL, "l"));
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(json_item_is_empty(json_item_at(root, i)),
				 i == 4 || i == 5 || i == 7);
	json_tree_free(tree);
}

static void a_byte_order_mark_before_utf8_is_passed_over(void **state)
{
	struct json_tree *tree = parse("\xef\xbb\xbf[1]");

	(void)state;
	expect_place(json_item_at(json_tree_root(tree), 0), 1, 2);
	json_tree_free(tree);
}

static void a_made_string_stands_where_its_model_does(void **state)
{
	struct json_tree *tree = parse("{\"k\":\n \"[x]\"}");
	const struct json_item *model = json_item_find(json_tree_root(tree), "k");
	const struct json_item *made = json_tree_add_string(tree, model, "y");

	(void)state;
	expect_place(made, 2, 2);
	assert_string_equal(json_item_text(made), "y");
	assert_string_equal(json_item_key(made), "k");
	json_tree_free(tree);
}

static void faults_of_grammar_are_told_with_their_place(void **state)
{
	(void)state;
	expect_refusal("{\"a\":1,\n\"a\":2}",
		       "x.json:2:3: error: not valid JSON: duplicate object key "
		       "near '\"a\"'\n");
	expect_refusal("[1,\n2", "x.json:2:1: error: not valid JSON: ']' expected near end of file "
				 "(is the file truncated?)\n");
	expect_refusal("[1] x",
		       "x.json:1:5: error: not valid JSON: end of file expected near 'x'\n");
	expect_refusal("[\"\\u0000\"]", "x.json:1:9: error: not valid JSON: no string may hold "
					"the character \\u0000\n");
	expect_refusal("// words\n[]",
		       "x.json:1:1: error: not valid JSON: invalid token near '/'\n");
	expect_refusal("[99999999999999999999]",
		       "x.json:1:21: error: not valid JSON: too big integer "
		       "near '99999999999999999999'\n");
}

static void what_is_not_utf8_text_is_told_apart(void **state)
{
	(void)state;
	expect_refusal("", "x.json:1:1: error: the file is empty\n");
	expect_refusal(" \r\n\t", "x.json:1:1: error: the file is empty\n");
	expect_refusal("[\n\"M\xfcnchen\"]",
		       "x.json:2:3: error: the file is not UTF-8 from here on: save it as UTF-8\n");
	expect_refusal_of("[1,\0]", 5,
			  "x.json:1:4: error: the file is binary, not JSON: a zero byte stands "
			  "here\n");
	static const char utf16[] = "x.json:1:1: error: the file is UTF-16 (as PowerShell's '>' "
				    "writes it) or binary; JSON is UTF-8: save it so, as with "
				    "Out-File -Encoding utf8\n";
	expect_refusal_of("\xff\xfe[\0]\0", 6, utf16);
	expect_refusal_of("[\0]\0", 4, utf16);
	expect_refusal_of("\0[\0]", 4, utf16);
}

static void nesting_is_bounded(void **state)
{
	cleanup(text_free) struct text deep = TEXT_EMPTY, deeper = TEXT_EMPTY;
	struct json_tree *tree;

	(void)state;
	for (int i = 0; i < JSON_DEPTH_LIMIT; i++)
		text_add(&deep, "[");
	text_addf(&deeper, "%s\n[\"[[\"", deep.data);
	for (int i = 0; i < JSON_DEPTH_LIMIT; i++)
		text_add(&deep, "]");
	tree = parse(deep.data);
	json_tree_free(tree);
	expect_refusal(deeper.data,
		       "x.json:2:1: error: lists and objects are nested too deeply: at "
		       "most 64 within each other are read\n");
}

static void brackets_in_strings_do_not_nest(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	text_add(&text, "[\"\\\\\\\"");
	for (int i = 0; i < 100; i++)
		text_add(&text, "[");
	text_add(&text, "\"]");
	json_tree_free(parse(text.data));
}

static void the_number_of_values_is_bounded(void **state)
{
	size_t length = 2 * (size_t)JSON_ITEM_LIMIT + 2;
	char *text = malloc(length);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', length);
	text[0] = '[';
	for (size_t i = 1; i < length; i += 2)
		text[i] = ',';
	struct problems *problems = problems_new();
	assert_null(json_tree_parse(text, length, "x.json", problems));
	assert_string_equal(problems_at(problems, 0)->text,
			    "the file has more than 4,000,000 values");
	problems_free(problems);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_knows_its_place),
		cmocka_unit_test(values_are_read_by_their_kind),
		cmocka_unit_test(a_byte_order_mark_before_utf8_is_passed_over),
		cmocka_unit_test(a_made_string_stands_where_its_model_does),
		cmocka_unit_test(faults_of_grammar_are_told_with_their_place),
		cmocka_unit_test(what_is_not_utf8_text_is_told_apart),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(brackets_in_strings_do_not_nest),
		cmocka_unit_test(the_number_of_values_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
