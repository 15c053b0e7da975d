/*
 * A client's Initial packets opened with their public keys (RFC 9001 section 5, RFC 9369 section
 * 3.3), and the CRYPTO frames in them. libcrypto does the arithmetic; nothing here is a secret.
 */
#pragma once

#include "proto/quic/quic_packet.h"

#define QUIC_DATAGRAM_MAX 65527 /* no packet is longer: what a UDP datagram holds */

/* Sets libcrypto up, before files are out of reach. False: it lacks what is needed. */
bool quic_prepare(void);

struct quic_client_keys {
	uint8_t key[16], iv[12], header_protection[16];
};

/*
 * The keys of a client's Initial packets. `original` is the destination connection id of the
 * client's first Initial, or of its first one after a Retry. False: libcrypto failed (no memory).
 */
bool quic_derive_client_keys(uint32_t version, const struct quic_connection_id *original,
			     struct quic_client_keys *ret_keys);

struct quic_opened {
	uint64_t number;
	size_t length; /* of the frames in the buffer */
};

/*
 * Opens an Initial packet. `expected` helps to complete a shortened packet number (RFC 9000
 * appendix A.3): one more than the greatest so far, 0 at the start. `buffer` must hold
 * packet->length bytes. False: not sealed with these keys under that number (nothing in `buffer`
 * counts).
 */
bool quic_open_initial(const struct quic_packet *packet, const struct quic_client_keys *keys,
		       uint64_t expected, uint8_t *buffer, struct quic_opened *ret_opened);

struct quic_crypto_frame {
	uint64_t offset;
	const uint8_t *bytes;
	size_t length; /* may be 0 */
};

enum quic_frame {
	QUIC_FRAME_CRYPTO,
	QUIC_FRAME_NONE,      /* no more */
	QUIC_FRAME_MALFORMED, /* or one that an Initial packet must not carry (RFC 9000 section
				 17.2.2) */
};

/* Takes frames up to and including the next CRYPTO frame. */
enum quic_frame quic_take_crypto(struct cursor *frames, struct quic_crypto_frame *ret_crypto);
