/*
 * Compares the edition 2024-05-20 with the article itself, both ways: each row of the tables that
 * the edition covers and each entry become a line "heading|row|port|destination", and the two lists
 * must be equal. The reading here is for this one article; it has nothing to do with the importer.
 */
#include "catalog/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include "../inputs.h"

#define ARTICLE "aks-outbound-2024-05-20.md"

static const char *const s_headings[] = {
	"Azure Global required network rules",
	"Azure Global required FQDN / application rules",
	"Optional recommended FQDN / application rules for AKS clusters",
};

struct lines {
	char *list[500];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void add_line(struct lines *lines, const char *format,
							   ...)
{
	va_list arguments;

	va_start(arguments, format);
	assert_true(lines->count < 500);
	assert_true(vasprintf(&lines->list[lines->count++], format, arguments) > 0);
	va_end(arguments);
}

static int compare_lines(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->list[i]);
}

static bool is_covered(const char *heading)
{
	for (size_t i = 0; i < sizeof(s_headings) / sizeof(*s_headings); i++)
		if (!strcmp(s_headings[i], heading))
			return true;
	return false;
}

/* The next `code span` of a cell; false: no more. */
static bool next_span(char **cell, char **ret_span)
{
	char *start = strchr(*cell, '`');
	char *end = start ? strchr(start + 1, '`') : NULL;

	if (!end)
		return false;
	*end = '\0';
	*ret_span = start + 1;
	*cell = end + 1;
	return true;
}

/* The article's spellings of the region → <region>. */
static void normalise(const char *name, struct text *out)
{
	const char *open = strchr(name, '<'), *close = strchr(name, '>');

	if (!open || !close) {
		text_add(out, name);
		return;
	}
	text_add_bytes(out, name, (size_t)(open - name));
	text_addf(out, "<region>%s", close + 1);
}

/* "AzureCloud.<Region>:1194" → "tag:AzureCloud.<region>". */
static void translate_destination(char *span, struct text *out)
{
	static const char *const words[][2] = {{"*", "*"},
					       {"RegionCIDRs", "region-prefixes"},
					       {"APIServerPublicIP", "api-server"},
					       {"CustomDNSIP", "custom-dns"}};
	char *colon = strrchr(span, ':');

	assert_non_null(colon);
	*colon = '\0';
	for (size_t i = 0; i < 4; i++) {
		if (!strcmp(words[i][0], span)) {
			text_add(out, words[i][1]);
			return;
		}
	}
	text_add(out, strncmp(span, "AzureCloud", 10) == 0 ? "tag:" : "name:");
	normalise(span, out);
}

static void trim_lower(char *cell, char lower[64])
{
	size_t length = 0;

	for (; *cell && length < 63; cell++)
		if (!isspace((unsigned char)*cell) && *cell != '*' && *cell != '`')
			lower[length++] = (char)tolower((unsigned char)*cell);
	lower[length] = '\0';
}

/* Cells: destinations, protocol, port, use; or names, "HTTPS:443", use. */
static void read_row(char *line, const char *heading, size_t row, struct lines *lines)
{
	bool network = strstr(heading, "network") != NULL;
	char *rest = NULL, *span, port[64], number[64], whole[140];
	char *names = strtok_r(line, "|", &rest);

	trim_lower(strtok_r(NULL, "|", &rest), port);
	snprintf(whole, sizeof(whole), "%s", port);
	if (network) {
		trim_lower(strtok_r(NULL, "|", &rest), number);
		snprintf(whole, sizeof(whole), "%s:%s", port, number);
	}
	while (next_span(&names, &span)) {
		char *inner = NULL;

		if (*span == '(')
			continue;
		for (char *name = strtok_r(span, ", ", &inner); name;
		     name = strtok_r(NULL, ", ", &inner)) {
			cleanup(text_free) struct text text = TEXT_EMPTY;

			if (network)
				translate_destination(name, &text);
			else
				normalise(name, &text);
			add_line(lines, "%s|%zu|%s|%s", heading, row, whole, text_string(&text));
		}
	}
}

static void read_article(struct lines *lines)
{
	cleanup(free_memory) char *text = NULL;
	char path[INPUTS_PATH_SIZE], *rest = NULL;
	const char *heading = "";
	size_t length, row = 0;

	assert_true(inputs_find(ARTICLE, path));
	assert_int_equal(file_read(path, 1u << 20, &text, &length), 0);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line[strcspn(line, "\r")] = '\0';
		if (*line == '#') {
			heading = line + strspn(line, "# ");
			row = 0;
		} else if (*line == '|' && is_covered(heading)) {
			if (++row > 2) /* header and rule */
				read_row(line, heading, row - 2, lines);
		}
	}
}

static void describe_destination(const struct catalog_destination *destination, struct text *out)
{
	static const char *const words[CATALOG_DESTINATION_COUNT] = {
		[CATALOG_DESTINATION_NAME] = "name:",
		[CATALOG_DESTINATION_API_SERVER] = "api-server",
		[CATALOG_DESTINATION_CUSTOM_DNS] = "custom-dns",
		[CATALOG_DESTINATION_REGION_PREFIXES] = "region-prefixes",
		[CATALOG_DESTINATION_SERVICE_TAG] = "tag:",
		[CATALOG_DESTINATION_ANY] = "*",
	};

	text_addf(out, "%s%s", words[destination->kind],
		  destination->text ? destination->text : "");
}

static void add_entry(const struct catalog_entry *entry, struct lines *lines)
{
	bool network = entry->kind == RULE_NETWORK;
	char port[64];

	assert_int_equal(entry->port_count, 1);
	if (network)
		snprintf(port, sizeof(port), "%s:%u",
			 entry->ports[0].transport == TRANSPORT_TCP ? "tcp" : "udp",
			 entry->ports[0].port);
	else
		snprintf(port, sizeof(port), "%s:%u",
			 entry->ports[0].protocol == APPLICATION_HTTPS ? "https" : "http",
			 entry->ports[0].port);
	for (size_t i = 0; i < entry->destination_count; i++) {
		cleanup(text_free) struct text text = TEXT_EMPTY;

		describe_destination(&entry->destinations[i], &text);
		add_line(lines, "%s|%u|%s|%s", entry->section, entry->row, port,
			 text_string(&text));
	}
	for (size_t i = 0; i < entry->name_count; i++)
		add_line(lines, "%s|%u|%s|%s", entry->section, entry->row, port, entry->names[i]);
}

static void the_edition_and_the_article_are_the_same_set(void **state)
{
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_load(NULL, problems);
	struct lines article = {0}, entries = {0};

	(void)state;
	assert_non_null(catalog);
	read_article(&article);
	const struct catalog_edition *edition = catalog_edition_find(catalog, "2024-05-20");
	for (size_t i = 0; i < edition->entry_count; i++)
		if (is_covered(edition->entries[i].section) && !edition->entries[i].correction)
			add_entry(&edition->entries[i], &entries);
	qsort(article.list, article.count, sizeof(char *), compare_lines);
	qsort(entries.list, entries.count, sizeof(char *), compare_lines);
	for (size_t i = 0; i < article.count && i < entries.count; i++)
		assert_string_equal(article.list[i], entries.list[i]);
	assert_int_equal(article.count, entries.count);
	assert_true(article.count >= 20);
	free_lines(&article);
	free_lines(&entries);
	catalog_free(catalog);
	problems_free(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_edition_and_the_article_are_the_same_set),
	};

	inputs_require(ARTICLE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
