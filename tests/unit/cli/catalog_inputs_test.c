/* Real documents, compared by the built program: what an edition and its article differ in is
   nothing. Skipped where the articles are not at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../inputs.h"

#define OLD "aks-outbound-2024-05-20.md"
#define NEW "aks-outbound-2026-07-02.md"
#define API "aks-outbound-api-example.json"

/* The exit status; `heard` is what was printed, cut off where it is too long. */
static int compare(const char *before, const char *file, const char *options, char heard[32768])
{
	char path[INPUTS_PATH_SIZE], command[2 * INPUTS_PATH_SIZE];
	size_t length;
	FILE *pipe;
	int status;

	assert_true(inputs_find(file, path));
	snprintf(command, sizeof(command), "exec '%s' catalog diff %s '%s' %s 2>&1",
		 getenv("SALLYPORT_PROGRAM"), before, path, options);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(heard, 1, 32767, pipe);
	heard[length] = '\0';
	while (fgetc(pipe) != EOF)
		;
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void an_edition_and_its_article_do_not_differ(void **state)
{
	char heard[32768];

	(void)state;
	assert_int_equal(compare("2024-05-20", OLD, "", heard), 0);
	assert_non_null(strstr(heard, "\nno differences\n"));
	assert_int_equal(compare("2026-07-02", NEW, "", heard), 0);
	assert_non_null(strstr(heard, "\nno differences\n"));
}

static void a_newer_article_asks_for_more(void **state)
{
	char heard[32768];

	(void)state;
	assert_int_equal(compare("2024-05-20", NEW, "--region=eastus", heard), 1);
	assert_non_null(strstr(heard, "for this profile: 1 required destination of "));
	assert_non_null(strstr(heard, "+ https:443  mcr-0001.mcr-msedge.net  missing\n"));
}

static void what_an_answer_names_too_widely_is_missing(void **state)
{
	char heard[32768];

	(void)state;
	assert_int_equal(compare("2026-07-02", API, "--region=eastus", heard), 1);
	assert_non_null(strstr(heard, "+ https:443  *.azmk8s.io  missing\n"));
	assert_null(strstr(heard, "+ https:443  mcr.microsoft.com"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edition_and_its_article_do_not_differ),
		cmocka_unit_test(a_newer_article_asks_for_more),
		cmocka_unit_test(what_an_answer_names_too_widely_is_missing),
	};

	inputs_require(OLD);
	inputs_require(NEW);
	inputs_require(API);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
