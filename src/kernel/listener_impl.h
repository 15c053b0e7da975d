/*
 * A netfilter netlink socket in an event loop: requests with acknowledgement while it is being set
 * up, afterwards every message to one function.
 */
#pragma once

#include <libmnl/libmnl.h>

#include "loop/loop.h"

struct listener {
	struct loop *loop;
	struct mnl_socket *socket;
	struct loop_watch watch;
	char *buffer; /* for one message, of an answer */
	char *batch;  /* for those that are read in the loop */
	size_t size;
	uint64_t overruns; /* times the socket had no room; stays 0 with `ignore_overruns` */
	void (*received)(struct listener *listener, const struct nlmsghdr *message);
};

/* `size`: of the longest message. `receive_buffer`: bytes the kernel may hold for us. Negative
 * errno; nothing to close then. */
int listener_open(struct listener *listener, size_t size, int receive_buffer, bool ignore_overruns);
/* Sends and waits for the answer; other messages that come first are dropped. Negative errno. */
int listener_ask(struct listener *listener, struct nlmsghdr *message);
/* Reads to the end of a dump, or to the acknowledgement. Negative errno; -EINTR: what is dumped
 * changed meanwhile. */
int listener_read_dump(struct listener *listener, mnl_cb_t visit, void *data);
/* Without waiting for an answer. */
int listener_send(struct listener *listener, const struct nlmsghdr *message);
/* From now on messages are read in the loop. */
int listener_start(struct listener *listener, struct loop *loop,
		   void (*received)(struct listener *listener, const struct nlmsghdr *message));
void listener_close(struct listener *listener);
