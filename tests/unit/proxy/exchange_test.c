/* Where a request and its response end, and what happens when they do not. */
#include "stage.h"

#define GOOD "Host: good.example:$\r\n"
#define GET  "GET http://good.example:$/ HTTP/1.1\r\n" GOOD "\r\n"
#define POST "POST http://good.example:$/ HTTP/1.1\r\n" GOOD

static void begin(struct stage *stage, int *client, int *server, const char *request)
{
	char line[128];

	*client = dial_proxy(stage);
	say_with_port(stage, *client, request);
	*server = accept_server(stage);
	snprintf(line, sizeof(line), "%.*s / HTTP/1.1\r\nHost: good.example:%u\r\n",
		 (int)strcspn(request, " "), request, stage->server_port);
	expect(*server, line);
}

static void finish(int client, int server)
{
	close(client);
	close(server);
}

/* The connection is in step: another request gets its answer. */
static void ask_again(struct stage *stage, int client, int server)
{
	char head[128];

	say_with_port(stage, client, GET);
	snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: good.example:%u\r\n\r\n",
		 stage->server_port);
	expect(server, head);
	say(server, "HTTP/1.1 204 No Content\r\n\r\n");
	expect(client, "HTTP/1.1 204 No Content\r\n\r\n");
}

static void relay(int from, int to, const char *text)
{
	say(from, text);
	expect(to, text);
}

static void bodies_of_every_framing_end_where_they_do(void **state)
{
	static const char *const responses[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n0\r\nA: "
		"b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 300\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	};
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
		for (size_t by_byte = 0; by_byte < 2; by_byte++) {
			begin(&stage, &client, &server, GET);
			expect(server, "\r\n");
			for (const char *at = responses[i]; by_byte && *at; at++)
				send_bytes(server, at, 1);
			if (!by_byte)
				say(server, responses[i]);
			expect(client, responses[i]);
			ask_again(&stage, client, server);
			finish(client, server);
		}
	strike_stage(&stage);
}

static void an_answer_to_head_has_no_body(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, "HEAD http://good.example:$/ HTTP/1.1\r\n" GOOD "\r\n");
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	ask_again(&stage, client, server);
	finish(client, server);
	strike_stage(&stage);
}

static void a_body_without_length_lasts_until_the_server_closes(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\n\r\nsome");
	relay(server, client, " and more");
	close(server);
	expect_end(client);
	close(client);
	expect_event(&stage, "\"event\":\"end\"", "\"bytes_in\":32");
	begin(&stage, &client, &server, GET);
	relay(server, client, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab");
	expect_end(client); /* HTTP/1.0 without keep-alive */
	finish(client, server);
	strike_stage(&stage);
}

static void a_request_body_passes_as_it_is(void **state)
{
	static const char chunks[] = "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, POST "Transfer-Encoding: chunked\r\n\r\n");
	expect(server, "Transfer-Encoding: chunked\r\n\r\n");
	for (const char *at = chunks; *at; at++)
		send_bytes(client, at, 1);
	expect(server, chunks);
	relay(server, client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ask_again(&stage, client, server);
	finish(client, server);
	strike_stage(&stage);
}

static void malformed_chunks_are_cut_off(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, POST "Transfer-Encoding: chunked\r\n\r\n");
	expect(server, "Transfer-Encoding: chunked\r\n\r\n");
	say(client, "5 ;\r\nhello\r\n0\r\n\r\n");
	expect_reset(server);
	expect_reset(client);
	expect_deny(&stage, "http_malformed");
	finish(client, server);
	strike_stage(&stage);
}

static void a_continue_is_awaited_and_another_answer_ends_the_connection(void **state)
{
	static const char expecting[] = POST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, expecting);
	expect(server, "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
	relay(server, client, "HTTP/1.1 100 Continue\r\n\r\n");
	relay(client, server, "body");
	relay(server, client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ask_again(&stage, client, server);
	finish(client, server);
	begin(&stage, &client, &server, expecting);
	expect(server, "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
	relay(server, client, "HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\n");
	say_with_port(&stage, client, GET); /* it must not pass as a body */
	expect_silence(server);
	relay(server, client, "no");
	expect_end(client);
	expect_reset(server);
	finish(client, server);
	strike_stage(&stage);
}

static void an_early_answer_passes_and_ends_the_connection(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, POST "Content-Length: 100000\r\n\r\nsome");
	expect(server, "Content-Length: 100000\r\n\r\nsome");
	relay(server, client, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
	expect_end(client);
	finish(client, server);
	strike_stage(&stage);
}

static void an_upgrade_becomes_a_tunnel(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server,
	      "GET http://good.example:$/ HTTP/1.1\r\n" GOOD
	      "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	expect(server, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	relay(server, client,
	      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nframe");
	relay(client, server, "\x81\x01x");
	shutdown(client, SHUT_WR);
	expect_end(server);
	relay(server, client, "\x88");
	close(server);
	expect_end(client);
	close(client);
	strike_stage(&stage);
}

static void an_offer_of_http2_is_taken_out_and_nobody_may_switch_unasked(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server,
	      "GET http://good.example:$/ HTTP/1.1\r\n" GOOD
	      "Upgrade: websocket , H2C\r\nConnection: Upgrade\r\n\r\n");
	expect(server, "Connection: Upgrade\r\n\r\n");
	say(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
	expect_last_words(client, "HTTP/1.1 502 ", "nobody offered");
	expect_reset(server);
	finish(client, server);
	strike_stage(&stage);
}

static void a_server_that_gives_no_answer_gives_a_502(void **state)
{
	static const struct {
		const char *says, *part;
	} cases[] = {
		{"", "without an answer"},
		{"HTTP/1.1 200 O", "without an answer"},
		{"nonsense\r\n\r\n", "malformed"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		 "malformed"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed"},
	};
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&stage, &client, &server, GET);
		expect(server, "\r\n");
		say(server, cases[i].says);
		shutdown(server, SHUT_WR);
		expect_last_words(client, "HTTP/1.1 502 ", cases[i].part);
		finish(client, server);
	}
	expect_event(&stage, "\"event\":\"end\"", "malformed");
	strike_stage(&stage);
}

static void a_response_head_without_end_is_refused(void **state)
{
	struct stage stage = {0};
	int client, server;
	char line[1024];

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET);
	say(server, "HTTP/1.1 200 OK\r\n");
	memset(line, 'a', sizeof(line));
	for (size_t i = 0; i < 40; i++)
		(void)send(server, line, sizeof(line), MSG_NOSIGNAL);
	expect_last_words(client, "HTTP/1.1 502 ", "malformed");
	finish(client, server);
	strike_stage(&stage);
}

static void a_server_that_leaves_between_requests_is_dialled_anew(void **state)
{
	struct stage stage = {0};
	int client, server, second;
	char line[64];

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 204 No Content\r\n\r\n");
	close(server);
	usleep(20000);
	say_with_port(&stage, client, GET);
	second = accept_server(&stage);
	say(second, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 Unasked\r\n\r\n");
	expect(client, "HTTP/1.1 204 No Content\r\n\r\n");
	expect_silence(client); /* what nobody asked for does not pass */
	say_with_port(&stage, client, GET);
	server = accept_server(&stage);
	expect(server, "GET / HTTP/1.1\r\nHost: good.example:");
	usleep(20000);
	(void)recv(server, line, sizeof(line), MSG_DONTWAIT);
	relay(server, client, "HTTP/1.1 204 No Content\r\n\r\n");
	/* It leaves as the next request comes: no words, the client asks again by itself. */
	say_with_port(&stage, client, GET);
	expect(server, "GET / HTTP/1.1\r\n");
	close(server);
	expect_end(client);
	finish(client, second);
	strike_stage(&stage);
}

static void a_broken_off_response_breaks_off_for_the_client_too(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
	close(server);
	expect_end(client);
	close(client);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\n\r\nabc");
	setsockopt(server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(server);
	expect_reset(client);
	close(client);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	say(server, "junk");
	expect_reset(client);
	finish(client, server);
	expect_event(&stage, "\"event\":\"end\"", "broke off");
	strike_stage(&stage);
}

static void a_client_that_breaks_off_its_request_cuts_the_server(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, POST "Content-Length: 10\r\n\r\nabc");
	expect(server, "Content-Length: 10\r\n\r\nabc");
	close(client);
	expect_reset(server);
	close(server);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	shutdown(client, SHUT_WR); /* all was said: the answer still comes */
	relay(server, client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
	expect_end(client);
	finish(client, server);
	strike_stage(&stage);
}

/* ------------------------------------------------------------------- large bodies */

#define LARGE 10000019

static uint8_t large_byte(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 13);
}

static void *send_large(void *context)
{
	int descriptor = *(int *)context;
	uint8_t bytes[65536];

	for (size_t at = 0; at < LARGE;) {
		size_t length = LARGE - at < sizeof(bytes) ? LARGE - at : sizeof(bytes);

		for (size_t i = 0; i < length; i++)
			bytes[i] = large_byte(at + i);
		for (size_t sent = 0; sent < length;) {
			ssize_t count = send(descriptor, bytes + sent, length - sent, MSG_NOSIGNAL);

			if (count <= 0)
				return NULL;
			sent += (size_t)count;
		}
		at += length;
	}
	return NULL;
}

static void expect_large(int descriptor)
{
	uint8_t bytes[65536];
	size_t at = 0;

	while (at < LARGE) {
		size_t length = LARGE - at < sizeof(bytes) ? LARGE - at : sizeof(bytes);
		ssize_t count = recv(descriptor, bytes, length, 0);

		assert_true(count > 0);
		for (ssize_t i = 0; i < count; i++, at++)
			if (bytes[i] != large_byte(at))
				fail_msg("byte %zu differs", at);
	}
}

static void pass_large(int from, int to)
{
	pthread_t thread;

	pthread_create(&thread, NULL, send_large, &from);
	expect_large(to);
	pthread_join(thread, NULL);
}

static void large_bodies_arrive_byte_for_byte_and_end_where_they_do(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, POST "Content-Length: 10000019\r\n\r\n");
	expect(server, "Content-Length: 10000019\r\n\r\n");
	pass_large(client, server);
	relay(server, client, "HTTP/1.1 200 OK\r\nContent-Length: 10000019\r\n\r\n");
	pass_large(server, client);
	ask_again(&stage, client, server);
	finish(client, server);
	begin(&stage, &client, &server, POST "Transfer-Encoding: chunked\r\n\r\n989693\r\n");
	expect(server, "Transfer-Encoding: chunked\r\n\r\n989693\r\n");
	pass_large(client, server);
	relay(client, server, "\r\n0\r\n\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n989693\r\n");
	pass_large(server, client);
	relay(server, client, "\r\n0\r\n\r\n");
	ask_again(&stage, client, server);
	finish(client, server);
	begin(&stage, &client, &server, GET);
	expect(server, "\r\n");
	relay(server, client, "HTTP/1.1 200 OK\r\n\r\n");
	pass_large(server, client);
	close(server);
	expect_end(client);
	close(client);
	strike_stage(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_of_every_framing_end_where_they_do),
		cmocka_unit_test(an_answer_to_head_has_no_body),
		cmocka_unit_test(a_body_without_length_lasts_until_the_server_closes),
		cmocka_unit_test(a_request_body_passes_as_it_is),
		cmocka_unit_test(malformed_chunks_are_cut_off),
		cmocka_unit_test(a_continue_is_awaited_and_another_answer_ends_the_connection),
		cmocka_unit_test(an_early_answer_passes_and_ends_the_connection),
		cmocka_unit_test(an_upgrade_becomes_a_tunnel),
		cmocka_unit_test(an_offer_of_http2_is_taken_out_and_nobody_may_switch_unasked),
		cmocka_unit_test(a_server_that_gives_no_answer_gives_a_502),
		cmocka_unit_test(a_response_head_without_end_is_refused),
		cmocka_unit_test(a_server_that_leaves_between_requests_is_dialled_anew),
		cmocka_unit_test(a_broken_off_response_breaks_off_for_the_client_too),
		cmocka_unit_test(a_client_that_breaks_off_its_request_cuts_the_server),
		cmocka_unit_test(large_bodies_arrive_byte_for_byte_and_end_where_they_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
