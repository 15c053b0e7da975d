/*
 * The one bounds-checked cursor through which every hostile byte is read.
 *
 * A cursor is a window on bytes that belong to someone else. Reads only shrink it. The first read
 * that does not fit marks it failed and empties it; every later read then gives zero, so a parser
 * may read a whole structure and ask cursor_failed() once. Sub-cursors (cursor_take) never reach
 * past their parent, so an inner length can never exceed an outer one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_over(const void *bytes, size_t length)
{
	const uint8_t *start = bytes;

	return (struct cursor){.at = start, .end = start ? start + length : start};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline bool cursor_failed(const struct cursor *cursor)
{
	return cursor->failed;
}

/* All bytes read, and none missing: what a complete structure must be. */
static inline bool cursor_done(const struct cursor *cursor)
{
	return !cursor->failed && cursor->at == cursor->end;
}

static inline void cursor_fail(struct cursor *cursor)
{
	cursor->failed = true;
	cursor->at = cursor->end;
}

/* `length` bytes as a raw pointer into the window, or NULL (and failed) when fewer are left. */
static inline const uint8_t *cursor_bytes(struct cursor *cursor, size_t length)
{
	const uint8_t *bytes = cursor->at;

	if (cursor_left(cursor) < length || cursor->failed) {
		cursor_fail(cursor);
		return NULL;
	}
	cursor->at += length;
	return bytes;
}

static inline void cursor_skip(struct cursor *cursor, size_t length)
{
	(void)cursor_bytes(cursor, length);
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_bytes(cursor, 1);

	return bytes ? bytes[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_bytes(cursor, 2);

	if (!bytes)
		return 0;
	return (uint16_t)((uint32_t)bytes[0] << 8 | bytes[1]);
}

static inline uint32_t cursor_u24(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_bytes(cursor, 3);

	return bytes ? (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2] : 0;
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_bytes(cursor, 4);

	return bytes ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			       (uint32_t)bytes[2] << 8 | bytes[3]
		     : 0;
}

/* The next `length` bytes as a cursor of their own; failed (both) when fewer are left. */
static inline struct cursor cursor_take(struct cursor *cursor, size_t length)
{
	const uint8_t *bytes = cursor_bytes(cursor, length);

	return bytes ? cursor_over(bytes, length) : (struct cursor){.failed = true};
}

/* A vector with a length prefix of 1, 2 or 3 bytes (RFC 8446 section 3.4). */
static inline struct cursor cursor_take_vector8(struct cursor *cursor)
{
	uint8_t length = cursor_u8(cursor);

	return cursor_take(cursor, length);
}

static inline struct cursor cursor_take_vector16(struct cursor *cursor)
{
	uint16_t length = cursor_u16(cursor);

	return cursor_take(cursor, length);
}

static inline struct cursor cursor_take_vector24(struct cursor *cursor)
{
	uint32_t length = cursor_u24(cursor);

	return cursor_take(cursor, length);
}
