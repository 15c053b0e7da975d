/*
 * Requests and tunnels through the proxy without memory: its thread asks in vain, the two ends that
 * the test plays have all they want. What is denied never gets to the server, whatever fails.
 */
#include "../proxy/stage.h"

#include <signal.h>

#include "failing_malloc.h"

#define REPLY   "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
#define WAIT_MS 2000

static const char s_get[] = "GET http://", s_connect[] = "CONNECT ";

static void begin_failing(struct stage *stage)
{
	(void)stage;
	memory_fails(true);
}

static void end_failing(struct stage *stage)
{
	(void)stage;
	memory_fails(false);
}

/* A client that has asked; its proxy may have closed the connection already. */
static int ask(const struct stage *stage, const char *request, const char *name)
{
	int client = dial_proxy(stage);

	(void)dprintf(client, "%s%s:%u%s HTTP/1.1\r\nHost: %s:%u\r\n\r\n", request, name,
		      stage->server_port, request == s_get ? "/" : "", name, stage->server_port);
	return client;
}

/* Until the end, or until `until` is there. */
static size_t hear(int descriptor, char *heard, size_t room, const char *until)
{
	size_t length = 0;
	ssize_t more;

	heard[0] = '\0';
	while (length < room - 1 && !strstr(heard, until) &&
	       (more = recv(descriptor, heard + length, room - 1 - length, 0)) > 0) {
		length += (size_t)more;
		heard[length] = '\0';
	}
	return length;
}

/* The server's end; -1 when the client hears something, or the end, before there is one. */
static int accept_before(const struct stage *stage, int client)
{
	struct pollfd ends[] = {{.fd = client, .events = POLLIN},
				{.fd = stage->server, .events = POLLIN}};

	if (poll(ends, 2, WAIT_MS) < 1)
		memory_fault("the client waits for nothing");
	return ends[1].revents & POLLIN ? accept_server(stage) : -1;
}

static bool answer(int client, int server)
{
	char heard[1024];

	if (hear(server, heard, sizeof(heard), "\r\n\r\n") > 0)
		(void)!send(server, REPLY, strlen(REPLY), MSG_NOSIGNAL);
	close(server);
	hear(client, heard, sizeof(heard), REPLY);
	return strcmp(heard, REPLY) == 0;
}

static int request(struct stage *stage)
{
	int client = ask(stage, s_get, "good.example"), server;
	bool answered;

	server = accept_before(stage, client);
	answered = server >= 0 && answer(client, server);
	close(client);
	return answered ? 0 : -1;
}

static int tunnel(struct stage *stage)
{
	int client = ask(stage, s_connect, "good.example"), server;
	uint8_t hello[1024], arrived[1024];
	size_t length = build_hello("good.example", false, hello);
	char heard[256];
	bool is_whole = false;

	if (hear(client, heard, sizeof(heard), "\r\n\r\n") > 0 && strstr(heard, " 200 ")) {
		(void)!send(client, hello, length, MSG_NOSIGNAL);
		server = accept_before(stage, client);
		if (server >= 0) {
			is_whole = recv(server, arrived, length, MSG_WAITALL) == (ssize_t)length &&
				   memcmp(arrived, hello, length) == 0;
			close(server);
		}
	}
	close(client);
	return is_whole ? 0 : -1;
}

static void try_what_is_denied(struct stage *stage)
{
	int client = ask(stage, s_get, "evil.example"), server;

	server = accept_before(stage, client);
	if (server >= 0) {
		memory_fault("a denied request got out");
		close(server);
	}
	close(client);
}

static int play(struct harvest *harvest, int (*part)(struct stage *stage))
{
	struct stage stage = {0};
	int result;

	memory_fails(false);
	raise_stage(&stage);
	call_in_loop(&stage, begin_failing);
	try_what_is_denied(&stage);
	result = part(&stage);
	try_what_is_denied(&stage);
	call_in_loop(&stage, end_failing);
	if (part(&stage) < 0)
		memory_fault("it does not recover");
	strike_stage(&stage);
	harvest_bytes(harvest, &result, sizeof(result));
	memory_fails(true);
	return result;
}

static int play_request(void *context, struct harvest *harvest)
{
	(void)context;
	return play(harvest, request);
}

static int play_tunnel(void *context, struct harvest *harvest)
{
	(void)context;
	return play(harvest, tunnel);
}

static void a_request_without_memory_ends_and_the_next_is_served(void **state)
{
	(void)state;
	if (memory_count(play_request, NULL) > 0)
		memory_try_every_site("requests", play_request, NULL);
}

static void a_tunnel_without_memory_ends_and_the_next_is_served(void **state)
{
	(void)state;
	if (memory_count(play_tunnel, NULL) > 0)
		memory_try_every_site("tunnels", play_tunnel, NULL);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_without_memory_ends_and_the_next_is_served),
		cmocka_unit_test(a_tunnel_without_memory_ends_and_the_next_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
