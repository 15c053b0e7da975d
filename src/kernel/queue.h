/*
 * NFQUEUE: packets held for a verdict. The queue rule is nftables' own `queue` where the kernel has
 * it, else the xt NFQUEUE target through nft_compat; one function hides it. Never the bypass flag:
 * no listener means drop.
 */
#pragma once

#include "base/ip.h"
#include "loop/loop.h"

/* Puts the one rule into chain RULESET_QUEUE_CHAIN: queues first … first+count-1, spread by
 * addresses. */
int queue_rule_install(uint16_t first, uint16_t count);

struct queue;

struct queue_packet {
	uint32_t id;             /* for the verdict */
	uint32_t first_sequence; /* TCP: of the client's stream, from the packet's mark (mark.h); 0:
				    unknown */
	uint32_t mark;           /* UDP: the connection's mark */
	const uint8_t *bytes;    /* from the IP header; valid during the callback */
	size_t length;
	bool truncated; /* the copy is not whole */
};

/* Binds `number` in this thread's loop. Packet callbacks must end in queue_verdict() now or later.
   They must not close the queue. NULL: errno (EPERM: another process has the queue). */
struct queue *queue_open(struct loop *loop, uint16_t number, uint32_t capacity,
			 void (*function)(void *context, const struct queue_packet *packet),
			 void *context);
void queue_close(struct queue *queue);

/* `mark`: the packet's mark from now on, for the chains behind the queue; 0: nothing to tell them.
   The one it came with never reaches them: its bits are a client's sequence number. Negative
   errno. */
int queue_accept(struct queue *queue, uint32_t id, uint32_t mark);
int queue_drop(struct queue *queue, uint32_t id);

struct queue_figures {
	uint64_t packets;
	uint64_t lost; /* packets dropped because the queue or our socket was full */
};
/* Reads a file of /proc: not for every packet. */
struct queue_figures queue_figures(const struct queue *queue);
