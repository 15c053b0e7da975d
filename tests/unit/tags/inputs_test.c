#include "tags/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "../inputs.h"
#include "../skip.h"

#define PUBLIC_FILE "ServiceTags_Public_20250127.json"
#define CHINA_FILE  "ServiceTags_China_20260720.json"

static struct service_tags *load_input(const char *file)
{
	struct problems *problems = problems_new();
	struct service_tags *tags;
	char path[INPUTS_PATH_SIZE];

	assert_true(inputs_find(file, path));
	tags = service_tags_load(path, problems);
	assert_int_equal(problems_count(problems), 0);
	problems_free(problems);
	return tags;
}

static void the_public_file_is_read_and_collapsed_quickly(void **state)
{
	if (getenv("SALLYPORT_SLOW"))
		skip_because("under valgrind and ThreadSanitizer its time runs out");
	clock_t start = clock();
	struct service_tags *tags = load_input(PUBLIC_FILE);
	struct ip_prefix *prefixes = NULL;
	size_t count = 0;

	(void)state;
	assert_int_equal(service_tag_prefixes(tags, service_tags_find(tags, "AzureCloud"),
					      &prefixes, &count),
			 0);
	double took =
		(double)(clock() - start) / CLOCKS_PER_SEC; /* other programs' time is not ours */
	print_message("# read and collapsed to %zu prefixes in %.2f s\n", count, took);
#if !defined(__SANITIZE_ADDRESS__)
	assert_true(took < 0.3);
#endif
	assert_int_equal(service_tags_count(tags), 2647);
	assert_true(count > 1000 && count < 4000);
	free(prefixes);
	assert_non_null(service_tags_find_regional(tags, "AzureCloud", "francecentral"));
	assert_non_null(service_tags_find_regional(tags, "AzureCloud", "germanywestcentral"));
	assert_non_null(service_tags_find_regional(tags, "AzureCloud", "eastus"));
	service_tags_free(tags);
}

static void the_china_file_is_read(void **state)
{
	struct service_tags *tags = load_input(CHINA_FILE);

	(void)state;
	assert_string_equal(service_tags_cloud(tags), "China");
	assert_non_null(service_tags_find_regional(tags, "AzureCloud", "chinaeast2"));
	service_tags_free(tags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_public_file_is_read_and_collapsed_quickly),
		cmocka_unit_test(the_china_file_is_read),
	};

	inputs_require(PUBLIC_FILE);
	inputs_require(CHINA_FILE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
