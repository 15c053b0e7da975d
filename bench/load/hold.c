/*
 * Idle connections: opens them, OPENING at a time, each greeted and answered; says "ready" with one
 * JSON object and holds them until its standard input ends.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "flow_client.h"

#define OPENING  128u
#define EVENTS   256
#define PATIENCE (20 * NS_PER_SECOND)

static void open_one(const struct target *target, int epoll, unsigned int serial)
{
	int fd = target_connect(target, serial);
	struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.fd = fd};

	if (fd < 0)
		die("connect: %s", strerror(-fd));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die_errno("epoll_ctl");
}

/* True: the connection has its answer and is idle from now on. */
static bool advance(const struct target *target, int epoll, const struct epoll_event *ready)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = ready->data.fd};
	char head[1024];

	if (ready->events & EPOLLIN) {
		if (recv(ready->data.fd, head, sizeof(head), 0) <= 0)
			die("a connection was closed instead of answered");
		return true;
	}
	if (ready->events & (EPOLLERR | EPOLLHUP) || !target_greet(target, ready->data.fd))
		die("a connection was refused or reset");
	if (epoll_ctl(epoll, EPOLL_CTL_MOD, ready->data.fd, &event) < 0)
		die_errno("epoll_ctl");
	return false;
}

void load_hold(const struct load *load)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];
	unsigned int opened = 0, held = 0;
	uint64_t end = clock_ns() + PATIENCE;
	char byte;

	while (held < load->at_once) {
		while (opened < load->at_once && opened - held < OPENING)
			open_one(&load->target, epoll, opened++);
		int count = epoll_wait(epoll, events, EVENTS, 100);

		for (int i = 0; i < count; i++)
			held += advance(&load->target, epoll, &events[i]);
		if (clock_ns() > end)
			die("only %u of %u connections were answered", held, load->at_once);
	}
	printf("{\"ready\": %u}\n", held);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}
