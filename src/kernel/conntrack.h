/* The kernel's connection table: ends of flows as events, a walk over all of it, and changes of
 * marks. */
#pragma once

#include "base/ip.h"
#include "loop/loop.h"

/* How long a closed TCP connection is kept (host_sysctl_prepare() sets it; the kernel's default is
   120 s): soon enough for its line about the end, and fewer connections to remember. */
#define CONNTRACK_TIME_WAIT_S 10

struct conntrack_flow {
	uint8_t protocol;                       /* IP protocol number */
	struct ip_endpoint source, destination; /* original direction; ports 0 for ICMP */
	struct ip_endpoint reply_source, reply_destination;
	uint16_t icmp_id; /* ICMP: original direction, for conntrack_set_mark() */
	uint8_t icmp_type, icmp_code;
	uint32_t mark;
	uint64_t bytes_out, bytes_in; /* original, reply; 0 without accounting */
	uint64_t duration_ms;         /* 0 without timestamps */
};

struct conntrack_events;

/* Calls `ended` for every destroyed flow that carries one of our marks and began while a listener
 * was there. `ended` must not close the events. NULL: errno. */
struct conntrack_events *conntrack_events_open(struct loop *loop,
					       void (*ended)(void *context,
							     const struct conntrack_flow *flow),
					       void *context);
void conntrack_events_close(struct conntrack_events *events);
/* How many times events were lost for lack of room (not how many events). */
uint64_t conntrack_events_lost(const struct conntrack_events *events);

/* Walks the table (both families), flows with a mark of ours only. Blocks; not for workers'
 * threads. */
int conntrack_walk(void (*visit)(void *context, const struct conntrack_flow *flow), void *context);
/* The flow with this protocol, source and destination, if it carries a mark of ours. -ENOENT. */
int conntrack_find(const struct conntrack_flow *tuple, struct conntrack_flow *ret_flow);
/* Sets the mark of a flow that still exists. -ENOENT. */
int conntrack_set_mark(const struct conntrack_flow *flow, uint32_t mark);
