/* A response head read whole and byte by byte gives the same, after HEAD and after GET. */
#include <stdlib.h>
#include <string.h>

#include "proto/http/head.h"

static void check(int condition)
{
	if (!condition)
		abort();
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse((const char *)data, size, false);
	parse((const char *)data, size, true);
	return 0;
}
