/*
 * tests/golden/import: each aks-X.json and azure-X.json is imported; X.yaml beside it holds the
 * configuration and X.txt the result and all that is complained of. What is written must be taken
 * by the configuration's own reader. SALLYPORT_UPDATE_GOLDEN=1 writes both anew: read the
 * difference before committing it.
 */
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
#include "config/config.h"
#include "import/aks_api.h"
#include "import/azure_firewall.h"

typedef int import_function(const char *text, size_t length, const char *file, struct text *yaml,
			    struct problems *problems);

static void update(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool check_file(const char *json, const char *ending, const char *now)
{
	cleanup(free_memory) char *expected = NULL;
	char path[300];
	size_t length;

	snprintf(path, sizeof(path), "%.*s.%s", (int)(strlen(json) - 5), json, ending);
	if (getenv("SALLYPORT_UPDATE_GOLDEN") && *now)
		update(path, now);
	if (file_read(path, 1u << 20, &expected, &length) < 0 ? !*now : !strcmp(expected, now))
		return true;
	print_message("# %s: differs from %s; now:\n%s", json, path, now);
	return false;
}

/* Service tags by name need Microsoft's file, which the operator is told to name. */
static bool is_accepted(const char *json, const struct text *yaml)
{
	struct problems *problems = problems_new();
	cleanup(text_free) struct text whole = TEXT_EMPTY;

	if (strstr(text_string(yaml), "# This needs a service-tag file."))
		text_add(&whole, "cluster: {service_tags: ../config/tags.json, region: eastus}\n");
	text_add(&whole, text_string(yaml));
	struct config *config = config_parse(whole.data, whole.length, "./X.yaml", problems);
	cleanup(free_memory) char *said = problems_format(problems);
	if (!config)
		print_message("# %s: the result is refused:\n%s", json, said);
	config_free(config);
	problems_free(problems);
	return config != NULL;
}

static bool check(const char *json, import_function *import)
{
	struct problems *problems = problems_new();
	cleanup(text_free) struct text yaml = TEXT_EMPTY, said = TEXT_EMPTY;
	cleanup(free_memory) char *text = NULL, *complaints = NULL;
	bool good = true;
	size_t length;

	assert_int_equal(file_read(json, 1u << 20, &text, &length), 0);
	int result = import(text, length, json, &yaml, problems);
	complaints = problems_format(problems);
	text_addf(&said, "%s\n%s",
		  result < 0    ? "refused"
		  : result == 0 ? "whole"
				: "partial",
		  complaints);
	assert_int_equal(result < 0, problems_has_errors(problems));
	assert_int_equal(result < 0, yaml.length == 0);
	problems_free(problems);
	good &= check_file(json, "txt", text_string(&said));
	good &= check_file(json, "yaml", text_string(&yaml));
	return good & (result < 0 || is_accepted(json, &yaml));
}

/* Every .json file of the folder that begins so. */
static void check_all(const char *start, import_function *import, size_t least)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	size_t checked = 0, wrong = 0;
	struct dirent *entry;
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/golden/import", source ? source : ".");
	assert_int_equal(chdir(path), 0);
	DIR *folder = opendir(".");
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);

		if (length < 6 || strcmp(entry->d_name + length - 5, ".json") != 0 ||
		    strncmp(entry->d_name, start, strlen(start)) != 0)
			continue;
		checked++;
		wrong += !check(entry->d_name, import);
	}
	closedir(folder);
	assert_true(checked >= least);
	assert_int_equal(wrong, 0);
}

static void answers_of_aks_become_configurations(void **state)
{
	(void)state;
	check_all("aks-", import_aks_api, 3);
}

static void azure_firewalls_become_configurations(void **state)
{
	(void)state;
	check_all("azure-", import_azure_firewall, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_aks_become_configurations),
		cmocka_unit_test(azure_firewalls_become_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
