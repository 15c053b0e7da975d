/* What is written of an edition reads back as the same edition. */
#include "import/catalog_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(free_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

static void check_round_trip(const struct catalog_edition *edition)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(text_free) struct text first = TEXT_EMPTY, second = TEXT_EMPTY;

	catalog_text_write(edition, &first);
	assert_false(text_failed(&first));
	cleanup(free_catalog) struct catalog *read =
		catalog_parse(first.data, first.length, "written", problems);
	assert_non_null(read);
	const struct catalog_edition *again = catalog_edition_find(read, NULL);
	assert_int_equal(again->entry_count, edition->entry_count);
	assert_int_equal(again->unread_count, edition->unread_count);
	catalog_text_write(again, &second);
	assert_string_equal(first.data, second.data);
}

static void every_embedded_edition_survives_writing_and_reading(void **state)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_catalog) struct catalog *catalog = catalog_load(NULL, problems);

	(void)state;
	assert_non_null(catalog);
	for (const char *const *name = catalog_edition_names(catalog); *name; name++)
		check_round_trip(catalog_edition_find(catalog, *name));
}

static void texts_that_yaml_would_read_otherwise_are_quoted(void **state)
{
	static const char *const texts[] = {"null",      "true",    "No",      "a: b", "a #b",
					    "-a",        "'a'",     "\"a\\\"", " a ",  "a\nb",
					    "\x01\x7f",  "ä\u2028", "\ufeff",  "1.5",  "*a",
					    "{a}, [b]!", "😀",       NULL};
	char cloud_name[] = "public", tags[] = "Public", server[] = "*.example";
	char *servers[] = {server};
	struct catalog_cloud cloud = {.name = cloud_name,
				      .title = cloud_name,
				      .service_tags = tags,
				      .api_servers = servers,
				      .api_server_count = 1};

	(void)state;
	for (const char *const *text = texts; *text; text++) {
		cleanup(free_problems) struct problems *problems = problems_new();
		cleanup(free_memory) char *title = strdup(*text);
		cleanup(text_free) struct text written = TEXT_EMPTY;
		struct catalog_section section = {.title = title};
		struct catalog_unread unread = {
			.section = title, .row = 1, .line = 2, .text = title};
		char name[] = "2020-01-01";
		const struct catalog_edition edition = {.name = name,
							.title = title,
							.clouds = &cloud,
							.cloud_count = 1,
							.sections = &section,
							.section_count = 1,
							.unread = &unread,
							.unread_count = 1};

		catalog_text_write(&edition, &written);
		cleanup(free_catalog) struct catalog *read =
			catalog_parse(written.data, written.length, "written", problems);
		assert_non_null(read);
		assert_string_equal(catalog_edition_find(read, NULL)->title, *text);
		assert_string_equal(catalog_edition_find(read, NULL)->unread[0].text, *text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_embedded_edition_survives_writing_and_reading),
		cmocka_unit_test(texts_that_yaml_would_read_otherwise_are_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
