/* Connection-tracking messages (linux/netfilter/nfnetlink_conntrack.h) from and to flows. */
#pragma once

#include <libmnl/libmnl.h>

#include "kernel/conntrack.h"

/* False: not a flow of zone 0 with both tuples and a mark of ours. `now_ns`: for flows that go on.
 */
bool conntrack_message_parse(const struct nlmsghdr *message, uint64_t now_ns,
			     struct conntrack_flow *ret_flow);
/* Adds the original tuple to a request. */
void conntrack_message_put_tuple(struct nlmsghdr *message, const struct conntrack_flow *flow);
