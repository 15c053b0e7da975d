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
#include "catalog/catalog.h"

static void update(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool load_config(const char *path, struct problems *problems)
{
	struct config *config = config_load(path, problems);

	config_free(config);
	return config != NULL;
}

static bool load_catalog(const char *path, struct problems *problems)
{
	struct catalog *catalog = catalog_load(path, problems);

	catalog_free(catalog);
	return catalog != NULL;
}

static bool check(const char *yaml, bool (*load)(const char *path, struct problems *problems))
{
	struct problems *problems = problems_new();
	bool loaded = load(yaml, problems);
	cleanup(free_memory) char *said = problems_format(problems);
	cleanup(free_memory) char *expected = NULL;
	char path[300];
	size_t length;

	assert_int_equal(loaded, !problems_has_errors(problems));
	problems_free(problems);
	snprintf(path, sizeof(path), "%.*s.txt", (int)(strlen(yaml) - 5), yaml);
	if (getenv("SALLYPORT_UPDATE_GOLDEN"))
		update(path, said);
	if (file_read(path, 1u << 20, &expected, &length) == 0 && !strcmp(expected, said))
		return true;
	print_message("# %s: complaints differ from %s; now:\n%s", yaml, path, said);
	return false;
}

/* Every .yaml file of a folder under tests/golden. */
static void check_folder(const char *name,
			 bool (*load)(const char *path, struct problems *problems), size_t least)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];
	struct dirent *entry;
	size_t checked = 0, wrong = 0;

	snprintf(path, sizeof(path), "%s/tests/golden/%s", source ? source : ".", name);
	assert_int_equal(chdir(path), 0);
	DIR *folder = opendir(".");
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);

		if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
			continue;
		checked++;
		wrong += !check(entry->d_name, load);
	}
	closedir(folder);
	assert_true(checked >= least);
	assert_int_equal(wrong, 0);
}

static void complaints_of_the_configuration_are_as_recorded(void **state)
{
	(void)state;
	check_folder("config", load_config, 20);
}

static void complaints_of_the_catalogue_are_as_recorded(void **state)
{
	(void)state;
	check_folder("catalog", load_catalog, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complaints_of_the_configuration_are_as_recorded),
		cmocka_unit_test(complaints_of_the_catalogue_are_as_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
