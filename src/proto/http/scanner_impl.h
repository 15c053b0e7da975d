/* Cuts a message head into lines, and knows HTTP's sets of bytes. */
#pragma once

#include "proto/http/head.h"

struct http_scanner {
	const char *at;
	const char *end;    /* at most HTTP_HEAD_MAX behind the start */
	bool reaches_limit; /* no more bytes will be looked at */
};

void http_scanner_init(struct http_scanner *scanner, const char *bytes, size_t length);

/*
 * The next line without its CRLF. HTTP_REFUSED: a control byte other than HTAB in it, a CR without
 * LF or a LF without CR (HTTP_BAD_FIELD), or no end of line within the limit (HTTP_TOO_LONG).
 */
enum http_progress http_scanner_line(struct http_scanner *scanner, struct http_slice *ret_line,
				     enum http_error *ret_error);

/* The first line: control bytes are HTTP_BAD_START_LINE there. */
enum http_progress http_scanner_start_line(struct http_scanner *scanner,
					   struct http_slice *ret_line, enum http_error *ret_error);

bool http_is_token_byte(char byte); /* tchar, RFC 9110 section 5.6.2 */
bool http_is_line_byte(char byte);  /* HTAB, SP, VCHAR, obs-text */
bool http_is_digit(char byte);
bool http_is_token(const struct http_slice *slice); /* and not empty */

/* Takes spaces and tabs off both ends (OWS). */
struct http_slice http_trim(struct http_slice slice);
/* The part before the next `separator`, which is removed with it from `rest`. */
struct http_slice http_split(struct http_slice *rest, char separator);

bool http_slices_match(const struct http_slice *a, const struct http_slice *b); /* in any case */

/* 1*DIGIT below 2^63; false: anything else. */
bool http_number(const struct http_slice *slice, uint64_t *ret_number);
