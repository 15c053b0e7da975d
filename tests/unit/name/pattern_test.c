#include "name/pattern.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A10  "aaaaaaaaaa"
#define A60  A10 A10 A10 A10 A10 A10
#define L63  A60 "aaa"
#define N251 L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaaaa"

static struct pattern parse(const char *text)
{
	struct pattern pattern;
	const char *message = NULL;

	if (pattern_parse(text, &pattern, &message) < 0)
		fail_msg("'%s': %s", text, message);
	assert_null(message);
	return pattern;
}

static struct name name_of(const char *text)
{
	struct name name;

	assert_int_equal(name_from_wire(text, strlen(text), &name), NAME_OK);
	return name;
}

static bool matches(const char *pattern_text, const char *name_text)
{
	struct pattern pattern = parse(pattern_text);
	struct name name = name_of(name_text);

	return pattern_matches(&pattern, &name);
}

static void assert_refused(const char *text, const char *part_of_message)
{
	struct pattern pattern, untouched;
	const char *message = NULL;

	memset(&pattern, 0x5a, sizeof(pattern));
	memset(&untouched, 0x5a, sizeof(untouched));
	if (pattern_parse(text, &pattern, &message) != -EINVAL)
		fail_msg("'%s' is taken", text);
	assert_non_null(message);
	if (!strstr(message, part_of_message))
		fail_msg("'%s': %s", text, message);
	assert_non_null(strstr(message, "allow")); /* it says what is allowed */
	assert_memory_equal(&pattern, &untouched, sizeof(pattern));
}

static void each_kind_is_recognised_and_printed_canonically(void **state)
{
	static const struct {
		const char *text;
		enum pattern_kind kind;
		const char *canonical;
		bool leading_dot;
	} cases[] = {
		{"MCR.microsoft.com.", PATTERN_EXACT, "mcr.microsoft.com", false},
		{"com", PATTERN_EXACT, "com", false},
		{"*.Data.mcr.microsoft.com", PATTERN_BELOW, "*.data.mcr.microsoft.com", false},
		{".a.b.", PATTERN_BELOW, "*.a.b", true},
		{"*.com", PATTERN_BELOW, "*.com", false},
		{"*", PATTERN_ANY, "*", false},
		{"MD-*.blob.x", PATTERN_LABEL, "md-*.blob.x", false},
		{"*_9.x", PATTERN_LABEL, "*_9.x", false},
		{"aZ09-_*b.c", PATTERN_LABEL, "az09-_*b.c", false},
		{"*.b\xc3\xbc"
		 "cher.de",
		 PATTERN_BELOW, "*.xn--bcher-kva.de", false},
		{L63 "*.b", PATTERN_LABEL, L63 "*.b", false},
		{"*." N251, PATTERN_BELOW, "*." N251, false},
		{"a*." N251, PATTERN_LABEL, "a*." N251, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern pattern = parse(cases[i].text), again;
		char text[PATTERN_TEXT_SIZE], text_again[PATTERN_TEXT_SIZE];

		assert_int_equal(pattern.kind, cases[i].kind);
		assert_int_equal(pattern.leading_dot, cases[i].leading_dot);
		assert_ptr_equal(pattern_format(&pattern, text), text);
		assert_string_equal(text, cases[i].canonical);
		again = parse(text);
		assert_string_equal(pattern_format(&again, text_again), text);
		assert_false(again.leading_dot);
	}
}

static void anything_else_is_refused_with_what_is_allowed(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "empty"},
		{".", "empty"},
		{"*.", "empty"},
		{"a*.", "empty"},
		{"**", "'*'"},
		{"*a", "'*'"},
		{"md-*", "'*'"},
		{"**.a", "'*'"},
		{"a*b*.c", "'*'"},
		{"*.*.a", "'*'"},
		{"*.*", "'*'"},
		{"a.*", "'*'"},
		{"a.*.b", "'*'"},
		{".*.a", "'*'"},
		{"a*.b*.c", "'*'"},
		{"b\xc3\xbc*.de", "around a '*'"},
		{"a b*.de", "around a '*'"},
		{"a*@.de", "around a '*'"},
		{"a[*.de", "around a '*'"},
		{"a{*.de", "around a '*'"},
		{"a:*.de", "around a '*'"},
		{"a/*.de", "around a '*'"},
		{L63 "*a.b", "at most 63"},
		{"*..a", "empty label"},
		{"..a", "empty label"},
		{"a..b", "empty label"},
		{"*.a..", "empty label"},
		{L63 "a.b", "label of the name is too long"},
		{"https://a.b", "scheme"},
		{"a.b:443", "port"},
		{"a.b/*", "'*'"},
		{"a.b/c", "path"},
		{"10.0.0.1", "address"},
		{"*.0.0.1", "address"},
		{"::1", "address"},
		{"\xff.a", "internationalised"},
		{N251 "." N251, "253"},
		{"*." N251 "a", "can match"},
		{"aa*." N251, "can match"},
		{"a*a." N251, "can match"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, cases[i].message);
}

static void an_exact_pattern_matches_its_name_only(void **state)
{
	(void)state;
	assert_true(matches("a.b.c", "A.b.c."));
	assert_false(matches("a.b.c", "x.a.b.c"));
	assert_false(matches("a.b.c", "b.c"));
	assert_false(matches("a.b.c", "a.b.d"));
}

static void a_wildcard_matches_any_number_of_labels_below(void **state)
{
	(void)state;
	assert_true(matches("*.b.c", "a.b.c"));
	assert_true(matches("*.b.c", "x.y.z.b.c"));
	assert_true(matches(".b.c", "a.b.c"));
	assert_true(matches("*.b.c", "b.c.b.c"));
}

static void a_wildcard_never_matches_its_apex(void **state)
{
	(void)state;
	assert_false(matches("*.b.c", "b.c"));
	assert_false(matches(".b.c", "b.c"));
	assert_false(matches("*.b.c", "c"));
}

static void a_wildcard_matches_whole_labels_only(void **state)
{
	(void)state;
	assert_false(matches("*.b.c", "ab.c"));
	assert_false(matches("*.b.c", "x.ab.c"));
	assert_false(matches("*.b.c", "a.b.c.d"));
	assert_false(matches("*.b.c", "a.b_c"));
}

static void a_star_inside_a_label_matches_within_that_label(void **state)
{
	(void)state;
	assert_true(matches("md-*.b.c", "md-x.b.c"));
	assert_true(matches("md-*.b.c", "md-.b.c"));
	assert_true(matches("*-md.b.c", "x-md.b.c"));
	assert_true(matches("a*b.c", "ab.c"));
	assert_true(matches("a*b.c", "axyb.c"));
	assert_false(matches("a*b.c", "a.b.c"));
	assert_false(matches("a*b.c", "ax.b.c"));
	assert_false(matches("md-*.b.c", "x.md-x.b.c"));
	assert_false(matches("md-*.b.c", "md-x.y.b.c"));
	assert_false(matches("md-*.b.c", "md.b.c"));
	assert_false(matches("md-*.b.c", "me-x.b.c"));
	assert_false(matches("md-*.b.c", "b.c"));
	assert_false(matches("md-*.b.c", "md-x.b.d"));
	assert_false(matches("*b.c", "a.c"));
}

static void the_fixed_parts_of_a_label_never_overlap(void **state)
{
	(void)state;
	assert_false(matches("ab*ba.c", "aba.c"));
	assert_true(matches("ab*ba.c", "abba.c"));
	assert_false(matches("a*a.c", "a.c"));
}

static void a_star_alone_matches_every_name(void **state)
{
	(void)state;
	assert_true(matches("*", "a"));
	assert_true(matches("*", "a.b.c"));
	assert_true(matches("*", N251));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_recognised_and_printed_canonically),
		cmocka_unit_test(anything_else_is_refused_with_what_is_allowed),
		cmocka_unit_test(an_exact_pattern_matches_its_name_only),
		cmocka_unit_test(a_wildcard_matches_any_number_of_labels_below),
		cmocka_unit_test(a_wildcard_never_matches_its_apex),
		cmocka_unit_test(a_wildcard_matches_whole_labels_only),
		cmocka_unit_test(a_star_inside_a_label_matches_within_that_label),
		cmocka_unit_test(the_fixed_parts_of_a_label_never_overlap),
		cmocka_unit_test(a_star_alone_matches_every_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
