/*
 * The catalogue's region codes and those that a real service-tag file implies must agree: for every
 * region that other services' tags name, the tag AzureCloud.<code> is the one that the file's own
 * regional lookup finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "catalog/catalog.h"
#include "tags/tags.h"

#include "../inputs.h"

#define PUBLIC_FILE "ServiceTags_Public_20250127.json"
#define CHINA_FILE  "ServiceTags_China_20260720.json"

static void expect_code(const struct catalog_cloud *cloud, const struct service_tags *tags,
			const char *suffix)
{
	const struct service_tag *tag;
	char region[128], name[160];

	for (size_t i = 0; i <= strlen(suffix) && i < sizeof(region); i++)
		region[i] = (char)tolower((unsigned char)suffix[i]);
	tag = service_tags_find_regional(tags, "AzureCloud", region);
	if (!tag)
		return; /* not a region: AzureFrontDoor.FirstParty */
	snprintf(name, sizeof(name), "AzureCloud.%s", catalog_cloud_region_code(cloud, region));
	if (strcasecmp(name, service_tag_name(tag)) != 0)
		fail_msg("%s: %s, not %s", region, service_tag_name(tag), name);
}

static void compare(const char *file, const char *cloud_name, size_t least)
{
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_load(NULL, problems);
	const struct catalog_cloud *cloud =
		catalog_cloud_find(catalog_edition_find(catalog, ""), cloud_name);
	char path[INPUTS_PATH_SIZE];
	size_t index, regional = 0;
	json_t *json, *value;

	assert_true(inputs_find(file, path));
	struct service_tags *tags = service_tags_load(path, problems);
	assert_non_null(tags);
	json = json_load_file(path, 0, NULL);
	json_array_foreach(json_object_get(json, "values"), index, value)
	{
		const char *name = json_string_value(json_object_get(value, "name"));

		if (!strncmp(name, "AzureCloud.", 11) || !strchr(name, '.'))
			continue;
		regional++;
		expect_code(cloud, tags, strchr(name, '.') + 1);
	}
	assert_true(regional >= least);
	/* And no code stands for a tag that is not there, but those newer than the file. */
	for (size_t i = 0; i < cloud->region_code_count; i++) {
		const struct catalog_region_code *code = &cloud->region_codes[i];

		if (strcmp(code->region, "chilecentral") != 0)
			assert_non_null(service_tags_find_regional(tags, "AzureCloud", code->code));
	}
	json_decref(json);
	service_tags_free(tags);
	catalog_free(catalog);
	problems_free(problems);
}

static void codes_of_the_public_cloud_are_those_of_its_file(void **state)
{
	(void)state;
	compare(PUBLIC_FILE, "public", 1000);
}

static void regions_of_china_have_no_codes_in_its_file(void **state)
{
	(void)state;
	compare(CHINA_FILE, "china", 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_of_the_public_cloud_are_those_of_its_file),
		cmocka_unit_test(regions_of_china_have_no_codes_in_its_file),
	};

	inputs_require(PUBLIC_FILE);
	inputs_require(CHINA_FILE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
