/*
 * A response head read whole and byte by byte gives the same, after HEAD and after GET. One that is
 * followed by a body is read the same when it is written from what is known of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http/head.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

static void writes_back(const struct http_response *response)
{
	char text[160], length[48] = "";
	struct http_response again;
	enum http_error error;

	if (response->framing == HTTP_BODY_LENGTH)
		snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
			 (unsigned long long)response->content_length);
	int size = snprintf(
		text, sizeof(text), "HTTP/1.%u %u\r\nConnection: %s\r\n%s%s\r\n",
		response->minor_version, response->status, response->close ? "close" : "keep-alive",
		length,
		response->framing == HTTP_BODY_CHUNKED ? "Transfer-Encoding: chunked\r\n" : "");

	check(http_response_parse(text, (size_t)size, false, &again, &error) == HTTP_WHOLE);
	check(again.status == response->status && again.close == response->close);
	check(again.minor_version == response->minor_version);
	check(again.framing == response->framing);
	check(again.content_length == response->content_length);
}

static void parse(const char *text, size_t size, bool head_request)
{
	struct http_response whole = {.head_length = 0}, part = {.head_length = 0};
	enum http_error whole_error, part_error = HTTP_OK;
	enum http_progress progress =
		http_response_parse(text, size, head_request, &whole, &whole_error);
	enum http_progress part_progress = HTTP_MORE;

	check((progress == HTTP_REFUSED) == (whole_error != HTTP_OK));
	for (size_t length = 0; length <= size && part_progress == HTTP_MORE; length++)
		part_progress = http_response_parse(text, length, head_request, &part, &part_error);
	check(progress == part_progress && whole_error == part_error);
	check(whole.head_length == part.head_length && whole.framing == part.framing);
	if (progress != HTTP_WHOLE)
		return;
	check(whole.status >= 100 && whole.status < 600);
	check(!head_request || whole.framing == HTTP_BODY_NONE);
	check(whole.framing != HTTP_BODY_UNTIL_CLOSE || whole.close);
	check(memcmp(text + whole.head_length - 4, "\r\n\r\n", 4) == 0);
	if (whole.framing != HTTP_BODY_NONE)
		writes_back(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse((const char *)data, size, false);
	parse((const char *)data, size, true);
	return 0;
}
