/*
 * A proxy in its own thread, with a resolver whose answers the test decides. The test plays both
 * ends, client and server, with blocking sockets on loopback, line after line.
 *
 * Names: *.example are allowed for http and https at the server's port, but evil.example; of them
 * slow.example is never answered, none.example does not exist, late.example times out,
 * metadata.example leads to 169.254.169.254, two.example to a closed address first, gone.example to
 * a closed one only, mute.example to one that takes no connection. All others lead to the server.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../policy/write_rules.h"
#include "observe/event.h"
#include "policy/slot.h"
#include "proxy/proxy.h"

#define PATIENCE_S 5

struct stage {
	struct loop *loop;
	pthread_t thread;
	struct policy_slot *slot;
	struct events *events;
	char log[64];
	struct proxy *proxy;
	struct proxy_settings settings;
	bool transparent; /* the proxy listens at 127.0.0.1 and ::1, the server at 127.0.0.2, on one
			     port: so the original destination has the server's port */
	bool https_only;
	int server; /* listens at s_home */
	uint16_t server_port, proxy_port;
};

/* ------------------------------------------------------------------- the resolver */

static const char *s_home; /* where all other names lead */
static struct resolver_lookup
	*_Atomic waiting_lookup; /* the loop's thread writes, the test looks */
static atomic_int cancelled_lookups;

static void answer_address(struct resolver_lookup *lookup, const char *first, const char *second)
{
	struct learned_address addresses[2] = {{.ttl = 60}, {.ttl = 60}};
	struct resolver_result result = {.addresses = addresses, .count = second ? 2 : 1};

	addresses[0].address = write_address(first);
	if (second)
		addresses[1].address = write_address(second);
	lookup->done(lookup, &result);
}

int resolver_lookup(struct resolver *resolver, const struct name *name,
		    struct resolver_lookup *lookup,
		    void (*done)(struct resolver_lookup *lookup,
				 const struct resolver_result *result))
{
	struct resolver_result failure = {.status = 0};

	(void)resolver;
	lookup->done = done;
	if (strcmp(name->text, "full.example") == 0)
		return -ENOSPC;
	if (strcmp(name->text, "slow.example") == 0) {
		waiting_lookup = lookup;
		return 0;
	}
	if (strcmp(name->text, "none.example") == 0)
		failure.status = -ENOENT;
	if (strcmp(name->text, "late.example") == 0)
		failure.status = -ETIMEDOUT;
	if (failure.status < 0)
		done(lookup, &failure);
	else if (strcmp(name->text, "metadata.example") == 0)
		answer_address(lookup, "169.254.169.254", NULL);
	else if (strcmp(name->text, "two.example") == 0)
		answer_address(lookup, "127.0.0.3", "127.0.0.1");
	else if (strcmp(name->text, "gone.example") == 0)
		answer_address(lookup, "127.0.0.3", NULL);
	else if (strcmp(name->text, "mute.example") == 0)
		answer_address(lookup, "127.0.0.4", NULL);
	else
		answer_address(lookup, s_home, NULL);
	return 0;
}

void resolver_cancel(struct resolver *resolver, struct resolver_lookup *lookup)
{
	(void)resolver;
	assert_ptr_equal(lookup, waiting_lookup);
	waiting_lookup = NULL;
	cancelled_lookups++;
}

/* ------------------------------------------------------------------- sockets */

static inline struct sockaddr_in loopback(const char *address, uint16_t port)
{
	struct sockaddr_in socket_address = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, address, &socket_address.sin_addr);
	return socket_address;
}

static inline int listen_on(const char *text, uint16_t port, int backlog, uint16_t *ret_port)
{
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in address = loopback(text, port);
	socklen_t size = sizeof(address);

	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(descriptor, backlog), 0);
	getsockname(descriptor, (struct sockaddr *)&address, &size);
	if (ret_port)
		*ret_port = ntohs(address.sin_port);
	return descriptor;
}

static inline void be_patient(int descriptor)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};

	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static inline int dial_proxy(const struct stage *stage)
{
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = loopback("127.0.0.1", stage->proxy_port);

	be_patient(descriptor);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	return descriptor;
}

static inline int accept_server(const struct stage *stage)
{
	struct pollfd poll_server = {.fd = stage->server, .events = POLLIN};

	assert_int_equal(poll(&poll_server, 1, PATIENCE_S * 1000), 1);
	int descriptor = accept4(stage->server, NULL, NULL, SOCK_CLOEXEC);

	assert_true(descriptor >= 0);
	be_patient(descriptor);
	return descriptor;
}

static inline void assert_server_untouched(const struct stage *stage)
{
	struct pollfd poll_server = {.fd = stage->server, .events = POLLIN};

	assert_int_equal(poll(&poll_server, 1, 50), 0);
}

static inline void send_bytes(int descriptor, const void *bytes, size_t length)
{
	assert_int_equal(send(descriptor, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static inline void say(int descriptor, const char *text)
{
	send_bytes(descriptor, text, strlen(text));
}

/* "$" stands for the server's port. */
static inline void say_with_port(const struct stage *stage, int descriptor, const char *text)
{
	char spoken[8192];
	size_t length = 0;

	for (; *text; text++)
		if (*text == '$')
			length += (size_t)snprintf(spoken + length, sizeof(spoken) - length, "%u",
						   stage->server_port);
		else
			spoken[length++] = *text;
	send_bytes(descriptor, spoken, length);
}

static inline void expect_bytes(int descriptor, const void *expected, size_t length)
{
	uint8_t *heard = malloc(length + 1);
	size_t count = 0;

	while (count < length) {
		ssize_t more = recv(descriptor, heard + count, length - count, 0);

		if (more <= 0)
			fail_msg("%zu of %zu bytes came (%s): %.*s", count, length,
				 more ? strerror(errno) : "end", (int)count, heard);
		count += (size_t)more;
	}
	heard[length] = 0;
	if (memcmp(heard, expected, length) != 0)
		fail_msg("expected \"%s\", heard \"%s\"", (const char *)expected, heard);
	free(heard);
}

static inline void expect(int descriptor, const char *text)
{
	expect_bytes(descriptor, text, strlen(text));
}

static inline void expect_end(int descriptor)
{
	char byte;

	assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
}

static inline void expect_reset(int descriptor)
{
	char byte;

	assert_int_equal(recv(descriptor, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static inline void expect_silence(int descriptor)
{
	struct pollfd poll_descriptor = {.fd = descriptor, .events = POLLIN};

	assert_int_equal(poll(&poll_descriptor, 1, 50), 0);
}

/* All until the end, as text; it must contain `part`. */
static inline void expect_last_words(int descriptor, const char *start, const char *part)
{
	char heard[8192];
	size_t count = 0;
	ssize_t more;

	while ((more = recv(descriptor, heard + count, sizeof(heard) - 1 - count, 0)) > 0)
		count += (size_t)more;
	heard[count] = '\0';
	if (more < 0 || strncmp(heard, start, strlen(start)) != 0 || !strstr(heard, part))
		fail_msg("expected \"%s ... %s\" and the end (%s), heard \"%s\"", start, part,
			 more ? strerror(errno) : "end", heard);
}

/* ------------------------------------------------------------------- the stage */

static inline struct policy *write_policy(const struct stage *stage, bool open)
{
	struct rule_set set = {0};
	char words[256];

	set.special_exceptions = calloc(1, sizeof(*set.special_exceptions));
	assert_int_equal(ip_prefix_parse("127.0.0.0/8", set.special_exceptions), 0);
	set.special_exception_count = 1;
	write_collection(&set, "not", RULE_APPLICATION, 100, RULE_DENY);
	snprintf(words, sizeof(words), "from:* http:%u https:%u pattern:forbidden.example",
		 stage->server_port, stage->server_port);
	write_rule(&set, "this", words);
	write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
	for (char letter = 'a'; open && letter <= 'z'; letter++) {
		char name[] = {letter, '\0'};

		if (letter == 'e') /* evil.example is nobody's */
			continue;
		if (letter == 'y' || letter == 'z') /* below */
			continue;
		snprintf(words, sizeof(words), "from:* http:%u https:%u pattern:%c*.example",
			 stage->https_only ? 1u : stage->server_port, stage->server_port, letter);
		write_rule(&set, name, words);
	}
	if (open) {
		snprintf(words, sizeof(words), "from:* https:%u no_sni pattern:yes.example",
			 stage->server_port);
		write_rule(&set, "y", words);
		snprintf(words, sizeof(words), "from:* https:%u no_ech pattern:zero.example",
			 stage->server_port);
		write_rule(&set, "z", words);
	}
	return compile(&set);
}

static void *run_stage(void *context)
{
	struct stage *stage = context;

	policy_slot_register_thread();
	loop_run(stage->loop);
	policy_slot_unregister_thread();
	return NULL;
}

struct stage_call {
	struct stage *stage;
	void (*function)(struct stage *stage);
	sem_t done;
};

static void take_call(void *context)
{
	struct stage_call *call = context;

	call->function(call->stage);
	sem_post(&call->done);
}

/* In the loop's thread. */
static inline void call_in_loop(struct stage *stage, void (*function)(struct stage *stage))
{
	struct stage_call call = {.stage = stage, .function = function};

	sem_init(&call.done, 0, 0);
	assert_int_equal(loop_call(stage->loop, take_call, &call), 0);
	sem_wait(&call.done);
	sem_destroy(&call.done);
}

static struct proxy_figures stage_figures_taken;

static void take_figures(struct stage *stage)
{
	stage_figures_taken = proxy_figures(stage->proxy);
}

static inline struct proxy_figures figures_of(struct stage *stage)
{
	call_in_loop(stage, take_figures);
	return stage_figures_taken;
}

static inline uint16_t find_free_port(void)
{
	uint16_t port;

	close(listen_on("127.0.0.1", 0, 1, &port));
	return port;
}

static inline void raise_stage(struct stage *stage)
{
	int log;

	waiting_lookup = NULL;
	cancelled_lookups = 0;
	s_home = stage->transparent ? "127.0.0.2" : "127.0.0.1";
	stage->server = listen_on(s_home, 0, 16, &stage->server_port);
	stage->proxy_port = stage->transparent ? stage->server_port : find_free_port();
	stage->settings.transparent = stage->transparent;
	stage->settings.transparent_port = stage->proxy_port;
	stage->settings.explicit_listen[0] = (struct ip_endpoint){
		.address = write_address("127.0.0.1"), .port = stage->proxy_port};
	stage->settings.explicit_count = stage->transparent ? 0 : 1;
	snprintf(stage->log, sizeof(stage->log), "/tmp/sallyport-proxy-XXXXXX");
	log = mkstemp(stage->log);
	assert_true(log >= 0);
	close(log);
	stage->events = events_open(stage->log);
	stage->loop = loop_new();
	stage->slot = policy_slot_new(write_policy(stage, true));
	stage->proxy = proxy_new(stage->loop, &stage->settings, stage->slot, NULL, stage->events);
	assert_non_null(stage->proxy);
	assert_int_equal(pthread_create(&stage->thread, NULL, run_stage, stage), 0);
}

static inline void strike_stage(struct stage *stage)
{
	loop_stop(stage->loop);
	pthread_join(stage->thread, NULL);
	proxy_free(stage->proxy);
	policy_slot_free(stage->slot);
	loop_free(stage->loop);
	events_close(stage->events);
	unlink(stage->log);
	close(stage->server);
}

/* The log has, or gets soon, a line with both parts; returns how many such lines. */
static inline size_t count_events(const struct stage *stage, const char *part, const char *other)
{
	char line[4096];
	size_t count = 0;
	FILE *log = fopen(stage->log, "r");

	assert_non_null(log);
	while (fgets(line, sizeof(line), log))
		count += strstr(line, part) && strstr(line, other);
	fclose(log);
	return count;
}

static inline void expect_event(const struct stage *stage, const char *part, const char *other)
{
	for (unsigned int i = 0; i < 200; i++) {
		if (count_events(stage, part, other) > 0)
			return;
		usleep(10000);
	}
	fail_msg("no event with %s and %s", part, other);
}

static inline void expect_deny(const struct stage *stage, const char *reason)
{
	char part[128];

	snprintf(part, sizeof(part), "\"reason\":\"%s\"", reason);
	expect_event(stage, "\"action\":\"deny\"", part);
}

/* ------------------------------------------------------------------- TLS */

static inline void put_u16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A ClientHello in one record. `name` NULL: none. Returns its length. */
static inline size_t build_hello(const char *name, bool encrypted, uint8_t hello[1024])
{
	size_t name_length = name ? strlen(name) : 0, at = 9;

	memset(hello, 0, 1024);
	put_u16(hello + at, 0x0303);
	at += 2 + 32 + 1; /* random, no session id */
	put_u16(hello + at, 2);
	put_u16(hello + at + 2, 0x1301);
	at += 4;
	hello[at++] = 1; /* one compression method: null */
	at++;

	size_t extensions = at;

	at += 2;
	if (name) {
		put_u16(hello + at + 2, name_length + 5);
		put_u16(hello + at + 4, name_length + 3);
		put_u16(hello + at + 7, name_length);
		memcpy(hello + at + 9, name, name_length);
		at += 9 + name_length;
	}
	if (encrypted) {
		put_u16(hello + at, 0xfe0d);
		put_u16(hello + at + 2, 4);
		at += 8;
	}
	put_u16(hello + extensions, at - extensions - 2);
	hello[0] = 22;
	put_u16(hello + 1, 0x0301);
	put_u16(hello + 3, at - 5);
	hello[5] = 1;
	put_u16(hello + 7, at - 9);
	return at;
}

/* A ServerHello or HelloRetryRequest of 70 bytes, in one record. */
static inline size_t build_server_hello(bool retry, uint8_t hello[128])
{
	static const uint8_t random[32] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
		0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
		0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};

	memset(hello, 7, 128);
	memcpy(hello, "\x16\x03\x03\x00\x46\x02\x00\x00\x42\x03\x03", 11);
	if (retry)
		memcpy(hello + 11, random, sizeof(random));
	return 5 + 70;
}

/* A first hello, and the second one that its client sends when the server asks for it. */
struct two_hellos {
	const char *first, *second; /* server names; NULL: none */
	bool first_encrypted, second_encrypted;
	const char *reason; /* why the second one is denied; NULL: it is not */
};

static const struct two_hellos two_hellos[] = {
	{"good.example", "good.example", false, false, NULL},
	{"good.example", "good.example", true, true, NULL},
	{"good.example", "good.example", true, false, NULL},
	{"good.example", "good.example", false, true, "encrypted_hello"},
	{"good.example", "evil.example", false, false, "name_mismatch"},
	{"good.example", "great.example", false, false, "name_mismatch"}, /* allowed by itself */
	{"good.example", "evil.example", true, true, "name_mismatch"},
	{"good.example", NULL, false, false, "name_mismatch"},
};
#define TWO_HELLOS (sizeof(two_hellos) / sizeof(two_hellos[0]))

/* Sends the second hello of a session whose first one is at the server. True: it came there; false:
 * the server had nothing of it but a reset, and the client's alert is still to be read.
 */
static inline bool pass_second_hello(int client, int server, const struct two_hellos *hellos)
{
	static const uint8_t change_cipher[6] = {20, 3, 3, 0, 1, 1};
	uint8_t retry[128], hello[1024];
	size_t length = build_server_hello(true, retry);

	send_bytes(server, retry, length);
	expect_bytes(client, retry, length);
	send_bytes(client, change_cipher, sizeof(change_cipher));
	expect_bytes(server, change_cipher, sizeof(change_cipher));
	length = build_hello(hellos->second, hellos->second_encrypted, hello);
	send_bytes(client, hello, length);
	if (hellos->reason)
		expect_reset(server);
	else
		expect_bytes(server, hello, length);
	return !hellos->reason;
}
