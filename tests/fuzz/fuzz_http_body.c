/*
 * A chunked body taken whole, byte by byte, and with its data moved unread ends at the same byte in
 * the same state. The first byte of the input says whether extensions are allowed.
 */
#include <stdlib.h>

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
	return 0;
}
