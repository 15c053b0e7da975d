#include "name/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "name/table_impl.h"

#define TABLES           600
#define NAMES_A_TABLE    50
#define PATTERNS_A_TABLE 40
#define VALUES           48
#define MANY             300000

struct rule {
	const char *pattern;
	uint32_t value;
};

static uint64_t s_random;

static uint32_t random_below(uint32_t limit)
{
	s_random ^= s_random << 13;
	s_random ^= s_random >> 7;
	s_random ^= s_random << 17;
	return (uint32_t)(s_random >> 32) % limit;
}

static struct pattern parse(const char *text)
{
	struct pattern pattern;
	const char *message;

	if (pattern_parse(text, &pattern, &message) < 0)
		fail_msg("'%s': %s", text, message);
	return pattern;
}

static struct name name_of(const char *text)
{
	struct name name;

	assert_int_equal(name_from_wire(text, strlen(text), &name), NAME_OK);
	return name;
}

static void add(struct name_table_builder *builder, const char *text, uint32_t value)
{
	struct pattern pattern = parse(text);

	assert_int_equal(name_table_builder_add(builder, &pattern, value), 0);
}

static struct name_table *build(const struct rule *rules, size_t count)
{
	struct name_table_builder *builder = name_table_builder_new();
	struct name_table *table;

	assert_non_null(builder);
	for (size_t i = 0; i < count; i++)
		add(builder, rules[i].pattern, rules[i].value);
	table = name_table_build(builder);
	assert_non_null(table);
	return table;
}

/* The values found, as "1 2 3". */
static void assert_found(const struct name_table *table, const char *name_text,
			 const char *expected)
{
	struct name name = name_of(name_text);
	struct name_table_cursor cursor;
	char found[256] = "";
	uint32_t value;
	size_t used = 0;

	name_table_find(table, &name, &cursor);
	memset(&name, 0, sizeof(name)); /* the cursor does not need it */
	while (name_table_next(&cursor, &value))
		used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%u",
					 used ? " " : "", value);
	assert_false(name_table_next(&cursor, &value));
	assert_string_equal(found, expected);
}

static void an_empty_table_matches_nothing(void **state)
{
	struct name_table_exact exact;
	size_t at = 0;
	struct name_table *table = build(NULL, 0);

	(void)state;
	assert_found(table, "a.b", "");
	assert_false(name_table_next_exact(table, &at, &exact));
	assert_true(name_table_memory(table) > 0);
	name_table_free(table);
}

static void each_kind_of_pattern_is_found(void **state)
{
	static const struct rule rules[] = {
		{"a.b.c", 5}, {"*.b.c", 4}, {"*.c", 3}, {"md-*.b.c", 2}, {"*", 1}, {"b.c", 0},
	};
	struct name_table *table = build(rules, sizeof(rules) / sizeof(rules[0]));

	(void)state;
	assert_found(table, "a.b.c", "1 3 4 5");
	assert_found(table, "b.c", "0 1 3");
	assert_found(table, "c", "1");
	assert_found(table, "md-.b.c", "1 2 3 4");
	assert_found(table, "md-x.b.c", "1 2 3 4");
	assert_found(table, "x.md-x.b.c", "1 3 4");
	assert_found(table, "md-x.y.b.c", "1 3 4");
	assert_found(table, "x.a.b.c", "1 3 4");
	assert_found(table, "xa.b.c", "1 3 4");
	assert_found(table, "other", "1");
	name_table_free(table);
}

static void values_come_ascending_and_once(void **state)
{
	static const struct rule rules[] = {
		{"a.b", 7},
		{"a.b", 3},
		{"a.b", 7},
		{"*.b", 9},
		{"*.b", 3},
		{"*", 8},
		{"*", 3},
		{"*", 0},
		{"a*.b", 3},
		{"*a.b", 3},
		{"a*.b", 4294967295},
		{"*a.b", 1},
		{"a*.b", 1},
	};
	struct name_table *table = build(rules, sizeof(rules) / sizeof(rules[0]));

	(void)state;
	assert_found(table, "a.b", "0 1 3 7 8 9 4294967295");
	assert_found(table, "aa.b", "0 1 3 8 9 4294967295");
	assert_found(table, "x.b", "0 3 8 9");
	assert_found(table, "b", "0 3 8");
	name_table_free(table);
}

static void label_patterns_of_one_suffix_are_told_apart(void **state)
{
	static const struct rule rules[] = {
		{"a*.x", 6},  {"*a.x", 5},  {"ab*.x", 4},         {"*ab.x", 3},
		{"a*b.x", 2}, {"a*b.y", 1}, {"abcdef*ghij.x", 0},
	};
	struct name_table *table = build(rules, sizeof(rules) / sizeof(rules[0]));

	(void)state;
	assert_found(table, "a.x", "5 6");
	assert_found(table, "ab.x", "2 3 4 6");
	assert_found(table, "aba.x", "4 5 6");
	assert_found(table, "ab.y", "1");
	assert_found(table, "abcdefghij.x", "0 4 6");
	assert_found(table, "abcdefghi.x", "4 6");
	assert_found(table, "x", "");
	name_table_free(table);
}

static void more_label_patterns_than_lists_may_match_one_name(void **state)
{
	struct name_table_builder *builder = name_table_builder_new();
	struct name_table_cursor cursor;
	char text[PATTERN_TEXT_SIZE], label[LABEL_MAX_LENGTH + 1];
	uint32_t count = 0, value;

	(void)state;
	memset(label, 'a', LABEL_MAX_LENGTH);
	label[LABEL_MAX_LENGTH] = '\0';
	for (int prefix = 1; prefix < LABEL_MAX_LENGTH; prefix++)
		for (int postfix = 0; prefix + postfix <= LABEL_MAX_LENGTH; postfix++) {
			snprintf(text, sizeof(text), "%.*s*%.*s.b", prefix, label, postfix, label);
			add(builder, text, count++);
		}
	struct name_table *table = name_table_build(builder);
	snprintf(text, sizeof(text), "%s.b", label);
	struct name name = name_of(text);
	name_table_find(table, &name, &cursor);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(name_table_next(&cursor, &value));
		assert_int_equal(value, i);
	}
	assert_false(name_table_next(&cursor, &value));
	name_table_free(table);
}

static void a_name_of_127_labels_meets_all_of_its_suffixes(void **state)
{
	struct name_table_builder *builder = name_table_builder_new();
	struct name_table_cursor cursor;
	char text[NAME_MAX_LENGTH + 1];
	uint32_t value, count = 0;

	(void)state;
	for (size_t i = 0; i < NAME_MAX_LENGTH; i++)
		text[i] = i % 2 ? '.' : 'a';
	text[NAME_MAX_LENGTH] = '\0';
	struct name name = name_of(text);
	add(builder, "*", count++);
	add(builder, text, count++);
	for (size_t i = 0; i + 2 < NAME_MAX_LENGTH; i += 2) {
		text[i] = '*';
		add(builder, text + i, count++);
	}
	struct name_table *table = name_table_build(builder);
	assert_non_null(table);
	name_table_find(table, &name, &cursor);
	assert_int_equal(cursor.count, NAME_MAX_LABELS + 1);
	assert_int_equal(cursor.count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(name_table_next(&cursor, &value));
		assert_int_equal(value, i);
	}
	assert_false(name_table_next(&cursor, &value));
	name_table_free(table);
}

static void three_hundred_thousand_names_are_found_each_with_its_own_value(void **state)
{
	struct name_table_builder *builder = name_table_builder_new();
	struct name_table_cursor cursor;
	char text[64];
	uint32_t value;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text),
			 i % 2 ? "*.host-%u.example.com" : "host-%u.example.com", i);
		add(builder, text, i);
	}
	struct name_table *table = name_table_build(builder);
	assert_non_null(table);
	assert_true(name_table_memory(table) < (size_t)MANY * 64);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text),
			 i % 2 ? "x.host-%u.example.com" : "host-%u.example.com", i);
		struct name name = name_of(text);
		name_table_find(table, &name, &cursor);
		assert_true(name_table_next(&cursor, &value));
		assert_int_equal(value, i);
		assert_false(name_table_next(&cursor, &value));
		snprintf(text, sizeof(text), "host-%u.example.org", i);
		name = name_of(text);
		name_table_find(table, &name, &cursor);
		assert_false(name_table_next(&cursor, &value));
	}
	name_table_free(table);
}

/* Looks for a name whose hash leads to the record of another: 2^22 tries on average. */
static void a_name_whose_hash_collides_is_told_apart(void **state)
{
	static const struct rule rule = {"00000000.x", 1};
	struct name_table *table = build(&rule, 1);
	uint64_t suffix = hash_label(&table->key, 0, "x", 1);
	uint64_t wanted = hash_label(&table->key, suffix, "00000000", 8);
	uint32_t tries = 1;
	char text[16];

	(void)state;
	assert_found(table, "00000000.x", "1");
	for (; tries < 1u << 27; tries++) {
		static const char digits[] = "0123456789abcdef";

		for (int i = 0; i < 8; i++)
			text[i] = digits[tries >> (4 * i) & 15];
		uint64_t hash = hash_label(&table->key, suffix, text, 8);
		if (bucket_of(table, hash) == bucket_of(table, wanted) &&
		    record_header(hash, 10) == record_header(wanted, 10))
			break;
	}
	assert_true(tries < 1u << 27);
	strcpy(text + 8, ".x");
	assert_found(table, text, "");
	name_table_free(table);
}

static void exact_names_are_walked_with_their_values(void **state)
{
	static const char *const others[] = {"*", "*.a.example", "md-*.b.example", "*.c.example"};
	struct name_table_builder *builder = name_table_builder_new();
	struct name_table_exact exact;
	size_t at = 0, walked = 0;
	bool seen[100] = {0};
	unsigned int number;
	char text[32];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		add(builder, others[i], 7);
	for (uint32_t i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "h%u.%c.example", i, 'a' + (char)(i % 4));
		add(builder, text, i + 2);
		add(builder, text, i);
	}
	struct name_table *table = name_table_build(builder);
	assert_non_null(table);
	for (; name_table_next_exact(table, &at, &exact); walked++) {
		assert_int_equal(sscanf(exact.name.text, "h%u.", &number), 1);
		assert_in_range(number, 0, 99);
		assert_false(seen[number]);
		seen[number] = true;
		assert_int_equal(exact.name.length, strlen(exact.name.text));
		assert_int_equal(exact.count, 2);
		assert_true(exact.values[0] == number && exact.values[1] == number + 2);
		assert_true(name_table_has_exact(table, &exact.name, number));
		assert_false(name_table_has_exact(table, &exact.name, number + 1));
	}
	assert_int_equal(walked, 100);
	struct name below = name_of("x.a.example"), suffix = name_of("a.example");
	assert_false(name_table_has_exact(table, &below, 7));
	assert_false(name_table_has_exact(table, &suffix, 7));
	name_table_free(table);
}

static void freeing_nothing_is_allowed(void **state)
{
	(void)state;
	name_table_free(NULL);
	name_table_builder_free(NULL);
	name_table_builder_free(name_table_builder_new());
}

/* One to four labels out of a few, so that patterns and names often agree. */
static void random_name(char *text, uint32_t most_labels)
{
	static const char *const labels[] = {"a", "b", "ab", "ba", "a-b"};

	*text = '\0';
	for (uint32_t count = 1 + random_below(most_labels); count > 0; count--) {
		strcat(text, labels[random_below(sizeof(labels) / sizeof(labels[0]))]);
		if (count > 1)
			strcat(text, ".");
	}
}

static void random_pattern(char *text)
{
	static const char *const heads[] = {"",    "",     "*.",   ".",    "a*.",    "*a.",
					    "b*.", "ab*.", "a*a.", "*-b.", "ab*ba.", "a*b."};

	strcpy(text, heads[random_below(sizeof(heads) / sizeof(heads[0]))]);
	random_name(text + strlen(text), 3);
	if (random_below(40) == 0)
		strcpy(text, "*");
}

static size_t naive_open_length(const struct pattern *pattern, const struct name *name)
{
	switch (pattern->kind) {
	case PATTERN_EXACT:
		return 0;
	case PATTERN_BELOW:
	case PATTERN_LABEL:
		return name->length - pattern->name.length - 1u;
	case PATTERN_ANY:
		break;
	}
	return name->length;
}

/* Both must give the same values in the same order; returns how many. */
static uint32_t compare_with_naive(const struct name_table *table, const struct pattern *patterns,
				   const uint32_t *values, const struct name *name)
{
	bool expected[VALUES] = {false};
	struct name_table_cursor cursor;
	uint32_t found = 0, value;
	size_t open = name->length;

	for (size_t i = 0; i < PATTERNS_A_TABLE; i++)
		if (pattern_matches(&patterns[i], name)) {
			size_t length = naive_open_length(&patterns[i], name);

			expected[values[i]] = true;
			open = length < open ? length : open;
		}
	assert_int_equal(name_table_open_length(table, name), open);
	name_table_find(table, name, &cursor);
	for (uint32_t i = 0; i < VALUES; i++) {
		if (!expected[i])
			continue;
		found++;
		if (!name_table_next(&cursor, &value) || value != i)
			fail_msg("'%s': value %u is not found in its place", name->text, i);
	}
	if (name_table_next(&cursor, &value))
		fail_msg("'%s': value %u is found, but does not match", name->text, value);
	return found;
}

static void the_table_agrees_with_comparing_each_pattern(void **state)
{
	static struct pattern patterns[PATTERNS_A_TABLE];
	uint32_t values[PATTERNS_A_TABLE], cases = 0, found = 0;
	char text[128];

	(void)state;
	s_random = 0x5a11790517u;
	for (int round = 0; round < TABLES; round++) {
		struct name_table_builder *builder = name_table_builder_new();

		for (size_t i = 0; i < PATTERNS_A_TABLE; i++) {
			random_pattern(text);
			patterns[i] = parse(text);
			values[i] = random_below(VALUES);
			assert_int_equal(name_table_builder_add(builder, &patterns[i], values[i]),
					 0);
		}
		struct name_table *table = name_table_build(builder);
		assert_non_null(table);
		for (int i = 0; i < NAMES_A_TABLE; i++, cases++) {
			random_name(text, 4);
			struct name name = name_of(text);
			found += compare_with_naive(table, patterns, values, &name);
		}
		name_table_free(table);
	}
	assert_true(cases >= 20000);
	assert_true(found >= cases); /* the small alphabet makes them meet */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_matches_nothing),
		cmocka_unit_test(each_kind_of_pattern_is_found),
		cmocka_unit_test(values_come_ascending_and_once),
		cmocka_unit_test(label_patterns_of_one_suffix_are_told_apart),
		cmocka_unit_test(more_label_patterns_than_lists_may_match_one_name),
		cmocka_unit_test(a_name_of_127_labels_meets_all_of_its_suffixes),
		cmocka_unit_test(three_hundred_thousand_names_are_found_each_with_its_own_value),
		cmocka_unit_test(a_name_whose_hash_collides_is_told_apart),
		cmocka_unit_test(exact_names_are_walked_with_their_values),
		cmocka_unit_test(freeing_nothing_is_allowed),
		cmocka_unit_test(the_table_agrees_with_comparing_each_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
