/* SipHash as published by Aumasson and Bernstein (2012), with 1 compression and 3 final rounds. */
#include "base/hash.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/assertion.h"

/* system calls: getrandom */

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t last = (uint64_t)length << 56;
	struct sip_state s = {
		.v0 = key->half[0] ^ 0x736f6d6570736575u,
		.v1 = key->half[1] ^ 0x646f72616e646f6du,
		.v2 = key->half[0] ^ 0x6c7967656e657261u,
		.v3 = key->half[1] ^ 0x7465646279746573u,
	};

	for (; length >= 8; at += 8, length -= 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		s.v3 ^= word;
		sip_round(&s);
		s.v0 ^= word;
	}
	for (size_t i = 0; i < length; i++)
		last |= (uint64_t)at[i] << (8 * i);
	s.v3 ^= last;
	sip_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void random_bytes(void *bytes, size_t length)
{
	uint8_t *at = bytes;

	while (length > 0) {
		ssize_t got = getrandom(at, length, 0);

		invariant(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			length -= (size_t)got;
		}
	}
}

struct hash_key hash_key_random(void)
{
	struct hash_key key;

	random_bytes(&key, sizeof(key));
	return key;
}
