/* Set elements and the queue rule against a real kernel, in a namespace of this process's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/nft.h"
#include "kernel/queue.h"
#include "kernel/sets.h"
#include "namespace.h"
#include "settings.h"

#define TABLE                                                                                      \
	"table inet sallyport {\n"                                                                 \
	" set pinned_v4 { type ipv4_addr; flags timeout; size 4; }\n"                              \
	" set pinned_v6 { type ipv6_addr; flags timeout; size 4096; }\n"                           \
	" set names_7_v4 { type ipv4_addr; flags timeout; size 4096; }\n"                          \
	" chain queue_hello {\n }\n"                                                               \
	"}\n"

static void make_table(void)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	if (nft_apply(TABLE, &words) != 0)
		fail_msg("%s", text_string(&words));
}

static void read_output(const char *command, char *text, size_t size)
{
	FILE *output = popen(command, "re");

	assert_non_null(output);
	text[fread(text, 1, size - 1, output)] = '\0';
	pclose(output);
}

static bool set_has(const char *set, const char *part)
{
	char command[128], text[8192];

	snprintf(command, sizeof(command), "nft list set inet sallyport %s", set);
	read_output(command, text, sizeof(text));
	return strstr(text, part) != NULL;
}

static struct kernel_element element(uint32_t number, const char *text, uint64_t timeout_ms)
{
	return (struct kernel_element){number, address(text), timeout_ms};
}

static void elements_arrive_with_their_timeouts(void **state)
{
	struct kernel_element elements[] = {element(0, "198.51.100.1", 60000),
					    element(0, "2001:db8::1", 120000),
					    element(7, "198.51.100.2", 180000)};

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	make_table();
	struct kernel_sets *sets = kernel_sets_open();
	assert_non_null(sets);
	assert_int_equal(kernel_sets_put(sets, elements, 3), 0);
	assert_true(set_has("pinned_v4", "198.51.100.1 timeout 1m expires "));
	assert_true(set_has("pinned_v6", "2001:db8::1 timeout 2m expires "));
	assert_true(set_has("names_7_v4", "198.51.100.2 timeout 3m expires "));
	assert_int_equal(kernel_sets_put(sets, NULL, 0), 0);
	kernel_sets_close(sets);
	kernel_sets_close(NULL);
}

static void a_second_put_replaces_the_timeout_either_way(void **state)
{
	struct kernel_element longer = element(0, "198.51.100.1", 600000);
	struct kernel_element shorter = element(0, "198.51.100.1", 30000);

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	make_table();
	struct kernel_sets *sets = kernel_sets_open();
	assert_int_equal(kernel_sets_put(sets, &shorter, 1), 0);
	assert_int_equal(kernel_sets_put(sets, &longer, 1), 0);
	assert_true(set_has("pinned_v4", "timeout 10m expires "));
	assert_int_equal(kernel_sets_put(sets, &shorter, 1), 0);
	assert_true(set_has("pinned_v4", "timeout 30s expires "));
	kernel_sets_close(sets);
}

static void an_element_may_come_twice_in_one_put(void **state)
{
	struct kernel_element twice[] = {element(0, "198.51.100.1", 600000),
					 element(0, "198.51.100.1", 30000)};

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	make_table();
	struct kernel_sets *sets = kernel_sets_open();
	assert_int_equal(kernel_sets_put(sets, twice, 2), 0);
	assert_true(set_has("pinned_v4", "timeout 30s expires "));
	kernel_sets_close(sets);
}

static void a_put_is_all_or_nothing(void **state)
{
	struct kernel_element unknown[] = {element(0, "198.51.100.1", 60000),
					   element(8, "198.51.100.2", 60000)};
	struct kernel_element many[] = {
		element(0, "198.51.100.1", 60000), element(0, "198.51.100.2", 60000),
		element(0, "198.51.100.3", 60000), element(0, "198.51.100.4", 60000),
		element(0, "198.51.100.5", 60000)};

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	make_table();
	struct kernel_sets *sets = kernel_sets_open();
	assert_int_equal(kernel_sets_put(sets, unknown, 2), -ENOENT);
	assert_false(set_has("pinned_v4", "198.51.100.1"));
	assert_int_equal(kernel_sets_put(sets, many, 5), -ENFILE);
	assert_false(set_has("pinned_v4", "elements"));
	assert_int_equal(kernel_sets_put(sets, many, 1), 0);
	assert_true(set_has("pinned_v4", "198.51.100.1"));
	kernel_sets_close(sets);
}

static void senseless_elements_are_refused(void **state)
{
	static struct kernel_element elements[KERNEL_SETS_PUT_MAX + 1];

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	make_table();
	struct kernel_sets *sets = kernel_sets_open();
	elements[0] = element(0, "198.51.100.1", 0);
	assert_int_equal(kernel_sets_put(sets, elements, 1), -EINVAL);
	elements[0] = (struct kernel_element){.timeout_ms = 1};
	assert_int_equal(kernel_sets_put(sets, elements, 1), -EINVAL);
	for (size_t i = 0; i < COUNT(elements); i++) {
		elements[i] = element(0, "2001:db8::1", 60000);
		elements[i].address.bytes[14] = (uint8_t)(i >> 8);
		elements[i].address.bytes[15] = (uint8_t)i;
	}
	assert_int_equal(kernel_sets_put(sets, elements, COUNT(elements)), -E2BIG);
	assert_int_equal(kernel_sets_put(sets, elements, COUNT(elements) - 1), 0);
	assert_int_equal(kernel_sets_put(sets, elements, COUNT(elements) - 1), 0);
	for (size_t i = 0; i < COUNT(elements); i++)
		elements[i].number = 9; /* a complaint for each message */
	assert_int_equal(kernel_sets_put(sets, elements, COUNT(elements) - 1), -ENOENT);
	kernel_sets_close(sets);
}

static void puts_are_quick(void **state)
{
	struct kernel_element some[8];
	struct timespec start, end;
	const int rounds = 500;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	make_table();
	struct kernel_sets *sets = kernel_sets_open();
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < COUNT(some); i++) {
			some[i] = element(7, "10.0.0.0", 60000);
			some[i].address.bytes[2] = (uint8_t)round;
			some[i].address.bytes[3] = (uint8_t)i;
		}
		assert_int_equal(kernel_sets_put(sets, some, COUNT(some)), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("# a put of %zu elements: %.0f us\n", COUNT(some),
		      ((double)(end.tv_sec - start.tv_sec) * 1e6 +
		       (double)(end.tv_nsec - start.tv_nsec) / 1e3) /
			      rounds);
	kernel_sets_close(sets);
}

/* nft prints the xt target only where it finds libxtables' part; its raw view shows both. */
static void the_queue_rule_is_one_however_often_it_is_put(void **state)
{
	const char *const command =
		"nft --debug=netlink list chain inet sallyport queue_hello 2>/dev/null";
	char text[4096];
	const char *rule;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	assert_int_equal(queue_rule_install(0, 1), -ENOENT);
	make_table();
	assert_int_equal(queue_rule_install(0, 1), 0);
	assert_int_equal(queue_rule_install(20, 4), 0);
	read_output(command, text, sizeof(text));
	rule = strstr(text, "  [ ");
	assert_non_null(rule);
	assert_true(strstr(rule, "target name NFQUEUE rev 3") || strstr(rule, "queue num 20-23"));
	assert_null(strstr(rule, "bypass"));
	assert_null(strstr(rule + 1, "  [ "));
}

static void impossible_queues_are_refused(void **state)
{
	(void)state;
	assert_int_equal(queue_rule_install(0, 0), -EINVAL);
	assert_int_equal(queue_rule_install(65535, 2), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_arrive_with_their_timeouts),
		cmocka_unit_test(a_second_put_replaces_the_timeout_either_way),
		cmocka_unit_test(an_element_may_come_twice_in_one_put),
		cmocka_unit_test(a_put_is_all_or_nothing),
		cmocka_unit_test(senseless_elements_are_refused),
		cmocka_unit_test(puts_are_quick),
		cmocka_unit_test(the_queue_rule_is_one_however_often_it_is_put),
		cmocka_unit_test(impossible_queues_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
