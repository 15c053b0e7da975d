/*
 * Two lines: a pattern and a name. The canonical spelling of a pattern is read back as the same
 * pattern, and the table agrees with the naive comparison.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "name/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spelling(const struct pattern *pattern)
{
	char text[PATTERN_TEXT_SIZE], text_again[PATTERN_TEXT_SIZE];
	struct pattern again;
	const char *message;

	pattern_format(pattern, text);
	invariant(pattern_parse(text, &again, &message) == 0);
	invariant(again.kind == pattern->kind && !again.leading_dot);
	invariant(strcmp(pattern_format(&again, text_again), text) == 0);
}

static void check_table(const struct pattern *pattern, const struct name *name)
{
	struct name_table_builder *builder = name_table_builder_new();
	struct name_table_cursor cursor;
	uint32_t value = 0;

	invariant(builder);
	invariant(name_table_builder_add(builder, pattern, 7) == 0);
	invariant(name_table_builder_add(builder, pattern, 7) == 0);
	struct name_table *table = name_table_build(builder);
	invariant(table);
	name_table_find(table, name, &cursor);
	bool found = name_table_next(&cursor, &value);
	invariant(found == pattern_matches(pattern, name));
	invariant(!found || value == 7);
	invariant(!name_table_next(&cursor, &value));
	name_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct pattern pattern;
	struct name name;
	const char *message = NULL;

	invariant(text);
	memcpy(text, data, size);
	text[size] = '\0';
	char *line_end = strchr(text, '\n');
	const char *second = line_end ? line_end + 1 : "a.b.c";
	if (line_end)
		*line_end = '\0';
	if (pattern_parse(text, &pattern, &message) == 0) {
		check_spelling(&pattern);
		if (name_from_wire(second, strlen(second), &name) == NAME_OK)
			check_table(&pattern, &name);
	} else {
		invariant(message);
	}
	free(text);
	return 0;
}
