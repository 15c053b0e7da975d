/*
 * Copies of datagrams that wait for a verdict: a fixed pool for all flows of one inspector. One
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/packet/packet.h"

struct datagram {
	struct datagram *next;
	uint32_t end; /* how far it reaches into the flow's stream */
	size_t length;
	uint8_t payload[PACKET_DATAGRAM_PAYLOAD_MAX];
};

/* Those of one flow, oldest first. Zeroed: none. */
struct datagram_list {
	struct datagram *first, *last;
	size_t count;
};

struct datagrams;

struct datagrams *datagrams_new(size_t capacity); /* NULL: no memory */
void datagrams_free(struct datagrams *datagrams);

/* False: longer than a copy may be, or the list (DATAGRAMS_PER_FLOW) or the pool is full. */
#define DATAGRAMS_PER_FLOW 64
bool datagrams_add(struct datagrams *datagrams, struct datagram_list *list, uint32_t end,
		   const uint8_t *payload, size_t length);
/* The oldest whose end is at most `approved`, taken out of the list; NULL: none. It must be given
 * back. */
struct datagram *datagrams_take(struct datagram_list *list, uint32_t approved);
void datagrams_give_back(struct datagrams *datagrams, struct datagram *datagram);
void datagrams_drop_all(struct datagrams *datagrams, struct datagram_list *list);
