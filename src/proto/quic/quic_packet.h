/*
 * The packets of one QUIC datagram: headers of version 1 (RFC 9000 section 17) and version 2 (RFC
 * 9369), one after the other as they are coalesced. What is encrypted stays so.
 */
#pragma once

#include "wire/cursor.h"

#define QUIC_VERSION_1 0x00000001u
#define QUIC_VERSION_2 0x6b3343cfu

#define QUIC_CONNECTION_ID_MAX 20

struct quic_connection_id {
	uint8_t length;
	uint8_t bytes[QUIC_CONNECTION_ID_MAX];
};

bool quic_connection_id_equal(const struct quic_connection_id *a,
			      const struct quic_connection_id *b);

enum quic_packet_kind {
	QUIC_INITIAL,
	QUIC_ZERO_RTT,
	QUIC_HANDSHAKE,
	QUIC_RETRY,         /* from servers only; the rest of the datagram */
	QUIC_SHORT_HEADER,  /* likewise the rest: it says no length */
	QUIC_OTHER_VERSION, /* a long header of another version, version negotiation included; the
			       rest */
};

struct quic_packet {
	enum quic_packet_kind kind;
	uint32_t version;                      /* of a long header */
	struct quic_connection_id destination; /* of the first three kinds */
	const uint8_t *bytes;                  /* the whole packet, inside the datagram */
	size_t length;
	size_t number_at; /* first three kinds: where the packet number begins in `bytes` */
};

/*
 * Takes the next packet. The bit that RFC 9000 calls fixed is not looked at (RFC 9287 sets it
 * free). False: its header is not whole, or longer than the datagram; `ret_packet` untouched.
 */
bool quic_packet_take(struct cursor *datagram, struct quic_packet *ret_packet);
