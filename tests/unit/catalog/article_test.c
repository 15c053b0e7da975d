/*
 * Holds each edition against the article itself, both ways: every name in a row of a table and
 * every destination of an entry become a line "section|row|port|name", and the two lists must be
 * equal; so must what the prose names and the entries without a row. The reading here knows these
 * articles alone; it has nothing to do with the importer.
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

#define LINES_MAX 1000
#define CELLS_MAX 4

struct edition_case {
	const char *edition, *article;
	unsigned int tables;
};

static const struct edition_case s_2024 = {"2024-05-20", "aks-outbound-2024-05-20.md", 21};
static const struct edition_case s_2026 = {"2026-07-02", "aks-outbound-2026-07-02.md", 22};

struct lines {
	char *list[LINES_MAX];
	size_t count;
};

struct heading {
	size_t level;
	char *text;
};

struct article {
	char *text; /* split into lines: each ends with NUL */
	char *rows[LINES_MAX];
	size_t row_count;
	struct heading headings[100];
	size_t heading_count;
};

__attribute__((format(printf, 2, 3))) static void add_line(struct lines *lines, const char *format,
							   ...)
{
	va_list arguments;

	va_start(arguments, format);
	assert_true(lines->count < LINES_MAX);
	assert_true(vasprintf(&lines->list[lines->count++], format, arguments) > 0);
	va_end(arguments);
}

static int compare_lines(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Equal as sets; each line that only one side has is told. */
static void expect_same(struct lines *article, struct lines *entries)
{
	size_t a = 0, e = 0, wrong = 0;

	qsort(article->list, article->count, sizeof(char *), compare_lines);
	qsort(entries->list, entries->count, sizeof(char *), compare_lines);
	while (a < article->count || e < entries->count) {
		int order = a == article->count   ? 1
			    : e == entries->count ? -1
						  : strcmp(article->list[a], entries->list[e]);

		if (order != 0)
			print_message("# only in the %s: %s\n", order < 0 ? "article" : "edition",
				      order < 0 ? article->list[a] : entries->list[e]);
		wrong += order != 0;
		a += order <= 0;
		e += order >= 0;
	}
	assert_int_equal(wrong, 0);
}

static void free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->list[i]);
}

/* ------------------------------------------------------------ the article's text */

static void read_article(const struct edition_case *edition, struct article *article)
{
	char path[INPUTS_PATH_SIZE], *rest;
	size_t length, rulers = 0;

	assert_true(inputs_find(edition->article, path));
	assert_int_equal(file_read(path, 1u << 20, &article->text, &length), 0);
	rest = article->text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		line[strcspn(line, "\r")] = '\0';
		rulers += rulers < 2 && !strcmp(line, "---"); /* the front matter */
		if (rulers < 2)
			continue;
		assert_true(article->row_count < LINES_MAX);
		article->rows[article->row_count++] = line;
		if (*line != '#')
			continue;
		struct heading *heading = &article->headings[article->heading_count++];

		assert_true(article->heading_count < 100);
		heading->level = strspn(line, "#");
		heading->text = line + heading->level + 1;
		for (size_t end = strlen(heading->text); end && heading->text[end - 1] == ' ';)
			heading->text[--end] = '\0';
	}
}

static bool is_unique(const struct article *article, const char *text)
{
	size_t count = 0;

	for (size_t i = 0; i < article->heading_count; i++)
		count += !strcmp(article->headings[i].text, text);
	return count == 1;
}

/* The heading's text; if it comes again in the article, led by the nearest unique ancestor's. */
static void name_section(const struct article *article, size_t index, char title[300])
{
	size_t level = article->headings[index].level;

	snprintf(title, 300, "%s", article->headings[index].text);
	if (is_unique(article, article->headings[index].text))
		return;
	for (size_t i = index; i-- > 0;) {
		const struct heading *ancestor = &article->headings[i];

		if (ancestor->level >= level)
			continue;
		level = ancestor->level;
		if (is_unique(article, ancestor->text)) {
			snprintf(title, 300, "%s: %s", ancestor->text,
				 article->headings[index].text);
			return;
		}
	}
}

/* -------------------------------------------------------------------- its tables */

/* The article's spellings of the region → <region>, a leading dot → "*.". */
static void normalise(const char *name, struct text *out)
{
	const char *open = strchr(name, '<'), *close = strchr(name, '>');

	if (*name == '.')
		text_add(out, "*");
	if (!strcmp(name, "AzureCloud.Region")) {
		text_add(out, "AzureCloud.<region>");
	} else if (open && close) {
		text_add_bytes(out, name, (size_t)(open - name));
		text_addf(out, "<region>%s", close + 1);
	} else {
		text_add(out, name);
	}
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
	text_add(out, strncmp(span, "Azure", 5) == 0 ? "tag:" : "name:");
	normalise(span, out);
}

/* Letters, digits and colons, in lower case: without marks of emphasis and spaces of all kinds. */
static void plain_word(const char *cell, char word[64])
{
	size_t length = 0;

	for (; *cell && length < 63; cell++)
		if (isalnum((unsigned char)*cell) || *cell == ':')
			word[length++] = (char)tolower((unsigned char)*cell);
	word[length] = '\0';
}

static size_t split_row(char *row, char *cells[CELLS_MAX])
{
	size_t count = 0;
	char *rest = row + 1;

	for (char *cell; (cell = strsep(&rest, "|")) && rest;) {
		assert_true(count < CELLS_MAX);
		cells[count++] = cell;
	}
	return count;
}

struct table {
	char title[300];
	size_t row;
	size_t port, protocol; /* columns; protocol 0: there is none */
};

static void read_header(char *row, struct table *table)
{
	char *cells[CELLS_MAX], word[64];
	size_t count = split_row(row, cells);

	table->port = table->protocol = 0;
	for (size_t i = 1; i < count; i++) {
		plain_word(cells[i], word);
		if (!strcmp(word, "port"))
			table->port = i;
		if (!strcmp(word, "protocol"))
			table->protocol = i;
	}
	assert_true(table->port > 0);
}

/* The cloud that is told in brackets after a name; NULL: none. */
static const char *marked_cloud(const char *after)
{
	size_t length = strcspn(after, "`");
	const char *bracket = memchr(after, '(', length);

	if (bracket && !strncmp(bracket, "(Azure Government)", 18))
		return "usgov";
	if (bracket && !strncmp(bracket, "(Azure operated by 21Vianet)", 28))
		return "china";
	return NULL;
}

static void add_names(char *cell, const struct table *table, const char *port, struct lines *lines,
		      struct lines *marks)
{
	for (char *open, *close; (open = strchr(cell, '`')); cell = close + 1) {
		char *rest = NULL;
		const char *cloud;

		close = strchr(open + 1, '`');
		assert_non_null(close);
		*close = '\0';
		cloud = marked_cloud(close + 1);
		if (open[1] == '(') /* a remark in code marks */
			continue;
		for (char *name = strtok_r(open + 1, ", ", &rest); name;
		     name = strtok_r(NULL, ", ", &rest)) {
			cleanup(text_free) struct text text = TEXT_EMPTY;

			if (table->protocol)
				translate_destination(name, &text);
			else
				normalise(name, &text);
			add_line(lines, "%s|%zu|%s|%s", table->title, table->row, port,
				 text_string(&text));
			if (cloud)
				add_line(marks, "%s|%zu|%s|%s", table->title, table->row,
					 text_string(&text), cloud);
		}
	}
}

static void read_row(char *row, const struct table *table, struct lines *lines, struct lines *marks)
{
	char *cells[CELLS_MAX], port[64], protocol[64] = "https", whole[140];
	size_t count = split_row(row, cells);

	assert_true(table->port < count && table->protocol < count);
	plain_word(cells[table->port], port);
	if (table->protocol)
		plain_word(cells[table->protocol], protocol);
	if (strchr(port, ':')) /* "HTTPS:443" */
		snprintf(whole, sizeof(whole), "%s", port);
	else
		snprintf(whole, sizeof(whole), "%s:%s", protocol, port);
	add_names(cells[0], table, whole, lines, marks);
}

/* Names in quotes in the bullets, and the service tag that one of them offers instead. */
static void read_bullet(const char *line, struct lines *prose)
{
	const char *open = strchr(line, '"');
	const char *close = open ? strchr(open + 1, '"') : NULL;

	if (close)
		add_line(prose, "%.*s", (int)(close - open - 1), open + 1);
	if (strstr(line, "the Storage [service tag]"))
		add_line(prose, "tag:Storage");
}

/* The number of tables. */
static unsigned int read_rows(struct article *article, struct lines *lines, struct lines *marks,
			      struct lines *prose)
{
	struct table table = {.title = ""};
	size_t heading = 0, place = 0; /* of the table's line, from 1; 0: outside of one */
	unsigned int tables = 0;

	for (size_t i = 0; i < article->row_count; i++) {
		char *row = article->rows[i];

		place = *row == '|' ? place + 1 : 0;
		if (*row == '#')
			name_section(article, heading++, table.title);
		if (!strncmp(row, "* ", 2))
			read_bullet(row, prose);
		if (place == 1) {
			read_header(row, &table);
			tables++;
		}
		table.row = place > 2 ? place - 2 : 0;
		if (table.row)
			read_row(row, &table, lines, marks);
	}
	return tables;
}

/* ------------------------------------------------------------------- the edition */

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

static void describe_port(const struct catalog_entry *entry, char port[32])
{
	const char *protocol;

	assert_int_equal(entry->port_count, 1);
	if (entry->kind == RULE_NETWORK)
		protocol = entry->ports[0].transport == TRANSPORT_TCP ? "tcp" : "udp";
	else
		protocol = entry->ports[0].protocol == APPLICATION_HTTPS ? "https" : "http";
	snprintf(port, 32, "%s:%u", protocol, entry->ports[0].port);
}

static void add_entry(const struct catalog_entry *entry, struct lines *rows, struct lines *prose)
{
	char port[32];

	describe_port(entry, port);
	for (size_t i = 0; i < entry->destination_count + entry->name_count; i++) {
		cleanup(text_free) struct text text = TEXT_EMPTY;

		if (i < entry->destination_count)
			describe_destination(&entry->destinations[i], &text);
		else
			text_add(&text, entry->names[i - entry->destination_count]);
		if (entry->row)
			add_line(rows, "%s|%u|%s|%s", entry->section, entry->row, port,
				 text_string(&text));
		else
			add_line(prose, "%s", text_string(&text));
	}
}

static uint32_t cloud_bit(const struct catalog_edition *edition, const char *name)
{
	return 1u << (catalog_cloud_find(edition, name) - edition->clouds);
}

/* "section|row|name|cloud": an entry of that cloud alone has the name. */
static bool has_marked(const struct catalog_edition *edition, const char *mark)
{
	for (size_t i = 0; i < edition->entry_count; i++) {
		const struct catalog_entry *entry = &edition->entries[i];

		for (size_t j = 0; j < entry->name_count; j++) {
			size_t length = strlen(mark) - strlen(strrchr(mark, '|'));
			cleanup(text_free) struct text text = TEXT_EMPTY;

			text_addf(&text, "%s|%u|%s", entry->section, entry->row, entry->names[j]);
			if (text.length == length && !strncmp(text_string(&text), mark, length) &&
			    entry->clouds == cloud_bit(edition, strrchr(mark, '|') + 1))
				return true;
		}
	}
	return false;
}

static void compare(const struct edition_case *test)
{
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_load(NULL, problems);
	struct lines rows = {0}, marks = {0}, prose = {0}, entries = {0}, entries_prose = {0};
	struct article article = {0};
	const struct catalog_edition *edition;

	assert_non_null(catalog);
	edition = catalog_edition_find(catalog, test->edition);
	assert_non_null(edition);
	read_article(test, &article);
	assert_int_equal(read_rows(&article, &rows, &marks, &prose), test->tables);
	for (size_t i = 0; i < edition->entry_count; i++)
		if (!edition->entries[i].correction)
			add_entry(&edition->entries[i], &entries, &entries_prose);
	expect_same(&rows, &entries);
	expect_same(&prose, &entries_prose);
	assert_true(marks.count >= 10);
	for (size_t i = 0; i < marks.count; i++)
		if (!has_marked(edition, marks.list[i]))
			fail_msg("no entry of that cloud alone: %s", marks.list[i]);
	free_lines(&rows);
	free_lines(&marks);
	free_lines(&prose);
	free_lines(&entries);
	free_lines(&entries_prose);
	free(article.text);
	catalog_free(catalog);
	problems_free(problems);
}

static void edition_2024_05_20_and_its_article_are_the_same_set(void **state)
{
	(void)state;
	compare(&s_2024);
}

static void edition_2026_07_02_and_its_article_are_the_same_set(void **state)
{
	(void)state;
	compare(&s_2026);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edition_2024_05_20_and_its_article_are_the_same_set),
		cmocka_unit_test(edition_2026_07_02_and_its_article_are_the_same_set),
	};

	inputs_require(s_2024.article);
	inputs_require(s_2026.article);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
