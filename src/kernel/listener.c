/*
 * Sockets are read without waiting, many messages at once, but a bounded number a turn of the loop,
 * so that a flood on one of them leaves the others their share.
 */
#include "kernel/listener_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* system calls: bind setsockopt getsockname recvfrom recvmsg recvmmsg sendto close */

#define MESSAGES_AT_ONCE 16
#define MESSAGES_A_TURN  64

/* The kernel had no memory for a message of ours: it may have some now. A verdict that is not sent
 * leaves its packet in the queue until the queue is closed. */
#define TRIES 8

static int set_options(struct mnl_socket *socket, int receive_buffer, bool ignore_overruns)
{
	int on = 1;

	/* Without the privilege the ordinary limit stands; overruns are counted either way. */
	(void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer,
			 sizeof(receive_buffer));
	if (ignore_overruns &&
	    mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof(on)) < 0)
		return -errno;
	return mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

int listener_open(struct listener *listener, size_t size, int receive_buffer, bool ignore_overruns)
{
	int r;

	*listener = (struct listener){.size = MNL_ALIGN(size)}; /* of a part of `batch`, too */
	listener->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!listener->socket)
		return -errno;
	listener->buffer = malloc(listener->size);
	r = listener->buffer ? set_options(listener->socket, receive_buffer, ignore_overruns)
			     : -ENOMEM;
	if (r)
		listener_close(listener);
	return r;
}

/* 1: an answer to `sequence` is among the messages; it is in *ret_result. */
static int find_answer(const char *buffer, int left, uint32_t sequence, int *ret_result)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

		if (message->nlmsg_type != NLMSG_ERROR || message->nlmsg_seq != sequence ||
		    mnl_nlmsg_get_payload_len(message) < sizeof(*answer))
			continue;
		*ret_result = answer->error;
		return 1;
	}
	return 0;
}

int listener_ask(struct listener *listener, struct nlmsghdr *message)
{
	int result = 0;
	int r;

	message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = 1;
	r = listener_send(listener, message);
	if (r)
		return r;
	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(listener->socket), listener->buffer,
				   listener->size, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0 && find_answer(listener->buffer, (int)got, 1, &result))
			return result;
	}
}

int listener_read_dump(struct listener *listener, mnl_cb_t visit, void *data)
{
	for (;;) {
		ssize_t got =
			mnl_socket_recvfrom(listener->socket, listener->buffer, listener->size);
		int r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		r = mnl_cb_run(listener->buffer, (size_t)got, 0, 0, visit, data);
		if (r <= MNL_CB_STOP)
			return r < 0 ? -errno : 0;
	}
}

int listener_send(struct listener *listener, const struct nlmsghdr *message)
{
	for (int i = 0; mnl_socket_sendto(listener->socket, message, message->nlmsg_len) < 0; i++)
		if (i == TRIES || (errno != EINTR && errno != EAGAIN && errno != ENOBUFS))
			return -errno;
	return 0;
}

static void hand_over(struct listener *listener, const char *buffer, int left)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		listener->received(listener, message);
}

/* How many messages were there; negative errno. */
static int read_batch(struct listener *listener)
{
	struct iovec parts[MESSAGES_AT_ONCE];
	struct mmsghdr messages[MESSAGES_AT_ONCE] = {0};
	int count;

	for (size_t i = 0; i < MESSAGES_AT_ONCE; i++) {
		parts[i] = (struct iovec){listener->batch + i * listener->size, listener->size};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	count = recvmmsg(listener->watch.descriptor, messages, MESSAGES_AT_ONCE, MSG_DONTWAIT,
			 NULL);
	for (int i = 0; i < count; i++)
		hand_over(listener, parts[i].iov_base, (int)messages[i].msg_len);
	return count < 0 ? -errno : count;
}

static void read_some(struct loop_watch *watch, uint32_t events)
{
	struct listener *listener = loop_owner(watch, struct listener, watch);

	(void)events;
	for (int i = 0; i < MESSAGES_A_TURN / MESSAGES_AT_ONCE; i++) {
		int got = read_batch(listener);

		if (got == -ENOBUFS)
			listener->overruns++;
		else if (got < MESSAGES_AT_ONCE && got != -EINTR)
			return; /* no more, or the loop brings us back */
	}
}

int listener_start(struct listener *listener, struct loop *loop,
		   void (*received)(struct listener *listener, const struct nlmsghdr *message))
{
	int r;

	listener->batch = malloc(MESSAGES_AT_ONCE * listener->size);
	if (!listener->batch)
		return -ENOMEM;
	listener->received = received;
	r = loop_watch_add(loop, &listener->watch, mnl_socket_get_fd(listener->socket), EPOLLIN,
			   read_some);
	if (r == 0)
		listener->loop = loop;
	return r;
}

void listener_close(struct listener *listener)
{
	if (listener->loop)
		loop_watch_remove(listener->loop, &listener->watch);
	if (listener->socket)
		mnl_socket_close(listener->socket);
	free(listener->buffer);
	free(listener->batch);
	*listener = (struct listener){0};
}
