/*
 * Raw sockets for packets made elsewhere. They leave through OUTPUT, not through our forward hook.
 *
 * In the client's direction of a flow, connection tracking finds the flow and applies its address
 * translation. In the server's direction it would not: the flow's answers are addressed to us, and
 * a packet from the server's address to the client's would look like a new connection that clashes
 * with the flow. Such packets carry MARK_UNTRACKED, and the ruleset keeps them out of tracking.
 */
#include "kernel/packet_sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/mark.h"

/* system calls: sendto */

struct packet_sender {
	int sockets[2][2]; /* by sending, then IPv4, IPv6; -1 where the kernel has no IPv6 */
};

/* IPPROTO_RAW sockets send whole packets, header included, and receive nothing (raw(7)). */
static int open_raw(int family, enum packet_sending sending)
{
	const uint32_t mark = MARK_UNTRACKED;
	cleanup(close_descriptor) int descriptor =
		socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (descriptor >= 0 && sending == PACKET_SENDING_UNTRACKED &&
	    setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -1;
	return take_descriptor(descriptor);
}

static int open_all(struct packet_sender *sender)
{
	for (int sending = 0; sending < 2; sending++) {
		sender->sockets[sending][0] = open_raw(AF_INET, (enum packet_sending)sending);
		if (sender->sockets[sending][0] < 0)
			return -errno;
		sender->sockets[sending][1] = open_raw(AF_INET6, (enum packet_sending)sending);
		if (sender->sockets[sending][1] < 0 && errno != EAFNOSUPPORT)
			return -errno;
	}
	return 0;
}

struct packet_sender *packet_sender_open(void)
{
	struct packet_sender *sender = malloc(sizeof(*sender));
	int error;

	if (!sender)
		return NULL;
	*sender = (struct packet_sender){.sockets = {{-1, -1}, {-1, -1}}};
	error = open_all(sender);
	if (error < 0) {
		packet_sender_close(sender);
		errno = -error;
		return NULL;
	}
	return sender;
}

void packet_sender_close(struct packet_sender *sender)
{
	if (!sender)
		return;
	for (int i = 0; i < 4; i++)
		close_descriptor(&sender->sockets[i / 2][i % 2]);
	free(sender);
}

int packet_sender_send(struct packet_sender *sender, enum packet_sending sending,
		       const struct ip_address *destination, const uint8_t *packet, size_t length)
{
	const struct ip_endpoint endpoint = {.address = *destination};
	struct sockaddr_storage address;
	socklen_t size = ip_to_sockaddr(&endpoint, &address);
	int descriptor = sender->sockets[sending][destination->family == 6];

	if (descriptor < 0)
		return -EAFNOSUPPORT;
	if (sendto(descriptor, packet, length, 0, (struct sockaddr *)&address, size) < 0)
		return -errno;
	return 0;
}
