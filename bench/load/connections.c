/*
 * New connections: each slot opens one, sends the request when the handshake is through, waits for
 * the first byte of the answer, closes, and begins again. A closed loop: `at_once` are always under
 * way, and the rate is what comes of it. Set-up time runs from connect() to that first byte.
 * One that takes longer than PATIENCE is given up and counted as failed.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "flow_client.h"
#include "histogram.h"

#define PATIENCE    (3 * NS_PER_SECOND)
#define SWEEP_EVERY (NS_PER_SECOND / 10)
#define EVENTS      256

struct slot {
	int fd; /* -1: none */
	bool greeted;
	uint64_t began;
};

struct connector {
	const struct load *load;
	pthread_t thread;
	int epoll;
	struct slot *slots;
	unsigned int slot_count;
	uint64_t serial, count_from, end;
	uint64_t all, all_failed; /* since the start, for what is divided by CPU time */
	uint64_t failed;          /* while counting */
	struct histogram times;
};

static void slot_open(struct connector *connector, struct slot *slot)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = slot};

	slot->began = clock_ns();
	slot->greeted = false;
	slot->fd = target_connect(&connector->load->target, connector->serial++);
	if (slot->fd >= 0 && epoll_ctl(connector->epoll, EPOLL_CTL_ADD, slot->fd, &event) < 0)
		die_errno("epoll_ctl");
	if (slot->fd < 0)
		slot->fd = -1; /* the sweep tries again */
}

static void slot_end(struct connector *connector, struct slot *slot, bool good, uint64_t now)
{
	bool counts = now >= connector->count_from && now < connector->end;

	if (slot->fd >= 0)
		close(slot->fd);
	if (good)
		connector->all++;
	else
		connector->all_failed++;
	if (counts && good)
		histogram_add(&connector->times, now - slot->began);
	else if (counts)
		connector->failed++;
	slot_open(connector, slot);
}

static void slot_ready(struct connector *connector, struct slot *slot, uint32_t events)
{
	char head[512];

	if (!slot->greeted && events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP))) {
		if (!target_greet(&connector->load->target, slot->fd)) {
			slot_end(connector, slot, false, clock_ns());
			return;
		}
		slot->greeted = true;
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		ssize_t got = recv(slot->fd, head, sizeof(head), 0);

		if (got > 0 || got == 0 || errno != EAGAIN)
			slot_end(connector, slot, got > 0, clock_ns());
	}
}

static void sweep(struct connector *connector, uint64_t now)
{
	for (unsigned int i = 0; i < connector->slot_count; i++)
		if (connector->slots[i].fd < 0 || now > connector->slots[i].began + PATIENCE)
			slot_end(connector, &connector->slots[i], false, now);
}

static void *connector_run(void *argument)
{
	struct connector *connector = argument;
	struct epoll_event events[EVENTS];
	uint64_t now = clock_ns(), next_sweep = now + SWEEP_EVERY;

	for (unsigned int i = 0; i < connector->slot_count; i++)
		slot_open(connector, &connector->slots[i]);
	for (; now < connector->end; now = clock_ns()) {
		int count = epoll_wait(connector->epoll, events, EVENTS, 20);

		for (int i = 0; i < count; i++)
			slot_ready(connector, events[i].data.ptr, events[i].events);
		if (now >= next_sweep) {
			sweep(connector, now);
			next_sweep = now + SWEEP_EVERY;
		}
	}
	return NULL;
}

static void connector_init(struct connector *connector, const struct load *load, unsigned int index,
			   uint64_t now)
{
	*connector = (struct connector){.load = load,
					.epoll = epoll_create1(EPOLL_CLOEXEC),
					.serial = (uint64_t)index << 32,
					.slot_count = (load->at_once + index) / load->threads};
	connector->count_from = now + (uint64_t)(load->warm_up * NS_PER_SECOND);
	connector->end = connector->count_from + (uint64_t)(load->seconds * NS_PER_SECOND);
	connector->slots = calloc(connector->slot_count, sizeof(*connector->slots));
	if (connector->epoll < 0 || !connector->slots)
		die_errno("a thread's beginning");
}

void load_connections(const struct load *load)
{
	struct connector *connectors = calloc(load->threads, sizeof(*connectors));
	struct connector total = {.all = 0};

	if (!connectors)
		die_errno("memory");
	for (unsigned int i = 0; i < load->threads; i++) {
		connector_init(&connectors[i], load, i, clock_ns());
		if (pthread_create(&connectors[i].thread, NULL, connector_run, &connectors[i]))
			die("no thread");
	}
	for (unsigned int i = 0; i < load->threads; i++) {
		pthread_join(connectors[i].thread, NULL);
		total.all += connectors[i].all;
		total.all_failed += connectors[i].all_failed;
		total.failed += connectors[i].failed;
		histogram_merge(&total.times, &connectors[i].times);
	}
	printf("{\"per_second\": %.1f, \"failed\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, "
	       "\"longest_us\": %.1f, \"all\": %llu, \"all_failed\": %llu}\n",
	       (double)total.times.total / load->seconds, (unsigned long long)total.failed,
	       histogram_quantile_us(&total.times, 0.5), histogram_quantile_us(&total.times, 0.99),
	       (double)total.times.longest_ns / 1000, (unsigned long long)total.all,
	       (unsigned long long)total.all_failed);
	free(connectors); /* the slots' connections end with the process */
}
