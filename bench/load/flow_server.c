/*
 * The server of the measuring laboratory: answers a ClientHello with a ServerHello, or an HTTP
 * request's head with one of its own, and then sends bytes without meaning, discards what comes, or
 * waits. No cryptography.
 *
 * usage: flow_server PORT THREADS
 *
 * Each thread has its own listener and epoll. A connection waits for the whole first record (or
 * head), answers, and goes where the client's next byte sends it: 'D' for down, 'U' for up.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

#define PIECE   (256 * 1024)
#define EVENTS  256
#define TURN    8
#define ENDLESS "4503599627370496"

enum stage {
	STAGE_FIRST,   /* the first bytes are not complete */
	STAGE_COMMAND, /* answered; the next byte says what to do */
	STAGE_SEND,
	STAGE_DISCARD,
};

/* By descriptor; one thread has it at a time. */
struct connection {
	enum stage stage;
	uint32_t seen;   /* bytes of the first record or head */
	uint32_t wanted; /* of the record; 0: its length is not known */
	uint32_t tail;   /* an HTTP head's last four bytes */
	char first[5];   /* how the request begins */
};

static struct connection *s_connections;

/* A TLS 1.3 ServerHello: record, message, random, session, cipher, version and key share. */
static const uint8_t s_server_hello[127] = {
	0x16, 3,  3,           0,           122,       2,        0,           0,       118,
	3,    3,  [11] = 0x5a, [42] = 0xa5, [43] = 32, [44] = 1, [76] = 0x13, 0x01,    0,
	0,    46, 0,           43,          0,         2,        3,           4,       0,
	51,   0,  36,          0,           29,        0,        32,          [95] = 7};

static const char s_greeting[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const char s_bulk_head[] = "HTTP/1.1 200 OK\r\nContent-Length: " ENDLESS "\r\n\r\n";

static void end(int fd)
{
	s_connections[fd] = (struct connection){0};
	close(fd);
}

static void answer(int epoll, int fd, const void *bytes, size_t length, enum stage next)
{
	struct epoll_event event = {.events = next == STAGE_SEND ? EPOLLOUT : EPOLLIN,
				    .data.fd = fd};
	bool waits_for_input = next != STAGE_SEND;

	s_connections[fd].stage = next;
	if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
		end(fd);
	else if (!waits_for_input && epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0)
		die_errno("epoll_ctl");
}

/* An HTTP request's first line decides at once; a kept connection may bring the next request. */
static void answer_http(int epoll, int fd, struct connection *connection)
{
	bool is_post = connection->first[0] == 'P', is_bulk = connection->first[4] == 'd';

	connection->seen = connection->tail = 0;
	if (is_post)
		connection->stage = STAGE_DISCARD;
	else if (is_bulk)
		answer(epoll, fd, s_bulk_head, sizeof(s_bulk_head) - 1, STAGE_SEND);
	else
		answer(epoll, fd, s_greeting, sizeof(s_greeting) - 1, STAGE_FIRST);
}

static void read_first(int epoll, int fd, struct connection *connection, const uint8_t *bytes,
		       size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = bytes[i];

		/* "GET /down": the fifth byte is the path's slash, the sixth its first letter. */
		if (connection->seen < 4)
			connection->first[connection->seen] = (char)byte;
		else if (connection->seen == 5)
			connection->first[4] = (char)byte;
		if (connection->seen == 3 || connection->seen == 4)
			connection->wanted = connection->wanted << 8 | byte;
		connection->seen++;
		connection->tail = connection->tail << 8 | byte;
		if (connection->first[0] != 0x16 && connection->tail == 0x0d0a0d0a) {
			answer_http(epoll, fd, connection);
			return;
		}
	}
	if (connection->first[0] == 0x16 && connection->seen >= 5 &&
	    connection->seen >= connection->wanted + 5)
		answer(epoll, fd, s_server_hello, sizeof(s_server_hello), STAGE_COMMAND);
}

static void read_command(int epoll, int fd, struct connection *connection, uint8_t command)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};

	connection->stage = command == 'D' ? STAGE_SEND : STAGE_DISCARD;
	if (command == 'D' && epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0)
		die_errno("epoll_ctl");
}

static void move(int epoll, int fd, char *piece)
{
	struct connection *connection = &s_connections[fd];

	for (int i = 0; i < TURN; i++) {
		bool sends = connection->stage == STAGE_SEND;
		ssize_t moved =
			sends ? send(fd, piece, PIECE, MSG_NOSIGNAL) : recv(fd, piece, PIECE, 0);

		if (moved == 0 || (moved < 0 && errno != EAGAIN)) {
			end(fd);
			return;
		}
		if (moved < 0)
			return;
		if (connection->stage == STAGE_FIRST) {
			read_first(epoll, fd, connection, (uint8_t *)piece, (size_t)moved);
			return;
		}
		if (connection->stage == STAGE_COMMAND) {
			read_command(epoll, fd, connection, (uint8_t)piece[0]);
			return;
		}
	}
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		s_connections[fd] = (struct connection){0};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			die_errno("epoll_ctl");
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 4096) < 0)
		die_errno("listen");
	return fd;
}

static void *serve(void *argument)
{
	int listener = *(int *)argument, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS] = {{.events = EPOLLIN, .data.fd = listener}};
	char *piece = calloc(1, PIECE);

	if (!piece || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, events) < 0)
		die_errno("a thread's beginning");
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				move(epoll, events[i].data.fd, piece);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc == 3 ? atoi(argv[2]) : 0,
	    *listeners = calloc((size_t)threads + 1, sizeof(int));
	struct rlimit descriptors;
	pthread_t thread;

	if (threads < 1 || !listeners)
		die("usage: flow_server PORT THREADS");
	getrlimit(RLIMIT_NOFILE, &descriptors);
	s_connections = calloc(descriptors.rlim_cur, sizeof(*s_connections));
	if (!s_connections)
		die_errno("memory");
	for (int i = 0; i < threads; i++)
		listeners[i] = listen_on((uint16_t)atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, serve, &listeners[i]))
			die("no thread");
	pthread_join(thread, NULL);
	return 0;
}
