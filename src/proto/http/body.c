/*
 * Following bodies. A chunked body is a state machine fed byte by byte outside of chunk data, and
 * in one stride inside. All its lines end in CRLF and nothing else; sizes are 1 to 16 hexadecimal
 * digits below 2^63; extensions (where allowed) and the trailer section have a limit each. Trailer
 * fields have the grammar of fields and no further meaning here.
 */
#include "proto/http/body.h"

#include "base/assertion.h"
#include "proto/http/scanner_impl.h"

#define SIZE_DIGITS_MAX 16
#define EXTENSIONS_MAX  4096 /* bytes a chunk */
#define TRAILER_MAX     8192 /* bytes in all */

enum step {
	STEP_SIZE,          /* digits; may go on to DATA once CR LF came */
	STEP_EXTENSION,     /* skipped up to CR */
	STEP_SIZE_LF,       /* LF that ends the size line */
	STEP_DATA,          /* `left` bytes that mean nothing */
	STEP_DATA_CR,       /* CR after the data */
	STEP_DATA_LF,       /* and its LF; then the next SIZE */
	STEP_TRAILER_START, /* a field, or the CR of the empty line */
	STEP_TRAILER_NAME,  /* up to the colon */
	STEP_TRAILER_VALUE, /* up to CR */
	STEP_TRAILER_LF,
	STEP_LAST_LF, /* LF of the empty line: the end */
	STEP_DONE,
	STEP_BROKEN, /* for good */
};

void http_body_init(struct http_body *body, enum http_framing framing, uint64_t content_length,
		    bool allow_extensions)
{
	*body = (struct http_body){
		.framing = framing,
		.left = framing == HTTP_BODY_LENGTH ? content_length : 0,
		.step = STEP_SIZE,
		.allow_extensions = allow_extensions,
	};
}

static int digit_value(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static enum step take_digit(struct http_body *body, int value)
{
	if (++body->line_length > SIZE_DIGITS_MAX)
		return STEP_BROKEN;
	body->left = body->left << 4 | (uint64_t)value;
	return body->left > INT64_MAX ? STEP_BROKEN : STEP_SIZE;
}

static enum step step_size(struct http_body *body, char byte)
{
	int value = digit_value(byte);

	if (value >= 0)
		return take_digit(body, value);
	if (body->line_length == 0)
		return STEP_BROKEN;
	if (byte == '\r')
		return STEP_SIZE_LF;
	if (!body->allow_extensions || (byte != ';' && byte != ' ' && byte != '\t'))
		return STEP_BROKEN;
	body->line_length = 0;
	return STEP_EXTENSION;
}

static enum step step_extension(struct http_body *body, char byte)
{
	if (byte == '\r')
		return STEP_SIZE_LF;
	if (!http_is_line_byte(byte) || ++body->line_length > EXTENSIONS_MAX)
		return STEP_BROKEN;
	return STEP_EXTENSION;
}

static enum step step_size_lf(struct http_body *body, char byte)
{
	body->line_length = 0;
	if (byte != '\n')
		return STEP_BROKEN;
	return body->left > 0 ? STEP_DATA : STEP_TRAILER_START;
}

static enum step step_trailer(struct http_body *body, char byte)
{
	if (byte == '\r' && body->step != STEP_TRAILER_NAME)
		return body->step == STEP_TRAILER_START ? STEP_LAST_LF : STEP_TRAILER_LF;
	if (++body->line_length > TRAILER_MAX)
		return STEP_BROKEN;
	if (body->step == STEP_TRAILER_VALUE)
		return http_is_line_byte(byte) ? STEP_TRAILER_VALUE : STEP_BROKEN;
	if (byte == ':' && body->step == STEP_TRAILER_NAME)
		return STEP_TRAILER_VALUE;
	return http_is_token_byte(byte) ? STEP_TRAILER_NAME : STEP_BROKEN;
}

static enum step expect(char byte, char expected, enum step next)
{
	return byte == expected ? next : STEP_BROKEN;
}

static enum step next_step(struct http_body *body, char byte)
{
	switch ((enum step)body->step) {
	case STEP_SIZE:
		return step_size(body, byte);
	case STEP_EXTENSION:
		return step_extension(body, byte);
	case STEP_SIZE_LF:
		return step_size_lf(body, byte);
	case STEP_DATA_CR:
		return expect(byte, '\r', STEP_DATA_LF);
	case STEP_DATA_LF:
		return expect(byte, '\n', STEP_SIZE);
	case STEP_TRAILER_START:
	case STEP_TRAILER_NAME:
	case STEP_TRAILER_VALUE:
		return step_trailer(body, byte);
	case STEP_TRAILER_LF:
		return expect(byte, '\n', STEP_TRAILER_START);
	case STEP_LAST_LF:
		return expect(byte, '\n', STEP_DONE);
	case STEP_DATA: /* taken in strides, never by byte */
	case STEP_DONE:
	case STEP_BROKEN:
		break;
	}
	return STEP_BROKEN;
}

static enum http_body_state state_of(const struct http_body *body)
{
	switch (body->framing) {
	case HTTP_BODY_NONE:
		return HTTP_BODY_END;
	case HTTP_BODY_LENGTH:
		return body->left > 0 ? HTTP_BODY_MORE : HTTP_BODY_END;
	case HTTP_BODY_UNTIL_CLOSE:
		return HTTP_BODY_MORE;
	case HTTP_BODY_CHUNKED:
		break;
	}
	if (body->step == STEP_BROKEN)
		return HTTP_BODY_BROKEN;
	return body->step == STEP_DONE ? HTTP_BODY_END : HTTP_BODY_MORE;
}

uint64_t http_body_opaque(const struct http_body *body)
{
	if (body->framing == HTTP_BODY_UNTIL_CLOSE)
		return UINT64_MAX;
	if (body->framing == HTTP_BODY_CHUNKED && body->step != STEP_DATA)
		return 0;
	return body->left;
}

enum http_body_state http_body_moved(struct http_body *body, uint64_t length)
{
	invariant(length <= http_body_opaque(body));
	if (body->framing != HTTP_BODY_UNTIL_CLOSE)
		body->left -= length;
	if (body->framing == HTTP_BODY_CHUNKED && body->step == STEP_DATA && body->left == 0)
		body->step = STEP_DATA_CR;
	return state_of(body);
}

enum http_body_state http_body_take(struct http_body *body, const uint8_t *bytes, size_t length,
				    size_t *ret_taken)
{
	size_t taken = 0;

	while (taken < length && state_of(body) == HTTP_BODY_MORE) {
		uint64_t opaque = http_body_opaque(body);

		if (opaque > 0) {
			size_t stride = opaque < length - taken ? (size_t)opaque : length - taken;

			http_body_moved(body, stride);
			taken += stride;
			continue;
		}
		body->step = (uint8_t)next_step(body, (char)bytes[taken]);
		if (body->step != STEP_BROKEN)
			taken++;
	}
	*ret_taken = taken;
	return state_of(body);
}
