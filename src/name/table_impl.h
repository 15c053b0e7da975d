/* What the builder writes and the lookup reads: see table.c for how it fits together. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "name/table.h"

struct name_table {
	struct hash_key key;
	uint32_t *buckets; /* where each bucket's records start in words[]; one more: the end */
	uint32_t *words;   /* all records, in the order of their buckets */
	size_t word_count;
	uint32_t bucket_count;
	const uint32_t *any; /* the list of "*", or NULL */
	uint64_t depths[2];  /* bit n: a suffix of n labels is in the table */
	uint32_t max_labels; /* of all suffixes */
};

/*
 * A record, in words of 32 bits:
 *
 *   header                 which lists follow, the suffix's length, the low bits of its hash
 *   text                   the suffix, padded to whole words
 *   each list: n, n words  EXACT and BELOW: ascending values; LABEL: packed label patterns
 */
#define RECORD_EXACT     0x1u
#define RECORD_BELOW     0x2u
#define RECORD_LABEL     0x4u
#define RECORD_LISTS     0x7u /* all flags; the rest of the header is the suffix's own */
#define RECORD_TAG_SHIFT 11

/*
 * A label pattern: its value, the lengths of prefix (low byte) and postfix (next byte), and both
 * texts, padded together to whole words. Ascending by value.
 */
#define LABEL_PATTERN_HEADER 2

/* The header without its flags. */
static inline uint32_t record_header(uint64_t hash, size_t length)
{
	return (uint32_t)hash << RECORD_TAG_SHIFT | (uint32_t)length << 3;
}

static inline size_t record_length(const uint32_t *record)
{
	return *record >> 3 & 0xff;
}

static inline size_t words_for(size_t bytes)
{
	return (bytes + 3) / 4;
}

/* The lower and upper half of the 128-bit product, folded: mixes every bit of both into every bit.
 */
static inline uint64_t fold_product(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 0..8 bytes as a number; together with the length it is unique. */
static inline uint64_t load_bytes(const char *bytes, size_t length)
{
	uint32_t low = 0, high;

	if (length >= 4) {
		memcpy(&low, bytes, 4);
		memcpy(&high, bytes + length - 4, 4);
		return (uint64_t)high << 32 | low;
	}
	for (; length > 0; length--, bytes++)
		low = low << 8 | (uint8_t)*bytes;
	return low;
}

/* The hash of "label.suffix" from that of "suffix" (0: no suffix). */
static inline uint64_t hash_label(const struct hash_key *key, uint64_t suffix, const char *label,
				  size_t length)
{
	uint64_t state = suffix ^ key->half[0] ^ (uint64_t)length << 56;

	for (; length > 8; label += 8, length -= 8)
		state = fold_product(state ^ load_bytes(label, 8), key->half[1] | 1);
	return fold_product(state ^ load_bytes(label, length), key->half[1] | 1);
}

/* Rises with the hash. */
static inline uint32_t bucket_of(const struct name_table *table, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * table->bucket_count >> 32);
}
