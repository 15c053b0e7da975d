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

/* Like recv(): the length or negative errno. */
ssize_t dns_socket_receive(int descriptor, void *buffer, size_t size,
			   struct dns_datagram *ret_datagram);

/* Answers a datagram: from the address it was sent to. Negative errno. */
int dns_socket_send(int descriptor, const struct dns_datagram *answered, const void *message,
		    size_t length);

/* Answers from another port than the socket's, which only a socket of its own can: one is opened
   for this datagram (IP_TRANSPARENT) and closed. */
int dns_socket_send_from(const struct dns_datagram *answered, const void *message, size_t length);
