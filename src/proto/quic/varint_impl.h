/* Variable-length integers: RFC 9000 section 16. */
#pragma once

#include "wire/cursor.h"

/* At most 2^62-1; 0 and a failed cursor when the bytes end before. */
static inline uint64_t cursor_varint(struct cursor *cursor)
{
	uint8_t first = cursor_u8(cursor);
	uint64_t value = first & 0x3f;

	for (int more = (1 << (first >> 6)) - 1; more > 0; more--)
		value = value << 8 | cursor_u8(cursor);
	return cursor_failed(cursor) ? 0 : value;
}

/* Bytes with a length before them. */
static inline struct cursor cursor_take_varint_vector(struct cursor *cursor)
{
	uint64_t length = cursor_varint(cursor);

	if (length > cursor_left(cursor))
		cursor_fail(cursor);
	return cursor_take(cursor, cursor_failed(cursor) ? 1 : (size_t)length);
}
