#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pins/admissions.h"

static uint32_t number_of(struct admissions *admissions, enum admission_kind kind, const char *key)
{
	uint32_t number = 0;

	assert_int_equal(admissions_number(admissions, kind, key, &number), 0);
	assert_in_range(number, 1, admissions_capacity(admissions));
	return number;
}

static void a_key_keeps_its_number_and_kinds_do_not_mix(void **state)
{
	struct admissions *admissions = admissions_new(8);
	uint32_t name = number_of(admissions, ADMISSION_NAME, "a.example");
	struct admission admission;

	(void)state;
	assert_int_equal(number_of(admissions, ADMISSION_NAME, "a.example"), name);
	assert_int_not_equal(number_of(admissions, ADMISSION_RULE, "a.example"), name);
	assert_true(admissions_find(admissions, name, &admission));
	assert_int_equal(admission.kind, ADMISSION_NAME);
	assert_string_equal(admission.key, "a.example");
	assert_false(admissions_find(admissions, 0, &admission));
	assert_false(admissions_find(admissions, 3, &admission));
	assert_false(admissions_find(admissions, 4000000000u, &admission));
	admissions_free(admissions);
}

static void a_full_registry_and_a_long_key_are_refused(void **state)
{
	struct admissions *admissions = admissions_new(1);
	char key[600];
	uint32_t number;

	(void)state;
	number_of(admissions, ADMISSION_NAME, "a.example");
	assert_int_equal(admissions_number(admissions, ADMISSION_NAME, "b.example", &number),
			 -ENOSPC);
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_int_equal(admissions_number(admissions, ADMISSION_RULE, key, &number),
			 -ENAMETOOLONG);
	admissions_free(admissions);
}

static bool only_number_two(void *context, uint32_t number)
{
	(void)context;
	return number == 2;
}

static void a_sweep_frees_what_no_flow_carries_and_nobody_asked_for_since(void **state)
{
	struct admissions *admissions = admissions_new(4);
	struct admission admission;
	uint64_t begin;

	(void)state;
	number_of(admissions, ADMISSION_NAME, "one.example");
	number_of(admissions, ADMISSION_NAME, "two.example");
	number_of(admissions, ADMISSION_NAME, "three.example");
	begin = admissions_sweep_begin(admissions);
	number_of(admissions, ADMISSION_NAME, "three.example"); /* given out during the walk */
	number_of(admissions, ADMISSION_NAME, "four.example");
	admissions_sweep_end(admissions, begin, only_number_two, NULL);
	assert_int_equal(admissions_held(admissions), 3);
	assert_false(admissions_find(admissions, 1, &admission));
	assert_true(admissions_find(admissions, 2, &admission));
	assert_true(admissions_find(admissions, 3, &admission));
	assert_int_equal(number_of(admissions, ADMISSION_NAME, "five.example"), 1);
	admissions_free(admissions);
}

static void numbers_survive_a_restart_and_gaps_are_used_again(void **state)
{
	char path[64];
	struct admissions *before = admissions_new(8), *after = admissions_new(8);
	uint64_t begin;
	struct admission admission;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-admissions-%d", (int)getpid());
	number_of(before, ADMISSION_NAME, "one.example");
	number_of(before, ADMISSION_NAME, "two.example");
	number_of(before, ADMISSION_RULE, "own/rule with spaces");
	begin = admissions_sweep_begin(before);
	number_of(before, ADMISSION_RULE, "own/rule with spaces");
	admissions_sweep_end(before, begin, only_number_two, NULL);
	assert_int_equal(admissions_keep(before, path), 0);
	number_of(before, ADMISSION_NAME, "late.example"); /* given afterwards: number 1 */
	number_of(before, ADMISSION_NAMELESS, "two.example");
	number_of(before, ADMISSION_OUTER, "two.example");
	admissions_free(before); /* as abruptly as a crash: nothing more is written */
	assert_int_equal(admissions_load(after, path), 0);
	assert_int_equal(number_of(after, ADMISSION_NAME, "two.example"), 2);
	assert_int_equal(number_of(after, ADMISSION_RULE, "own/rule with spaces"), 3);
	assert_true(admissions_find(after, 1, &admission));
	assert_string_equal(admission.key, "late.example");
	assert_int_equal(number_of(after, ADMISSION_NAMELESS, "two.example"), 4);
	assert_int_equal(number_of(after, ADMISSION_OUTER, "two.example"), 5);
	assert_int_equal(number_of(after, ADMISSION_NAME, "new.example"), 6);
	unlink(path);
	admissions_free(after);
}

static void a_malformed_file_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"sallyport admissions 9\n",
		"sallyport admissions 1\n0 name a\n",
		"sallyport admissions 1\n1 thing a\n",
		"sallyport admissions 1\n1 nam a\n",
		"sallyport admissions 1\n1 name\n",
		"sallyport admissions 1\n1 name \n",
		"sallyport admissions 1\n1name a\n",
		"sallyport admissions 1\n99999999999 name a\n",
	};
	struct admissions *admissions = admissions_new(8);
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-admissions-%d", (int)getpid());
	number_of(admissions, ADMISSION_NAME, "kept.example");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(bad[i], file);
		fclose(file);
		assert_int_equal(admissions_load(admissions, path), -EBADMSG);
		assert_int_equal(admissions_held(admissions), 1);
	}
	unlink(path);
	assert_int_equal(admissions_load(admissions, path), -ENOENT);
	admissions_free(admissions);
}

static void later_lines_win_and_a_cut_one_is_left_out(void **state)
{
	struct admissions *admissions = admissions_new(8);
	struct admission admission;
	char path[64];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-admissions-%d", (int)getpid());
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("sallyport admissions 1\n1 name a\n2 name b\n1 name c\n3 name b\n4 name d", file);
	fclose(file);
	assert_int_equal(admissions_load(admissions, path), 0);
	assert_int_equal(admissions_held(admissions), 2);
	assert_true(admissions_find(admissions, 1, &admission));
	assert_string_equal(admission.key, "c");
	assert_true(admissions_find(admissions, 3, &admission));
	assert_string_equal(admission.key, "b");
	assert_int_equal(number_of(admissions, ADMISSION_NAME, "a"), 2);
	assert_int_equal(number_of(admissions, ADMISSION_NAME, "d"), 4);
	unlink(path);
	admissions_free(admissions);
}

static void a_number_that_cannot_be_written_is_counted(void **state)
{
	struct admissions *admissions = admissions_new(8);

	(void)state;
	assert_int_equal(admissions_keep(admissions, "/nonexistent/folder/file"), -ENOENT);
	number_of(admissions, ADMISSION_NAME, "a");
	assert_int_equal(admissions_unkept(admissions), 0); /* nothing was to be kept */
	admissions_free(admissions);
}

/* As on a disk that has room for so many bytes. */
static void let_files_grow_to(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void half_a_line_is_not_continued_and_the_next_writing_makes_the_file_whole(void **state)
{
	struct admissions *before = admissions_new(8), *after = admissions_new(8);
	struct admission admission;
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-admissions-%d", (int)getpid());
	signal(SIGXFSZ, SIG_IGN);
	number_of(before, ADMISSION_NAME, "one.example");
	assert_int_equal(admissions_keep(before, path), 0);
	let_files_grow_to(strlen("sallyport admissions 1\n1 name one.example\n2 name"));
	number_of(before, ADMISSION_NAME, "two.example");
	let_files_grow_to(RLIM_INFINITY);
	number_of(before, ADMISSION_NAME, "three.example");
	assert_int_equal(admissions_unkept(before), 2);
	assert_int_equal(admissions_load(after, path), 0);
	assert_int_equal(admissions_held(after), 1);
	assert_int_equal(admissions_keep(before, path), 0);
	assert_int_equal(admissions_unkept(before), 0);
	number_of(before, ADMISSION_NAME, "four.example");
	assert_int_equal(admissions_load(after, path), 0);
	for (uint32_t number = 1; number <= 4; number++) {
		static const char *const names[] = {"one.example", "two.example", "three.example",
						    "four.example"};

		assert_true(admissions_find(after, number, &admission));
		assert_string_equal(admission.key, names[number - 1]);
	}
	unlink(path);
	admissions_free(before);
	admissions_free(after);
}

static bool nobody_uses(void *context, uint32_t number)
{
	(void)context;
	(void)number;
	return false;
}

static void a_number_is_not_given_again_while_the_file_has_its_old_meaning(void **state)
{
	struct admissions *before = admissions_new(8), *after = admissions_new(8);
	struct admission admission;
	char path[64];
	uint32_t number;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-admissions-%d", (int)getpid());
	signal(SIGXFSZ, SIG_IGN);
	number = number_of(before, ADMISSION_NAME, "allowed.example");
	assert_int_equal(admissions_keep(before, path), 0);
	admissions_sweep_end(before, admissions_sweep_begin(before), nobody_uses, NULL);
	assert_int_equal(admissions_held(before), 0);
	let_files_grow_to(0); /* the disk is full: the file stays as it was */
	assert_true(admissions_keep(before, path) < 0);
	assert_int_not_equal(number_of(before, ADMISSION_NAME, "other.example"), number);
	let_files_grow_to(RLIM_INFINITY);
	/* a crash now: a flow of other.example must not be taken for one of allowed.example */
	assert_int_equal(admissions_load(after, path), 0);
	assert_true(admissions_find(after, number, &admission));
	assert_string_equal(admission.key, "allowed.example");
	assert_int_equal(admissions_held(after), 1);
	assert_int_equal(admissions_keep(before, path), 0);
	assert_int_equal(number_of(before, ADMISSION_NAME, "third.example"), number);
	unlink(path);
	admissions_free(before);
	admissions_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_keeps_its_number_and_kinds_do_not_mix),
		cmocka_unit_test(a_full_registry_and_a_long_key_are_refused),
		cmocka_unit_test(a_number_is_not_given_again_while_the_file_has_its_old_meaning),
		cmocka_unit_test(a_sweep_frees_what_no_flow_carries_and_nobody_asked_for_since),
		cmocka_unit_test(numbers_survive_a_restart_and_gaps_are_used_again),
		cmocka_unit_test(a_malformed_file_changes_nothing),
		cmocka_unit_test(later_lines_win_and_a_cut_one_is_left_out),
		cmocka_unit_test(a_number_that_cannot_be_written_is_counted),
		cmocka_unit_test(
			half_a_line_is_not_continued_and_the_next_writing_makes_the_file_whole),
	};

	return cmocka_run_group_tests_name("admissions", tests, NULL, NULL);
}
