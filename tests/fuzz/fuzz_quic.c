/*
 * A QUIC datagram, and the frames of an Initial packet. Input: one datagram, or, behind a zero
 * byte, frames that are sealed here first (no mutation finds a packet that opens).
 *
 * Packets follow each other without gap or overlap; what was sealed opens to the same bytes, and
 * only under its own keys; a CRYPTO frame lies inside the frames it came from.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/proto/initials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_frames(const uint8_t *bytes, size_t length)
{
	struct cursor cursor = cursor_over(bytes, length);
	struct quic_crypto_frame crypto;
	enum quic_frame frame;

	while ((frame = quic_take_crypto(&cursor, &crypto)) == QUIC_FRAME_CRYPTO) {
		invariant(crypto.bytes >= bytes && crypto.length <= length);
		invariant(crypto.bytes + crypto.length <= bytes + length);
		invariant(crypto.offset < UINT64_C(1) << 62);
	}
	invariant(cursor_left(&cursor) == 0 || frame == QUIC_FRAME_MALFORMED);
}

static void take_packets(const uint8_t *bytes, size_t length)
{
	struct cursor cursor = cursor_over(bytes, length);
	uint8_t *buffer = malloc(length + 1);
	struct quic_packet packet;
	struct quic_client_keys keys;
	struct quic_opened opened;
	const uint8_t *end = bytes;

	if (!buffer)
		abort();
	while (cursor_left(&cursor) && quic_packet_take(&cursor, &packet)) {
		invariant(packet.bytes == end && packet.length > 0);
		end = packet.bytes + packet.length;
		invariant(end == cursor.at);
		if (packet.kind != QUIC_INITIAL)
			continue;
		invariant(packet.number_at <= packet.length);
		invariant(quic_derive_client_keys(packet.version, &packet.destination, &keys));
		if (quic_open_initial(&packet, &keys, 0, buffer, &opened)) {
			invariant(opened.length < packet.length);
			take_frames(buffer, opened.length);
		}
	}
	free(buffer);
}

static void seal_and_open(const uint8_t *bytes, size_t length)
{
	struct initial frames = {.length = 0}, datagram = {.length = 0};
	struct quic_connection_id id = write_connection_id("12345678"),
				  other = write_connection_id("87654321");
	uint8_t buffer[INITIAL_MAX];
	struct quic_client_keys keys;
	struct quic_opened opened;
	struct quic_packet packet;

	add_initial(&frames, bytes, length);
	add_initial_packet(&datagram, "12345678", &frames, (struct initial_options){.number = 9});
	struct cursor cursor = cursor_over(datagram.bytes, datagram.length);
	invariant(quic_packet_take(&cursor, &packet) && packet.kind == QUIC_INITIAL);
	invariant(quic_derive_client_keys(QUIC_VERSION_1, &other, &keys));
	invariant(!quic_open_initial(&packet, &keys, 0, buffer, &opened));
	invariant(quic_derive_client_keys(QUIC_VERSION_1, &id, &keys));
	invariant(quic_open_initial(&packet, &keys, 0, buffer, &opened));
	invariant(opened.number == 9 && opened.length >= length);
	invariant(length == 0 || memcmp(buffer, bytes, length) == 0);
	take_packets(datagram.bytes, datagram.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 0) {
		take_frames(data + 1, size - 1);
		if (size <= INITIAL_MAX - 200)
			seal_and_open(data + 1, size - 1);
	} else {
		take_packets(data, size);
	}
	return 0;
}
