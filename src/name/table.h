/*
 * The name table: many patterns, each with an ascending list of values (rule positions), looked up
 * by one name in time that depends on the name's labels, not on the number of patterns. Built once,
 * then immutable and safe to share between threads.
 */
#pragma once

#include "name/pattern.h"

struct name_table_builder;
struct name_table;

struct name_table_builder *name_table_builder_new(void);
void name_table_builder_free(struct name_table_builder *builder);

/* Values may be added in any order; duplicates of (pattern, value) are kept once. -ENOMEM. */
int name_table_builder_add(struct name_table_builder *builder, const struct pattern *pattern,
			   uint32_t value);

/* Consumes the builder (also on failure). NULL: out of memory. */
struct name_table *name_table_build(struct name_table_builder *consumed);
void name_table_free(struct name_table *table);

/* Bytes held, for the metric and the benchmark. */
size_t name_table_memory(const struct name_table *table);

/*
 * The values of all patterns that match `name`, ascending, each once. No allocation. The cursor is
 * valid as long as the table; the name need not outlive the call. Its fields are the module's own.
 */
struct name_table_cursor {
	/* One for the name, one for each suffix, one for "*"; only the first `count` are set. */
	struct {
		const uint32_t *next, *end;
	} lists[NAME_MAX_LABELS + 1];
	uint32_t count;
	/* Patterns with a star inside the left-most label, from the next that matches it on. */
	const uint32_t *next_label_pattern, *end_of_label_patterns;
	uint8_t label_length; /* of the left-most label; set when there are such patterns */
	char label[LABEL_MAX_LENGTH];
};
void name_table_find(const struct name_table *table, const struct name *name,
		     struct name_table_cursor *ret_cursor);
/* False: there are no more. */
bool name_table_next(struct name_table_cursor *cursor, uint32_t *ret_value);

/*
 * How many of the name's first bytes the patterns that match it leave open, in the narrowest of
 * them: 0 when one is exactly the name, the labels in place of the star for "*.b.c" and "md-*.b.c"
 * (with "md-"), and all of the name when "*" or nothing matches.
 */
size_t name_table_open_length(const struct name_table *table, const struct name *name);

/* Is there a pattern of `value` that is exactly the name? */
bool name_table_has_exact(const struct name_table *table, const struct name *name, uint32_t value);

/*
 * All names that patterns spell out, each once, in no order, with the values of those patterns
 * (ascending; they live as long as the table). `at` is 0 at the beginning, then the table's own.
 * False: there are no more.
 */
struct name_table_exact {
	struct name name;
	const uint32_t *values;
	size_t count;
};
bool name_table_next_exact(const struct name_table *table, size_t *at,
			   struct name_table_exact *ret_exact);
