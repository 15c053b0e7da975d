/* CONNECT and what goes through it. */
#include "stage.h"

#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

static int ask_for_tunnel(struct stage *stage, const char *name)
{
	int client = dial_proxy(stage);
	char request[512];

	snprintf(request, sizeof(request), "CONNECT %s:$ HTTP/1.1\r\nHost: %s:$\r\n\r\n", name,
		 name);
	say_with_port(stage, client, request);
	return client;
}

static void say_hello(int descriptor, const char *name)
{
	uint8_t hello[1024];
	size_t length = build_hello(name, false, hello);

	send_bytes(descriptor, hello, length);
}

static void expect_hello(int descriptor, const char *name)
{
	uint8_t hello[1024];
	size_t length = build_hello(name, false, hello);

	expect_bytes(descriptor, hello, length);
}

/* A tunnel whose server has said hello. */
static void open_tunnel(struct stage *stage, int *client, int *server)
{
	uint8_t hello[128];
	size_t length = build_server_hello(false, hello);

	*client = ask_for_tunnel(stage, "good.example");
	*server = accept_server(stage);
	expect(*client, ESTABLISHED);
	say_hello(*client, "good.example");
	expect_hello(*server, "good.example");
	send_bytes(*server, hello, length);
	expect_bytes(*client, hello, length);
}

static void expect_alert(int descriptor, uint8_t description)
{
	uint8_t alert[7];
	size_t count = 0;

	while (count < sizeof(alert)) {
		ssize_t more = recv(descriptor, alert + count, sizeof(alert) - count, 0);

		assert_true(more > 0);
		count += (size_t)more;
	}
	assert_int_equal(alert[0], 21);
	assert_int_equal(alert[5], 2);
	assert_int_equal(alert[6], description);
	expect_end(descriptor);
}

static void a_tunnel_passes_every_byte_and_each_end_by_itself(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	say(client, "from the client");
	expect(server, "from the client");
	shutdown(client, SHUT_WR);
	expect_end(server);
	say(server, "still there");
	expect(client, "still there");
	close(server);
	expect_end(client);
	close(client);
	expect_event(&stage, "\"event\":\"verdict\"", "\"rule\":\"team/g\"");
	expect_event(&stage, "\"event\":\"verdict\"", "\"name_from\":\"connect\"");
	expect_event(&stage, "\"event\":\"end\"", "\"path\":\"explicit\"");
	expect_event(&stage, "\"event\":\"end\"", "\"bytes_in\":86");
	assert_int_equal(count_events(&stage, "\"verdict\"", ""), 1);
	assert_int_equal(figures_of(&stage).sessions, 0);
	assert_int_equal(figures_of(&stage).allowed, 1);
	strike_stage(&stage);
}

/* A read stops before an urgent byte, and the loop does not tell of what is behind it once more. */
static void a_hello_with_an_urgent_byte_inside_passes_without_it(void **state)
{
	struct stage stage = {0};
	uint8_t hello[1024], start[41];
	size_t length = build_hello("good.example", false, hello);
	int client, server;

	(void)state;
	raise_stage(&stage);
	client = ask_for_tunnel(&stage, "good.example");
	server = accept_server(&stage);
	expect(client, ESTABLISHED);
	memcpy(start, hello, 40);
	start[40] = '!';
	assert_int_equal(send(client, start, 41, MSG_OOB | MSG_MORE), 41); /* one segment */
	send_bytes(client, hello + 40, length - 40);
	expect_bytes(server, hello, length);
	close(client);
	close(server);
	strike_stage(&stage);
}

struct flood {
	int descriptor;
	uint32_t seed;
	size_t length;
};

static uint8_t flood_byte(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint8_t)(*seed >> 24);
}

static void *send_flood(void *context)
{
	struct flood *flood = context;
	uint8_t bytes[8191];

	for (size_t sent = 0; sent < flood->length;) {
		size_t length =
			flood->length - sent < sizeof(bytes) ? flood->length - sent : sizeof(bytes);

		for (size_t i = 0; i < length; i++)
			bytes[i] = flood_byte(&flood->seed);
		for (size_t done = 0; done < length;) {
			ssize_t count =
				send(flood->descriptor, bytes + done, length - done, MSG_NOSIGNAL);

			if (count <= 0)
				return NULL;
			done += (size_t)count;
		}
		sent += length;
	}
	shutdown(flood->descriptor, SHUT_WR);
	return NULL;
}

static void expect_flood(int descriptor, uint32_t seed, size_t length, bool slowly)
{
	uint8_t bytes[16384];
	size_t heard = 0;
	ssize_t count;

	while ((count = recv(descriptor, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < count; i++)
			if (bytes[i] != flood_byte(&seed))
				fail_msg("byte %zu differs", heard + (size_t)i);
		heard += (size_t)count;
		if (slowly && heard < 2000000)
			usleep(1000);
	}
	assert_int_equal(count, 0);
	assert_int_equal(heard, length);
}

static void much_goes_both_ways_at_once_and_a_slow_reader_loses_nothing(void **state)
{
	struct stage stage = {0};
	int client, server;
	pthread_t up_thread, down_thread;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	struct flood up = {client, 1, 20000001}, down = {server, 2, 30000001};

	pthread_create(&up_thread, NULL, send_flood, &up);
	pthread_create(&down_thread, NULL, send_flood, &down);
	expect_flood(client, 2, 30000001, true);
	expect_flood(server, 1, 20000001, false);
	pthread_join(up_thread, NULL);
	pthread_join(down_thread, NULL);
	expect_event(&stage, "\"event\":\"end\"", "\"bytes_in\":30000076");
	close(client);
	close(server);
	strike_stage(&stage);
}

static void a_reset_on_one_side_is_a_reset_on_the_other(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	setsockopt(server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(server);
	expect_reset(client);
	close(client);
	open_tunnel(&stage, &client, &server);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(client);
	expect_reset(server);
	close(server);
	strike_stage(&stage);
}

static void a_hello_that_names_another_than_the_connect_is_denied(void **state)
{
	static const char *const names[] = {"great.example", "evil.example", NULL, "10.0.0.1"};
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int client = ask_for_tunnel(&stage, "good.example");
		int server = accept_server(&stage);

		expect(client, ESTABLISHED);
		say_hello(client, names[i]);
		expect_alert(client, 112);
		expect_reset(server);
		close(client);
		close(server);
	}
	expect_deny(&stage, "name_mismatch");
	assert_int_equal(count_events(&stage, "\"deny\"", "name_mismatch"), 3);
	assert_int_equal(count_events(&stage, "\"deny\"", "no_name"), 1);
	assert_int_equal(count_events(&stage, "the hello names evil.example", ""), 1);
	strike_stage(&stage);
}

static void the_hello_may_leave_the_connect_s_name_out_where_its_rule_says_so(void **state)
{
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	int client = ask_for_tunnel(&stage, "yes.example");
	int server = accept_server(&stage);

	expect(client, ESTABLISHED);
	say_hello(client, NULL);
	expect_hello(server, NULL);
	close(client);
	close(server);
	strike_stage(&stage);
}

static void
an_encrypted_hello_in_a_tunnel_is_denied_where_the_connect_s_rule_refuses_it(void **state)
{
	struct stage stage = {0};
	uint8_t hello[1024];

	(void)state;
	raise_stage(&stage);
	for (int encrypted = 0; encrypted < 2; encrypted++) {
		size_t length = build_hello("zero.example", encrypted, hello);
		int client = ask_for_tunnel(&stage, "zero.example");
		int server = accept_server(&stage);

		expect(client, ESTABLISHED);
		send_bytes(client, hello, length);
		if (encrypted) {
			expect_alert(client, 112);
			expect_reset(server);
		} else {
			expect_bytes(server, hello, length);
		}
		close(client);
		close(server);
	}
	expect_deny(&stage, "encrypted_hello");
	assert_int_equal(count_events(&stage, "\"deny\"", "\"ech\":true"), 1);
	strike_stage(&stage);
}

static void what_is_not_tls_gets_no_tunnel(void **state)
{
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	int client = ask_for_tunnel(&stage, "good.example");
	int server = accept_server(&stage);

	expect(client, ESTABLISHED);
	say(client, "SSH-2.0-client\r\n");
	expect_end(client);
	expect_reset(server);
	expect_deny(&stage, "not_tls");
	close(client);
	close(server);
	strike_stage(&stage);
}

static void a_hello_may_come_with_the_connect_or_byte_by_byte(void **state)
{
	struct stage stage = {0};
	uint8_t bytes[2048], hello[1024];
	size_t length = build_hello("good.example", false, hello);
	int client, server;

	(void)state;
	raise_stage(&stage);
	client = dial_proxy(&stage);
	int head = snprintf((char *)bytes, sizeof(bytes),
			    "CONNECT good.example:%u HTTP/1.1\r\nHost: good.example\r\n\r\n",
			    stage.server_port);

	memcpy(bytes + head, hello, length);
	memcpy(bytes + (size_t)head + length,
	       "\x17\x03\x03\x00\x03"
	       "abc",
	       8); /* early data */
	send_bytes(client, bytes, (size_t)head + length + 8);
	server = accept_server(&stage);
	expect(client, ESTABLISHED);
	expect_bytes(server, bytes + head, length + 8);
	close(client);
	close(server);
	client = ask_for_tunnel(&stage, "good.example");
	server = accept_server(&stage);
	expect(client, ESTABLISHED);
	for (size_t i = 0; i < length; i++) {
		if (i == length - 1)
			expect_silence(server);
		send_bytes(client, hello + i, 1);
	}
	expect_bytes(server, hello, length);
	close(client);
	close(server);
	strike_stage(&stage);
}

/* The client names `name` in its CONNECT. */
static void check_two_hellos(struct stage *stage, const char *name, const struct two_hellos *hellos)
{
	int client = ask_for_tunnel(stage, name);
	int server = accept_server(stage);
	uint8_t hello[1024];
	size_t length = build_hello(hellos->first, hellos->first_encrypted, hello);
	size_t denied = hellos->reason ? count_events(stage, "\"deny\"", hellos->reason) : 0;

	expect(client, ESTABLISHED);
	send_bytes(client, hello, length);
	expect_bytes(server, hello, length);
	if (!pass_second_hello(client, server, hellos)) {
		expect_alert(client, 112);
		assert_int_equal(count_events(stage, "\"deny\"", hellos->reason), denied + 1);
	}
	close(client);
	close(server);
}

static void a_second_hello_adds_and_changes_nothing(void **state)
{
	struct two_hellos named = {NULL, "yes.example", false, false, "name_mismatch"};
	struct two_hellos nameless = {NULL, NULL, false, false, NULL};
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	for (size_t i = 0; i < TWO_HELLOS; i++)
		check_two_hellos(&stage, "good.example", &two_hellos[i]);
	check_two_hellos(&stage, "yes.example", &nameless);
	check_two_hellos(&stage, "yes.example", &named);
	strike_stage(&stage);
}

static void before_the_server_s_hello_only_tls_records_pass(void **state)
{
	struct stage stage = {0};

	(void)state;
	raise_stage(&stage);
	int client = ask_for_tunnel(&stage, "good.example");
	int server = accept_server(&stage);

	expect(client, ESTABLISHED);
	say_hello(client, "good.example");
	expect_hello(server, "good.example");
	say(server, "HTTP/1.1 400 Bad Request\r\n\r\n");
	expect(client, "HTTP/1.1 400 Bad Request\r\n\r\n");
	say(client, "GET / HTTP/1.1\r\n\r\n");
	expect_end(client);
	expect_reset(server);
	expect_deny(&stage, "not_tls");
	close(client);
	close(server);
	strike_stage(&stage);
}

static void judge_again(struct stage *stage)
{
	proxy_judge_again(stage->proxy);
}

static void a_reload_cuts_what_is_no_longer_allowed_and_nothing_else(void **state)
{
	struct stage stage = {0};
	int client, server;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	call_in_loop(&stage, judge_again);
	say(client, "lives");
	expect(server, "lives");
	policy_slot_swap(stage.slot, write_policy(&stage, false));
	call_in_loop(&stage, judge_again);
	expect_reset(client);
	expect_reset(server);
	expect_deny(&stage, "revoked");
	expect_event(&stage, "\"event\":\"end\"", "good.example");
	close(client);
	close(server);
	strike_stage(&stage);
}

static void an_idle_tunnel_ends(void **state)
{
	struct stage stage = {.settings.idle_timeout_ms = 100};
	int client, server;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	expect_reset(client);
	expect_reset(server);
	expect_event(&stage, "\"event\":\"end\"", "idle for too long");
	close(client);
	close(server);
	strike_stage(&stage);
}

static void half_a_hello_times_out(void **state)
{
	struct stage stage = {.settings.head_timeout_ms = 100};

	(void)state;
	raise_stage(&stage);
	int client = ask_for_tunnel(&stage, "good.example");
	int server = accept_server(&stage);

	expect(client, ESTABLISHED);
	send_bytes(client, "\x16\x03\x01\x01\x00\x01\x00\x00", 8);
	expect_alert(client, 49);
	expect_reset(server);
	expect_deny(&stage, "hello_timeout");
	close(client);
	close(server);
	strike_stage(&stage);
}

static void connections_beyond_the_capacity_are_reset(void **state)
{
	struct stage stage = {.settings.session_capacity = 1};
	int client, server;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	int second = dial_proxy(&stage);

	expect_reset(second);
	close(second);
	expect_deny(&stage, "sessions_full");
	assert_int_equal(figures_of(&stage).full, 1);
	assert_int_equal(figures_of(&stage).session_capacity, 1);
	close(client);
	close(server);
	for (unsigned int i = 0; figures_of(&stage).sessions > 0 && i < 200; i++)
		usleep(10000);
	open_tunnel(&stage, &client, &server);
	close(client);
	close(server);
	strike_stage(&stage);
}

static void the_end_of_the_proxy_cuts_all_sessions(void **state)
{
	struct stage stage = {0};
	int client, server, slow;

	(void)state;
	raise_stage(&stage);
	open_tunnel(&stage, &client, &server);
	slow = ask_for_tunnel(&stage, "slow.example");
	while (figures_of(&stage).sessions < 2 || !waiting_lookup)
		usleep(1000);
	strike_stage(&stage);
	expect_reset(client);
	expect_reset(server);
	expect_reset(slow);
	assert_int_equal(cancelled_lookups, 1);
	close(client);
	close(server);
	close(slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_passes_every_byte_and_each_end_by_itself),
		cmocka_unit_test(a_hello_with_an_urgent_byte_inside_passes_without_it),
		cmocka_unit_test(much_goes_both_ways_at_once_and_a_slow_reader_loses_nothing),
		cmocka_unit_test(a_reset_on_one_side_is_a_reset_on_the_other),
		cmocka_unit_test(a_hello_that_names_another_than_the_connect_is_denied),
		cmocka_unit_test(the_hello_may_leave_the_connect_s_name_out_where_its_rule_says_so),
		cmocka_unit_test(
			an_encrypted_hello_in_a_tunnel_is_denied_where_the_connect_s_rule_refuses_it),
		cmocka_unit_test(what_is_not_tls_gets_no_tunnel),
		cmocka_unit_test(a_hello_may_come_with_the_connect_or_byte_by_byte),
		cmocka_unit_test(a_second_hello_adds_and_changes_nothing),
		cmocka_unit_test(before_the_server_s_hello_only_tls_records_pass),
		cmocka_unit_test(a_reload_cuts_what_is_no_longer_allowed_and_nothing_else),
		cmocka_unit_test(an_idle_tunnel_ends),
		cmocka_unit_test(half_a_hello_times_out),
		cmocka_unit_test(connections_beyond_the_capacity_are_reset),
		cmocka_unit_test(the_end_of_the_proxy_cuts_all_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
