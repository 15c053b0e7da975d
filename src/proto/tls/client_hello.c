/*
 * The ClientHello parser. Its functions read like the structures of RFC 8446 section 4.1.2.
 *
 * Goal: no server may find another name in the same bytes. So a hello is taken only when it is
 * unambiguous: it ends where its handshake length says, every vector that is looked into adds up
 * exactly, no extension type comes twice (GREASE values included), and server_name holds exactly
 * one host_name. What fails is refused whole; there is no partial result.
 *
 * Bodies of extensions that give no fact are skipped unread. encrypted_client_hello counts by its
 * presence alone: a client's GREASE is made to be indistinguishable from the real one.
 *
 * Cost: one pass, no allocation. Extension types seen are kept in a bitmap (8 KiB of stack), so
 * that a hello of 4,000 empty extensions takes no longer than another of its size.
 */
#include "proto/tls/client_hello.h"

#include "wire/cursor.h"

/* Of all versions (RFC 8446 section 4.1.2). Servers may not look at it; but with another number the
 * hello could be read as a shorter one from its fourth byte on, where a server that makes
 * connections from SYN cookies may be made to begin (RFC 4987 section 3.6). */
#define VERSION_MAJOR         3
#define HANDSHAKE_HEADER_SIZE 4
#define RANDOM_SIZE           32
#define SESSION_ID_MAX        32 /* legacy_session_id<0..32> */

enum handshake_type {
	HANDSHAKE_CLIENT_HELLO = 1, /* RFC 8446 section 4 */
};

enum extension_type {
	EXTENSION_SERVER_NAME = 0,         /* RFC 6066 section 3 */
	EXTENSION_ALPN = 16,               /* RFC 7301 section 3.1 */
	EXTENSION_EARLY_DATA = 42,         /* RFC 8446 section 4.2.10 */
	EXTENSION_ENCRYPTED_HELLO = 0xfe0d /* RFC 9849 section 5 */
};

enum name_type {
	NAME_HOST_NAME = 0, /* RFC 6066 section 3 */
};

struct seen_types {
	uint64_t bits[UINT16_MAX / 64 + 1];
};

static bool mark_seen(struct seen_types *seen, uint16_t type)
{
	uint64_t bit = UINT64_C(1) << (type % 64);
	bool again = seen->bits[type / 64] & bit;

	seen->bits[type / 64] |= bit;
	return again;
}

/* ServerName entries; the caller has checked that the list is all of the extension. */
static enum client_hello_error parse_name_list(struct cursor *list, struct client_hello *hello)
{
	size_t names = 0;

	while (cursor_left(list)) {
		if (cursor_u8(list) != NAME_HOST_NAME)
			return CLIENT_HELLO_BAD_NAME_TYPE;
		struct cursor name = cursor_take_vector16(list);
		if (cursor_failed(&name) || cursor_left(&name) == 0)
			return CLIENT_HELLO_MALFORMED;
		if (names++)
			return CLIENT_HELLO_DUPLICATE;
		hello->server_name_length = cursor_left(&name);
		hello->server_name = cursor_bytes(&name, cursor_left(&name));
	}
	hello->has_server_name = names > 0;
	return names ? CLIENT_HELLO_OK : CLIENT_HELLO_MALFORMED;
}

static enum client_hello_error parse_server_name(struct cursor body, struct client_hello *hello)
{
	struct cursor list = cursor_take_vector16(&body);

	if (!cursor_done(&body))
		return CLIENT_HELLO_MALFORMED;
	return parse_name_list(&list, hello);
}

static enum client_hello_error parse_alpn(struct cursor body, struct client_hello *hello)
{
	struct cursor whole = body;
	struct cursor list = cursor_take_vector16(&body);

	if (!cursor_done(&body) || cursor_left(&list) == 0)
		return CLIENT_HELLO_MALFORMED;
	while (cursor_left(&list)) {
		struct cursor protocol = cursor_take_vector8(&list);
		if (cursor_failed(&protocol) || cursor_left(&protocol) == 0)
			return CLIENT_HELLO_MALFORMED;
	}
	hello->alpn_length = cursor_left(&whole);
	hello->alpn = cursor_bytes(&whole, cursor_left(&whole));
	return CLIENT_HELLO_OK;
}

static enum client_hello_error parse_extension(uint16_t type, struct cursor body,
					       struct client_hello *hello)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		return parse_server_name(body, hello);
	case EXTENSION_ALPN:
		return parse_alpn(body, hello);
	case EXTENSION_EARLY_DATA:
		hello->has_early_data = true;
		return cursor_left(&body) ? CLIENT_HELLO_MALFORMED : CLIENT_HELLO_OK;
	case EXTENSION_ENCRYPTED_HELLO:
		hello->has_encrypted_hello = true;
		return CLIENT_HELLO_OK;
	default:
		return CLIENT_HELLO_OK;
	}
}

static enum client_hello_error parse_extensions(struct cursor *extensions,
						struct client_hello *hello)
{
	struct seen_types seen = {0};

	while (cursor_left(extensions)) {
		uint16_t type = cursor_u16(extensions);
		struct cursor body = cursor_take_vector16(extensions);

		if (cursor_failed(&body))
			return CLIENT_HELLO_MALFORMED;
		if (mark_seen(&seen, type))
			return CLIENT_HELLO_DUPLICATE;
		enum client_hello_error error = parse_extension(type, body, hello);
		if (error)
			return error;
	}
	return CLIENT_HELLO_OK;
}

static enum client_hello_error parse_body(struct cursor *message, struct client_hello *hello)
{
	hello->legacy_version = cursor_u16(message);
	hello->random = cursor_bytes(message, RANDOM_SIZE);
	struct cursor session_id = cursor_take_vector8(message);
	struct cursor cipher_suites = cursor_take_vector16(message);
	struct cursor compression = cursor_take_vector8(message);

	if (cursor_failed(message) || cursor_left(&session_id) > SESSION_ID_MAX ||
	    cursor_left(&cipher_suites) < 2 || cursor_left(&cipher_suites) % 2 ||
	    cursor_left(&compression) < 1 || hello->legacy_version >> 8 != VERSION_MAJOR)
		return CLIENT_HELLO_MALFORMED;
	if (cursor_done(message))
		return CLIENT_HELLO_OK; /* RFC 5246 section 7.4.1.2: no extensions block at all */
	struct cursor extensions = cursor_take_vector16(message);
	if (!cursor_done(message))
		return CLIENT_HELLO_MALFORMED;
	return parse_extensions(&extensions, hello);
}

enum client_hello_error client_hello_parse(const uint8_t *message, size_t length,
					   struct client_hello *ret_hello)
{
	struct cursor cursor = cursor_over(message, length);
	struct client_hello hello = {0};
	uint8_t type = cursor_u8(&cursor);
	uint32_t body_length = cursor_u24(&cursor);

	if (length > 0 && type != HANDSHAKE_CLIENT_HELLO)
		return CLIENT_HELLO_NOT_HELLO;
	if (cursor_failed(&cursor))
		return CLIENT_HELLO_MALFORMED;
	if (body_length > CLIENT_HELLO_MAX - HANDSHAKE_HEADER_SIZE)
		return CLIENT_HELLO_TOO_LONG;
	if (cursor_left(&cursor) != body_length)
		return CLIENT_HELLO_MALFORMED;
	enum client_hello_error error = parse_body(&cursor, &hello);
	if (error)
		return error;
	*ret_hello = hello;
	return CLIENT_HELLO_OK;
}

static const char *const s_error_texts[] = {
	[CLIENT_HELLO_OK] = "a well-formed ClientHello",
	[CLIENT_HELLO_NOT_TLS] = "not a TLS handshake",
	[CLIENT_HELLO_NOT_HELLO] = "the first TLS handshake message is not a ClientHello",
	[CLIENT_HELLO_MALFORMED] = "the lengths in the ClientHello do not add up",
	[CLIENT_HELLO_TOO_LONG] = "the ClientHello is too long",
	[CLIENT_HELLO_EMPTY_RECORD] = "an empty TLS record inside the ClientHello",
	[CLIENT_HELLO_DUPLICATE] = "an extension or a server name comes twice in the ClientHello",
	[CLIENT_HELLO_BAD_NAME_TYPE] =
		"the server name in the ClientHello is not of type host_name",
	[CLIENT_HELLO_RECORD_MISMATCH] = "a TLS record of another type inside the ClientHello",
};
_Static_assert(sizeof(s_error_texts) / sizeof(s_error_texts[0]) == CLIENT_HELLO_RECORD_MISMATCH + 1,
	       "every client_hello_error has its text");

const char *client_hello_error_text(enum client_hello_error error)
{
	return s_error_texts[error];
}
