#include "yaml/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static struct yaml_tree *parse(const char *text)
{
	struct problems *problems = problems_new();
	struct yaml_tree *tree = yaml_tree_parse(text, strlen(text), "t.yaml", problems);

	assert_int_equal(problems_count(problems), 0);
	assert_non_null(tree);
	problems_free(problems);
	return tree;
}

static void expect_refusal_of(const char *text, size_t length, const char *complaint)
{
	struct problems *problems = problems_new();
	char *said;

	assert_null(yaml_tree_parse(text, length, "t.yaml", problems));
	said = problems_format(problems);
	assert_string_equal(said, complaint);
	free(said);
	problems_free(problems);
}

static void expect_refusal(const char *text, const char *complaint)
{
	expect_refusal_of(text, strlen(text), complaint);
}

static void every_node_knows_its_place_and_key(void **state)
{
	struct yaml_tree *tree = parse("a:\n  bc: [1, \"2\"]\n");
	const struct yaml_item *a = yaml_map_find(yaml_tree_root(tree), "a");
	const struct yaml_item *list = yaml_map_find(a, "bc");

	(void)state;
	assert_int_equal(yaml_item_kind(list), YAML_KIND_LIST);
	assert_int_equal(yaml_list_count(list), 2);
	struct problem_place place = yaml_item_place(yaml_list_at(list, 1));
	assert_string_equal(place.file, "t.yaml");
	assert_int_equal(place.line, 2);
	assert_int_equal(place.column, 11);
	assert_string_equal(yaml_item_key(yaml_list_at(list, 1)), "bc");
	assert_int_equal(yaml_item_place(yaml_map_key_at(a, 0)).column, 3);
	assert_string_equal(yaml_item_key(yaml_tree_root(tree)), "");
	yaml_tree_free(tree);
}

static void quoted_and_plain_scalars_are_told_apart(void **state)
{
	struct yaml_tree *tree = parse("[443, '443', \"443\", null, ~, 'null']");
	const struct yaml_item *list = yaml_tree_root(tree);

	(void)state;
	assert_true(yaml_scalar_is_plain(yaml_list_at(list, 0)));
	assert_false(yaml_scalar_is_plain(yaml_list_at(list, 1)));
	assert_false(yaml_scalar_is_plain(yaml_list_at(list, 2)));
	assert_true(yaml_item_is_null(yaml_list_at(list, 3)));
	assert_true(yaml_item_is_null(yaml_list_at(list, 4)));
	assert_false(yaml_item_is_null(yaml_list_at(list, 5)));
	assert_string_equal(yaml_scalar_text(yaml_list_at(list, 1)), "443");
	yaml_tree_free(tree);
}

static void an_empty_document_has_no_root(void **state)
{
	struct yaml_tree *tree = parse("# nothing\n");

	(void)state;
	assert_null(yaml_tree_root(tree));
	yaml_tree_free(tree);
}

static void an_absent_key_is_not_found(void **state)
{
	struct yaml_tree *tree = parse("a: {}\n");

	(void)state;
	assert_null(yaml_map_find(yaml_tree_root(tree), "b"));
	assert_int_equal(yaml_map_count(yaml_map_find(yaml_tree_root(tree), "a")), 0);
	yaml_tree_free(tree);
}

static void a_byte_order_mark_is_taken(void **state)
{
	struct yaml_tree *tree = parse("\xef\xbb\xbf"
				       "a: b\n");

	(void)state;
	assert_non_null(yaml_map_find(yaml_tree_root(tree), "a"));
	yaml_tree_free(tree);
}

static void aliases_anchors_tags_and_second_documents_are_refused(void **state)
{
	(void)state;
	expect_refusal("a: &x 1\n", "t.yaml:1:4: error: anchors (&name) are not taken: write the "
				    "value where it is used\n");
	expect_refusal("a: &x [1]\n", "t.yaml:1:4: error: anchors (&name) are not taken: write "
				      "the value where it is used\n");
	expect_refusal("a: *x\n",
		       "t.yaml:1:4: error: aliases (*name) are not taken: write the value out\n");
	expect_refusal("a: !!str 1\n", "t.yaml:1:4: error: tags (!name) are not taken\n");
	expect_refusal("a: !x {}\n", "t.yaml:1:4: error: tags (!name) are not taken\n");
	expect_refusal("a: 1\n---\nb: 1\n", "t.yaml:2:1: error: a second document ('---'): one "
					    "file holds one document\n");
}

static void a_key_is_a_word_and_stands_once(void **state)
{
	(void)state;
	expect_refusal("a: 1\nb: 2\na: 3\n",
		       "t.yaml:3:1: error: key 'a' is there twice; first at line 1\n");
	expect_refusal("[1]: 2\n",
		       "t.yaml:1:1: error: a key must be a word, not a list or a map\n");
}

static void text_that_is_not_yaml_is_refused_with_its_place(void **state)
{
	(void)state;
	expect_refusal("a: [1\nb: 2\n",
		       "t.yaml:2:2: error: not valid YAML: did not find expected ',' or ']' "
		       "(while parsing a flow sequence)\n");
	expect_refusal("a: b\nc: \xff\n",
		       "t.yaml:2:4: error: not UTF-8 text: invalid leading UTF-8 octet\n");
	expect_refusal("a: \"\\0\"\n", "t.yaml:1:4: error: a value contains a NUL byte\n");
	expect_refusal_of("a\0b", 3,
			  "t.yaml:1:2: error: not UTF-8 text: control characters are "
			  "not allowed\n");
}

static void nesting_stops_at_its_limit(void **state)
{
	char text[2 * YAML_DEPTH_LIMIT + 8] = "";

	(void)state;
	memset(text, '[', YAML_DEPTH_LIMIT);
	memset(text + YAML_DEPTH_LIMIT, ']', YAML_DEPTH_LIMIT);
	yaml_tree_free(parse(text));
	memset(text, '[', YAML_DEPTH_LIMIT + 1);
	expect_refusal(text, "t.yaml:1:33: error: lists and maps are nested too deeply (at most 32 "
			     "levels)\n");
}

static void sizes_stop_at_their_limits(void **state)
{
	struct text text = TEXT_EMPTY;

	(void)state;
	text_add(&text, "[");
	for (size_t i = 0; i < YAML_ITEM_LIMIT; i++)
		text_add(&text, "1,");
	text_add(&text, "]");
	expect_refusal(text_string(&text),
		       "t.yaml:1:8000000: error: the file has too many values (at most 4000000)\n");
	while (text.length <= YAML_SIZE_LIMIT)
		text_add(&text, "#                                           \n");
	expect_refusal(text_string(&text), "t.yaml:1:1: error: the file is longer than 64 MiB\n");
	text_free(&text);
}

static void a_file_that_cannot_be_read_is_a_problem(void **state)
{
	struct problems *problems = problems_new();
	char *said;

	(void)state;
	assert_null(yaml_tree_load("/nowhere/at/all.yaml", problems));
	assert_null(yaml_tree_load("/", problems));
	assert_null(yaml_tree_load("/dev/zero", problems));
	said = problems_format(problems);
	assert_string_equal(
		said, "/nowhere/at/all.yaml: error: cannot be read: No such file or "
		      "directory\n/: error: cannot be read: Is a directory\n/dev/zero: error: "
		      "cannot be read: Invalid argument\n");
	free(said);
	problems_free(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_node_knows_its_place_and_key),
		cmocka_unit_test(quoted_and_plain_scalars_are_told_apart),
		cmocka_unit_test(an_empty_document_has_no_root),
		cmocka_unit_test(an_absent_key_is_not_found),
		cmocka_unit_test(a_byte_order_mark_is_taken),
		cmocka_unit_test(aliases_anchors_tags_and_second_documents_are_refused),
		cmocka_unit_test(a_key_is_a_word_and_stands_once),
		cmocka_unit_test(text_that_is_not_yaml_is_refused_with_its_place),
		cmocka_unit_test(nesting_stops_at_its_limit),
		cmocka_unit_test(sizes_stop_at_their_limits),
		cmocka_unit_test(a_file_that_cannot_be_read_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
