/* A request head read whole and byte by byte gives the same; its facts hold together. */
#include <stdlib.h>
#include <string.h>

#include "proto/http/head.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

static void inside(const struct http_slice *slice, const char *text, size_t length)
{
	check(slice->at >= text && slice->at + slice->length <= text + length);
}

static void same_slice(const struct http_slice *a, const struct http_slice *b)
{
	check(a->at == b->at && a->length == b->length);
}

static void same(const struct http_request *a, const struct http_request *b)
{
	check(a->head_length == b->head_length && a->form == b->form && a->port == b->port);
	same_slice(&a->method, &b->method);
	same_slice(&a->target, &b->target);
	same_slice(&a->path, &b->path);
	same_slice(&a->host, &b->host);
	check(a->minor_version == b->minor_version && a->framing == b->framing);
	check(a->content_length == b->content_length && a->close == b->close);
	check(a->upgrade == b->upgrade && a->expect_continue == b->expect_continue);
}

static void facts_hold(const struct http_request *request, const char *text)
{
	inside(&request->method, text, request->head_length);
	inside(&request->target, text, request->head_length);
	check(request->host.length > 0);
	inside(&request->host, text, request->head_length);
	check(request->framing != HTTP_BODY_UNTIL_CLOSE);
	check((request->framing == HTTP_BODY_LENGTH) == (request->content_length > 0));
	check(request->form == HTTP_FORM_AUTHORITY || request->path.length > 0);
	check(request->form != HTTP_FORM_AUTHORITY || request->port > 0);
	check(memcmp(text + request->head_length - 4, "\r\n\r\n", 4) == 0);
	check(memchr(text, '\0', request->head_length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct http_request whole = {.head_length = 0}, part = {.head_length = 0};
	enum http_error whole_error, part_error = HTTP_OK;
	enum http_progress progress = http_request_parse(text, size, &whole, &whole_error);
	enum http_progress part_progress = HTTP_MORE;

	check((progress == HTTP_REFUSED) == (whole_error != HTTP_OK));
	for (size_t length = 0; length <= size && part_progress == HTTP_MORE; length++)
		part_progress = http_request_parse(text, length, &part, &part_error);
	check(progress == part_progress && whole_error == part_error);
	same(&whole, &part);
	if (progress == HTTP_WHOLE)
		facts_hold(&whole, text);
	return 0;
}
