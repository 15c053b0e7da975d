/*
 * A request head read whole and byte by byte gives the same; its facts hold together. A head
 * written from nothing but these facts is read the same, and so is what leaves the gateway, on
 * either port.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http/head.h"
#include "proxy/http_head_impl.h"

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

static void same_text(const struct http_slice *a, const struct http_slice *b)
{
	check(a->length == b->length);
	check(a->length == 0 || memcmp(a->at, b->at, a->length) == 0);
}

/* The same message for the same host. */
static void means(const char *text, size_t length, const struct http_request *request,
		  struct http_request *ret_again)
{
	enum http_error error;

	check(http_request_parse(text, length, ret_again, &error) == HTTP_WHOLE);
	check(ret_again->head_length == length);
	same_text(&ret_again->method, &request->method);
	same_text(&ret_again->path, &request->path);
	same_text(&ret_again->host, &request->host);
	check(ret_again->port == request->port && ret_again->close == request->close);
	check(ret_again->minor_version == request->minor_version);
	check(ret_again->framing == request->framing);
	check(ret_again->content_length == request->content_length);
	check(ret_again->expect_continue == request->expect_continue);
}

/* Nothing else in a head says what it means. */
static size_t write_head(const struct http_request *request, char *text, size_t room)
{
	bool old = request->minor_version == 0;
	const char *connection = "";
	char port[8] = "", length[40] = "";

	if (request->port > 0)
		snprintf(port, sizeof(port), ":%u", request->port);
	if (request->framing == HTTP_BODY_LENGTH)
		snprintf(length, sizeof(length), "Content-Length:%llu\r\n",
			 (unsigned long long)request->content_length);
	if (request->close != old)
		connection = old ? "Connection:keep-alive\r\n" : "Connection:close\r\n";
	return (size_t)snprintf(
		text, room, "%.*s %.*s HTTP/1.%u\r\nHost:%.*s%s\r\n%s%s%s%s%s\r\n",
		(int)request->method.length, request->method.at, (int)request->target.length,
		request->target.at, request->minor_version, (int)request->host.length,
		request->host.at, port, length, connection,
		request->framing == HTTP_BODY_CHUNKED ? "Transfer-Encoding:chunked\r\n" : "",
		request->upgrade ? "Upgrade:x\r\n" : "",
		request->expect_continue ? "Expect:100-continue\r\n" : "");
}

static void writes_back(const struct http_request *request)
{
	size_t room = HTTP_HEAD_MAX + 512;
	char *text = malloc(room);
	struct http_request again;
	size_t length = write_head(request, text, room);

	check(length < room);
	if (length <= HTTP_HEAD_MAX) {
		means(text, length, request, &again);
		check(again.form == request->form && again.upgrade == request->upgrade);
		same_text(&again.target, &request->target);
	}
	free(text);
}

static void leaves_as_read(const struct http_request *request, const char *text, bool by_proxy)
{
	uint8_t *head = malloc(request->head_length);
	struct http_request again;
	bool upgrade;

	memcpy(head, text, request->head_length);
	size_t length = http_head_edit(head, request, by_proxy, &upgrade);

	check(length <= request->head_length);
	means((const char *)head + request->head_length - length, length, request, &again);
	check(again.upgrade == upgrade);
	check(!by_proxy || again.form != HTTP_FORM_ABSOLUTE);
	free(head);
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
	if (progress != HTTP_WHOLE)
		return 0;
	facts_hold(&whole, text);
	writes_back(&whole);
	if (whole.form != HTTP_FORM_AUTHORITY)
		leaves_as_read(&whole, text, false);
	if (whole.form == HTTP_FORM_ABSOLUTE)
		leaves_as_read(&whole, text, true);
	return 0;
}
