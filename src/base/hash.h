/*
 * Keyed hashing (SipHash-1-3) for every table whose keys the outside can choose: without the key
 * nobody can build names or addresses that collide.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t half[2];
};

/* A key from the kernel's random source; aborts when there is none. */
struct hash_key hash_key_random(void);

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length);

/* Unpredictable bytes for ids and ports; aborts when the kernel gives none. */
void random_bytes(void *bytes, size_t length);
