/* Connections as TPROXY brings them; without the right to take them (CAP_NET_ADMIN), skipped. */
#include "stage.h"
#include "../skip.h"

#include <netinet/in.h>

#include "proto/tls/client_hello.h"

#include "../proto/hellos.h"

static int may_be_transparent(void **state)
{
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	static int allowed;

	allowed = setsockopt(descriptor, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0;
	close(descriptor);
	*state = allowed ? &allowed : NULL;
	return 0;
}

static void raise_transparent(struct stage *stage, void **state)
{
	if (!*state)
		skip_because("needs root, for a transparent socket");
	stage->transparent = true;
	raise_stage(stage);
}

static int say_hello(struct stage *stage, const char *name, bool encrypted)
{
	int client = dial_proxy(stage);
	uint8_t hello[1024];
	size_t length = build_hello(name, encrypted, hello);

	send_bytes(client, hello, length);
	return client;
}

static void expect_alert(int client, uint8_t description)
{
	uint8_t alert[7] = {0x15, 3, 0, 0, 2, 2, description};
	uint8_t heard[7];

	assert_int_equal(recv(client, heard, sizeof(heard), MSG_WAITALL), 7);
	alert[2] = heard[2]; /* the record's version does not matter */
	assert_memory_equal(heard, alert, 7);
	expect_end(client);
	close(client);
}

static void a_hello_passes_exactly_as_it_came(void **state)
{
	struct stage stage = {0};
	uint8_t hello[1024], answer[128];
	size_t length = build_hello("good.example", true, hello);

	raise_transparent(&stage, state);
	int client = say_hello(&stage, "good.example", true);
	int server = accept_server(&stage);

	expect_bytes(server, hello, length);
	length = build_server_hello(false, answer);
	send_bytes(server, answer, length);
	expect_bytes(client, answer, length);
	say(client, "anything");
	expect(server, "anything");
	close(server);
	expect_end(client);
	close(client);
	expect_event(&stage, "\"event\":\"end\"", "\"bytes_in\":75");
	expect_event(&stage, "\"path\":\"proxy\"", "\"name_from\":\"sni\"");
	/* the destination that the client chose, not the one that was dialled */
	expect_event(&stage, "\"verdict\"", "\"destination\":\"127.0.0.1:");
	strike_stage(&stage);
}

static void recorded_hellos_of_real_clients_are_read(void **state)
{
	struct stage stage = {0};
	uint8_t hello[HELLO_FILE_MAX];
	size_t encrypted = 0;

	raise_transparent(&stage, state);
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		size_t length = load_hello(recorded_hellos[i].file, hello);
		int client = dial_proxy(&stage);

		send_bytes(client, hello, length);
		expect_alert(client, 112);
		expect_event(&stage, "\"deny\"",
			     recorded_hellos[i].server_name ? recorded_hellos[i].server_name
							    : "no_name");
		encrypted += recorded_hellos[i].encrypted;
	}
	assert_server_untouched(&stage);
	assert_int_equal(count_events(&stage, "\"deny\"", "encrypted_hello"), encrypted);
	strike_stage(&stage);
}

static void a_name_that_no_rule_allows_gets_an_alert_with_its_reason(void **state)
{
	static const struct {
		const char *name;
		bool encrypted;
		const char *reason;
		uint8_t alert;
	} cases[] = {
		{"evil.example", false, "no_rule", 112},
		{"evil.example", true, "encrypted_hello", 112},
		{"forbidden.example", true, "rule_denies", 112},
		{"zero.example", true, "encrypted_hello", 112},
		{NULL, false, "no_name", 112},
		{"10.0.0.1", false, "name_invalid", 112},
		{"good..example", false, "name_invalid", 112},
		{"none.example", false, "lookup_failed", 49},
		{"metadata.example", false, "special_address", 49},
		{"gone.example", false, "connect_failed", 49},
	};
	struct stage stage = {0};

	raise_transparent(&stage, state);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_alert(say_hello(&stage, cases[i].name, cases[i].encrypted), cases[i].alert);
		expect_deny(&stage, cases[i].reason);
		assert_int_equal(count_events(&stage, "\"verdict\"", ""), i + 1);
	}
	assert_server_untouched(&stage);
	expect_event(&stage, "no_name", "\"destination\":\"127.0.0.1:");
	strike_stage(&stage);
}

static void a_second_hello_adds_and_changes_nothing(void **state)
{
	struct stage stage = {0};

	raise_transparent(&stage, state);
	for (size_t i = 0; i < TWO_HELLOS; i++) {
		const struct two_hellos *hellos = &two_hellos[i];
		int client = say_hello(&stage, hellos->first, hellos->first_encrypted);
		int server = accept_server(&stage);
		uint8_t hello[1024];
		size_t length = build_hello(hellos->first, hellos->first_encrypted, hello);

		expect_bytes(server, hello, length);
		if (pass_second_hello(client, server, hellos)) {
			close(client);
		} else {
			expect_alert(client, 112);
			expect_deny(&stage, hellos->reason);
		}
		close(server);
	}
	assert_int_equal(count_events(&stage, "\"deny\"", ""), 5);
	strike_stage(&stage);
}

static void a_malformed_hello_gets_an_alert(void **state)
{
	struct stage stage = {0};
	uint8_t hello[1024];
	size_t length = build_hello("good.example", false, hello);

	raise_transparent(&stage, state);
	int client = dial_proxy(&stage);

	hello[5] = 2;
	send_bytes(client, hello, length);
	expect_alert(client, 49);
	client = dial_proxy(&stage); /* more handshake bytes in the hello's record */
	length = build_hello("good.example", false, hello);
	hello[length] = 11;
	hello[4]++;
	send_bytes(client, hello, length + 1);
	expect_alert(client, 49);
	client = dial_proxy(&stage); /* longer than 16 KiB */
	send_bytes(client, "\x16\x03\x01\x40\x00\x01\x00\x40\x00", 9);
	expect_alert(client, 49);
	expect_deny(&stage, "hello_too_long");
	client = dial_proxy(&stage);
	send_bytes(client, hello, 20);
	shutdown(client, SHUT_WR);
	expect_alert(client, 49);
	assert_int_equal(count_events(&stage, "\"deny\"", "hello_malformed"), 3);
	strike_stage(&stage);
}

static void the_first_byte_and_the_port_decide_what_it_is(void **state)
{
	struct stage stage = {.https_only = true};
	int client, server;
	char request[128];

	raise_transparent(&stage, state);
	client = dial_proxy(&stage);
	say(client, "GET / HTTP/1.1\r\nHost: good.example\r\n\r\n");
	expect_end(client);
	expect_deny(&stage, "not_tls");
	close(client);
	assert_server_untouched(&stage);
	strike_stage(&stage);

	stage = (struct stage){.transparent = true};
	raise_stage(&stage);
	client = dial_proxy(&stage);
	snprintf(request, sizeof(request),
		 "GET /a HTTP/1.1\r\nHost: good.example\r\nUpgrade: x\r\n\r\n");
	say(client, request);
	server = accept_server(&stage);
	expect(server, request);
	say(server, "HTTP/1.1 204 No Content\r\n\r\n");
	expect(client, "HTTP/1.1 204 No Content\r\n\r\n");
	snprintf(request, sizeof(request),
		 "GET http://good.example:%u/b HTTP/1.1\r\nHost: GOOD.example.:%u\r\n\r\n",
		 stage.server_port, stage.server_port);
	say(client, request);
	expect_last_words(client, "HTTP/1.1 400 ", "http_malformed"); /* another spelling */
	close(client);
	close(server);
	client = dial_proxy(&stage);
	snprintf(request, sizeof(request),
		 "GET http://good.example:%u/b HTTP/1.1\r\nHost: GOOD.example:%u\r\n\r\n",
		 stage.server_port, stage.server_port);
	say(client, request);
	server = accept_server(&stage);
	expect(server, request);
	close(client);
	close(server);
	strike_stage(&stage);
}

static void requests_that_cannot_be_served_here_are_refused(void **state)
{
	static const struct {
		const char *request, *start, *part;
	} cases[] = {
		{"CONNECT good.example:$ HTTP/1.1\r\nHost: good.example:$\r\n\r\n", "HTTP/1.1 400 ",
		 "CONNECT is for the explicit proxy"},
		{"GET / HTTP/1.1\r\nHost: good.example:1\r\n\r\n", "HTTP/1.1 400 ",
		 "the port in Host"},
		{"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 ", "no_rule"},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n", "HTTP/1.1 403 ", "name_invalid"},
		{"POST / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 4\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 400 ", "http_malformed"},
		{"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 400 ", "has no Host"},
	};
	struct stage stage = {0};

	raise_transparent(&stage, state);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = dial_proxy(&stage);

		say_with_port(&stage, client, cases[i].request);
		expect_last_words(client, cases[i].start, cases[i].part);
		close(client);
	}
	assert_server_untouched(&stage);
	strike_stage(&stage);
}

static void a_client_that_says_nothing_is_given_up(void **state)
{
	struct stage stage = {.https_only = true, .settings.head_timeout_ms = 50};

	raise_transparent(&stage, state);
	int client = dial_proxy(&stage);

	expect_end(client);
	close(client);
	expect_deny(&stage, "hello_timeout");
	strike_stage(&stage);

	stage = (struct stage){.transparent = true, .settings.head_timeout_ms = 50};
	raise_stage(&stage);
	client = dial_proxy(&stage);
	expect_end(client);
	close(client);
	expect_deny(&stage, "http_timeout");
	client = dial_proxy(&stage); /* and one that hangs up at once is no event */
	close(client);
	for (unsigned int i = 0; figures_of(&stage).sessions > 0 && i < 200; i++)
		usleep(10000);
	assert_int_equal(count_events(&stage, "", ""), 1);
	strike_stage(&stage);
}

static void a_client_of_ipv6_reaches_a_name_that_has_ipv4_only(void **state)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct stage stage = {0};
	uint8_t hello[1024];
	size_t length = build_hello("good.example", false, hello);

	raise_transparent(&stage, state);
	int client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin6_port = htons(stage.proxy_port);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	send_bytes(client, hello, length);
	int server = accept_server(&stage);

	expect_bytes(server, hello, length);
	expect_event(&stage, "allow", "\"destination\":\"[::1]:");
	close(client);
	close(server);
	strike_stage(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_passes_exactly_as_it_came),
		cmocka_unit_test(recorded_hellos_of_real_clients_are_read),
		cmocka_unit_test(a_name_that_no_rule_allows_gets_an_alert_with_its_reason),
		cmocka_unit_test(a_second_hello_adds_and_changes_nothing),
		cmocka_unit_test(a_malformed_hello_gets_an_alert),
		cmocka_unit_test(the_first_byte_and_the_port_decide_what_it_is),
		cmocka_unit_test(requests_that_cannot_be_served_here_are_refused),
		cmocka_unit_test(a_client_that_says_nothing_is_given_up),
		cmocka_unit_test(a_client_of_ipv6_reaches_a_name_that_has_ipv4_only),
	};

	return cmocka_run_group_tests(tests, may_be_transparent, NULL);
}
