/* The fields of a head, as far as they say where a message ends and for whom it is. */
#pragma once

#include "proto/http/authority_impl.h"
#include "proto/http/scanner_impl.h"

#define HTTP_FIELDS_MAX 100

struct http_fields {
	bool exact; /* set before reading: no tab before the values of Host and the framing fields,
		       and no blank behind them */
	size_t count;
	bool has_host;
	struct http_authority host;
	bool has_length;
	uint64_t content_length;
	bool chunked;
	bool close;
	bool keep_alive;
	bool upgrade;
	bool expect_continue;
};

/* Reads field lines up to and including the empty line. */
enum http_progress http_fields_read(struct http_scanner *scanner, struct http_fields *fields,
				    enum http_error *ret_error);

/* "HTTP/1.0" or "HTTP/1.1". */
bool http_version_read(const struct http_slice *text, uint8_t *ret_minor);

/* Does the connection end after this message? (RFC 9112 section 9.3) */
static inline bool http_fields_close(const struct http_fields *fields, uint8_t minor_version)
{
	return fields->close || (minor_version == 0 && !fields->keep_alive);
}

/* What both kinds of message refuse in their framing, once all fields are known. */
enum http_error http_fields_check_framing(const struct http_fields *fields, uint8_t minor_version);
