/* What is no article: refused with place and reason. And how an article's date is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "import_case.h"

#define TABLE "\n# A\n\n| FQDN | Port | Use |\n|---|---|---|\n| `a.example` | HTTPS:443 | x |\n"

static void check_refused(const char *text, size_t length, const char *edition, const char *message)
{
	struct import_case run;

	import_case_run(&run, text, length, "a.md", edition);
	cleanup(free_memory) char *problems = problems_format(run.problems);
	assert_int_equal(run.error, -EINVAL);
	assert_null(run.yaml.data);
	assert_string_equal(problems, message);
	import_case_done(&run);
}

static void check_date(const char *text, const char *edition, const char *date)
{
	struct import_case run;

	import_case_run(&run, text, strlen(text), "a.md", edition);
	assert_int_equal(run.error, 0);
	assert_string_equal(run.edition->name, date);
	assert_int_equal(run.counts.entries, 1);
	import_case_done(&run);
}

static void the_date_is_the_one_given_or_that_of_the_front_matter(void **state)
{
	(void)state;
	check_date("---\nms.date: 05/20/2024\n---\n" TABLE, NULL, "2024-05-20");
	check_date("---\r\nms.date: 2024-05-20\r\n---\r\n" TABLE, NULL, "2024-05-20");
	check_date("\xef\xbb\xbf---\nms.date: 05/20/2024\n---\n" TABLE, NULL, "2024-05-20");
	check_date("---\nms.date: 05/20/2024\n---\n" TABLE, "2026-07-02", "2026-07-02");
	check_date("---\nno: [yaml\n---\n" TABLE, "2026-07-02", "2026-07-02");
	check_date(TABLE, "2026-07-02", "2026-07-02");
}

static void an_article_without_a_date_is_refused(void **state)
{
	static const char bad_date[] = "---\ntitle: x\nms.date: May\n---\n" TABLE;
	static const char month[] = "---\nms.date: 13/20/2024\n---\n" TABLE;
	static const char open_end[] = "---\nms.date: 05/20/2024\n" TABLE;
	static const char no_yaml[] = "---\nms.date: [05/20/2024\n---\n" TABLE;

	(void)state;
	check_refused(TABLE, strlen(TABLE), NULL,
		      "a.md:1:1: error: no ms.date in its front matter: give the edition with "
		      "--edition\n");
	check_refused(bad_date, strlen(bad_date), NULL,
		      "a.md:3:10: error: ms.date: expected a date, as in 05/20/2024; or give the "
		      "edition with --edition\n");
	check_refused(month, strlen(month), NULL,
		      "a.md:2:10: error: ms.date: expected a date, as in 05/20/2024; or give the "
		      "edition with --edition\n");
	check_refused(open_end, strlen(open_end), NULL,
		      "a.md:1:1: error: the front matter has no end: a line of three dashes is "
		      "missing\n");
	check_refused(no_yaml, strlen(no_yaml), NULL,
		      "a.md:3:1: error: not valid YAML: did not find expected ',' or ']' (while "
		      "parsing a flow sequence)\n");
	check_refused(TABLE, strlen(TABLE), "yesterday",
		      "error: the edition 'yesterday' is no date, as in 2024-05-20\n");
}

static void a_file_that_is_no_article_is_refused(void **state)
{
	static const char binary[] = "# A\n\nx\0y\n";
	static const char latin[] = "# A\n\nna\xefve\n";
	static const char prose[] = "# A\n\n| Step | Command |\n|---|---|\n| 1 | `az login` |\n";

	(void)state;
	check_refused(binary, sizeof(binary) - 1, "2024-05-20",
		      "a.md:3:2: error: a NUL byte: this is no text file\n");
	check_refused(latin, sizeof(latin) - 1, "2024-05-20",
		      "a.md:3:3: error: this is not UTF-8\n");
	check_refused("", 0, "2024-05-20",
		      "a.md:1:1: error: it has no destinations: is this the article?\n");
	check_refused(prose, sizeof(prose) - 1, "2024-05-20",
		      "a.md:3:1: warning: passed over: a table that is not of destinations: Step | "
		      "Command\n"
		      "a.md:1:1: error: it has no destinations: is this the article?\n");
}

/* Repeats a piece until the text has so many bytes. */
static void check_long(const char *piece, size_t length, const char *message)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	while (text.length < length)
		text_add(&text, piece);
	check_refused(text.data, text.length, "2024-05-20", message);
}

static void a_file_beyond_the_limits_is_refused(void **state)
{
	(void)state;
	check_long("0123456789abcde\n", IMPORT_ARTICLE_SIZE_LIMIT + 1,
		   "a.md:1:1: error: it is longer than 1 MiB, twenty times an article\n");
	check_long("\n", 20000, "a.md:10001:1: error: more than 10,000 lines\n");
	check_long("|a", 1000, "a.md:1:129: error: a table of more than 64 columns\n");
}

static void a_table_beyond_the_limit_is_refused(void **state)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	(void)state;
	text_add(&text, "| FQDN | Port |\n|---|---|\n");
	for (size_t i = 0; i < 1000; i++)
		text_addf(&text, "| a%zu.example | HTTPS:443 |\n", i);
	check_refused(text.data, text.length, "2024-05-20",
		      "a.md:1:1: error: a table of more than 1,000 rows\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_date_is_the_one_given_or_that_of_the_front_matter),
		cmocka_unit_test(an_article_without_a_date_is_refused),
		cmocka_unit_test(a_file_that_is_no_article_is_refused),
		cmocka_unit_test(a_file_beyond_the_limits_is_refused),
		cmocka_unit_test(a_table_beyond_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
