/*
 * Takes the bytes of a TCP stream in order and finds the ClientHello in their TLS records, however
 * it is cut: over segments, over records, or with more bytes behind it. Fixed size, no I/O.
 */
#pragma once

#include "proto/tls/client_hello.h"

/*
 * Stream bytes that a hello may take: its handshake bytes and 1,024 record headers. Real clients
 * need one or two; a hello in one-byte records fits up to 3,584 bytes. Over it: TOO_LONG.
 */
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
	bool first_record, change_cipher_allowed, in_change_cipher;
	uint16_t record_left;
	uint8_t message[CLIENT_HELLO_MAX];
};

void hello_reader_init(struct hello_reader *reader);

/*
 * For the hello that answers a HelloRetryRequest: one dummy change_cipher_spec record may come
 * before it (RFC 8446 appendix D.4; OpenSSL and browsers send it). It counts in stream_length.
 */
void hello_reader_init_second(struct hello_reader *reader);

/*
 * Feeds the next stream bytes. Returns how many were taken: all of them while HELLO_MORE; at
 * HELLO_WHOLE the count up to and including the hello's last byte (bytes behind it in the same
 * record are left); at HELLO_REFUSED the count up to the byte that decided. The outcome does not
 * depend on how the stream is cut. Feeding after WHOLE or REFUSED takes nothing.
 */
size_t hello_reader_feed(struct hello_reader *reader, const uint8_t *bytes, size_t length);

/* The fatal alert record that a TLS server would send (RFC 8446 section 6): 7 bytes. */
#define TLS_ALERT_ACCESS_DENIED     49
#define TLS_ALERT_UNRECOGNIZED_NAME 112
#define TLS_ALERT_SIZE              7
void tls_build_alert(uint8_t description, uint8_t buffer[TLS_ALERT_SIZE]);
