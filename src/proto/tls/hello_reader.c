/*
 * Finds the ClientHello in a TCP stream: TLS record headers are checked and dropped, the handshake
 * bytes between them are gathered in message[] until the length in the handshake header is reached.
 *
 * The reader works in steps. A step takes at most the bytes up to the next place where something
 * can be decided: a byte of a record header, the type or the length of the handshake message, the
 * end of a record, the end of the hello. So what is decided, and at which byte, does not depend on
 * how the stream is cut into feeds. Refusals come as early as they can: another protocol at its
 * first byte, a hello that is too long at its header.
 *
 * While HELLO_MORE: stream_length < HELLO_STREAM_MAX, message_length < CLIENT_HELLO_MAX and,
 * outside a record, record_left is 0 and header_length counts the bytes of the next header.
 *
 * Limits: CLIENT_HELLO_MAX of handshake bytes, HELLO_STREAM_MAX of stream (a hello cut into very
 * small records has more headers than content). Both give CLIENT_HELLO_TOO_LONG.
 *
 * After a HelloRetryRequest a client may send one dummy change_cipher_spec record before its second
 * hello (RFC 8446 appendix D.4). It is skipped there, and nowhere else.
 */
#include "proto/tls/hello_reader.h"

#include <string.h>

#include "base/assertion.h"
#include "wire/cursor.h"

#define RECORD_HEADER_SIZE    5
#define RECORD_LENGTH_MAX     16384 /* RFC 8446 section 5.1: 2^14 */
#define RECORD_VERSION_MAJOR  3     /* of every version since SSL 3.0 */
#define HANDSHAKE_HEADER_SIZE 4
#define HANDSHAKE_HELLO       1
#define CHANGE_CIPHER_BYTE    1 /* RFC 8446 section 5: the one legal content */

enum content_type { /* RFC 8446 section 5.1 */
		    CONTENT_CHANGE_CIPHER_SPEC = 20,
		    CONTENT_HANDSHAKE = 22,
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void init(struct hello_reader *reader, bool change_cipher_allowed)
{
	memset(reader, 0, offsetof(struct hello_reader, message));
	reader->first_record = true;
	reader->change_cipher_allowed = change_cipher_allowed;
}

void hello_reader_init(struct hello_reader *reader)
{
	init(reader, false);
}

void hello_reader_init_second(struct hello_reader *reader)
{
	init(reader, true);
}

static void refuse(struct hello_reader *reader, enum client_hello_error error)
{
	reader->progress = HELLO_REFUSED;
	reader->error = error;
}

/* RFC 8446 section 5.1: the type of the record that begins. */
static void check_content_type(struct hello_reader *reader, uint8_t type)
{
	if (type == CONTENT_HANDSHAKE)
		reader->in_change_cipher = false;
	else if (type == CONTENT_CHANGE_CIPHER_SPEC && reader->change_cipher_allowed)
		reader->in_change_cipher = true;
	else
		refuse(reader,
		       reader->first_record ? CLIENT_HELLO_NOT_TLS : CLIENT_HELLO_RECORD_MISMATCH);
	reader->change_cipher_allowed = false;
}

static void begin_record(struct hello_reader *reader, uint16_t length)
{
	if (length == 0)
		refuse(reader, CLIENT_HELLO_EMPTY_RECORD);
	else if (length > (reader->in_change_cipher ? 1 : RECORD_LENGTH_MAX))
		refuse(reader, CLIENT_HELLO_MALFORMED);
	reader->record_left = length;
	reader->header_length = 0;
	reader->first_record = false;
}

static void step_record_header(struct hello_reader *reader, struct cursor *input)
{
	reader->header[reader->header_length++] = cursor_u8(input);

	struct cursor header = cursor_over(reader->header, reader->header_length);
	uint8_t type = cursor_u8(&header);
	uint8_t major = cursor_u8(&header);

	if (reader->header_length == 1) {
		check_content_type(reader, type);
	} else if (reader->header_length == 2 && major != RECORD_VERSION_MAJOR) {
		refuse(reader,
		       reader->first_record ? CLIENT_HELLO_NOT_TLS : CLIENT_HELLO_MALFORMED);
	} else if (reader->header_length == RECORD_HEADER_SIZE) {
		cursor_skip(&header, 1); /* minor version: means nothing, RFC 8446 section 5.1 */
		begin_record(reader, cursor_u16(&header));
	}
}

static void step_change_cipher(struct hello_reader *reader, struct cursor *input)
{
	reader->record_left--;
	if (cursor_u8(input) != CHANGE_CIPHER_BYTE)
		refuse(reader, CLIENT_HELLO_MALFORMED);
}

/* Length of the whole message; only when its header is there. */
static size_t hello_length(const struct hello_reader *reader)
{
	struct cursor header = cursor_over(reader->message, HANDSHAKE_HEADER_SIZE);

	cursor_skip(&header, 1);
	return HANDSHAKE_HEADER_SIZE + cursor_u24(&header);
}

/* The message length at which the next decision falls. */
static size_t next_decision(const struct hello_reader *reader)
{
	if (reader->message_length == 0)
		return 1;
	if (reader->message_length < HANDSHAKE_HEADER_SIZE)
		return HANDSHAKE_HEADER_SIZE;
	return hello_length(reader);
}

static void decide(struct hello_reader *reader)
{
	if (reader->message[0] != HANDSHAKE_HELLO) {
		refuse(reader, CLIENT_HELLO_NOT_HELLO);
		return;
	}
	if (reader->message_length < HANDSHAKE_HEADER_SIZE)
		return;
	size_t length = hello_length(reader);
	if (length > CLIENT_HELLO_MAX) {
		refuse(reader, CLIENT_HELLO_TOO_LONG);
	} else if (reader->message_length == length) {
		enum client_hello_error error =
			client_hello_parse(reader->message, length, &reader->hello);
		if (error)
			refuse(reader, error);
		else
			reader->progress = HELLO_WHOLE;
	}
}

static void step_handshake(struct hello_reader *reader, struct cursor *input, size_t limit)
{
	size_t wanted = next_decision(reader) - reader->message_length;
	size_t count = smaller(smaller(wanted, reader->record_left), limit);

	invariant(count > 0 && count <= cursor_left(input));
	invariant(count <= sizeof(reader->message) - reader->message_length);
	memcpy(reader->message + reader->message_length, cursor_bytes(input, count), count);
	reader->message_length += count;
	reader->record_left = (uint16_t)(reader->record_left - count);
	decide(reader);
}

static void step(struct hello_reader *reader, struct cursor *input)
{
	size_t before = cursor_left(input);
	size_t limit = smaller(before, HELLO_STREAM_MAX - reader->stream_length);

	if (reader->record_left == 0)
		step_record_header(reader, input);
	else if (reader->in_change_cipher)
		step_change_cipher(reader, input);
	else
		step_handshake(reader, input, limit);
	reader->stream_length += before - cursor_left(input);
	if (reader->progress == HELLO_MORE && reader->stream_length == HELLO_STREAM_MAX)
		refuse(reader, CLIENT_HELLO_TOO_LONG);
}

size_t hello_reader_feed(struct hello_reader *reader, const uint8_t *bytes, size_t length)
{
	struct cursor input = cursor_over(bytes, length);

	while (reader->progress == HELLO_MORE && cursor_left(&input))
		step(reader, &input);
	return length - cursor_left(&input);
}
