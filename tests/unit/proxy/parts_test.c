/* The parts of the proxy that need no connection, and the pipes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/http_head_impl.h"
#include "proxy/pipe_impl.h"
#include "proxy/server_hello_impl.h"
#include "proxy/session_table_impl.h"
#include "proxy/side_impl.h"

static const uint8_t s_random[] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* A ServerHello of 50 bytes with a retry's random or another, without record headers. */
static size_t put_message(uint8_t *at, bool retry)
{
	memset(at, 1, 50);
	memcpy(at, "\x02\x00\x00\x2e\x03\x03", 6);
	if (retry)
		memcpy(at + 6, s_random, sizeof(s_random));
	return 50;
}

static size_t put_record(uint8_t *at, uint8_t type, const uint8_t *payload, size_t length)
{
	at[0] = type;
	at[1] = at[2] = 3;
	at[3] = 0;
	at[4] = (uint8_t)length;
	memcpy(at + 5, payload, length);
	return 5 + length;
}

/* How many bytes are needed to settle; 0: all of them do not. */
static size_t settles_after(const uint8_t *bytes, size_t length, size_t cut)
{
	struct server_hello watch;

	server_hello_init(&watch);
	for (size_t at = 0; at < length; at += cut) {
		size_t count = length - at < cut ? length - at : cut;

		server_hello_feed(&watch, bytes + at, count);
		if (watch.settled)
			return at + count;
	}
	return 0;
}

static void a_retry_request_does_not_settle_and_the_hello_behind_it_does(void **state)
{
	uint8_t message[50], stream[512];
	size_t length, retry_length;

	(void)state;
	put_message(message, true);
	length = put_record(stream, 22, message, 50);
	length += put_record(stream + length, 20, (const uint8_t *)"\x01", 1);
	assert_int_equal(settles_after(stream, length, 1), 0);
	retry_length = length;
	put_message(message, false);
	length += put_record(stream + length, 22, message, 50);
	/* 38 bytes of the second message tell */
	assert_int_equal(settles_after(stream, length, 1), retry_length + 5 + 38);
	for (size_t cut = 1; cut <= length; cut++)
		assert_in_range(settles_after(stream, length, cut), retry_length + 43, length);
}

static void a_hello_may_be_cut_into_records_and_stand_behind_an_alert(void **state)
{
	uint8_t message[100], stream[1024];
	size_t length = 0;

	(void)state;
	put_message(message, true);
	put_message(message + 50, false);
	length += put_record(stream, 21, (const uint8_t *)"\x01\x00", 2);
	for (size_t i = 0; i < 100; i += 7)
		length += put_record(stream + length, 22, message + i, 100 - i < 7 ? 100 - i : 7);
	assert_int_not_equal(settles_after(stream, length, 1), 0);
	assert_int_equal(settles_after(stream, 7 + 7 * 12, 1), 0); /* in the retry */
	message[0] = 0; /* HelloRequest: no answer to this hello, but no retry either */
	length = put_record(stream, 22, message, 4);
	assert_int_equal(settles_after(stream, length, 1), 6);
	put_message(message, true);
	message[3] = 10; /* too short for what it pretends to be */
	length = put_record(stream, 22, message, 50);
	assert_int_equal(settles_after(stream, length, 1), 43);
}

static void what_is_not_tls_never_settles(void **state)
{
	static const char *const streams[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\x17\x03\x03\x01\x01 application data first",
		"\x16\x03\x03\xff\xff\x02 too long",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct server_hello watch;

		assert_int_equal(settles_after((const uint8_t *)streams[i], strlen(streams[i]), 1),
				 0);
		server_hello_init(&watch);
		server_hello_feed(&watch, (const uint8_t *)streams[i], strlen(streams[i]));
		assert_true(watch.not_tls);
	}
}

static void assert_edited(const char *head, bool by_proxy, const char *expected, bool upgrade)
{
	uint8_t bytes[512];
	size_t length = strlen(head);
	struct http_request request;
	enum http_error error;
	bool upgrade_left = !upgrade;

	memcpy(bytes, head, length);
	assert_int_equal(http_request_parse((const char *)bytes, length, &request, &error),
			 HTTP_WHOLE);
	size_t edited = http_head_edit(bytes, &request, by_proxy, &upgrade_left);

	assert_int_equal(edited, strlen(expected));
	assert_memory_equal(bytes + length - edited, expected, edited);
	assert_int_equal(upgrade_left, upgrade);
}

static void heads_are_edited_where_a_proxy_has_to_and_nowhere_else(void **state)
{
	(void)state;
	assert_edited("GET http://a.example HTTP/1.0\r\nHost: a.example\r\n\r\n", true,
		      "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n", false);
	assert_edited("OPTIONS HTTP://a.example:80 HTTP/1.1\r\nhost:a.example\r\n\r\n", true,
		      "OPTIONS * HTTP/1.1\r\nhost:a.example\r\n\r\n", false);
	assert_edited("GET http://a/b?c=http://d/ HTTP/1.1\r\nHost: a\r\n"
		      "PROXY-CONNECTION: close\r\nProxy-AuthorizationX: y\r\nA:\r\n"
		      "Proxy-Authorization:x\r\n\r\n",
		      true,
		      "GET /b?c=http://d/ HTTP/1.1\r\nHost: a\r\nProxy-AuthorizationX: y\r\n"
		      "A:\r\n\r\n",
		      false);
	assert_edited("GET /x HTTP/1.1\r\nHost: a\r\nProxy-Connection: x\r\nUpgrade: "
		      "websocket\r\n\r\n",
		      false,
		      "GET /x HTTP/1.1\r\nHost: a\r\nProxy-Connection: x\r\nUpgrade: "
		      "websocket\r\n\r\n",
		      true);
}

static void offers_of_http2_and_tls_are_found_in_any_spelling(void **state)
{
	static const char *const offers[] = {
		"h2c",         "H2C",    " h2 ",    "websocket,\th2c",
		"x, HTTP/2.0", "http/3", "TLS/1.0", "websocket, tls/1.2"};
	static const char *const others[] = {"websocket", "xh2c", "SPDY/3.1", "ah2, bhttp/2",
					     "xTLS/1.0"};
	char head[256], without[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nupgrade:%s\r\nHost: a\r\n\r\n",
			 offers[i]);
		assert_edited(head, false, without, false);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: %s\r\n\r\n",
			 others[i]);
		assert_edited(head, false, head, true);
	}
	assert_edited("GET http://a/ HTTP/1.1\r\nHost: a\r\nUpgrade: \t\r\n\r\n", true,
		      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: \t\r\n\r\n", false);
}

static void a_pipe_given_back_full_is_never_lent_again_with_its_bytes(void **state)
{
	struct pipe_pool *pool = pipe_pool_new(2);
	struct pipe *first = pipe_pool_take(pool), *second = pipe_pool_take(pool);
	char byte;

	(void)state;
	assert_ptr_not_equal(first, second);
	assert_int_equal(write(first->ends[1], "x", 1), 1);
	pipe_pool_give_back(pool, first, false);
	first = pipe_pool_take(pool);
	assert_int_equal(read(first->ends[0], &byte, 1), -1);
	pipe_pool_give_back(pool, first, true);
	pipe_pool_give_back(pool, second, true);
	assert_ptr_equal(pipe_pool_take(pool), second); /* the one used last */
	pipe_pool_give_back(pool, second, true);
	pipe_pool_free(pool);
}

static void only_so_many_pipes_are_wide(void **state)
{
	struct pipe_pool *pool = pipe_pool_new(PIPES_WIDE_MAX + 1);
	struct pipe *pipes[PIPES_WIDE_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= PIPES_WIDE_MAX; i++) {
		pipes[i] = pipe_pool_take(pool);
		pipe_pool_widen(pool, pipes[i]);
		assert_int_equal(pipes[i]->capacity, i < PIPES_WIDE_MAX ? PIPE_WIDE : PIPE_NARROW);
	}
	assert_int_equal(fcntl(pipes[0]->ends[1], F_GETPIPE_SZ), PIPE_WIDE);
	pipe_pool_give_back(pool, pipes[0], false); /* is closed, so another may be wide */
	pipe_pool_widen(pool, pipes[PIPES_WIDE_MAX]);
	assert_int_equal(pipes[PIPES_WIDE_MAX]->capacity, PIPE_WIDE);
	for (size_t i = 1; i <= PIPES_WIDE_MAX; i++)
		pipe_pool_give_back(pool, pipes[i], true);
	pipe_pool_free(pool);
}

static void buffers_given_back_last_are_lent_first(void **state)
{
	struct session_table *table = session_table_new(2);
	struct session_buffers *first = session_table_lend_buffers(table);
	struct session_buffers *second = session_table_lend_buffers(table);

	(void)state;
	assert_ptr_not_equal(first, second);
	session_table_take_buffers_back(table, second);
	session_table_take_buffers_back(table, first);
	assert_ptr_equal(session_table_lend_buffers(table), first);
	assert_ptr_equal(session_table_lend_buffers(table), second);
	session_table_free(table);
}

static void a_side_is_ready_until_a_call_or_a_short_read_says_otherwise(void **state)
{
	struct side side = {.wanted = EPOLLIN};

	(void)state;
	assert_false(side_take_news(&side, EPOLLOUT)); /* not what is waited for */
	assert_true(side_take_news(&side, EPOLLIN | EPOLLOUT));
	side_drained(&side);
	assert_int_equal(side.ready, EPOLLOUT);
	errno = EAGAIN;
	assert_int_equal(side_failed(&side, EPOLLOUT), -EAGAIN);
	assert_int_equal(side.ready, 0);
	assert_true(side_take_news(&side, EPOLLIN));
	errno = ECONNRESET;
	assert_int_equal(side_failed(&side, EPOLLIN), -ECONNRESET);
	assert_int_equal(side.ready, EPOLLIN); /* the next call says it again */
}

static void a_short_read_is_not_the_last_when_an_end_or_urgent_data_was_told_of(void **state)
{
	static const uint32_t news[] = {EPOLLRDHUP, EPOLLPRI, EPOLLHUP, EPOLLERR};

	(void)state;
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		struct side side = {.wanted = EPOLLIN};

		assert_true(side_take_news(&side, news[i]));
		side_drained(&side);
		assert_true(side.ready & EPOLLIN);
	}
}

static void who_hangs_up_wakes_a_session_that_waits_for_nothing(void **state)
{
	struct side side = {.wanted = 0};

	(void)state;
	assert_false(side_take_news(&side, EPOLLIN | EPOLLRDHUP));
	assert_false(side.hung);
	assert_true(side_take_news(&side, EPOLLIN | EPOLLHUP));
	assert_true(side.hung);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_retry_request_does_not_settle_and_the_hello_behind_it_does),
		cmocka_unit_test(a_hello_may_be_cut_into_records_and_stand_behind_an_alert),
		cmocka_unit_test(what_is_not_tls_never_settles),
		cmocka_unit_test(heads_are_edited_where_a_proxy_has_to_and_nowhere_else),
		cmocka_unit_test(offers_of_http2_and_tls_are_found_in_any_spelling),
		cmocka_unit_test(a_pipe_given_back_full_is_never_lent_again_with_its_bytes),
		cmocka_unit_test(only_so_many_pipes_are_wide),
		cmocka_unit_test(buffers_given_back_last_are_lent_first),
		cmocka_unit_test(a_side_is_ready_until_a_call_or_a_short_read_says_otherwise),
		cmocka_unit_test(
			a_short_read_is_not_the_last_when_an_end_or_urgent_data_was_told_of),
		cmocka_unit_test(who_hangs_up_wakes_a_session_that_waits_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
