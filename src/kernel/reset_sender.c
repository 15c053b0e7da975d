/*
 * Raw sockets for packets made elsewhere. They leave through OUTPUT, not through our forward hook;
 * connection tracking finds the flow they belong to and applies its address translation.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/queue.h"

struct reset_sender {
	int v4, v6; /* v6: -1 where the kernel has no IPv6 */
};

/* IPPROTO_RAW sockets send whole packets, header included, and receive nothing (raw(7)). */
static int open_raw(int family)
{
	return socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

struct reset_sender *reset_sender_open(void)
{
	cleanup(free_memory) struct reset_sender *sender = calloc(1, sizeof(*sender));

	if (!sender)
		return NULL;
	sender->v4 = open_raw(AF_INET);
	if (sender->v4 < 0)
		return NULL;
	sender->v6 = open_raw(AF_INET6);
	if (sender->v6 < 0 && errno != EAFNOSUPPORT) {
		int error = errno;

		close(sender->v4);
		errno = error;
		return NULL;
	}
	return take_pointer(sender);
}

void reset_sender_close(struct reset_sender *sender)
{
	if (!sender)
		return;
	close(sender->v4);
	if (sender->v6 >= 0)
		close(sender->v6);
	free(sender);
}

int reset_sender_send(struct reset_sender *sender, const struct ip_address *destination,
		      const uint8_t *packet, size_t length)
{
	const struct ip_endpoint endpoint = {.address = *destination};
	struct sockaddr_storage address;
	socklen_t size = ip_to_sockaddr(&endpoint, &address);
	int descriptor = destination->family == 4 ? sender->v4 : sender->v6;

	if (descriptor < 0)
		return -EAFNOSUPPORT;
	if (sendto(descriptor, packet, length, 0, (struct sockaddr *)&address, size) < 0)
		return -errno;
	return 0;
}
