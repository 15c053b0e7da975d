/*
 * The client's bytes of one inspected flow, put in order. Offsets count from the first byte after
 * the SYN, which the kernel tells us (the server's SYN-ACK acknowledged it), so nothing can stand
 * before it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_CAPACITY 40960 /* two hellos of 16 KiB with their record headers */
#define STREAM_RANGES   32    /* pieces that do not touch each other yet */

struct stream_range {
	uint32_t begin, end;
};

struct stream {
	uint8_t *bytes;                            /* STREAM_CAPACITY, the owner's */
	struct stream_range ranges[STREAM_RANGES]; /* ascending, disjoint, not touching */
	uint32_t range_count;
};

enum stream_result {
	STREAM_TAKEN,
	STREAM_DIFFERS, /* overlaps earlier bytes and is not the same */
	STREAM_OUTSIDE, /* before the start, beyond the capacity, or one piece too many: drop the
			   packet */
};

void stream_init(struct stream *stream, uint8_t *bytes);

/* `offset` is negative for bytes before the start. */
enum stream_result stream_put(struct stream *stream, int64_t offset, const uint8_t *bytes,
			      size_t length);

/* How many bytes from the start have no gap. */
uint32_t stream_prefix(const struct stream *stream);
