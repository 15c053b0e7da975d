/*
 * tests/golden/config: for each X.yaml, X.txt holds all that is complained of it, with places.
 * Every complaint of the configuration's readers stands in one of them. SALLYPORT_UPDATE_GOLDEN=1
 * writes the .txt files anew: read the difference before committing it.
 */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static void update(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool check(const char *yaml)
{
	struct problems *problems = problems_new();
	struct config *config = config_load(yaml, problems);
	cleanup(free_memory) char *said = problems_format(problems);
	cleanup(free_memory) char *expected = NULL;
	char path[300];
	size_t length;

	assert_int_equal(config == NULL, problems_has_errors(problems));
	config_free(config);
	problems_free(problems);
	snprintf(path, sizeof(path), "%.*s.txt", (int)(strlen(yaml) - 5), yaml);
	if (getenv("SALLYPORT_UPDATE_GOLDEN"))
		update(path, said);
	if (file_read(path, 1u << 20, &expected, &length) == 0 && !strcmp(expected, said))
		return true;
	print_message("# %s: complaints differ from %s; now:\n%s", yaml, path, said);
	return false;
}

static void complaints_are_as_recorded(void **state)
{
	DIR *folder = opendir(".");
	struct dirent *entry;
	size_t checked = 0, wrong = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);

		if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
			continue;
		checked++;
		wrong += !check(entry->d_name);
	}
	closedir(folder);
	assert_true(checked > 15);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(complaints_are_as_recorded)};
	const char *source = getenv("SALLYPORT_SOURCE");
	char folder[4096];

	snprintf(folder, sizeof(folder), "%s/tests/golden/config", source ? source : ".");
	if (chdir(folder) < 0) {
		perror(folder);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
