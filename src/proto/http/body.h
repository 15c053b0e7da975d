/*
 * Follows a message body without changing it: how many of the next bytes belong to it, and when it
 * ends. Chunked coding is read strictly (RFC 9112 section 7.1; chunk extensions are refused in
 * requests).
 */
#pragma once

#include "proto/http/head.h"

enum http_body_state {
	HTTP_BODY_MORE,
	HTTP_BODY_END,
	HTTP_BODY_BROKEN,
};

struct http_body {
	enum http_framing framing;
	uint64_t left; /* LENGTH: bytes to come; CHUNKED: of this chunk */
	uint8_t step;  /* private: place in the chunk grammar */
	uint32_t line_length;
	bool allow_extensions;
};

void http_body_init(struct http_body *body, enum http_framing framing, uint64_t content_length,
		    bool allow_extensions);

/*
 * Takes up to `length` next bytes; ret_taken: how many belong to the body. At HTTP_BODY_END the
 * rest belongs to the next message; at HTTP_BODY_BROKEN (for good) the next byte is the faulty one.
 * UNTIL_CLOSE takes everything and never ends by itself.
 */
enum http_body_state http_body_take(struct http_body *body, const uint8_t *bytes, size_t length,
				    size_t *ret_taken);

/* Bytes that may be moved unread (splice) before the next look: LENGTH left, chunk left, or
 * UINT64_MAX. */
uint64_t http_body_opaque(const struct http_body *body);
/* Accounts for `length` <= http_body_opaque() bytes that were moved unread. */
enum http_body_state http_body_moved(struct http_body *body, uint64_t length);
