/*
 * A line is scanned before it is understood, and lines are understood in order, so the first fault
 * of a message is the same whether its bytes came at once or one by one; a binary protocol on an
 * HTTP port is refused at its first control byte.
 */
#include "proto/http/scanner_impl.h"

#include <string.h>

void http_scanner_init(struct http_scanner *scanner, const char *bytes, size_t length)
{
	scanner->reaches_limit = length >= HTTP_HEAD_MAX;
	scanner->at = bytes;
	scanner->end = scanner->reaches_limit ? bytes + HTTP_HEAD_MAX : bytes + length;
}

static enum http_progress out_of_bytes(const struct http_scanner *scanner,
				       enum http_error *ret_error)
{
	if (!scanner->reaches_limit)
		return HTTP_MORE;
	*ret_error = HTTP_TOO_LONG;
	return HTTP_REFUSED;
}

enum http_progress http_scanner_line(struct http_scanner *scanner, struct http_slice *ret_line,
				     enum http_error *ret_error)
{
	const char *at = scanner->at;

	while (at < scanner->end && http_is_line_byte(*at))
		at++;
	if (at == scanner->end || (*at == '\r' && at + 1 == scanner->end))
		return out_of_bytes(scanner, ret_error);
	if (*at != '\r' || at[1] != '\n') {
		*ret_error = HTTP_BAD_FIELD;
		return HTTP_REFUSED;
	}
	*ret_line = (struct http_slice){.at = scanner->at, .length = (size_t)(at - scanner->at)};
	scanner->at = at + 2;
	return HTTP_WHOLE;
}

enum http_progress http_scanner_start_line(struct http_scanner *scanner,
					   struct http_slice *ret_line, enum http_error *ret_error)
{
	enum http_progress progress = http_scanner_line(scanner, ret_line, ret_error);

	if (progress == HTTP_REFUSED && *ret_error == HTTP_BAD_FIELD)
		*ret_error = HTTP_BAD_START_LINE;
	return progress;
}

bool http_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

bool http_is_token_byte(char byte)
{
	char small = lower(byte);

	return (small >= 'a' && small <= 'z') || http_is_digit(byte) ||
	       (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

bool http_is_line_byte(char byte)
{
	unsigned char code = (unsigned char)byte;

	return (code >= ' ' && code != 0x7f) || code == '\t';
}

bool http_is_token(const struct http_slice *slice)
{
	for (size_t i = 0; i < slice->length; i++)
		if (!http_is_token_byte(slice->at[i]))
			return false;
	return slice->length > 0;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

struct http_slice http_trim(struct http_slice slice)
{
	while (slice.length > 0 && is_blank(slice.at[0])) {
		slice.at++;
		slice.length--;
	}
	while (slice.length > 0 && is_blank(slice.at[slice.length - 1]))
		slice.length--;
	return slice;
}

struct http_slice http_split(struct http_slice *rest, char separator)
{
	const char *found = rest->length > 0 ? memchr(rest->at, separator, rest->length) : NULL;
	struct http_slice part = *rest;

	if (!found) {
		*rest = (struct http_slice){.at = rest->at + rest->length};
		return part;
	}
	part.length = (size_t)(found - rest->at);
	rest->at = found + 1;
	rest->length -= part.length + 1;
	return part;
}

bool http_slices_match(const struct http_slice *a, const struct http_slice *b)
{
	if (a->length != b->length)
		return false;
	for (size_t i = 0; i < a->length; i++)
		if (lower(a->at[i]) != lower(b->at[i]))
			return false;
	return true;
}

bool http_slice_is(const struct http_slice *slice, const char *token)
{
	const struct http_slice other = {.at = token, .length = strlen(token)};

	return http_slices_match(slice, &other);
}

bool http_number(const struct http_slice *slice, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < slice->length; i++) {
		if (!http_is_digit(slice->at[i]) || number > INT64_MAX / 10)
			return false;
		number = number * 10 + (uint64_t)(slice->at[i] - '0');
		if (number > INT64_MAX)
			return false;
	}
	if (slice->length == 0)
		return false;
	*ret_number = number;
	return true;
}
