/* A set of ports as a bitmap of 8 KiB: what is done with it costs the same whatever is in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_SET_WORDS 1024

struct port_set {
	uint64_t words[PORT_SET_WORDS];
};

static inline bool port_set_has(const struct port_set *set, uint16_t port)
{
	return set->words[port / 64] >> (port % 64) & 1;
}

static inline void port_set_add(struct port_set *set, uint16_t port)
{
	set->words[port / 64] |= UINT64_C(1) << (port % 64);
}

/* The bits of `word` that stand for ports of first..last. */
static inline uint64_t port_set_mask(size_t word, uint16_t first, uint16_t last)
{
	uint64_t mask = UINT64_MAX;

	if (word == first / 64u)
		mask &= UINT64_MAX << (first % 64);
	if (word == last / 64u)
		mask &= UINT64_MAX >> (63 - last % 64);
	return mask;
}
