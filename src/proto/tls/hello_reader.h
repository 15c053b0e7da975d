/*
 * Takes the bytes of a TCP stream in order and finds the ClientHello in their TLS records, however
 * it is cut: over segments, over records, or with more bytes behind it. Fixed size, no I/O.
 */
#pragma once

#include "proto/tls/client_hello.h"

/* Handshake bytes plus a record header for every byte in the worst legal cut. */
#define HELLO_STREAM_MAX (CLIENT_HELLO_MAX + 5 * 1024)

enum hello_progress {
	HELLO_MORE,    /* the hello is not whole yet */
	HELLO_WHOLE,   /* ret fields are valid */
	HELLO_REFUSED, /* see `error` */
};

struct hello_reader {
	enum hello_progress progress;
	enum client_hello_error error; /* when HELLO_REFUSED */
	size_t stream_length;          /* stream bytes taken so far up to the hello's end */
	struct client_hello hello;     /* when HELLO_WHOLE; points into message[] */
	size_t message_length;
	/* private */
	uint8_t header[5];
	uint8_t header_length;
	uint16_t record_left;
	uint8_t message[CLIENT_HELLO_MAX];
};

void hello_reader_init(struct hello_reader *reader);

/*
 * Feeds the next stream bytes. Returns how many were taken: all of them while HELLO_MORE; at
 * HELLO_WHOLE the count up to and including the hello's last byte (bytes behind it in the same
 * record are left). Feeding after WHOLE or REFUSED takes nothing.
 */
size_t hello_reader_feed(struct hello_reader *reader, const uint8_t *bytes, size_t length);

/* The fatal alert record that a TLS server would send (RFC 8446 section 6): 7 bytes. */
#define TLS_ALERT_ACCESS_DENIED     49
#define TLS_ALERT_UNRECOGNIZED_NAME 112
#define TLS_ALERT_SIZE              7
void tls_build_alert(uint8_t description, uint8_t buffer[TLS_ALERT_SIZE]);
