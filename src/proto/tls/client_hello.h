/*
 * ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3) as facts, from handshake bytes without
 * record headers. One parser for TLS over TCP and for QUIC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_HELLO_MAX 16384 /* handshake bytes, header included */

enum client_hello_error {
	CLIENT_HELLO_OK,
	CLIENT_HELLO_NOT_TLS,         /* the first bytes are not a TLS handshake record */
	CLIENT_HELLO_NOT_HELLO,       /* a handshake message of another type first */
	CLIENT_HELLO_MALFORMED,       /* lengths do not add up */
	CLIENT_HELLO_TOO_LONG,        /* over CLIENT_HELLO_MAX */
	CLIENT_HELLO_EMPTY_RECORD,    /* a record without payload */
	CLIENT_HELLO_DUPLICATE,       /* an extension, or a server name, twice */
	CLIENT_HELLO_BAD_NAME_TYPE,   /* server_name_list with another type than host_name */
	CLIENT_HELLO_RECORD_MISMATCH, /* another content type inside the hello's records */
};

struct client_hello {
	bool has_server_name;       /* the extension is there */
	const uint8_t *server_name; /* raw bytes, inside the input; NULL when absent */
	size_t server_name_length;
	bool has_encrypted_hello; /* ECH, extension 0xfe0d */
	bool has_early_data;
	const uint8_t *alpn; /* body of the ALPN extension or NULL */
	size_t alpn_length;
	uint16_t legacy_version;
	const uint8_t *random; /* 32 bytes */
};

/*
 * `message`: one whole handshake message with its 4-byte header. The facts point into it.
 * Output untouched unless CLIENT_HELLO_OK.
 */
enum client_hello_error client_hello_parse(const uint8_t *message, size_t length,
					   struct client_hello *ret_hello);

const char *client_hello_error_text(enum client_hello_error error);
