/*
 * The name table: finds the patterns that match a name by looking up each of the name's suffixes.
 *
 * A suffix that some pattern is fixed to (all of an exact name; what follows "*." or "md-*.") has
 * one record: its text and its lists of values. The records lie in one array, ordered by the upper
 * half of the suffix's hash, which also tells the bucket; an index holds where each bucket starts.
 * There are as many buckets as suffixes, so a bucket is a few neighbouring records or none, and a
 * search costs one access to the small index and, unless the bucket is empty, one to the records.
 * Both are prefetched for all suffixes of the name before the first is compared, so that their
 * cache misses overlap. Hashes are computed label by label from the right: one pass over the name
 * yields those of all of its suffixes. They are keyed at random, and the text is always compared,
 * so a collision costs time, never a wrong verdict. Suffixes of a label count that no pattern has
 * are not looked for; a name of 127 labels costs no more than the patterns' own depth.
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
	uint32_t bucket;
	uint32_t header; /* of its record, without flags */
	uint32_t start;  /* offset in the name */
};

void name_table_free(struct name_table *table)
{
	if (!table)
		return;
	free(table->buckets);
	free(table->words);
	free(table);
}

size_t name_table_memory(const struct name_table *table)
{
	return sizeof(*table) + ((size_t)table->bucket_count + 1) * sizeof(*table->buckets) +
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
			struct candidate *candidate = &candidates[count++];

			candidate->bucket = bucket_of(table, hash);
			candidate->header = record_header(hash, name->length - start);
			candidate->start = start;
			__builtin_prefetch(&table->buckets[candidate->bucket]);
		}
		if (start == 0)
			break;
		end = start - 1;
	}
	return count;
}

static const uint32_t *after_list(const uint32_t *list)
{
	return list + 1 + list[0];
}

static const uint32_t *first_list(const uint32_t *record)
{
	return record + 1 + words_for(record_length(record));
}

static const uint32_t *after_record(const uint32_t *record)
{
	const uint32_t *list = first_list(record);

	for (uint32_t lists = *record & RECORD_LISTS; lists; lists &= lists - 1)
		list = after_list(list);
	return list;
}

/* The record of the candidate, or NULL. */
static const uint32_t *find_record(const struct name_table *table,
				   const struct candidate *candidate, const struct name *name)
{
	const uint32_t *record = &table->words[table->buckets[candidate->bucket]];
	const uint32_t *end = &table->words[table->buckets[candidate->bucket + 1]];

	for (; record != end; record = after_record(record))
		if ((*record & ~RECORD_LISTS) == candidate->header &&
		    memcmp(record + 1, name->text + candidate->start, record_length(record)) == 0)
			return record;
	return NULL;
}

static void add_list(struct name_table_cursor *cursor, const uint32_t *list)
{
	invariant(cursor->count < sizeof(cursor->lists) / sizeof(cursor->lists[0]));
	cursor->lists[cursor->count].next = list + 1;
	cursor->lists[cursor->count].end = after_list(list);
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
	cursor->end_of_label_patterns = after_list(list);
	cursor->label_length = (uint8_t)length;
	memcpy(cursor->label, label, length);
	skip_label_patterns(cursor);
}

/* Adds the lists of the record of the suffix of `name` that starts at `start`. */
static void add_record(struct name_table_cursor *cursor, const uint32_t *record,
		       const struct name *name, size_t start)
{
	const uint32_t *list = first_list(record);

	if (*record & RECORD_EXACT) {
		if (start == 0)
			add_list(cursor, list);
		list = after_list(list);
	}
	if (start == 0)
		return;
	if (*record & RECORD_BELOW) {
		add_list(cursor, list);
		list = after_list(list);
	}
	if ((*record & RECORD_LABEL) && !memchr(name->text, '.', start - 1))
		start_label_patterns(cursor, list, name->text, start - 1);
}

void name_table_find(const struct name_table *table, const struct name *name,
		     struct name_table_cursor *ret_cursor)
{
	struct candidate candidates[NAME_MAX_LABELS];
	uint32_t count = list_candidates(table, name, candidates);

	ret_cursor->count = 0;
	ret_cursor->next_label_pattern = ret_cursor->end_of_label_patterns = NULL;
	for (uint32_t i = 0; i < count; i++)
		__builtin_prefetch(&table->words[table->buckets[candidates[i].bucket]]);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t *record = find_record(table, &candidates[i], name);

		if (record)
			add_record(ret_cursor, record, name, candidates[i].start);
	}
	if (table->any)
		add_list(ret_cursor, table->any);
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

/* Does a pattern of the record match the name, of which the record's suffix starts at `start`? */
static bool record_matches(const uint32_t *record, const struct name *name, size_t start)
{
	struct name_table_cursor cursor = {.count = 0};

	add_record(&cursor, record, name, start);
	return cursor.count > 0 || cursor.next_label_pattern != cursor.end_of_label_patterns;
}

size_t name_table_open_length(const struct name_table *table, const struct name *name)
{
	struct candidate candidates[NAME_MAX_LABELS];

	/* The last is the longest suffix. */
	for (uint32_t i = list_candidates(table, name, candidates); i-- > 0;) {
		const uint32_t *record = find_record(table, &candidates[i], name);
		size_t start = candidates[i].start;

		if (record && record_matches(record, name, start))
			return start > 0 ? start - 1 : 0;
	}
	return name->length;
}

bool name_table_has_exact(const struct name_table *table, const struct name *name, uint32_t value)
{
	struct candidate candidates[NAME_MAX_LABELS];
	uint32_t count = list_candidates(table, name, candidates);
	const uint32_t *record, *list;

	if (count == 0 || candidates[count - 1].start > 0)
		return false;
	record = find_record(table, &candidates[count - 1], name);
	if (!record || !(*record & RECORD_EXACT))
		return false;
	list = first_list(record);
	for (const uint32_t *at = list + 1; at != after_list(list) && *at <= value; at++)
		if (*at == value)
			return true;
	return false;
}

bool name_table_next_exact(const struct name_table *table, size_t *at,
			   struct name_table_exact *ret_exact)
{
	const uint32_t *end = &table->words[table->word_count];
	const uint32_t *record = &table->words[*at ? *at : table->buckets[0]];

	while (record != end && !(*record & RECORD_EXACT))
		record = after_record(record);
	*at = (size_t)(record - table->words);
	if (record == end)
		return false;
	*at = (size_t)(after_record(record) - table->words);
	ret_exact->name.length = (uint8_t)record_length(record);
	memcpy(ret_exact->name.text, record + 1, record_length(record));
	ret_exact->name.text[record_length(record)] = '\0';
	ret_exact->values = first_list(record) + 1;
	ret_exact->count = *first_list(record);
	return true;
}
