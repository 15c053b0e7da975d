#include "http_case.h"

static struct http_response s_response;

static enum http_progress parse_bytes(const char *text, size_t length, bool head_request,
				      enum http_error *ret_error)
{
	char *bytes = exact(text, length);
	enum http_progress progress =
		http_response_parse(bytes, length, head_request, &s_response, ret_error);

	free(bytes);
	return progress;
}

static void is_understood_after(const char *text, bool head_request)
{
	enum http_error error = HTTP_BAD_CHUNK;

	for (size_t length = 0; length < strlen(text); length++) {
		assert_int_equal(parse_bytes(text, length, head_request, &error), HTTP_MORE);
		assert_int_equal(error, HTTP_OK);
	}
	assert_int_equal(parse_bytes(text, strlen(text), head_request, &error), HTTP_WHOLE);
	assert_int_equal(s_response.head_length, strlen(text));
}

static void is_understood(const char *text)
{
	is_understood_after(text, false);
}

static void is_refused(const char *text, enum http_error expected)
{
	struct http_response before;
	enum http_error error = HTTP_OK;
	enum http_progress progress = HTTP_MORE;

	memset(&s_response, 0x5a, sizeof(s_response));
	before = s_response;
	for (size_t length = 0; length <= strlen(text) && progress == HTTP_MORE; length++)
		progress = parse_bytes(text, length, false, &error);
	assert_int_equal(progress, HTTP_REFUSED);
	assert_int_equal(error, expected);
	assert_int_equal(parse_bytes(text, strlen(text), false, &error), HTTP_REFUSED);
	assert_int_equal(error, expected);
	assert_memory_equal(&before, &s_response, sizeof(before));
}

static void a_plain_answer_is_understood(void **state)
{
	(void)state;
	is_understood("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\n");
	assert_int_equal(s_response.status, 200);
	assert_int_equal(s_response.minor_version, 1);
	assert_int_equal(s_response.framing, HTTP_BODY_LENGTH);
	assert_int_equal(s_response.content_length, 5);
	assert_false(s_response.close);
}

static void a_reason_may_be_empty_odd_or_absent(void **state)
{
	(void)state;
	is_understood("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(s_response.framing, HTTP_BODY_NONE);
	is_understood("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n");
	is_understood("HTTP/1.1 599 N\xf6t: (found)\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(s_response.status, 599);
	is_understood("HTTP/1.1 100 x\r\n\r\n");
	assert_int_equal(s_response.status, 100);
}

static void the_body_ends_by_length_chunks_or_close(void **state)
{
	(void)state;
	is_understood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_int_equal(s_response.framing, HTTP_BODY_CHUNKED);
	assert_false(s_response.close);
	is_understood("HTTP/1.1 200 OK\r\n\r\n");
	assert_int_equal(s_response.framing, HTTP_BODY_UNTIL_CLOSE);
	assert_true(s_response.close);
	is_understood("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n");
	assert_int_equal(s_response.framing, HTTP_BODY_LENGTH);
	assert_false(s_response.close);
	is_understood("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n");
	assert_true(s_response.close);
	is_understood("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:\t1 \r\n\r\n");
	assert_true(s_response.close);
	assert_int_equal(s_response.content_length, 1); /* servers write blanks as they like */
}

static void some_answers_never_have_a_body(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		is_understood(texts[i]);
		assert_int_equal(s_response.framing, HTTP_BODY_NONE);
		assert_false(s_response.close);
	}
	is_understood_after("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", true);
	assert_int_equal(s_response.framing, HTTP_BODY_NONE);
	assert_int_equal(s_response.content_length, 77);
	is_understood_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true);
	assert_int_equal(s_response.framing, HTTP_BODY_NONE);
}

static void a_body_where_none_can_be_is_refused(void **state)
{
	(void)state;
	is_refused("HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\n", HTTP_BAD_LENGTH);
	is_refused("HTTP/1.1 103 x\r\nContent-Length: 1\r\n\r\n", HTTP_BAD_LENGTH);
	is_refused("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BAD_CODING);
	is_refused("HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BAD_CODING);
}

static void unclear_framing_is_refused(void **state)
{
	(void)state;
	is_refused("HTTP/1.1 200 x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		   HTTP_BAD_LENGTH);
	is_refused("HTTP/1.1 200 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		   HTTP_BAD_LENGTH);
	is_refused("HTTP/1.1 200 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", HTTP_BAD_CODING);
	is_refused("HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BAD_CODING);
}

static void other_versions_are_refused(void **state)
{
	(void)state;
	is_refused("HTTP/2 200 OK\r\n\r\n", HTTP_BAD_VERSION);
	is_refused("HTTP/0.9 200 OK\r\n\r\n", HTTP_BAD_VERSION);
	is_refused("ICY 200 OK\r\n\r\n", HTTP_BAD_VERSION);
	is_refused("\r\n", HTTP_BAD_VERSION);
	is_refused("<html>\r\n", HTTP_BAD_VERSION);
}

static void broken_statuses_are_refused(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1\r\n",         "HTTP/1.1 \r\n",      "HTTP/1.1 20\r\n",
		"HTTP/1.1 20 OK\r\n",   "HTTP/1.1 2000\r\n",  "HTTP/1.1 099 x\r\n",
		"HTTP/1.1 600\r\n",     "HTTP/1.1 2x0 x\r\n", "HTTP/1.1 200\tOK\r\n",
		"HTTP/1.1  200 OK\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		is_refused(texts[i], HTTP_BAD_STATUS);
}

static void broken_lines_are_refused(void **state)
{
	(void)state;
	is_refused("HTTP/1.1 200 OK\n", HTTP_BAD_START_LINE);
	is_refused("HTTP/1.1 200 OK\r\nX: y\n", HTTP_BAD_FIELD);
	is_refused("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n", HTTP_BAD_FIELD);
	is_refused("HTTP/1.1 200 OK\r\nX y\r\n", HTTP_BAD_FIELD);
}

static void a_head_beyond_the_limit_is_refused(void **state)
{
	static char text[HTTP_HEAD_MAX];
	enum http_error error;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "HTTP/1.1 200 ", 13);
	assert_int_equal(parse_bytes(text, sizeof(text) - 1, false, &error), HTTP_MORE);
	assert_int_equal(parse_bytes(text, sizeof(text), false, &error), HTTP_REFUSED);
	assert_int_equal(error, HTTP_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_answer_is_understood),
		cmocka_unit_test(a_reason_may_be_empty_odd_or_absent),
		cmocka_unit_test(the_body_ends_by_length_chunks_or_close),
		cmocka_unit_test(some_answers_never_have_a_body),
		cmocka_unit_test(a_body_where_none_can_be_is_refused),
		cmocka_unit_test(unclear_framing_is_refused),
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(broken_statuses_are_refused),
		cmocka_unit_test(broken_lines_are_refused),
		cmocka_unit_test(a_head_beyond_the_limit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
