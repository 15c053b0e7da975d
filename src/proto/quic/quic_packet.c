#include "proto/quic/quic_packet.h"

#include <string.h>

#include "proto/quic/varint_impl.h"

#define LONG_HEADER 0x80

bool quic_connection_id_equal(const struct quic_connection_id *a,
			      const struct quic_connection_id *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* RFC 9000 section 17.2, RFC 9369 section 3.2: the two bits that tell the kind. */
static enum quic_packet_kind kind_of(uint32_t version, uint8_t first)
{
	static const enum quic_packet_kind version_1[] = {QUIC_INITIAL, QUIC_ZERO_RTT,
							  QUIC_HANDSHAKE, QUIC_RETRY};
	static const enum quic_packet_kind version_2[] = {QUIC_RETRY, QUIC_INITIAL, QUIC_ZERO_RTT,
							  QUIC_HANDSHAKE};

	return (version == QUIC_VERSION_1 ? version_1 : version_2)[first >> 4 & 3];
}

static void take_connection_id(struct cursor *cursor, struct quic_connection_id *ret_id)
{
	struct cursor id = cursor_take_vector8(cursor);

	if (cursor_left(&id) > sizeof(ret_id->bytes)) {
		cursor_fail(cursor);
		return;
	}
	*ret_id = (struct quic_connection_id){.length = (uint8_t)cursor_left(&id)};
	if (ret_id->length > 0)
		memcpy(ret_id->bytes, id.at, ret_id->length);
}

/* The kinds that say their length. */
static void take_body(struct cursor *cursor, struct quic_packet *packet)
{
	struct quic_connection_id source;
	uint64_t length;

	take_connection_id(cursor, &packet->destination);
	take_connection_id(cursor, &source);
	if (packet->kind == QUIC_INITIAL)
		(void)cursor_take_varint_vector(cursor); /* the token */
	length = cursor_varint(cursor);
	if (cursor_failed(cursor) || length > cursor_left(cursor)) {
		cursor_fail(cursor);
		return;
	}
	packet->number_at = (size_t)(cursor->at - packet->bytes);
	packet->length = packet->number_at + (size_t)length;
	cursor_skip(cursor, (size_t)length);
}

bool quic_packet_take(struct cursor *datagram, struct quic_packet *ret_packet)
{
	struct cursor cursor = *datagram;
	struct quic_packet packet = {.bytes = cursor.at, .length = cursor_left(&cursor)};
	uint8_t first = cursor_u8(&cursor);

	if (first & LONG_HEADER) {
		packet.version = cursor_u32(&cursor);
		packet.kind = packet.version == QUIC_VERSION_1 || packet.version == QUIC_VERSION_2
				      ? kind_of(packet.version, first)
				      : QUIC_OTHER_VERSION;
	} else {
		packet.kind = QUIC_SHORT_HEADER;
	}
	if (packet.kind == QUIC_INITIAL || packet.kind == QUIC_ZERO_RTT ||
	    packet.kind == QUIC_HANDSHAKE)
		take_body(&cursor, &packet);
	else
		cursor_skip(&cursor, cursor_left(&cursor));
	if (cursor_failed(&cursor))
		return false;
	*datagram = cursor;
	*ret_packet = packet;
	return true;
}
