/*
 * Builds name tables. Patterns are kept as small entries and one heap of text; building sorts the
 * entries by hash, so that all entries of one suffix are neighbours, in the order in which records
 * and buckets are written. Within a suffix they are sorted by kind, then value, then fixed parts,
 * so the lists come out ascending and duplicates are neighbours too. Nothing is searched while
 * building.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "name/table_impl.h"

/* One added (pattern, value). Its text: the suffix, the prefix, the postfix. */
struct entry {
	uint64_t hash; /* of the suffix */
	size_t text;   /* offset in the builder's text */
	uint32_t value;
	uint8_t length, prefix, postfix; /* of the parts of the text */
	uint8_t kind;                    /* enum pattern_kind */
};

struct name_table_builder {
	struct hash_key key;
	struct entry *entries;
	size_t count, capacity;
	char *text;
	size_t text_length, text_capacity;
};

struct name_table_builder *name_table_builder_new(void)
{
	struct name_table_builder *builder = calloc(1, sizeof(*builder));

	if (builder)
		builder->key = hash_key_random();
	return builder;
}

void name_table_builder_free(struct name_table_builder *builder)
{
	if (!builder)
		return;
	free(builder->entries);
	free(builder->text);
	free(builder);
}

DEFINE_CLEANUP(free_builder, struct name_table_builder *, name_table_builder_free);
DEFINE_CLEANUP(free_table, struct name_table *, name_table_free);

/* Grows an array to at least `wanted` elements; false: out of memory, and nothing has changed. */
static bool grow(void **array, size_t *capacity, size_t wanted, size_t element_size)
{
	size_t larger = *capacity ? *capacity : 64;
	void *grown;

	if (wanted <= *capacity)
		return true;
	while (larger < wanted)
		larger *= 2;
	grown = reallocarray(*array, larger, element_size);
	if (!grown)
		return false;
	*array = grown;
	*capacity = larger;
	return true;
}

static uint64_t hash_suffix(const struct hash_key *key, const struct name *name)
{
	uint64_t hash = 0;
	size_t end = name->length;

	for (;;) {
		size_t start = end;

		while (start > 0 && name->text[start - 1] != '.')
			start--;
		hash = hash_label(key, hash, name->text + start, end - start);
		if (start == 0)
			return hash;
		end = start - 1;
	}
}

static void add_text(struct name_table_builder *builder, const char *text, size_t length)
{
	memcpy(builder->text + builder->text_length, text, length);
	builder->text_length += length;
}

int name_table_builder_add(struct name_table_builder *builder, const struct pattern *pattern,
			   uint32_t value)
{
	struct entry entry = {.value = value, .kind = (uint8_t)pattern->kind};
	size_t room = NAME_MAX_LENGTH + 2 * LABEL_MAX_LENGTH;

	if (!grow((void **)&builder->entries, &builder->capacity, builder->count + 1,
		  sizeof(*builder->entries)) ||
	    !grow((void **)&builder->text, &builder->text_capacity, builder->text_length + room, 1))
		return -ENOMEM;
	entry.text = builder->text_length;
	if (pattern->kind != PATTERN_ANY) {
		entry.hash = hash_suffix(&builder->key, &pattern->name);
		entry.length = pattern->name.length;
		add_text(builder, pattern->name.text, entry.length);
	}
	if (pattern->kind == PATTERN_LABEL) {
		entry.prefix = (uint8_t)strlen(pattern->prefix);
		entry.postfix = (uint8_t)strlen(pattern->postfix);
		add_text(builder, pattern->prefix, entry.prefix);
		add_text(builder, pattern->postfix, entry.postfix);
	}
	builder->entries[builder->count++] = entry;
	return 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_suffixes(const struct entry *a, const struct entry *b, const char *text)
{
	int order = compare_numbers(a->hash, b->hash);

	if (order == 0)
		order = compare_numbers(a->length, b->length);
	return order ? order : memcmp(text + a->text, text + b->text, a->length);
}

static int compare_fixed_parts(const struct entry *a, const struct entry *b, const char *text)
{
	int order = compare_numbers((uint64_t)a->prefix << 8 | a->postfix,
				    (uint64_t)b->prefix << 8 | b->postfix);

	return order ? order
		     : memcmp(text + a->text + a->length, text + b->text + b->length,
			      (size_t)a->prefix + a->postfix);
}

static int compare_entries(const void *left, const void *right, void *text)
{
	const struct entry *a = left, *b = right;
	int order = compare_suffixes(a, b, text);

	if (order == 0)
		order = compare_numbers((uint64_t)a->kind << 32 | a->value,
					(uint64_t)b->kind << 32 | b->value);
	return order ? order : compare_fixed_parts(a, b, text);
}

/* As many parts of the range of hashes as there are entries; rises with the hash. */
static size_t part_of(const struct name_table_builder *builder, const struct entry *entry)
{
	return (size_t)((__uint128_t)entry->hash * builder->count >> 64);
}

/*
 * Hashes are spread evenly, so the entries are dealt out by hash first, and then only those of one
 * part are sorted: one or two as a rule. NULL: out of memory.
 */
static struct entry *sort_entries(const struct name_table_builder *builder)
{
	cleanup(free_memory) size_t *ends = calloc(builder->count + 1, sizeof(*ends));
	struct entry *sorted = calloc(builder->count + 1, sizeof(*sorted)); /* never of size 0 */
	size_t from = 0;

	if (!ends || !sorted) {
		free(sorted);
		return NULL;
	}
	for (size_t i = 0; i < builder->count; i++)
		ends[part_of(builder, &builder->entries[i]) + 1]++;
	for (size_t part = 0; part < builder->count; part++)
		ends[part + 1] += ends[part]; /* where each starts, until it is filled */
	for (size_t i = 0; i < builder->count; i++)
		sorted[ends[part_of(builder, &builder->entries[i])]++] = builder->entries[i];
	for (size_t part = 0; part < builder->count; from = ends[part++])
		if (ends[part] - from > 1)
			qsort_r(sorted + from, ends[part] - from, sizeof(*sorted), compare_entries,
				builder->text);
	return sorted;
}

/* Drops entries that equal the one before. */
static void remove_duplicates(struct name_table_builder *builder)
{
	size_t kept = 0;

	for (size_t i = 0; i < builder->count; i++)
		if (kept == 0 || compare_entries(&builder->entries[kept - 1], &builder->entries[i],
						 builder->text) != 0)
			builder->entries[kept++] = builder->entries[i];
	builder->count = kept;
}

/* The end of the run of entries of the same suffix that starts at `from`. */
static size_t end_of_suffix(const struct name_table_builder *builder, size_t from)
{
	const struct entry *entries = builder->entries;
	size_t to = from + 1;

	while (to < builder->count &&
	       compare_suffixes(&entries[from], &entries[to], builder->text) == 0)
		to++;
	return to;
}

static size_t record_words(const struct name_table_builder *builder, size_t from, size_t to)
{
	const struct entry *entries = builder->entries;
	size_t words = 1 + words_for(entries[from].length);

	for (size_t i = from; i < to; i++) {
		words += i == from || entries[i].kind != entries[i - 1].kind; /* a new list */
		words += 1;
		if (entries[i].kind == PATTERN_LABEL)
			words += LABEL_PATTERN_HEADER - 1 +
				 words_for((size_t)entries[i].prefix + entries[i].postfix);
	}
	return words;
}

/* False: out of memory, or more words than an index can tell. */
static bool allocate(struct name_table *table, const struct name_table_builder *builder)
{
	size_t words = 0, suffixes = 0;

	for (size_t from = 0, to; from < builder->count; from = to) {
		to = end_of_suffix(builder, from);
		words += record_words(builder, from, to);
		suffixes++;
	}
	if (words > UINT32_MAX)
		return false;
	table->bucket_count = (uint32_t)suffixes + 1; /* never 0 */
	table->buckets = calloc((size_t)table->bucket_count + 1, sizeof(*table->buckets));
	table->words = calloc(words + 1, sizeof(*table->words)); /* never of size 0 */
	return table->buckets && table->words;
}

static void write_text(struct name_table *table, const char *text, size_t length)
{
	memcpy(&table->words[table->word_count], text, length);
	table->word_count += words_for(length);
}

static void write_list(struct name_table *table, const struct entry *entries, size_t count,
		       const char *text)
{
	size_t length_at = table->word_count++;

	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = &entries[i];

		table->words[table->word_count++] = entry->value;
		if (entry->kind != PATTERN_LABEL)
			continue;
		table->words[table->word_count++] = entry->prefix | (uint32_t)entry->postfix << 8;
		write_text(table, text + entry->text + entry->length,
			   (size_t)entry->prefix + entry->postfix);
	}
	table->words[length_at] = (uint32_t)(table->word_count - length_at - 1);
}

/* Writes the record of the `count` entries of one suffix. */
static void write_record(struct name_table *table, const struct entry *entries, size_t count,
			 const char *text)
{
	static const uint32_t flags[] = {
		[PATTERN_EXACT] = RECORD_EXACT,
		[PATTERN_BELOW] = RECORD_BELOW,
		[PATTERN_LABEL] = RECORD_LABEL,
	};
	size_t record = table->word_count++;

	table->words[record] = record_header(entries[0].hash, entries[0].length);
	write_text(table, text + entries[0].text, entries[0].length);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from; to < count && entries[to].kind == entries[from].kind; to++)
			;
		table->words[record] |= flags[entries[from].kind];
		write_list(table, entries + from, to - from, text);
	}
}

static uint32_t count_labels(const char *text, size_t length)
{
	uint32_t labels = 1;

	for (size_t i = 0; i < length; i++)
		labels += text[i] == '.';
	return labels;
}

static void note_depth(struct name_table *table, uint32_t labels)
{
	table->depths[labels / 64] |= (uint64_t)1 << (labels % 64);
	if (labels > table->max_labels)
		table->max_labels = labels;
}

/* Writes all records, and where each bucket starts. */
static void fill(struct name_table *table, const struct name_table_builder *builder)
{
	uint32_t bucket = 0; /* all up to this one have their start */

	for (size_t from = 0, to; from < builder->count; from = to) {
		const struct entry *first = &builder->entries[from];

		to = end_of_suffix(builder, from);
		if (first->kind == PATTERN_ANY) { /* of hash 0 and no length: the first */
			table->any = &table->words[table->word_count];
			write_list(table, first, to - from, builder->text);
			table->buckets[0] = (uint32_t)table->word_count;
			continue;
		}
		while (bucket < bucket_of(table, first->hash))
			table->buckets[++bucket] = (uint32_t)table->word_count;
		write_record(table, first, to - from, builder->text);
		note_depth(table, count_labels(builder->text + first->text, first->length));
	}
	while (bucket < table->bucket_count)
		table->buckets[++bucket] = (uint32_t)table->word_count;
}

struct name_table *name_table_build(struct name_table_builder *consumed)
{
	cleanup(free_builder) struct name_table_builder *builder = consumed;
	cleanup(free_table) struct name_table *table = calloc(1, sizeof(*table));
	struct entry *sorted = sort_entries(builder);

	if (!table || !sorted) {
		free(sorted);
		return NULL;
	}
	free(builder->entries);
	builder->entries = sorted;
	table->key = builder->key;
	remove_duplicates(builder);
	if (!allocate(table, builder))
		return NULL;
	fill(table, builder);
	return take_pointer(table);
}
