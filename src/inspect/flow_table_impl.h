/*
 * The flows of one inspector: a fixed pool, found by their four-tuple, with the packets that each
 * holds. One thread.
 */
#pragma once

#include "inspect/datagrams_impl.h"
#include "inspect/quic_flow_impl.h"
#include "inspect/vouch_impl.h"
#include "resolve/resolver.h"

#define HELD_PER_FLOW_MAX 1024 /* a hello in one-byte segments is 517 packets or more */

struct held_packet {
	uint32_t id;  /* of the queue */
	uint32_t end; /* stream offset behind its payload */
	struct held_packet *next;
};

struct inspected {
	struct flow flow;
	enum packet_transport transport; /* PACKET_UDP: QUIC */
	struct ip_endpoint client, server;
	uint32_t initial_sequence; /* of the first byte after the SYN */
	uint32_t acknowledgement;  /* the client's latest: a reset to the server repeats it */
	uint64_t first_ms, last_ms;
	struct held_packet *held, **held_tail;
	uint32_t held_count;
	uint64_t held_ms; /* when `held` was last empty before */
	uint32_t sent;    /* stream offset behind the last packet let go */
	struct vouching vouching;
	struct quic_origins origins;    /* of QUIC, */
	struct datagram_list datagrams; /* and what waits besides `held` */
	bool confirmed; /* a packet was let go: the connection is in CONFIRM, or, of QUIC, INSPECTED
			 */
	uint32_t number; /* admission number, once released */
	struct resolver_lookup lookup;
	bool looking_up;
	struct name sought; /* while looking up: the hello's name */
	struct inspector *inspector;
	/* private to the table */
	struct inspected *chain;
	struct inspected *older, *newer; /* by last_ms */
	bool used;
};

/* Holds packets for a verdict that is to come. */
static inline bool inspected_waits(const struct inspected *inspected)
{
	return inspected->held_count > 0 || inspected->datagrams.count > 0;
}

struct flow_table;

struct flow_table *flow_table_new(size_t capacity, size_t held_capacity); /* NULL: no memory */
void flow_table_free(struct flow_table *table);

struct inspected *flow_table_find(struct flow_table *table, enum packet_transport transport,
				  const struct ip_endpoint *client,
				  const struct ip_endpoint *server);
/* A new flow; when the pool is empty the longest idle flow in CONFIRM that holds no packet makes
 * room. NULL: full. */
struct inspected *flow_table_add(struct flow_table *table, enum packet_transport transport,
				 const struct ip_endpoint *client, const struct ip_endpoint *server,
				 uint64_t now_ms);
void flow_table_touch(struct flow_table *table, struct inspected *inspected, uint64_t now_ms);
/* The flow must hold no packets and no lookup. */
void flow_table_remove(struct flow_table *table, struct inspected *inspected);
struct inspected *
flow_table_oldest(const struct flow_table *table); /* longest idle; then ->newer */

/* False: the flow or the pool holds too many packets. `now_ms` counts for the first one. */
bool flow_table_hold(struct flow_table *table, struct inspected *inspected, uint32_t id,
		     uint32_t end, uint64_t now_ms);
/* Takes the first held packet whose end is at most `approved` out; false: none. */
bool flow_table_let_go(struct flow_table *table, struct inspected *inspected, uint32_t approved,
		       uint32_t *ret_id, uint32_t *ret_end);

size_t flow_table_count(const struct flow_table *table);
size_t flow_table_capacity(const struct flow_table *table);
