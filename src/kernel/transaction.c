/*
 * The kernel works through a batch inside sendmsg() and has queued its answers when that returns,
 * so they are read without waiting. Only the last message asks for an acknowledgement; it comes
 * whether or not the batch was taken, so any complaint beside it counts. No acknowledgement and no
 * complaint would mean that we do not know what happened: -EPROTO. Nor do we when the kernel had no
 * room for an answer: -ENOBUFS, and what it still had to say about that batch is no answer to the
 * next one.
 */
#include "kernel/transaction_impl.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <time.h>

#include <libnftnl/common.h>

#include "base/assertion.h"
#include "base/cleanup.h"

/* system calls: bind setsockopt getsockname sendmsg sendto recvfrom recvmsg close */

#define FRAME_SIZE     64 /* begin or end */
#define ANSWER_SIZE    8192
#define RECEIVE_BUFFER (4 << 20) /* a complaint for every message of the longest batch */

struct transaction {
	struct mnl_socket *socket;
	uint32_t first, sequence; /* of the batch's begin, and of the message last written */
	struct nlmsghdr *last;
	size_t length, capacity;
	char *buffer;
};

static void close_socket(struct mnl_socket *socket)
{
	mnl_socket_close(socket);
}
DEFINE_CLEANUP(close_socket_variable, struct mnl_socket *, close_socket);

static void make_roomy(struct mnl_socket *socket, size_t send)
{
	int descriptor = mnl_socket_get_fd(socket);
	int receive_size = RECEIVE_BUFFER;
	int send_size = (int)send * 2;
	int on = 1;

	/* Refused without CAP_NET_ADMIN, and then so are our transactions. */
	(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &receive_size,
			 sizeof(receive_size));
	(void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &send_size, sizeof(send_size));
	(void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
}

struct transaction *transaction_open(size_t messages)
{
	cleanup(free_memory) struct transaction *transaction = calloc(1, sizeof(*transaction));
	cleanup(close_socket_variable) struct mnl_socket *socket = NULL;

	if (!transaction)
		return NULL;
	socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return NULL;
	transaction->capacity = messages * TRANSACTION_MESSAGE_MAX + 2 * (size_t)FRAME_SIZE;
	/* Cleared: libnftnl leaves the padding of attributes as it was, and the kernel gets it. */
	transaction->buffer = calloc(1, transaction->capacity);
	if (!transaction->buffer)
		return NULL;
	make_roomy(socket, transaction->capacity);
	transaction->sequence = (uint32_t)time(NULL);
	transaction->socket = take_pointer(socket);
	return take_pointer(transaction);
}

void transaction_close(struct transaction *transaction)
{
	if (!transaction)
		return;
	mnl_socket_close(transaction->socket);
	free(transaction->buffer);
	free(transaction);
}

void transaction_begin(struct transaction *transaction)
{
	const struct nlmsghdr *begin;

	transaction->first = ++transaction->sequence;
	begin = nftnl_batch_begin(transaction->buffer, transaction->first);
	transaction->length = MNL_ALIGN(begin->nlmsg_len);
	transaction->last = NULL;
}

struct nlmsghdr *transaction_message(struct transaction *transaction, uint16_t type, uint16_t flags)
{
	invariant(transaction->length + TRANSACTION_MESSAGE_MAX + FRAME_SIZE <=
		  transaction->capacity);
	return nftnl_nlmsg_build_hdr(transaction->buffer + transaction->length, type, NFPROTO_INET,
				     flags, ++transaction->sequence);
}

void transaction_message_end(struct transaction *transaction, const struct nlmsghdr *message)
{
	invariant(message->nlmsg_len <= TRANSACTION_MESSAGE_MAX);
	transaction->last = (struct nlmsghdr *)(void *)(transaction->buffer + transaction->length);
	invariant(transaction->last == message);
	transaction->length += MNL_ALIGN(message->nlmsg_len);
}

/* What one answer says about the batch: whether its last message was worked through, or why not. */
static void read_answer(const struct transaction *transaction, const struct nlmsghdr *answer,
			int *error, bool *seen_last)
{
	const struct nlmsgerr *complaint = mnl_nlmsg_get_payload(answer);

	if (answer->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(answer) < sizeof(*complaint) ||
	    answer->nlmsg_seq - transaction->first > transaction->sequence - transaction->first)
		return;
	if (complaint->error && !*error)
		*error = complaint->error;
	if (answer->nlmsg_seq == transaction->last->nlmsg_seq)
		*seen_last = true;
}

static int read_answers(struct transaction *transaction)
{
	char buffer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	int descriptor = mnl_socket_get_fd(transaction->socket);
	bool seen_last = false, lost = false;
	int error = 0;

	for (;;) {
		ssize_t got = recv(descriptor, buffer, sizeof(buffer), MSG_DONTWAIT);
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got < 0 && errno == ENOBUFS) {
			lost = true;
			continue;
		}
		if (got < 0)
			return -errno;
		const struct nlmsghdr *answer = (const struct nlmsghdr *)(const void *)buffer;
		for (; mnl_nlmsg_ok(answer, left); answer = mnl_nlmsg_next(answer, &left))
			read_answer(transaction, answer, &error, &seen_last);
	}
	return error ? error : lost ? -ENOBUFS : seen_last ? 0 : -EPROTO;
}

int transaction_commit(struct transaction *transaction)
{
	const struct nlmsghdr *end;

	invariant(transaction->last);
	transaction->last->nlmsg_flags |= NLM_F_ACK;
	end = nftnl_batch_end(transaction->buffer + transaction->length, ++transaction->sequence);
	transaction->length += MNL_ALIGN(end->nlmsg_len);
	if (mnl_socket_sendto(transaction->socket, transaction->buffer, transaction->length) < 0)
		return -errno;
	return read_answers(transaction);
}
