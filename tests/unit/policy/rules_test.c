#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../pattern_at.h"
#include "policy/reason.h"
#include "policy/rules.h"

static void lists_grow_one_by_one_and_keep_what_they_hold(void **state)
{
	struct rule_set set = {0};
	struct rule_collection *collection = rule_set_add_collection(&set);
	struct rule *rule = rule_collection_add_rule(collection);

	(void)state;
	for (uint16_t i = 0; i < 100; i++) {
		struct ip_prefix prefix = {.address = ip_from_v4(i), .length = 32};
		struct name name = {.length = 1, .text = "a"};
		struct pattern pattern = {.kind = PATTERN_ANY};

		name.text[0] = (char)('a' + i % 26);
		assert_int_equal(rule_add_source(rule, &prefix), 0);
		assert_int_equal(rule_add_destination(rule, &prefix), 0);
		assert_int_equal(rule_add_fqdn(rule, &name), 0);
		assert_int_equal(rule_add_ports(rule, i, i), 0);
		assert_int_equal(rule_add_pattern(rule, &pattern), 0);
		assert_int_equal(rule_add_protocol(rule, APPLICATION_HTTPS, i), 0);
	}
	assert_int_equal(rule->source_count, 100);
	assert_int_equal(rule->patterns.count, 100);
	for (uint16_t i = 0; i < 100; i++) {
		struct ip_address address = ip_from_v4(i);

		assert_true(ip_equal(&rule->sources[i].address, &address));
		assert_true(ip_equal(&rule->destinations[i].address, &address));
		assert_int_equal(rule->fqdns[i].text[0], 'a' + i % 26);
		assert_int_equal(rule->ports[i].last, i);
		assert_int_equal(pattern_at(&rule->patterns, i)->kind, PATTERN_ANY);
		assert_int_equal(rule->protocols[i].port, i);
	}
	rule_set_done(&set);
}

static void new_elements_are_zeroed_and_done_empties_the_set(void **state)
{
	struct rule_set set = {0};

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct rule_collection *collection = rule_set_add_collection(&set);

		assert_int_equal(collection->rule_count, 0);
		assert_null(collection->name);
		collection->name = strdup("c");
		for (size_t j = 0; j < 5; j++) {
			struct rule *rule = rule_collection_add_rule(collection);

			assert_null(rule->name);
			assert_int_equal(rule->source_count, 0);
			rule->name = strdup("r");
			rule->origin = strdup("o");
			rule->purpose = strdup("p");
		}
	}
	assert_int_equal(set.collection_count, 9);
	assert_int_equal(set.collections[8].rule_count, 5);
	rule_set_done(&set);
	assert_int_equal(set.collection_count, 0);
	rule_set_done(&set); /* an empty set may be done again */
}

static void every_reason_has_a_metric_label_and_a_sentence_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < REASON_COUNT; i++) {
		const char *text = reason_text((enum reason)i);

		assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz_"), strlen(text));
		assert_true(strlen(reason_sentence((enum reason)i)) > 10);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(text, reason_text((enum reason)j));
	}
	assert_string_equal(reason_text(REASON_NO_RULE), "no_rule");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_grow_one_by_one_and_keep_what_they_hold),
		cmocka_unit_test(new_elements_are_zeroed_and_done_empties_the_set),
		cmocka_unit_test(every_reason_has_a_metric_label_and_a_sentence_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
