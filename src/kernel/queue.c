/*
 * NFQUEUE by libmnl. The queue is bound first, with a copy mode that lets no packet through to us
 * yet; only its last setting, the copying of whole packets, starts it. Fail-open stays off: a
 * packet that finds the queue or the socket full is dropped, and its sender sends it again.
 *
 * Without NFQA_CFG_F_GSO the kernel takes apart what the offload of segmentation had put together,
 * and each segment or datagram comes to us, and goes on, as a packet of its own.
 *
 * With NETLINK_NO_ENOBUFS the socket does not stop after an overrun. The kernel counts what it
 * dropped, for lack of room in the queue or in the socket, and tells in
 * /proc/net/netfilter/nfnetlink_queue; the file is opened at once, while we may.
 */
#include "kernel/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

#include "base/cleanup.h"
#include "kernel/listener_impl.h"
#include "kernel/mark.h"

/* system calls: openat read close recvfrom sendto */

#define PACKET_MAX     0xffff
#define MESSAGE_MAX    (PACKET_MAX + 4096) /* with the attributes around it */
#define RECEIVE_BUFFER (32 << 20)
#define REQUEST_SIZE   256

struct queue {
	struct listener listener;
	uint16_t number;
	int statistics; /* descriptor of the /proc file */
	uint64_t packets;
	void (*received)(void *context, const struct queue_packet *packet);
	void *context;
};

static int check_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;

	if (mnl_attr_type_valid(attribute, NFQA_MAX) > 0)
		table[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void received(struct listener *listener, const struct nlmsghdr *message)
{
	struct queue *queue = loop_owner(listener, struct queue, listener);
	const struct nlattr *table[NFQA_MAX + 1] = {NULL};
	const struct nlattr *header, *payload;
	struct queue_packet packet = {0};

	if (message->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET) ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), check_attribute, table) < 0)
		return;
	header = table[NFQA_PACKET_HDR];
	payload = table[NFQA_PAYLOAD];
	if (!header || mnl_attr_get_payload_len(header) < sizeof(struct nfqnl_msg_packet_hdr))
		return;
	packet.id = ntohl(((struct nfqnl_msg_packet_hdr *)mnl_attr_get_payload(header))->packet_id);
	if (table[NFQA_MARK])
		packet.mark = ntohl(mnl_attr_get_u32(table[NFQA_MARK]));
	packet.first_sequence = mark_to_sequence(packet.mark);
	if (payload) {
		packet.bytes = mnl_attr_get_payload(payload);
		packet.length = mnl_attr_get_payload_len(payload);
	}
	packet.truncated = !payload || table[NFQA_CAP_LEN];
	queue->packets++;
	queue->received(queue->context, &packet);
}

static int bind_queue(struct queue *queue, uint32_t capacity)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, queue->number);
	int r;

	nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	r = listener_ask(&queue->listener, message);
	if (r)
		return r;
	message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, queue->number);
	nfq_nlmsg_cfg_put_qmaxlen(message, capacity);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(0));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return listener_ask(&queue->listener, message);
}

static int start_copying(struct queue *queue)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, queue->number);

	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, PACKET_MAX);
	return listener_send(&queue->listener, message);
}

static int open_parts(struct queue *queue, struct loop *loop, uint32_t capacity)
{
	int r = listener_open(&queue->listener, MESSAGE_MAX, RECEIVE_BUFFER, true);

	if (r)
		return r;
	r = bind_queue(queue, capacity);
	if (r)
		return r;
	queue->statistics =
		open("/proc/thread-self/net/netfilter/nfnetlink_queue", O_RDONLY | O_CLOEXEC);
	if (queue->statistics < 0)
		return -errno;
	r = listener_start(&queue->listener, loop, received);
	return r ? r : start_copying(queue);
}

struct queue *queue_open(struct loop *loop, uint16_t number, uint32_t capacity,
			 void (*function)(void *context, const struct queue_packet *packet),
			 void *context)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int r;

	if (!queue)
		return NULL;
	queue->number = number;
	queue->statistics = -1;
	queue->received = function;
	queue->context = context;
	r = open_parts(queue, loop, capacity);
	if (r) {
		queue_close(queue);
		errno = -r;
		return NULL;
	}
	return queue;
}

/* Packets that still wait for a verdict are dropped by the kernel. */
void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	listener_close(&queue->listener);
	if (queue->statistics >= 0)
		close(queue->statistics);
	free(queue);
}

static int send_verdict(struct queue *queue, uint32_t id, int verdict, uint32_t mark)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_VERDICT, queue->number);

	nfq_nlmsg_verdict_put(message, (int)id, verdict);
	nfq_nlmsg_verdict_put_mark(message, mark);
	return listener_send(&queue->listener, message);
}

int queue_accept(struct queue *queue, uint32_t id, uint32_t mark)
{
	return send_verdict(queue, id, NF_ACCEPT, mark);
}

int queue_drop(struct queue *queue, uint32_t id)
{
	return send_verdict(queue, id, NF_DROP, 0);
}

/* A line a queue: number, reader's port, waiting, copy mode, copy range, dropped by the queue,
 * dropped by the socket, … (nfnetlink_queue.c, seq_show()). */
static uint64_t parse_lost(const char *text, unsigned int number)
{
	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		unsigned int found, by_queue, by_socket;

		/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers fit */
		if (sscanf(text, "%u %*u %*u %*u %*u %u %u", &found, &by_queue, &by_socket) == 3 &&
		    found == number)
			return (uint64_t)by_queue + by_socket;
	}
	return 0;
}

struct queue_figures queue_figures(const struct queue *queue)
{
	struct queue_figures figures = {.packets = queue->packets};
	char text[16384];
	size_t length = 0;
	ssize_t got;

	while (length < sizeof(text) - 1 &&
	       (got = pread(queue->statistics, text + length, sizeof(text) - 1 - length,
			    (off_t)length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	figures.lost = parse_lost(text, queue->number);
	return figures;
}
