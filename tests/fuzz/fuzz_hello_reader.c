/*
 * A TCP stream. However it is cut into feeds, the reader takes the same bytes and comes to the same
 * result; and a hello that it finds is one that the parser takes.
 */
#include "proto/tls/hello_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds pieces of 1 to `most` bytes, each in memory of its own; their lengths follow from the data.
 */
static size_t feed_pieces(struct hello_reader *reader, const uint8_t *data, size_t size,
			  uint32_t most)
{
	uint32_t random = (uint32_t)size * 2654435761u + most;
	size_t taken = 0;

	while (taken < size && reader->progress == HELLO_MORE) {
		random = random * 1664525 + 1013904223 + data[taken];
		size_t piece = 1 + (random >> 16) % most;
		if (piece > size - taken)
			piece = size - taken;
		uint8_t *copy = malloc(piece);
		if (!copy)
			abort();
		memcpy(copy, data + taken, piece);
		size_t count = hello_reader_feed(reader, copy, piece);
		free(copy);
		invariant(count == piece || (count < piece && reader->progress != HELLO_MORE));
		taken += count;
	}
	if (reader->progress != HELLO_MORE)
		invariant(hello_reader_feed(reader, data, size) == 0);
	return taken;
}

static void check_same(const struct hello_reader *a, const struct hello_reader *b)
{
	invariant(a->progress == b->progress && a->error == b->error);
	invariant(a->stream_length == b->stream_length);
	invariant(a->message_length == b->message_length);
	invariant(memcmp(a->message, b->message, a->message_length) == 0);
	invariant(a->hello.server_name_length == b->hello.server_name_length);
	invariant(!a->hello.server_name ||
		  a->hello.server_name - a->message == b->hello.server_name - b->message);
}

static void check_whole(const struct hello_reader *reader)
{
	struct client_hello hello;

	invariant(client_hello_parse(reader->message, reader->message_length, &hello) ==
		  CLIENT_HELLO_OK);
	invariant(hello.server_name == reader->hello.server_name);
	invariant(hello.server_name_length == reader->hello.server_name_length);
	invariant(reader->stream_length >= reader->message_length + 5);
}

static void run(void (*init)(struct hello_reader *), const uint8_t *data, size_t size)
{
	static const uint32_t piece_sizes[] = {1, 7, 300, 5000};
	struct hello_reader whole, pieces;

	init(&whole);
	size_t taken = hello_reader_feed(&whole, data, size);
	invariant(taken <= size && taken == whole.stream_length);
	invariant(taken <= HELLO_STREAM_MAX);
	invariant(whole.progress != HELLO_MORE || taken == size);
	invariant((whole.progress == HELLO_REFUSED) == (whole.error != CLIENT_HELLO_OK));
	if (whole.progress == HELLO_WHOLE)
		check_whole(&whole);
	for (size_t i = 0; i < sizeof(piece_sizes) / sizeof(piece_sizes[0]); i++) {
		init(&pieces);
		invariant(feed_pieces(&pieces, data, size, piece_sizes[i]) == taken);
		check_same(&whole, &pieces);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(hello_reader_init, data, size);
	run(hello_reader_init_second, data, size);
	return 0;
}
