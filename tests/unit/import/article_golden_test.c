/*
 * The articles in tests/golden/import, one for each group of quirks, and what becomes of them:
 * NAME.md → NAME.txt, which holds the complaints, the counts and the catalogue's sections.
 * SALLYPORT_UPDATE_GOLDEN=1 writes the .txt files anew: read the difference before committing it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "import_case.h"

static void describe(const struct import_case *run, struct text *out)
{
	cleanup(free_memory) char *problems = problems_format(run->problems);
	const char *features = strstr(run->yaml.data, "\nfeatures:\n");
	const char *sections = strstr(run->yaml.data, "\nsections:");

	assert_non_null(sections);
	text_addf(out, "%s%zu tables, %zu rows, %zu entries, %zu unread\n", problems,
		  run->counts.tables, run->counts.rows, run->counts.entries, run->counts.unread);
	text_add(out, features ? features : sections);
}

static void check(const char *name)
{
	const char *update = getenv("SALLYPORT_UPDATE_GOLDEN");
	cleanup(free_memory) char *article = NULL;
	cleanup(free_memory) char *expected = NULL;
	cleanup(text_free) struct text heard = TEXT_EMPTY;
	char source[100], golden[100];
	struct import_case run;
	size_t length;

	snprintf(source, sizeof(source), "%s.md", name);
	snprintf(golden, sizeof(golden), "%s.txt", name);
	assert_int_equal(file_read(source, 1 << 20, &article, &length), 0);
	import_case_run(&run, article, length, source, NULL);
	assert_int_equal(run.error, 0);
	describe(&run, &heard);
	if (update && *update)
		assert_int_equal(file_write(golden, heard.data, heard.length, 0666), 0);
	assert_int_equal(file_read(golden, 1 << 20, &expected, &length), 0);
	assert_string_equal(heard.data, expected);
	import_case_done(&run);
}

#define GOLDEN_TEST(name, file)                                                                    \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		check(file);                                                                       \
	}

GOLDEN_TEST(tables_of_four_shapes_are_read, "shapes")
GOLDEN_TEST(names_are_read_from_all_forms_of_lists, "lists")
GOLDEN_TEST(names_are_parted_by_cloud, "clouds")
GOLDEN_TEST(network_rules_are_read_with_their_alternatives, "alternatives")
GOLDEN_TEST(bullets_are_rules_and_name_clouds, "bullets")
GOLDEN_TEST(what_cannot_be_read_is_told_and_kept, "unread")

static int enter_folder(void **state)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/import", source ? source : ".");
	return chdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_four_shapes_are_read),
		cmocka_unit_test(names_are_read_from_all_forms_of_lists),
		cmocka_unit_test(names_are_parted_by_cloud),
		cmocka_unit_test(network_rules_are_read_with_their_alternatives),
		cmocka_unit_test(bullets_are_rules_and_name_clouds),
		cmocka_unit_test(what_cannot_be_read_is_told_and_kept),
	};

	return cmocka_run_group_tests(tests, enter_folder, NULL);
}
