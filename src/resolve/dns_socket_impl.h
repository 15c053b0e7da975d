/* Sockets for the DNS proxy: options, where a datagram was sent to, and answering from there. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/ip.h"

/* `type`: SOCK_DGRAM, or SOCK_STREAM (listening). Returns the descriptor or negative errno. */
int dns_socket_open(const struct ip_endpoint *endpoint, int type, bool transparent);

struct dns_datagram {
	struct ip_endpoint source;
	struct ip_endpoint destination; /* as the client wrote it; port 0: the socket's own */
	unsigned int interface;         /* it came in by; 0: unknown */
	bool cut;                       /* longer than the buffer */
};

#define DNS_BATCH 64 /* datagrams a system call */

/* Room for the datagrams that one call receives. */
struct dns_inbox;
struct dns_inbox *dns_inbox_new(size_t message_size); /* NULL: out of memory */
void dns_inbox_free(struct dns_inbox *inbox);
/* How many there were, at most DNS_BATCH, or negative errno. */
int dns_inbox_fill(struct dns_inbox *inbox, int descriptor);
/* The one at `index`; valid until the next fill. False: not from an IP address. */
bool dns_inbox_read(struct dns_inbox *inbox, int index, const uint8_t **ret_message,
		    size_t *ret_length, struct dns_datagram *ret_datagram);

/* Answers that wait to be sent together, each from the address that the query was sent to. */
struct dns_outbox;
struct dns_outbox *dns_outbox_new(size_t message_size); /* NULL: out of memory */
void dns_outbox_free(struct dns_outbox *outbox);
/* Copies the message. False: DNS_BATCH wait already. */
bool dns_outbox_add(struct dns_outbox *outbox, const struct dns_datagram *answered,
		    const void *message, size_t length);
/* Sends and empties it; returns how many could not be sent. */
unsigned int dns_outbox_send(struct dns_outbox *outbox, int descriptor);

/* Answers from another port than the socket's, which only a socket of its own can: one is opened
   for this datagram (IP_TRANSPARENT) and closed. */
int dns_socket_send_from(const struct dns_datagram *answered, const void *message, size_t length);
