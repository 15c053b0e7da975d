/*
 * The name table: finds the patterns that match a name by looking up each of the name's suffixes.
 *
 * A suffix that some pattern is fixed to (all of an exact name; what follows "*." or "md-*.") has
 * one record: its text and its lists of values. A frozen open-addressing hash table leads from the
 * suffix's hash to the record. Hashes are computed label by label from the right, so that one pass
 * over the name yields those of all of its suffixes; they are keyed at random, and the text is
 * compared whenever a tag is equal, so a collision costs time, never a wrong verdict.
 *
 * A suffix's tag is the upper half of its hash, and its home slot rises with the tag. The builder
 * fills the slots in ascending order of tags and never wraps around: a search starts at home and
 * ends at the suffix, at the first higher tag or at an empty slot (the last slot is always empty).
 * Records lie in the order of the slots. All searches of a name are prefetched before the first of
 * them runs, so their cache misses overlap. Suffixes of a label count that no pattern has are not
 * looked for; a name of 127 labels costs no more than the patterns' own depth.
 *
 * A name meets at most one list of exact values, one of "*" and one a proper suffix: 128, which the
 * cursor holds. Patterns with a star inside the left-most label hang at their suffix, ascending by
 * value, and are compared one by one as the cursor advances: only those of a single suffix, since
 * that label has no dot. A linear walk is right for the handful that real policies have.
 *
 * The table is immutable; the number of patterns is bounded by 2^32 words of records only.
 */
#include "name/table.h"

#include <stdlib.h>

#include "base/assertion.h"
#include "name/table_impl.h"

/* A suffix of the name that is worth looking for. */
struct candidate {
	uint32_t tag;
	uint32_t start; /* offset in the name */
};

void name_table_free(struct name_table *table)
{
	if (!table)
		return;
	free(table->slots);
	free(table->words);
	free(table);
}

size_t name_table_memory(const struct name_table *table)
{
	return sizeof(*table) + table->slot_count * sizeof(*table->slots) +
	       table->word_count * sizeof(*table->words);
}

/* From the right-most label on: the suffixes of a depth that the table has. Returns how many. */
static uint32_t list_candidates(const struct name_table *table, const struct name *name,
				struct candidate candidates[NAME_MAX_LABELS])
{
	uint32_t count = 0, end = name->length;
	uint64_t hash = 0;

	for (uint32_t depth = 1; depth <= table->max_labels; depth++) {
		uint32_t start = end;

		while (start > 0 && name->text[start - 1] != '.')
			start--;
		hash = hash_label(&table->key, hash, name->text + start, end - start);
		if (table->depths[depth / 64] >> (depth % 64) & 1) {
			uint32_t tag = (uint32_t)(hash >> 32);

			__builtin_prefetch(&table->slots[home_slot(table, tag)]);
			candidates[count++] = (struct candidate){.tag = tag, .start = start};
		}
		if (start == 0)
			break;
		end = start - 1;
	}
	return count;
}

static uint32_t find_record(const struct name_table *table, uint32_t tag, const char *suffix,
			    size_t length)
{
	const struct table_slot *slot = &table->slots[home_slot(table, tag)];

	for (; slot->record && slot->tag <= tag; slot++) {
		const uint32_t *record = &table->words[slot->record];

		if (slot->tag == tag && (record[0] & RECORD_LENGTH_MASK) == length &&
		    memcmp(record + 1, suffix, length) == 0)
			return slot->record;
	}
	return 0;
}

static void add_list(struct name_table_cursor *cursor, const uint32_t *list)
{
	invariant(cursor->count < sizeof(cursor->lists) / sizeof(cursor->lists[0]));
	cursor->lists[cursor->count].next = list + 1;
	cursor->lists[cursor->count].end = list + 1 + list[0];
	cursor->count++;
}

static size_t prefix_length(const uint32_t *label_pattern)
{
	return label_pattern[1] & 0xff;
}

static size_t postfix_length(const uint32_t *label_pattern)
{
	return label_pattern[1] >> 8;
}

static const uint32_t *after_label_pattern(const uint32_t *label_pattern)
{
	return label_pattern + LABEL_PATTERN_HEADER +
	       words_for(prefix_length(label_pattern) + postfix_length(label_pattern));
}

static bool label_pattern_matches(const struct name_table_cursor *cursor,
				  const uint32_t *label_pattern)
{
	const char *fixed = (const char *)(label_pattern + LABEL_PATTERN_HEADER);
	size_t prefix = prefix_length(label_pattern), postfix = postfix_length(label_pattern);

	return cursor->label_length >= prefix + postfix &&
	       memcmp(cursor->label, fixed, prefix) == 0 &&
	       memcmp(cursor->label + cursor->label_length - postfix, fixed + prefix, postfix) == 0;
}

/* Moves on to the next label pattern that matches, or to the end. */
static void skip_label_patterns(struct name_table_cursor *cursor)
{
	const uint32_t *at = cursor->next_label_pattern;

	while (at != cursor->end_of_label_patterns && !label_pattern_matches(cursor, at))
		at = after_label_pattern(at);
	cursor->next_label_pattern = at;
}

static void start_label_patterns(struct name_table_cursor *cursor, const uint32_t *list,
				 const char *label, size_t length)
{
	cursor->next_label_pattern = list + 1;
	cursor->end_of_label_patterns = list + 1 + list[0];
	cursor->label_length = (uint8_t)length;
	memcpy(cursor->label, label, length);
	skip_label_patterns(cursor);
}

/* Adds the lists of the record of the suffix of `name` that starts at `start`. */
static void add_record(const struct name_table *table, uint32_t record_index,
		       const struct name *name, size_t start, struct name_table_cursor *cursor)
{
	const uint32_t *record = &table->words[record_index];
	const uint32_t *list = record + 1 + words_for(record[0] & RECORD_LENGTH_MASK);

	if (record[0] & RECORD_EXACT) {
		if (start == 0)
			add_list(cursor, list);
		list += 1 + list[0];
	}
	if (start == 0)
		return;
	if (record[0] & RECORD_BELOW) {
		add_list(cursor, list);
		list += 1 + list[0];
	}
	if ((record[0] & RECORD_LABEL) && !memchr(name->text, '.', start - 1))
		start_label_patterns(cursor, list, name->text, start - 1);
}

void name_table_find(const struct name_table *table, const struct name *name,
		     struct name_table_cursor *ret_cursor)
{
	struct candidate candidates[NAME_MAX_LABELS];
	uint32_t count = list_candidates(table, name, candidates);

	ret_cursor->count = 0;
	ret_cursor->next_label_pattern = ret_cursor->end_of_label_patterns = NULL;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t start = candidates[i].start;
		uint32_t record = find_record(table, candidates[i].tag, name->text + start,
					      (size_t)name->length - start);

		if (record)
			add_record(table, record, name, start, ret_cursor);
	}
	if (table->any)
		add_list(ret_cursor, &table->words[table->any + 1]);
}

/* Moves every list past `value`, which is the lowest of all heads; drops the lists that end. */
static void pass_value(struct name_table_cursor *cursor, uint32_t value)
{
	for (uint32_t i = cursor->count; i-- > 0;) {
		if (*cursor->lists[i].next != value)
			continue;
		if (++cursor->lists[i].next == cursor->lists[i].end)
			cursor->lists[i] = cursor->lists[--cursor->count];
	}
	while (cursor->next_label_pattern != cursor->end_of_label_patterns &&
	       *cursor->next_label_pattern == value) {
		cursor->next_label_pattern = after_label_pattern(cursor->next_label_pattern);
		skip_label_patterns(cursor);
	}
}

bool name_table_next(struct name_table_cursor *cursor, uint32_t *ret_value)
{
	bool has_label_pattern = cursor->next_label_pattern != cursor->end_of_label_patterns;
	uint32_t lowest = UINT32_MAX;

	if (cursor->count == 0 && !has_label_pattern)
		return false;
	if (has_label_pattern)
		lowest = *cursor->next_label_pattern;
	for (uint32_t i = 0; i < cursor->count; i++)
		if (*cursor->lists[i].next < lowest)
			lowest = *cursor->lists[i].next;
	pass_value(cursor, lowest);
	*ret_value = lowest;
	return true;
}
