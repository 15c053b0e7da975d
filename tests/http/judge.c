/*
 * What the proxy lets out of a client's bytes, for tests/http/differential.py.
 *
 * Standard input: one stream a line, "transparent HEX" or "explicit HEX". Standard output: one JSON
 * object a line. "out" is what the server gets, in hex; "requests" is what the gateway judged: the
 * host in its canonical form, the path in hex, and the place in `out` where the request ends;
 * "refused" says what ended the reading before the stream's end, null: nothing. As in the proxy,
 * bytes of a body leave as they come, so a body that breaks leaves its beginning in `out`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "name/name.h"
#include "proto/http/body.h"
#include "proxy/http_head_impl.h"

struct stream {
	bool is_explicit;
	uint8_t *bytes;
	size_t length, at;
	uint8_t *out;
	size_t out_length;
};

static void emit(struct stream *stream, const uint8_t *bytes, size_t length)
{
	memcpy(stream->out + stream->out_length, bytes, length);
	stream->out_length += length;
}

static void print_hex(const void *bytes, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++)
		printf("%02x", ((const uint8_t *)bytes)[i]);
	putchar('"');
}

/* As judge_request() in src/proxy/http_session.c, with a policy that allows every name. */
static const char *find_fault(const struct stream *stream, const struct http_request *request,
			      struct name *ret_name)
{
	enum http_form wanted = stream->is_explicit ? HTTP_FORM_ABSOLUTE : request->form;

	if (request->form == HTTP_FORM_AUTHORITY || request->form != wanted)
		return "not a form for this port";
	enum name_error error = name_from_wire(request->host.at, request->host.length, ret_name);

	return error == NAME_OK ? NULL : name_error_text(error);
}

/* Sends the head off; the request's slices are void afterwards. */
static void pass_head(struct stream *stream, const struct http_request *request)
{
	uint8_t *head = stream->bytes + stream->at;
	size_t length = request->head_length;
	bool upgrade;

	if (stream->is_explicit || request->upgrade)
		length = http_head_edit(head, request, stream->is_explicit, &upgrade);
	emit(stream, head + request->head_length - length, length);
	stream->at += request->head_length;
}

static const char *pass_body(struct stream *stream, const struct http_request *request)
{
	struct http_body body;
	size_t taken;

	http_body_init(&body, request->framing, request->content_length, false);
	enum http_body_state state = http_body_take(&body, stream->bytes + stream->at,
						    stream->length - stream->at, &taken);

	emit(stream, stream->bytes + stream->at, taken);
	stream->at += taken;
	if (state == HTTP_BODY_END)
		return NULL;
	return state == HTTP_BODY_MORE ? "an unfinished body" : http_error_text(HTTP_BAD_CHUNK);
}

/* Reads one request; NULL, or what ends the stream there. */
static const char *read_request(struct stream *stream, bool is_first)
{
	struct http_request request;
	struct name name;
	enum http_error error;
	enum http_progress progress =
		http_request_parse((const char *)stream->bytes + stream->at,
				   stream->length - stream->at, &request, &error);

	if (progress != HTTP_WHOLE)
		return progress == HTTP_MORE ? "an unfinished head" : http_error_text(error);
	const char *fault = find_fault(stream, &request, &name);

	if (fault)
		return fault;
	printf("%s{\"host\": \"%s\", \"path\": ", is_first ? "" : ", ", name.text);
	print_hex(request.path.at, request.path.length);
	pass_head(stream, &request);
	fault = pass_body(stream, &request);
	printf(", \"end\": %zu}", stream->out_length);
	if (!fault && request.close)
		return "the connection ends here";
	return fault;
}

static void judge(struct stream *stream)
{
	const char *fault = NULL;
	bool is_first = true;

	printf("{\"requests\": [");
	while (!fault && stream->at < stream->length) {
		fault = read_request(stream, is_first);
		is_first = false;
	}
	printf("], \"out\": ");
	print_hex(stream->out, stream->out_length);
	if (fault)
		printf(", \"refused\": \"%s\"}\n", fault);
	else
		puts(", \"refused\": null}");
}

/* Two digits a byte; what is no digit is a mistake of the caller's. */
static size_t read_hex(const char *text, uint8_t *bytes)
{
	size_t length = 0;
	unsigned int value;

	for (; sscanf(text, "%2x", &value) == 1; text += 2)
		bytes[length++] = (uint8_t)value;
	return length;
}

int main(void)
{
	cleanup(free_memory) char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		const char *hex = strchr(line, ' ');

		if (!hex)
			return 2;
		cleanup(free_memory) uint8_t *bytes = malloc(room);
		cleanup(free_memory) uint8_t *out = malloc(room);
		struct stream stream = {.is_explicit = line[0] == 'e', .bytes = bytes, .out = out};

		if (!bytes || !out)
			return 1;
		stream.length = read_hex(hex + 1, bytes);
		judge(&stream);
	}
	return 0;
}
