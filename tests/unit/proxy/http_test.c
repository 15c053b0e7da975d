/* Requests through the explicit proxy, one exchange after the other. */
#include "stage.h"

#define GET(name, path) "GET http://" name ":$" path " HTTP/1.1\r\nHost: " name ":$\r\n\r\n"
#define OK_4            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"

static void say_ok(int server, int client, const char *body)
{
	say(server, OK_4);
	say(server, body);
	expect(client, OK_4);
	expect(client, body);
}

/* The forwarded form of GET(). */
static void expect_get(const struct stage *stage, int server, const char *name, const char *path)
{
	char head[512];

	snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: %s:%u\r\n\r\n", path, name,
		 stage->server_port);
	expect(server, head);
}

static void begin(struct stage *stage, int *client, int *server, const char *request)
{
	*client = dial_proxy(stage);
	say_with_port(stage, *client, request);
	*server = accept_server(stage);
}

static void end(struct stage *stage, int client, int server)
{
	close(client);
	if (server >= 0)
		close(server);
	strike_stage(stage);
}

static void the_request_line_gets_the_origin_form_and_the_proxy_s_fields_go(void **state)
{
	struct stage stage = {0};
	int client, server;
	char head[512];

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server,
	      "PUT http://good.example:$ HTTP/1.1\r\nproxy-connection: Keep-Alive\r\n"
	      "Host: good.example:$\r\nProxy-Authorization: Basic x\r\nX:  as it\tis \r\n"
	      "Content-Length: 6\r\n\r\nbo\r\ndy");
	snprintf(head, sizeof(head),
		 "PUT / HTTP/1.1\r\nHost: good.example:%u\r\nX:  as it\tis \r\n"
		 "Content-Length: 6\r\n\r\nbo\r\ndy",
		 stage.server_port);
	expect(server, head);
	say_ok(server, client, "done");
	expect_event(&stage, "\"protocol\":\"http\"", "\"name_from\":\"host\"");
	expect_event(&stage, "\"event\":\"end\"", "\"destination\":\"127.0.0.1:");
	end(&stage, client, server);
}

static void every_request_of_a_kept_connection_is_judged(void **state)
{
	struct stage stage = {0};
	int client, server, second;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET("good.example", "/1"));
	expect_get(&stage, server, "good.example", "/1");
	say_ok(server, client, "one.");
	say_with_port(&stage, client, GET("good.example", "/2"));
	expect_get(&stage, server, "good.example", "/2"); /* the same connection */
	say_ok(server, client, "two.");
	say_with_port(&stage, client, GET("other.example", "/3"));
	expect_end(server);
	second = accept_server(&stage);
	expect_get(&stage, second, "other.example", "/3");
	say_ok(second, client, "tri.");
	say_with_port(&stage, client, GET("evil.example", "/4"));
	expect_last_words(client, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n",
			  "sallyport: denied: evil.example: no rule matches; the default is deny "
			  "(no_rule)\n");
	expect_end(second);
	assert_server_untouched(&stage);
	expect_event(&stage, "\"deny\"", "evil.example");
	assert_int_equal(count_events(&stage, "\"verdict\"", "allow"), 3);
	assert_int_equal(count_events(&stage, "\"event\":\"end\"", ""), 3);
	assert_int_equal(figures_of(&stage).denied, 1);
	close(second);
	end(&stage, client, server);
}

static void pipelined_requests_wait_for_their_turn(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server,
	      GET("good.example", "/1") GET("good.example", "/2") GET("evil.example", "/3"));
	expect_get(&stage, server, "good.example", "/1");
	expect_silence(server);
	say_ok(server, client, "one.");
	expect_get(&stage, server, "good.example", "/2");
	say_ok(server, client, "two.");
	expect_last_words(client, "HTTP/1.1 403 ", "no_rule");
	expect_end(server);
	end(&stage, client, server);
}

static void a_denial_names_the_rule_and_head_gets_no_body(void **state)
{
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	int client = dial_proxy(&stage);

	say_with_port(&stage, client, GET("forbidden.example", "/"));
	expect_last_words(client, "HTTP/1.1 403 ", "(rule_denies, rule not/this)");
	close(client);
	client = dial_proxy(&stage);
	say_with_port(&stage, client,
		      "HEAD http://evil.example:$/ HTTP/1.1\r\nHost: evil.example:$\r\n\r\n");
	expect_last_words(client, "HTTP/1.1 403 ", "\r\n\r\n");
	close(client);
	client = dial_proxy(&stage);
	say_with_port(&stage, client,
		      "CONNECT evil.example:$ HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	expect_last_words(client, "HTTP/1.1 403 ", "denied: evil.example: no rule");
	assert_server_untouched(&stage);
	end(&stage, client, -1);
}

static void what_is_no_request_for_a_proxy_is_answered_in_words(void **state)
{
	static const struct {
		const char *request, *start, *part;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n", "HTTP/1.1 400 ", "absolute form"},
		{"OPTIONS * HTTP/1.1\r\nHost: good.example\r\n\r\n", "HTTP/1.1 400 ", "absolute"},
		{"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 400 ", "has no Host"},
		{"GET http://good.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 400 ",
		 "http_malformed"},
		{"GET http://good.example/ HTTP/1.1\r\n Host: x\r\n\r\n", "HTTP/1.1 400 ",
		 "http_malformed"},
		{"GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", "HTTP/1.1 403 ",
		 "name_invalid"},
		{"CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\n\r\n", "HTTP/1.1 403 ",
		 "name_invalid"},
		{"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 ",
		 "http_malformed"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 ", "http_malformed"},
		{"\x16\x03\x01\x02\n", "HTTP/1.1 400 ", "http_malformed"},
		{"GET http://none.example:$/ HTTP/1.1\r\nHost: none.example:$\r\n\r\n",
		 "HTTP/1.1 502 ", "lookup_failed"},
		{"GET http://full.example:$/ HTTP/1.1\r\nHost: full.example:$\r\n\r\n",
		 "HTTP/1.1 502 ", "too many lookups"},
		{"GET http://late.example:$/ HTTP/1.1\r\nHost: late.example:$\r\n\r\n",
		 "HTTP/1.1 504 ", "lookup_failed"},
		{"GET http://metadata.example:$/ HTTP/1.1\r\nHost: metadata.example:$\r\n\r\n",
		 "HTTP/1.1 403 ", "special_address, rule team/m"},
		{"CONNECT gone.example:$ HTTP/1.1\r\nHost: gone.example\r\n\r\n", "HTTP/1.1 502 ",
		 "Connection refused (connect_failed, rule team/g)"},
	};
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = dial_proxy(&stage);

		say_with_port(&stage, client, cases[i].request);
		expect_last_words(client, cases[i].start, cases[i].part);
		close(client);
	}
	assert_server_untouched(&stage);
	assert_int_equal(count_events(&stage, "\"verdict\"", "deny"), 15);
	assert_int_equal(count_events(&stage, "", "allow"), 0);
	strike_stage(&stage);
}

static void a_head_that_is_too_long_is_refused(void **state)
{
	struct stage stage = {0};
	char field[1024];

	(void)state;
	raise_stage(&stage);
	int client = dial_proxy(&stage);

	say(client, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n");
	memset(field, 'a', sizeof(field));
	memcpy(field, "X: ", 3);
	memcpy(field + sizeof(field) - 2, "\r\n", 2);
	for (size_t i = 0; i < 40; i++)
		(void)send(client, field, sizeof(field), MSG_NOSIGNAL);
	expect_last_words(client, "HTTP/1.1 400 ", "http_malformed");
	end(&stage, client, -1);
}

static void the_next_address_is_tried_when_one_is_closed(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET("two.example", "/"));
	expect_get(&stage, server, "two.example", "/");
	say_ok(server, client, "okay");
	end(&stage, client, server);
}

/* Fills the backlog of a listener that nobody accepts from, so that it takes no connection. */
static void fill_backlog(uint16_t port, int descriptors[4])
{
	struct sockaddr_in address = loopback("127.0.0.4", port);

	descriptors[0] = listen_on("127.0.0.4", port, 0, NULL);
	for (size_t i = 1; i < 4; i++) {
		descriptors[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(descriptors[i], (struct sockaddr *)&address, sizeof(address));
	}
}

static void connecting_and_looking_up_end_in_time(void **state)
{
	struct stage stage = {.settings.connect_timeout_ms = 150};
	int fillers[4];

	(void)state;
	raise_stage(&stage);
	fill_backlog(stage.server_port, fillers);
	int client = dial_proxy(&stage);

	say_with_port(&stage, client, GET("mute.example", "/"));
	expect_last_words(client, "HTTP/1.1 504 ", "Connection timed out (connect_failed");
	close(client);
	client = dial_proxy(&stage);
	say_with_port(&stage, client, GET("slow.example", "/"));
	expect_last_words(client, "HTTP/1.1 504 ", "not in time (lookup_failed");
	assert_int_equal(cancelled_lookups, 1);
	for (size_t i = 0; i < 4; i++)
		close(fillers[i]);
	end(&stage, client, -1);
}

static void a_client_that_leaves_during_a_lookup_cancels_it(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	int client = dial_proxy(&stage);

	say_with_port(&stage, client, GET("slow.example", "/"));
	while (figures_of(&stage).sessions < 1 || !waiting_lookup)
		usleep(1000);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(client);
	expect_event(&stage, "allow", "given up before the server was connected");
	for (unsigned int i = 0; figures_of(&stage).sessions > 0 && i < 200; i++)
		usleep(10000);
	assert_int_equal(figures_of(&stage).sessions, 0);
	assert_int_equal(cancelled_lookups, 1);
	strike_stage(&stage);
}

static void finish_lookup(struct stage *stage)
{
	(void)stage;
	answer_address(waiting_lookup, "127.0.0.1", NULL);
	waiting_lookup = NULL;
}

static void a_lookup_may_be_answered_later(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	client = dial_proxy(&stage);
	say_with_port(&stage, client, GET("slow.example", "/"));
	while (figures_of(&stage).sessions < 1 || !waiting_lookup)
		usleep(1000);
	call_in_loop(&stage, finish_lookup);
	server = accept_server(&stage);
	expect_get(&stage, server, "slow.example", "/");
	say_ok(server, client, "late");
	end(&stage, client, server);
}

static void heads_in_time_and_idle_connections_without_words(void **state)
{
	struct stage stage = {.settings.head_timeout_ms = 100, .settings.idle_timeout_ms = 200};
	int client, server;

	(void)state;
	raise_stage(&stage);
	client = dial_proxy(&stage);
	say(client, "GET http://good");
	expect_last_words(client, "HTTP/1.1 408 ", "http_timeout");
	close(client);
	begin(&stage, &client, &server, GET("good.example", "/"));
	expect_get(&stage, server, "good.example", "/");
	say_ok(server, client, "okay");
	expect_end(client);
	close(client);
	close(server);
	begin(&stage, &client, &server, GET("good.example", "/"));
	expect_get(&stage, server, "good.example", "/");
	expect_reset(client); /* the server never answers */
	assert_int_equal(count_events(&stage, "http_timeout", "deny"), 1);
	end(&stage, client, server);
}

static void judge_again(struct stage *stage)
{
	proxy_judge_again(stage->proxy);
}

static void an_admitted_exchange_is_cut_by_a_reload(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	begin(&stage, &client, &server, GET("good.example", "/"));
	expect_get(&stage, server, "good.example", "/");
	policy_slot_swap(stage.slot, write_policy(&stage, false));
	call_in_loop(&stage, judge_again);
	expect_reset(client);
	expect_reset(server);
	expect_deny(&stage, "revoked");
	end(&stage, client, server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_line_gets_the_origin_form_and_the_proxy_s_fields_go),
		cmocka_unit_test(every_request_of_a_kept_connection_is_judged),
		cmocka_unit_test(pipelined_requests_wait_for_their_turn),
		cmocka_unit_test(a_denial_names_the_rule_and_head_gets_no_body),
		cmocka_unit_test(what_is_no_request_for_a_proxy_is_answered_in_words),
		cmocka_unit_test(a_head_that_is_too_long_is_refused),
		cmocka_unit_test(the_next_address_is_tried_when_one_is_closed),
		cmocka_unit_test(connecting_and_looking_up_end_in_time),
		cmocka_unit_test(a_client_that_leaves_during_a_lookup_cancels_it),
		cmocka_unit_test(a_lookup_may_be_answered_later),
		cmocka_unit_test(heads_in_time_and_idle_connections_without_words),
		cmocka_unit_test(an_admitted_exchange_is_cut_by_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
