/*
 * NFLOG by libmnl: one message a packet (queue threshold 1), numbered by the kernel, so that a gap
 * tells how many were lost.
 */
#include "kernel/packet_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/listener_impl.h"

#define COPY_BYTES     0xffff          /* whole packets: a cut one does not parse */
#define MESSAGE_MAX    (0xffff + 4096) /* with the attributes around it */
#define RECEIVE_BUFFER (8 << 20)
#define REQUEST_SIZE   256

struct packet_log {
	struct listener listener;
	uint32_t next_sequence;
	uint64_t lost;
	void (*received)(void *context, const struct packet_log_entry *entry);
	void *context;
};

static int check_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;

	if (mnl_attr_type_valid(attribute, NFULA_MAX) > 0)
		table[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void count_gap(struct packet_log *log, const struct nlattr *sequence)
{
	uint32_t number;

	if (!sequence || mnl_attr_validate(sequence, MNL_TYPE_U32) < 0)
		return;
	number = ntohl(mnl_attr_get_u32(sequence));
	log->lost += number - log->next_sequence;
	log->next_sequence = number + 1;
}

static void received(struct listener *listener, const struct nlmsghdr *message)
{
	struct packet_log *log = loop_owner(listener, struct packet_log, listener);
	const struct nlattr *table[NFULA_MAX + 1] = {NULL};
	struct packet_log_entry entry = {.prefix = ""};

	if (message->nlmsg_type != ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET) ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), check_attribute, table) < 0)
		return;
	count_gap(log, table[NFULA_SEQ]);
	if (!table[NFULA_PAYLOAD])
		return;
	if (table[NFULA_PREFIX] && mnl_attr_validate(table[NFULA_PREFIX], MNL_TYPE_NUL_STRING) >= 0)
		entry.prefix = mnl_attr_get_str(table[NFULA_PREFIX]);
	entry.bytes = mnl_attr_get_payload(table[NFULA_PAYLOAD]);
	entry.length = mnl_attr_get_payload_len(table[NFULA_PAYLOAD]);
	if (entry.length > COPY_BYTES)
		entry.length = COPY_BYTES; /* came before our copy range was set */
	log->received(log->context, &entry);
}

static int bind_group(struct packet_log *log, uint16_t group)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0}; /* padding too */
	struct nfulnl_msg_config_cmd command = {.command = NFULNL_CFG_CMD_BIND};
	struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPY_BYTES),
					      .copy_mode = NFULNL_COPY_PACKET};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	header->nfgen_family = AF_UNSPEC;
	header->res_id = htons(group);
	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(command), &command);
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return listener_ask(&log->listener, message);
}

struct packet_log *packet_log_open(struct loop *loop, uint16_t group,
				   void (*function)(void *context,
						    const struct packet_log_entry *entry),
				   void *context)
{
	struct packet_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return NULL;
	log->received = function;
	log->context = context;
	r = listener_open(&log->listener, MESSAGE_MAX, RECEIVE_BUFFER, true);
	if (r == 0)
		r = bind_group(log, group);
	if (r == 0)
		r = listener_start(&log->listener, loop, received);
	if (r) {
		packet_log_close(log);
		errno = -r;
		return NULL;
	}
	return log;
}

void packet_log_close(struct packet_log *log)
{
	if (!log)
		return;
	listener_close(&log->listener);
	free(log);
}

uint64_t packet_log_lost(const struct packet_log *log)
{
	return log->lost;
}
