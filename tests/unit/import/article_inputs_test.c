/*
 * The real articles, where they are at hand: every table and row is read, and what becomes of them
 * is the embedded edition of that day, but for its corrections: the same entries, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "../inputs.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "import_case.h"

#define LINES_MAX 1000

struct lines {
	char *list[LINES_MAX];
	size_t count;
};

static void add_words(struct text *text, const struct catalog_entry *entry)
{
	for (size_t i = 0; i < entry->name_count; i++)
		text_addf(text, " %s", entry->names[i]);
	for (size_t i = 0; i < entry->destination_count; i++)
		text_addf(text, " %d:%s", entry->destinations[i].kind,
			  entry->destinations[i].text ? entry->destinations[i].text : "");
	for (size_t i = 0; i < entry->port_count; i++)
		text_addf(text, " %u/%d:%u", entry->ports[i].transport, entry->ports[i].protocol,
			  entry->ports[i].port);
	/* in no order: the sum of powers of two */
	unsigned long long conditions = 0;
	for (size_t i = 0; i < entry->condition_count; i++)
		conditions += 1ull << (entry->conditions[i].fact * 4 + entry->conditions[i].wanted +
				       2 * entry->conditions[i].correction);
	text_addf(text, " %llx | %s | %s", conditions, entry->purpose,
		  entry->note ? entry->note : "-");
}

/* One line for each entry and cloud. */
static void add_lines(struct lines *lines, const struct catalog_edition *edition)
{
	for (size_t i = 0; i < edition->entry_count; i++) {
		const struct catalog_entry *entry = &edition->entries[i];

		for (size_t cloud = 0; cloud < edition->cloud_count; cloud++) {
			struct text line = TEXT_EMPTY;

			if (entry->correction || !(entry->clouds & (1u << cloud)))
				continue;
			text_addf(&line, "%s, row %u, %s, %s, need %d, %s:", entry->section,
				  entry->row, edition->clouds[cloud].name, entry->id, entry->need,
				  entry->feature ? entry->feature : "-");
			add_words(&line, entry);
			assert_true(lines->count < LINES_MAX);
			lines->list[lines->count++] = line.data;
		}
	}
}

static int compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void compare_editions(const struct catalog_edition *made,
			     const struct catalog_edition *embedded)
{
	struct lines mine = {0}, theirs = {0};

	add_lines(&mine, made);
	add_lines(&theirs, embedded);
	qsort(mine.list, mine.count, sizeof(char *), compare);
	qsort(theirs.list, theirs.count, sizeof(char *), compare);
	for (size_t i = 0; i < mine.count && i < theirs.count; i++)
		assert_string_equal(mine.list[i], theirs.list[i]);
	assert_int_equal(mine.count, theirs.count);
	for (size_t i = 0; i < mine.count; i++) {
		free(mine.list[i]);
		free(theirs.list[i]);
	}
}

static void run_input(struct import_case *run, const char *edition)
{
	cleanup(free_memory) char *text = NULL;
	char file[100], path[INPUTS_PATH_SIZE];
	size_t length;

	snprintf(file, sizeof(file), "aks-outbound-%s.md", edition);
	assert_true(inputs_find(file, path));
	assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
	import_case_run(run, text, length, file, edition);
	assert_int_equal(run->error, 0);
	assert_int_equal(problems_count(run->problems), 0);
	assert_int_equal(run->counts.unread, 0);
}

static void check(const char *edition, size_t tables, size_t rows)
{
	struct import_case run;

	run_input(&run, edition);
	assert_int_equal(run.counts.tables, tables);
	assert_int_equal(run.counts.rows, rows);
	compare_editions(run.edition, catalog_edition_find(run.known, edition));
	import_case_done(&run);
}

static void the_article_of_2024_is_the_edition_of_2024(void **state)
{
	(void)state;
	check("2024-05-20", 21, 86);
}

static void the_article_of_2026_is_the_edition_of_2026(void **state)
{
	(void)state;
	check("2026-07-02", 22, 103);
}

static void the_article_of_2023_is_read_whole(void **state)
{
	struct import_case run;

	(void)state;
	run_input(&run, "2023-06-13");
	assert_int_equal(run.counts.tables, 18);
	assert_int_equal(run.counts.rows, 67);
	import_case_done(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_article_of_2024_is_the_edition_of_2024),
		cmocka_unit_test(the_article_of_2026_is_the_edition_of_2026),
		cmocka_unit_test(the_article_of_2023_is_read_whole),
	};

	inputs_require("aks-outbound-2024-05-20.md");
	inputs_require("aks-outbound-2026-07-02.md");
	inputs_require("aks-outbound-2023-06-13.md");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
