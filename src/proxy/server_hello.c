/*
 * Records are walked by their headers; the handshake bytes in them are gathered until the first 38
 * of a message tell a HelloRetryRequest from anything else. A HelloRetryRequest is skipped to its
 * end, then the next message is looked at. Alerts and change_cipher_spec records pass.
 */
#include "proxy/server_hello_impl.h"

#include <string.h>

#include "wire/cursor.h"

#define RECORD_CHANGE_CIPHER   20
#define RECORD_ALERT           21
#define RECORD_HANDSHAKE       22
#define RECORD_LENGTH_MAX      (16384 + 256) /* RFC 8446 section 5.2 */
#define HANDSHAKE_SERVER_HELLO 2
#define RANDOM_OFFSET          6

/* RFC 8446 section 4.1.3: SHA-256 of "HelloRetryRequest" */
static const uint8_t s_retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

void server_hello_init(struct server_hello *watch)
{
	memset(watch, 0, sizeof(*watch));
}

static void take_header(struct server_hello *watch, uint8_t byte)
{
	watch->header[watch->header_length++] = byte;
	if (watch->header_length < sizeof(watch->header))
		return;

	struct cursor header = cursor_over(watch->header, sizeof(watch->header));
	uint8_t type = cursor_u8(&header);

	cursor_skip(&header, 2);
	watch->record_left = cursor_u16(&header);
	watch->header_length = 0;
	if ((type != RECORD_CHANGE_CIPHER && type != RECORD_ALERT && type != RECORD_HANDSHAKE) ||
	    watch->record_left > RECORD_LENGTH_MAX)
		watch->not_tls = true;
}

static void decide(struct server_hello *watch)
{
	struct cursor head = cursor_over(watch->head, SERVER_HELLO_HEAD);

	cursor_skip(&head, 1);
	uint32_t length = cursor_u24(&head);
	uint32_t seen = SERVER_HELLO_HEAD - 4;

	if (length < seen ||
	    memcmp(watch->head + RANDOM_OFFSET, s_retry_random, sizeof(s_retry_random)) != 0)
		watch->settled = true;
	watch->message_left = length - seen;
	watch->head_length = 0;
}

static void take_handshake(struct server_hello *watch, uint8_t byte)
{
	if (watch->message_left > 0) {
		watch->message_left--;
		return;
	}
	watch->head[watch->head_length++] = byte;
	if (watch->head[0] != HANDSHAKE_SERVER_HELLO)
		watch->settled = true;
	else if (watch->head_length == SERVER_HELLO_HEAD)
		decide(watch);
}

void server_hello_feed(struct server_hello *watch, const uint8_t *bytes, size_t length)
{
	struct cursor input = cursor_over(bytes, length);

	while (!watch->settled && !watch->not_tls && cursor_left(&input) > 0) {
		uint8_t byte = cursor_u8(&input);

		if (watch->record_left == 0) {
			take_header(watch, byte);
			continue;
		}
		watch->record_left--;
		if (watch->header[0] == RECORD_HANDSHAKE)
			take_handshake(watch, byte);
	}
}
