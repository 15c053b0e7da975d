#include "tags/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tags/collapse.h"

#define TAG(name, region, prefixes)                                                                \
	"{\"name\":\"" name "\",\"id\":\"" name "\",\"properties\":{\"region\":\"" region          \
	"\",\"addressPrefixes\":[" prefixes "]}}"
#define FILE_OF(values) "{\"changeNumber\":7,\"cloud\":\"Public\",\"values\":[" values "]}"

static struct service_tags *parse(const char *text)
{
	struct problems *problems = problems_new();
	struct service_tags *tags = service_tags_parse(text, strlen(text), "tags.json", problems);

	assert_int_equal(problems_count(problems), 0);
	assert_non_null(tags);
	problems_free(problems);
	return tags;
}

static void expect_refusal(const char *text, const char *complaint)
{
	struct problems *problems = problems_new();
	char *said;

	assert_null(service_tags_parse(text, strlen(text), "tags.json", problems));
	said = problems_format(problems);
	assert_string_equal(said, complaint);
	free(said);
	problems_free(problems);
}

/* The prefixes of a tag, separated by spaces. */
static void expect_prefixes(const struct service_tags *tags, const char *name, const char *expected)
{
	const struct service_tag *tag = service_tags_find(tags, name);
	struct ip_prefix *prefixes = NULL;
	char text[IP_PREFIX_TEXT_SIZE], joined[1000] = "";
	size_t count = 0;

	assert_non_null(tag);
	assert_int_equal(service_tag_prefixes(tags, tag, &prefixes, &count), 0);
	for (size_t i = 0; i < count; i++) {
		strcat(joined, i ? " " : "");
		strcat(joined, ip_prefix_format(&prefixes[i], text));
	}
	assert_string_equal(joined, expected);
	free(prefixes);
}

static void a_tag_is_found_in_any_case_and_collapsed(void **state)
{
	struct service_tags *tags = parse(FILE_OF(
		TAG("Zeta", "", "") "," TAG("Storage.WestEurope", "westeurope",
					    "\"10.0.1.0/24\",\"2001:db8::/33\",\"10.0.0.0/24\","
					    "\"10.0.0.7/32\",\"2001:db8:8000::/33\"")));

	(void)state;
	expect_prefixes(tags, "storage.WESTeurope", "10.0.0.0/23 2001:db8::/32");
	expect_prefixes(tags, "zeta", "");
	assert_null(service_tags_find(tags, "Storage"));
	assert_string_equal(service_tag_name(service_tags_find(tags, "ZETA")), "Zeta");
	assert_int_equal(service_tags_count(tags), 2);
	assert_string_equal(service_tags_cloud(tags), "Public");
	assert_string_equal(service_tags_file(tags), "tags.json");
	assert_int_equal(service_tags_change_number(tags), 7);
	service_tags_free(tags);
}

static void a_legacy_region_code_is_learned_from_other_services(void **state)
{
	struct service_tags *tags = parse(
		FILE_OF(TAG("AzureCloud.centralfrance", "centralfrance", "\"10.0.0.0/8\"") "," TAG(
			"AzureCloud.eastus", "eastus",
			"") "," TAG("Storage.FranceCentral", "centralfrance",
				    "") "," TAG("AzureFrontDoor.FirstParty", "", "")));

	(void)state;
	assert_string_equal(
		service_tag_name(service_tags_find_regional(tags, "AzureCloud", "francecentral")),
		"AzureCloud.centralfrance");
	assert_string_equal(
		service_tag_name(service_tags_find_regional(tags, "azurecloud", "EastUS")),
		"AzureCloud.eastus");
	assert_string_equal(
		service_tag_name(service_tags_find_regional(tags, "Storage", "francecentral")),
		"Storage.FranceCentral");
	assert_null(service_tags_find_regional(tags, "AzureCloud", "firstparty"));
	assert_null(service_tags_find_regional(tags, "AzureCloud", "moon"));
	service_tags_free(tags);
}

static void a_misspelt_tag_has_a_nearest_one(void **state)
{
	struct service_tags *tags =
		parse(FILE_OF(TAG("Storage", "", "") "," TAG("AzureCloud.eastus", "eastus", "")));

	(void)state;
	assert_string_equal(service_tag_name(service_tags_nearest(tags, "azurecloud.eastsu")),
			    "AzureCloud.eastus");
	assert_null(service_tags_nearest(tags, "Moon"));
	service_tags_free(tags);
}

static void a_malformed_file_is_refused_whole(void **state)
{
	(void)state;
	expect_refusal("{", "tags.json:1:1: error: not valid JSON: string or '}' expected near "
			    "end of file (is the file truncated?)\n");
	expect_refusal(
		"{\"a\":1,\"a\":2}",
		"tags.json:1:10: error: not valid JSON: duplicate object key near '\"a\"'\n");
	const char *shape = "tags.json: error: not a service-tag file: expected an object with "
			    "'changeNumber', 'cloud' and a list 'values'\n";
	expect_refusal("[]", shape);
	expect_refusal("{\"changeNumber\":-1,\"cloud\":\"Public\",\"values\":[]}", shape);
	expect_refusal("{\"changeNumber\":1,\"cloud\":\"\",\"values\":[]}", shape);
	expect_refusal("{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":{}}", shape);
}

static void a_malformed_tag_is_refused_with_its_place(void **state)
{
	(void)state;
	expect_refusal(FILE_OF("3"), "tags.json: error: values[0]: expected a 'name' of 1 to 100 "
				     "letters, digits, '.', '-' or '_'\n");
	expect_refusal(FILE_OF(TAG("a b", "", "")),
		       "tags.json: error: values[0]: expected a 'name' of 1 to 100 letters, "
		       "digits, '.', '-' or '_'\n");
	expect_refusal(FILE_OF("{\"name\":\"A\"}"),
		       "tags.json: error: tag A: expected "
		       "'properties' with a 'region' (may be empty)\n");
	expect_refusal(FILE_OF("{\"name\":\"A\",\"properties\":{\"region\":\"\"}}"),
		       "tags.json: error: tag A: expected a list 'addressPrefixes'\n");
	expect_refusal(FILE_OF(TAG("A", "", "\"10.0.0.0/8\",\"10.0.0.1/8\"")),
		       "tags.json: error: tag A, addressPrefixes[1]: '10.0.0.1/8' has host bits "
		       "set\n");
	expect_refusal(FILE_OF(TAG("A", "", "\"10.0.0.0/33\"")),
		       "tags.json: error: tag A, addressPrefixes[0]: expected an address prefix "
		       "such as \"20.0.0.0/8\"\n");
	expect_refusal(FILE_OF(TAG("A", "", "8")),
		       "tags.json: error: tag A, addressPrefixes[0]: expected an address prefix "
		       "such as \"20.0.0.0/8\"\n");
	expect_refusal(FILE_OF(TAG("Aa", "", "") "," TAG("aA", "", "")),
		       "tags.json: error: tag aA is there twice\n");
}

static void a_file_that_cannot_be_read_is_a_problem(void **state)
{
	struct problems *problems = problems_new();
	char *said;

	(void)state;
	assert_null(service_tags_load("/nowhere.json", problems));
	said = problems_format(problems);
	assert_string_equal(said, "/nowhere.json: error: service tags cannot be read: No such "
				  "file or directory\n");
	free(said);
	problems_free(problems);
}

static void collapsing_keeps_coverage_and_nothing_twice(void **state)
{
	static const char *const texts[] = {"0.0.0.0/1", "128.0.0.0/1", "::/1",      "10.0.0.0/8",
					    "8000::/2",  "c000::/2",    "1.2.3.4/32"};
	struct ip_prefix prefixes[7];
	char text[IP_PREFIX_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(ip_prefix_parse(texts[i], &prefixes[i]), 0);
	assert_int_equal(ip_prefixes_collapse(prefixes, 7), 2);
	assert_string_equal(ip_prefix_format(&prefixes[0], text), "0.0.0.0/0");
	assert_string_equal(ip_prefix_format(&prefixes[1], text), "::/0");
	assert_int_equal(ip_prefixes_collapse(prefixes, 0), 0);
	assert_int_equal(ip_prefix_parse("10.0.1.0/24", &prefixes[0]), 0);
	assert_int_equal(ip_prefix_parse("10.0.2.0/24", &prefixes[1]), 0);
	assert_int_equal(ip_prefixes_collapse(prefixes, 2), 2);
}

/* Every address of a small space, counted before and after. */
static void collapsing_random_prefixes_covers_the_same_addresses(void **state)
{
	unsigned int seed = 20240520;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct ip_prefix prefixes[24];
		bool covered[256] = {false}, after[256] = {false};
		size_t count = (size_t)(rand_r(&seed) % 24);

		for (size_t i = 0; i < count; i++) {
			unsigned int length = 24 + (unsigned int)rand_r(&seed) % 9;
			unsigned int size = 1u << (32 - length);
			unsigned int start = (unsigned int)rand_r(&seed) % 256 / size * size;

			prefixes[i] = (struct ip_prefix){ip_from_v4(0x0a000000u + start),
							 (uint8_t)length};
			memset(covered + start, true, size);
		}
		size_t kept = ip_prefixes_collapse(prefixes, count);
		for (size_t i = 0; i < kept; i++) {
			size_t size = (size_t)1 << (32 - prefixes[i].length);

			for (size_t j = 0; j < size; j++) {
				assert_false(after[prefixes[i].address.bytes[3] + j]);
				after[prefixes[i].address.bytes[3] + j] = true;
			}
		}
		assert_memory_equal(covered, after, sizeof(covered));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_is_found_in_any_case_and_collapsed),
		cmocka_unit_test(a_legacy_region_code_is_learned_from_other_services),
		cmocka_unit_test(a_misspelt_tag_has_a_nearest_one),
		cmocka_unit_test(a_malformed_file_is_refused_whole),
		cmocka_unit_test(a_malformed_tag_is_refused_with_its_place),
		cmocka_unit_test(a_file_that_cannot_be_read_is_a_problem),
		cmocka_unit_test(collapsing_keeps_coverage_and_nothing_twice),
		cmocka_unit_test(collapsing_random_prefixes_covers_the_same_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
