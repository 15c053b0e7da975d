/*
 * Answers kept for their TTL, as they came off the wire. Fixed capacity, no allocation after
 * cache_new(). Pure but for memory: the time is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "name/name.h"

/* Longer answers are not kept: they are those that did not fit into one datagram (DNS_UDP_OWN). */
#define CACHE_MESSAGE_MAX 1232

struct cache;

struct cache_key {
	const struct name *name;
	uint16_t type;
	bool dnssec_ok;
};

struct cache_view {
	const uint8_t *message; /* valid until the cache changes */
	size_t length;
	uint32_t age; /* whole seconds since it was put in; less than its TTL */
};

struct cache *cache_new(size_t capacity); /* NULL: out of memory */
void cache_free(struct cache *cache);

/* False: not there, or no longer fresh (then it is dropped). */
bool cache_find(struct cache *cache, const struct cache_key *key, uint64_t now_ms,
		struct cache_view *ret_view);

/* Keeps a copy, in place of an earlier answer to the same question. A TTL of 0 or a message longer
   than CACHE_MESSAGE_MAX is not kept (and the earlier answer is dropped). */
void cache_put(struct cache *cache, const struct cache_key *key, const uint8_t *message,
	       size_t length, uint32_t ttl, uint64_t now_ms);

size_t cache_held(const struct cache *cache);
