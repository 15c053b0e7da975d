/*
 * Throughput: `at_once` connections are opened and greeted; when the server's first flight is
 * there, bytes flow one way until the time is over. Client's side counts: received ones, or those
 * that the kernel took; what lies in buffers then is little beside what has passed.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "flow_client.h"

#define PIECE    (256 * 1024)
#define PATIENCE (5 * NS_PER_SECOND)
#define EVENTS   64
#define TURN     8 /* pieces before the next connection has its turn */

struct flow {
	int fd;
	bool greeted, flowing;
};

struct mover {
	const struct load *load;
	pthread_t thread;
	int epoll;
	struct flow *flows;
	unsigned int flow_count, flowing;
	uint64_t serial;
	uint64_t all;                 /* bytes since the start */
	uint64_t counted, counted_ns; /* bytes while counting, and how long that was */
	char piece[PIECE];
};

static void flow_open(struct mover *mover, struct flow *flow)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = flow};

	flow->fd = target_connect(&mover->load->target, mover->serial++);
	if (flow->fd < 0 || epoll_ctl(mover->epoll, EPOLL_CTL_ADD, flow->fd, &event) < 0)
		die_errno("connect");
}

/* From the first flight on only one direction matters. */
static void flow_start(struct mover *mover, struct flow *flow)
{
	bool up = mover->load->purpose == PURPOSE_UP;
	struct epoll_event event = {.events = up ? EPOLLOUT : EPOLLIN, .data.ptr = flow};

	if (!mover->load->target.is_http && send(flow->fd, up ? "U" : "D", 1, MSG_NOSIGNAL) != 1)
		die_errno("send");
	if (epoll_ctl(mover->epoll, EPOLL_CTL_MOD, flow->fd, &event) < 0)
		die_errno("epoll_ctl");
	flow->flowing = true;
	mover->flowing++;
}

static void flow_greet(struct mover *mover, struct flow *flow)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};

	if (!target_greet(&mover->load->target, flow->fd))
		die_errno("greeting");
	flow->greeted = true;
	if (mover->load->target.is_http && mover->load->purpose == PURPOSE_UP)
		flow_start(mover, flow); /* the body follows at once */
	else if (epoll_ctl(mover->epoll, EPOLL_CTL_MOD, flow->fd, &event) < 0)
		die_errno("epoll_ctl");
}

static void flow_move(struct mover *mover, struct flow *flow)
{
	for (int i = 0; i < TURN; i++) {
		ssize_t moved = mover->load->purpose == PURPOSE_UP
					? send(flow->fd, mover->piece, PIECE, MSG_NOSIGNAL)
					: recv(flow->fd, mover->piece, PIECE, 0);

		if (moved == 0 || (moved < 0 && errno != EAGAIN))
			die("a flow ended: %s", moved ? strerror(errno) : "closed");
		if (moved < 0)
			return;
		mover->all += (uint64_t)moved;
	}
}

static void flow_ready(struct mover *mover, struct flow *flow, uint32_t events)
{
	if (flow->flowing) {
		flow_move(mover, flow);
	} else if (events & (EPOLLERR | EPOLLHUP)) {
		die("a connection was refused or reset");
	} else if (!flow->greeted) {
		flow_greet(mover, flow);
	} else {
		ssize_t got = recv(flow->fd, mover->piece, PIECE, 0);

		if (got <= 0)
			die("the server answered nothing");
		flow_start(mover, flow);
	}
}

static void *mover_run(void *argument)
{
	struct mover *mover = argument;
	struct epoll_event events[EVENTS];
	uint64_t began = clock_ns(), now = began, count_from = 0, before = 0;
	uint64_t warm_up = (uint64_t)(mover->load->warm_up * NS_PER_SECOND);
	uint64_t length = (uint64_t)(mover->load->seconds * NS_PER_SECOND);

	for (unsigned int i = 0; i < mover->flow_count; i++)
		flow_open(mover, &mover->flows[i]);
	while (!count_from || now < count_from + length) {
		int count = epoll_wait(mover->epoll, events, EVENTS, 100);

		for (int i = 0; i < count; i++)
			flow_ready(mover, events[i].data.ptr, events[i].events);
		now = clock_ns();
		if (!count_from && mover->flowing == mover->flow_count && now > began + warm_up) {
			count_from = now;
			before = mover->all;
		}
		if (!count_from && now > began + warm_up + PATIENCE)
			die("%u of %u flows never began", mover->flow_count - mover->flowing,
			    mover->flow_count);
	}
	mover->counted = mover->all - before;
	mover->counted_ns = now - count_from;
	return NULL;
}

void load_bulk(const struct load *load)
{
	struct mover *movers = calloc(load->threads, sizeof(*movers));
	double per_second = 0, all = 0;

	if (!movers)
		die_errno("memory");
	for (unsigned int i = 0; i < load->threads; i++) {
		struct mover *mover = &movers[i];

		mover->load = load;
		mover->epoll = epoll_create1(EPOLL_CLOEXEC);
		mover->serial = (uint64_t)i << 32;
		mover->flow_count = (load->at_once + i) / load->threads;
		mover->flows = calloc(mover->flow_count, sizeof(*mover->flows));
		if (!mover->flows || mover->epoll < 0 ||
		    pthread_create(&mover->thread, NULL, mover_run, mover))
			die("no thread");
	}
	for (unsigned int i = 0; i < load->threads; i++) {
		pthread_join(movers[i].thread, NULL);
		per_second +=
			(double)movers[i].counted * NS_PER_SECOND / (double)movers[i].counted_ns;
		all += (double)movers[i].all;
	}
	printf("{\"bytes_per_second\": %.0f, \"all_bytes\": %.0f}\n", per_second, all);
	free(movers);
}
