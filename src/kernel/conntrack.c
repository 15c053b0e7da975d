/*
 * Connection tracking over netlink. Ends of flows come as multicast events; their byte counts and
 * times are there when nf_conntrack_acct and nf_conntrack_timestamp were on as the flow began
 * (host_sysctl_prepare()). The kernel sends events only for flows that began while somebody
 * listened, so the gateway opens this before it admits anything.
 *
 * The walk is a dump of the whole table; marks are compared here, since the kernel's filter can
 * only ask for one value of masked bits.
 */
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "kernel/conntrack_message_impl.h"
#include "kernel/listener_impl.h"

#define MESSAGE_MAX    65536
#define RECEIVE_BUFFER (16 << 20)
#define REQUEST_SIZE   512

struct conntrack_events {
	struct listener listener;
	void (*ended)(void *context, const struct conntrack_flow *flow);
	void *context;
};

static uint64_t now_ns(void)
{
	return clock_wall_ms() * 1000000;
}

static void event_received(struct listener *listener, const struct nlmsghdr *message)
{
	struct conntrack_events *events = loop_owner(listener, struct conntrack_events, listener);
	struct conntrack_flow flow;

	if (message->nlmsg_type == ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE) &&
	    conntrack_message_parse(message, now_ns(), &flow))
		events->ended(events->context, &flow);
}

static int join_group(struct listener *listener)
{
	int group = NFNLGRP_CONNTRACK_DESTROY;

	return mnl_socket_setsockopt(listener->socket, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) < 0
		       ? -errno
		       : 0;
}

struct conntrack_events *conntrack_events_open(struct loop *loop,
					       void (*ended)(void *context,
							     const struct conntrack_flow *flow),
					       void *context)
{
	struct conntrack_events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return NULL;
	events->ended = ended;
	events->context = context;
	r = listener_open(&events->listener, MESSAGE_MAX, RECEIVE_BUFFER, false);
	if (r == 0)
		r = join_group(&events->listener);
	if (r == 0)
		r = listener_start(&events->listener, loop, event_received);
	if (r) {
		conntrack_events_close(events);
		errno = -r;
		return NULL;
	}
	return events;
}

void conntrack_events_close(struct conntrack_events *events)
{
	if (!events)
		return;
	listener_close(&events->listener);
	free(events);
}

uint64_t conntrack_events_lost(const struct conntrack_events *events)
{
	return events->listener.overruns;
}

static struct nlmsghdr *make_request(char *buffer, uint16_t type, uint8_t family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST;
	header->nfgen_family = family;
	header->version = NFNETLINK_V0;
	return message;
}

struct walk {
	void (*visit)(void *context, const struct conntrack_flow *flow);
	void *context;
	uint64_t now_ns;
};

static int visit_message(const struct nlmsghdr *message, void *data)
{
	const struct walk *walk = data;
	struct conntrack_flow flow;

	if (conntrack_message_parse(message, walk->now_ns, &flow))
		walk->visit(walk->context, &flow);
	return MNL_CB_OK;
}

int conntrack_walk(void (*visit)(void *context, const struct conntrack_flow *flow), void *context)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = make_request(buffer, IPCTNL_MSG_CT_GET, AF_UNSPEC);
	struct walk walk = {visit, context, now_ns()};
	struct listener listener;
	int r = listener_open(&listener, MESSAGE_MAX, RECEIVE_BUFFER, false);

	if (r)
		return r;
	message->nlmsg_flags |= NLM_F_DUMP;
	r = listener_send(&listener, message);
	if (r == 0)
		r = listener_read_dump(&listener, visit_message, &walk);
	listener_close(&listener);
	return r;
}

static void copy_flow(void *context, const struct conntrack_flow *flow)
{
	*(struct conntrack_flow *)context = *flow;
}

int conntrack_find(const struct conntrack_flow *tuple, struct conntrack_flow *ret_flow)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = make_request(
		buffer, IPCTNL_MSG_CT_GET, tuple->source.address.family == 4 ? AF_INET : AF_INET6);
	struct conntrack_flow found = {0};
	struct walk walk = {copy_flow, &found, now_ns()};
	struct listener listener;
	int r = listener_open(&listener, MESSAGE_MAX, RECEIVE_BUFFER, false);

	if (r)
		return r;
	conntrack_message_put_tuple(message, tuple);
	message->nlmsg_flags |= NLM_F_ACK;
	r = listener_send(&listener, message);
	if (r == 0)
		r = listener_read_dump(&listener, visit_message, &walk);
	listener_close(&listener);
	if (r == 0 && found.mark == 0)
		r = -ENOENT;
	if (r == 0)
		*ret_flow = found;
	return r;
}

int conntrack_set_mark(const struct conntrack_flow *flow, uint32_t mark)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = make_request(
		buffer, IPCTNL_MSG_CT_NEW, flow->source.address.family == 4 ? AF_INET : AF_INET6);
	struct listener listener;
	int r = listener_open(&listener, MESSAGE_MAX, RECEIVE_BUFFER, false);

	if (r)
		return r;
	conntrack_message_put_tuple(message, flow);
	mnl_attr_put_u32(message, CTA_MARK, htonl(mark));
	r = listener_ask(&listener, message);
	listener_close(&listener);
	return r;
}
