/*
 * One array of entries, threaded three ways:
 *   - hash chains (seeded, so that nobody can choose names that collide);
 *   - a list in order of use, the latest first;
 *   - a binary heap in order of expiry, the earliest on top.
 * A full cache puts out the entry on top of the heap when that has expired, else the one that was
 * not used for longest. Free entries stand in a stack, so memory is touched only as it is needed.
 */
#include "resolve/cache_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/hash.h"

#define NONE UINT32_MAX

struct entry {
	uint32_t chain_next;              /* hash chain; of a free entry: the next free one */
	uint32_t used_before, used_after; /* towards the earlier and the later used */
	uint32_t heap_place;
	uint32_t bucket;
	uint64_t stored_ms, expires_ms;
	uint16_t type;
	uint16_t length;
	bool dnssec_ok;
	struct name name;
	uint8_t message[CACHE_MESSAGE_MAX];
};

struct cache {
	struct hash_key hash_key;
	struct entry *entries;
	uint32_t *buckets; /* first of each hash chain */
	uint32_t *heap;
	uint32_t bucket_mask;
	uint32_t capacity, held;
	uint32_t touched; /* entries from here on were never used */
	uint32_t free_first;
	uint32_t latest, oldest; /* ends of the list of use */
};

struct cache *cache_new(size_t capacity)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	size_t buckets = 1;

	invariant(capacity > 0 && capacity < NONE / 2);
	if (!cache)
		return NULL;
	while (buckets < capacity)
		buckets *= 2;
	cache->hash_key = hash_key_random();
	cache->capacity = (uint32_t)capacity;
	cache->bucket_mask = (uint32_t)buckets - 1;
	cache->free_first = cache->latest = cache->oldest = NONE;
	cache->entries = calloc(capacity, sizeof(*cache->entries));
	cache->heap = calloc(capacity, sizeof(*cache->heap));
	cache->buckets = malloc(buckets * sizeof(*cache->buckets));
	if (!cache->entries || !cache->heap || !cache->buckets) {
		cache_free(cache);
		return NULL;
	}
	memset(cache->buckets, 0xff, buckets * sizeof(*cache->buckets));
	return cache;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	free(cache->entries);
	free(cache->heap);
	free(cache->buckets);
	free(cache);
}

size_t cache_held(const struct cache *cache)
{
	return cache->held;
}

/* ---------------------------------------------------------------- hash chains */

static uint32_t bucket_of(const struct cache *cache, const struct cache_key *key)
{
	uint8_t bytes[NAME_MAX_LENGTH + 3];
	size_t length = key->name->length;

	memcpy(bytes, key->name->text, length);
	bytes[length++] = (uint8_t)(key->type >> 8);
	bytes[length++] = (uint8_t)key->type;
	bytes[length++] = key->dnssec_ok;
	return (uint32_t)hash_bytes(&cache->hash_key, bytes, length) & cache->bucket_mask;
}

static uint32_t find(const struct cache *cache, const struct cache_key *key)
{
	for (uint32_t i = cache->buckets[bucket_of(cache, key)]; i != NONE;
	     i = cache->entries[i].chain_next) {
		const struct entry *entry = &cache->entries[i];

		if (entry->type == key->type && entry->dnssec_ok == key->dnssec_ok &&
		    name_equal(&entry->name, key->name))
			return i;
	}
	return NONE;
}

static void chain_add(struct cache *cache, uint32_t index)
{
	struct entry *entry = &cache->entries[index];

	entry->chain_next = cache->buckets[entry->bucket];
	cache->buckets[entry->bucket] = index;
}

static void chain_remove(struct cache *cache, uint32_t index)
{
	uint32_t *link = &cache->buckets[cache->entries[index].bucket];

	while (*link != index)
		link = &cache->entries[*link].chain_next;
	*link = cache->entries[index].chain_next;
}

/* ---------------------------------------------------------------- order of use */

static void use_add(struct cache *cache, uint32_t index)
{
	struct entry *entry = &cache->entries[index];

	entry->used_after = NONE;
	entry->used_before = cache->latest;
	if (cache->latest != NONE)
		cache->entries[cache->latest].used_after = index;
	else
		cache->oldest = index;
	cache->latest = index;
}

static void use_remove(struct cache *cache, uint32_t index)
{
	const struct entry *entry = &cache->entries[index];

	if (entry->used_after != NONE)
		cache->entries[entry->used_after].used_before = entry->used_before;
	else
		cache->latest = entry->used_before;
	if (entry->used_before != NONE)
		cache->entries[entry->used_before].used_after = entry->used_after;
	else
		cache->oldest = entry->used_after;
}

/* ------------------------------------------------------------- order of expiry */

static void heap_place(struct cache *cache, uint32_t place, uint32_t index)
{
	cache->heap[place] = index;
	cache->entries[index].heap_place = place;
}

static uint64_t expiry_at(const struct cache *cache, uint32_t place)
{
	return cache->entries[cache->heap[place]].expires_ms;
}

static void heap_rise(struct cache *cache, uint32_t place)
{
	uint32_t index = cache->heap[place];

	while (place > 0) {
		uint32_t parent = (place - 1) / 2;

		if (expiry_at(cache, parent) <= cache->entries[index].expires_ms)
			break;
		heap_place(cache, place, cache->heap[parent]);
		place = parent;
	}
	heap_place(cache, place, index);
}

static void heap_sink(struct cache *cache, uint32_t place)
{
	uint32_t index = cache->heap[place];

	for (;;) {
		uint32_t child = place * 2 + 1;

		if (child >= cache->held)
			break;
		if (child + 1 < cache->held &&
		    expiry_at(cache, child + 1) < expiry_at(cache, child))
			child++;
		if (cache->entries[index].expires_ms <= expiry_at(cache, child))
			break;
		heap_place(cache, place, cache->heap[child]);
		place = child;
	}
	heap_place(cache, place, index);
}

/* Counts `held`, which is also the size of the heap. */
static void heap_add(struct cache *cache, uint32_t index)
{
	heap_place(cache, cache->held++, index);
	heap_rise(cache, cache->held - 1);
}

static void heap_remove(struct cache *cache, uint32_t index)
{
	uint32_t place = cache->entries[index].heap_place;
	uint32_t last = cache->heap[--cache->held];

	if (last == index)
		return;
	heap_place(cache, place, last);
	heap_rise(cache, place);
	heap_sink(cache, cache->entries[last].heap_place);
}

/* ---------------------------------------------------------------------- entries */

static void drop(struct cache *cache, uint32_t index)
{
	chain_remove(cache, index);
	use_remove(cache, index);
	heap_remove(cache, index);
	cache->entries[index].chain_next = cache->free_first;
	cache->free_first = index;
}

static uint32_t take_entry(struct cache *cache, uint64_t now_ms)
{
	uint32_t index;

	if (cache->held == cache->capacity)
		drop(cache, expiry_at(cache, 0) <= now_ms ? cache->heap[0] : cache->oldest);
	if (cache->free_first == NONE)
		return cache->touched++;
	index = cache->free_first;
	cache->free_first = cache->entries[index].chain_next;
	return index;
}

bool cache_find(struct cache *cache, const struct cache_key *key, uint64_t now_ms,
		struct cache_view *ret_view)
{
	uint32_t index = find(cache, key);
	const struct entry *entry;

	if (index == NONE)
		return false;
	entry = &cache->entries[index];
	if (entry->expires_ms <= now_ms) {
		drop(cache, index);
		return false;
	}
	use_remove(cache, index);
	use_add(cache, index);
	*ret_view = (struct cache_view){
		.message = entry->message,
		.length = entry->length,
		.age = (uint32_t)((now_ms - entry->stored_ms) / 1000),
	};
	return true;
}

void cache_put(struct cache *cache, const struct cache_key *key, const uint8_t *message,
	       size_t length, uint32_t ttl, uint64_t now_ms)
{
	uint32_t index = find(cache, key);
	struct entry *entry;

	if (index != NONE)
		drop(cache, index);
	if (ttl == 0 || length > CACHE_MESSAGE_MAX)
		return;
	index = take_entry(cache, now_ms);
	entry = &cache->entries[index];
	entry->stored_ms = now_ms;
	entry->expires_ms = now_ms + (uint64_t)ttl * 1000;
	entry->type = key->type;
	entry->dnssec_ok = key->dnssec_ok;
	entry->name = *key->name;
	entry->bucket = bucket_of(cache, key);
	entry->length = (uint16_t)length;
	memcpy(entry->message, message, length);
	chain_add(cache, index);
	use_add(cache, index);
	heap_add(cache, index);
}
