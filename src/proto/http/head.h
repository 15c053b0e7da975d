/*
 * HTTP/1.x message heads (RFC 9112), strictly: what two servers could read differently is refused.
 * Bytes in, facts out; facts point into the input (a path that is not there, to static text).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 32768 /* bytes of start line and fields together */

enum http_progress {
	HTTP_MORE,
	HTTP_WHOLE,
	HTTP_REFUSED,
};

enum http_error {
	HTTP_OK,
	HTTP_TOO_LONG, /* more than HTTP_HEAD_MAX bytes or 100 fields */
	HTTP_BAD_START_LINE,
	HTTP_BAD_VERSION, /* not HTTP/1.0 or HTTP/1.1; also the h2c preface */
	HTTP_BAD_TARGET,  /* not origin-form, absolute-form, authority-form (CONNECT) or "*"
			     (OPTIONS); '#', userinfo, space … */
	HTTP_BAD_FIELD,   /* bare CR or LF, obs-fold, space before the colon, bytes outside the
			     grammar, NUL; Host or a framing field named in Connection, or (in
			     requests) with tabs around its value or spaces behind it */
	HTTP_NO_HOST,     /* no Host; only CONNECT in HTTP/1.0 needs none */
	HTTP_DUPLICATE_HOST,
	HTTP_BAD_HOST,           /* not host[:port] */
	HTTP_AUTHORITY_MISMATCH, /* absolute-form or CONNECT authority differs from Host */
	HTTP_BAD_LENGTH,         /* Content-Length twice, not a plain number below 2^63, together
				    with Transfer-Encoding, or above 0 where no body may be */
	HTTP_BAD_CODING,         /* Transfer-Encoding other than exactly "chunked", in HTTP/1.0, or
				    where no body may be */
	HTTP_BAD_CHUNK,
	HTTP_BAD_STATUS,
};

enum http_framing {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

enum http_form {
	HTTP_FORM_ORIGIN,
	HTTP_FORM_ABSOLUTE,
	HTTP_FORM_AUTHORITY, /* CONNECT */
	HTTP_FORM_ASTERISK,
};

struct http_slice {
	const char *at;
	size_t length;
};

struct http_request {
	size_t head_length; /* bytes up to and including the empty line */
	struct http_slice method, target;
	struct http_slice path; /* origin-form part of the target ("/x?y"); when an absolute target
				   has none "/", or "*" in OPTIONS; empty in CONNECT */
	enum http_form form;
	struct http_slice host; /* without port, never checked as a name, IPv6 literals in brackets;
				   from Host, or the authority of CONNECT; never empty */
	uint16_t port;          /* 0: not given */
	uint8_t minor_version;
	enum http_framing framing;
	uint64_t content_length;
	bool close;   /* the connection ends after this exchange */
	bool upgrade; /* asks for another protocol (has a field Upgrade) */
	bool expect_continue;
};

struct http_response {
	size_t head_length;
	uint16_t status;
	uint8_t minor_version;
	enum http_framing framing; /* given the request's method, see below */
	uint64_t content_length;
	bool close;
};

/* Looks at bytes from the start of a message. The request is untouched unless HTTP_WHOLE; the error
   is HTTP_OK unless HTTP_REFUSED. More bytes never change an answer other than HTTP_MORE. */
enum http_progress http_request_parse(const char *bytes, size_t length,
				      struct http_request *ret_request, enum http_error *ret_error);
/* `head_request`: the request was HEAD. 1xx, 204, 304 and HEAD have no body (RFC 9112 section 6.3).
 */
enum http_progress http_response_parse(const char *bytes, size_t length, bool head_request,
				       struct http_response *ret_response,
				       enum http_error *ret_error);
const char *http_error_text(enum http_error error);

/* True when the slice equals `token` in any case. */
bool http_slice_is(const struct http_slice *slice, const char *token);
