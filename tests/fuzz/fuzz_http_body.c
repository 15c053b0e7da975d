/*
 * A chunked body taken whole, byte by byte, and with its data moved unread ends at the same byte in
 * the same state, and where a plain reading of the grammar ends it. A body of a length never takes
 * more than that. The first byte of the input says whether extensions are allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/http/body.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

struct outcome {
	enum http_body_state state;
	size_t taken;
};

static struct outcome take_pieces(const uint8_t *data, size_t size, size_t piece, bool extensions,
				  bool move)
{
	struct outcome outcome = {HTTP_BODY_MORE, 0};
	struct http_body body;

	http_body_init(&body, HTTP_BODY_CHUNKED, 0, extensions);
	while (outcome.taken < size && outcome.state == HTTP_BODY_MORE) {
		size_t left = size - outcome.taken, taken;
		uint64_t opaque = http_body_opaque(&body);

		if (move && opaque > 0) {
			taken = opaque < left ? (size_t)opaque : left;
			outcome.state = http_body_moved(&body, taken);
		} else {
			outcome.state = http_body_take(&body, data + outcome.taken,
						       left < piece ? left : piece, &taken);
		}
		outcome.taken += taken;
	}
	return outcome;
}

/* Up to and including its CRLF; 0: none. */
static size_t line_length(const char *text, size_t length)
{
	const char *end = memmem(text, length, "\r\n", 2);

	return end ? (size_t)(end - text) + 2 : 0;
}

/* The length of a chunked body whose end is known to be sound, as one reads it with library
   functions. */
static size_t plain_length(const char *text, size_t length)
{
	size_t at = 0, line, chunk;

	do {
		line = line_length(text + at, length - at);
		check(line > 2);
		chunk = strtoull(text + at, NULL, 16);
		at += line;
		check(chunk <= length - at);
		if (chunk > 0) {
			at += chunk;
			check(length - at >= 2 && memcmp(text + at, "\r\n", 2) == 0);
			at += 2;
		}
	} while (chunk > 0);
	do {
		line = line_length(text + at, length - at);
		check(line > 0);
		at += line;
	} while (line > 2);
	return at;
}

static void take_length(const uint8_t *data, size_t size)
{
	struct http_body body;
	size_t taken, content_length = data[0];

	http_body_init(&body, HTTP_BODY_LENGTH, content_length, false);
	enum http_body_state state = http_body_take(&body, data, size, &taken);

	check(taken == (size < content_length ? size : content_length));
	check(state == (taken == content_length ? HTTP_BODY_END : HTTP_BODY_MORE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	bool extensions = data[0] & 1;
	struct outcome whole = take_pieces(data + 1, size - 1, size, extensions, false);
	struct outcome bytes = take_pieces(data + 1, size - 1, 1, extensions, false);
	struct outcome moved = take_pieces(data + 1, size - 1, 3, extensions, true);

	check(whole.taken <= size - 1);
	check(whole.state == bytes.state && whole.taken == bytes.taken);
	check(whole.state == moved.state && whole.taken == moved.taken);
	if (whole.state == HTTP_BODY_END)
		check(plain_length((const char *)data + 1, size - 1) == whole.taken);
	take_length(data, size);
	return 0;
}
