/*
 * Watches a server's first bytes for the moment when a client can no longer be asked for another
 * hello: its first handshake message that is no HelloRetryRequest (RFC 8446 section 4.1.4). No I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_HELLO_HEAD 38 /* type, length, version, random */

struct server_hello {
	bool settled; /* found */
	bool not_tls; /* what the server says are no TLS records: never settled */
	uint8_t header[5], header_length;
	uint16_t record_left;
	uint8_t head[SERVER_HELLO_HEAD], head_length;
	uint32_t message_left; /* of a HelloRetryRequest */
};

void server_hello_init(struct server_hello *watch);
/* The next bytes of the server's stream. What is found does not depend on how it is cut. */
void server_hello_feed(struct server_hello *watch, const uint8_t *bytes, size_t length);
