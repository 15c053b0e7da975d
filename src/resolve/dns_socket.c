/*
 * A client drops an answer that does not come from the address it asked. So every datagram's
 * destination is taken from its control messages, and the answer names it as its source; on a
 * transparent socket that may be an address of somebody else, for queries that the kernel
 * redirected here (see ip(7), ipv6(7) and the kernel's Documentation/networking/tproxy.rst).
 */
#include "resolve/dns_socket_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assertion.h"
#include "base/cleanup.h"

/* system calls: recvmmsg sendmmsg sendto bind setsockopt close */

#define BACKLOG 128

union control_room {
	struct cmsghdr align;
	char bytes[256];
};

static int switch_on(int descriptor, int level, int option)
{
	int one = 1;

	return setsockopt(descriptor, level, option, &one, sizeof(one)) < 0 ? -errno : 0;
}

static int set_transparent(int descriptor, uint8_t family)
{
	return family == 4 ? switch_on(descriptor, IPPROTO_IP, IP_TRANSPARENT)
			   : switch_on(descriptor, IPPROTO_IPV6, IPV6_TRANSPARENT);
}

static int want_destinations(int descriptor, uint8_t family, bool transparent)
{
	int error = family == 4 ? switch_on(descriptor, IPPROTO_IP, IP_PKTINFO)
				: switch_on(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO);

	if (error < 0 || !transparent)
		return error;
	return family == 4 ? switch_on(descriptor, IPPROTO_IP, IP_RECVORIGDSTADDR)
			   : switch_on(descriptor, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR);
}

static int set_options(int descriptor, uint8_t family, int type, bool transparent)
{
	int error = switch_on(descriptor, SOL_SOCKET, SO_REUSEPORT);

	if (error == 0 && type == SOCK_STREAM)
		error = switch_on(descriptor, SOL_SOCKET, SO_REUSEADDR);
	if (error == 0 && family == 6)
		error = switch_on(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
	if (error == 0 && transparent)
		error = set_transparent(descriptor, family);
	if (error == 0 && type == SOCK_DGRAM)
		error = want_destinations(descriptor, family, transparent);
	return error;
}

int dns_socket_open(const struct ip_endpoint *endpoint, int type, bool transparent)
{
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(endpoint, &address);
	cleanup(close_descriptor) int descriptor =
		socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (descriptor < 0)
		return -errno;
	error = set_options(descriptor, endpoint->address.family, type, transparent);
	if (error < 0)
		return error;
	if (bind(descriptor, (struct sockaddr *)&address, length) < 0)
		return -errno;
	if (type == SOCK_STREAM && listen(descriptor, BACKLOG) < 0)
		return -errno;
	return take_descriptor(descriptor);
}

/* ------------------------------------------------------------------- receiving */

static void read_sockaddr(const struct cmsghdr *control, size_t size,
			  struct ip_endpoint *destination)
{
	struct sockaddr_storage address = {0};

	memcpy(&address, CMSG_DATA(control), size);
	(void)ip_from_sockaddr(&address, destination);
}

/* The original destination, which names the port too, wins over the packet information. */
static void read_control(const struct cmsghdr *control, struct dns_datagram *datagram)
{
	bool known = datagram->destination.port != 0;
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(control), sizeof(v4));
		datagram->interface = (unsigned int)v4.ipi_ifindex;
		if (!known)
			datagram->destination.address = ip_from_bytes(4, &v4.ipi_addr);
	} else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(control), sizeof(v6));
		datagram->interface = v6.ipi6_ifindex;
		if (!known)
			datagram->destination.address = ip_from_bytes(6, &v6.ipi6_addr);
	} else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_ORIGDSTADDR) {
		read_sockaddr(control, sizeof(struct sockaddr_in), &datagram->destination);
	} else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_ORIGDSTADDR) {
		read_sockaddr(control, sizeof(struct sockaddr_in6), &datagram->destination);
	}
}

struct dns_inbox {
	size_t message_size;
	uint8_t *messages; /* DNS_BATCH of them */
	int used;          /* headers from here on are ready to receive */
	struct mmsghdr headers[DNS_BATCH];
	struct iovec bytes[DNS_BATCH];
	struct sockaddr_storage sources[DNS_BATCH];
	union control_room rooms[DNS_BATCH];
};

struct dns_inbox *dns_inbox_new(size_t message_size)
{
	struct dns_inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		return NULL;
	inbox->message_size = message_size;
	inbox->used = DNS_BATCH;
	inbox->messages = calloc(DNS_BATCH, message_size);
	if (inbox->messages)
		return inbox;
	free(inbox);
	return NULL;
}

void dns_inbox_free(struct dns_inbox *inbox)
{
	if (!inbox)
		return;
	free(inbox->messages);
	free(inbox);
}

int dns_inbox_fill(struct dns_inbox *inbox, int descriptor)
{
	int count;

	for (int i = 0; i < inbox->used; i++) {
		inbox->bytes[i] = (struct iovec){.iov_base = inbox->messages +
							     (size_t)i * inbox->message_size,
						 .iov_len = inbox->message_size};
		inbox->headers[i].msg_hdr =
			(struct msghdr){.msg_name = &inbox->sources[i],
					.msg_namelen = sizeof(inbox->sources[i]),
					.msg_iov = &inbox->bytes[i],
					.msg_iovlen = 1,
					.msg_control = &inbox->rooms[i],
					.msg_controllen = sizeof(inbox->rooms[i])};
	}
	count = recvmmsg(descriptor, inbox->headers, DNS_BATCH, 0, NULL);
	inbox->used = count < 0 ? 0 : count;
	return count < 0 ? -errno : count;
}

bool dns_inbox_read(struct dns_inbox *inbox, int index, const uint8_t **ret_message,
		    size_t *ret_length, struct dns_datagram *ret_datagram)
{
	struct msghdr *header = &inbox->headers[index].msg_hdr;
	struct dns_datagram datagram = {.interface = 0};

	if (ip_from_sockaddr(&inbox->sources[index], &datagram.source) < 0)
		return false;
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
	     control = CMSG_NXTHDR(header, control))
		read_control(control, &datagram);
	datagram.cut = header->msg_flags & MSG_TRUNC;
	*ret_message = inbox->bytes[index].iov_base;
	*ret_length = inbox->headers[index].msg_len;
	*ret_datagram = datagram;
	return true;
}

/* ------------------------------------------------------------------- answering */

static void add_control(struct msghdr *header, union control_room *room, int level, int type,
			const void *data, size_t size)
{
	struct cmsghdr *control;

	memset(room, 0, CMSG_SPACE(size));
	header->msg_control = room;
	header->msg_controllen = CMSG_SPACE(size);
	control = CMSG_FIRSTHDR(header);
	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), data, size);
}

/* The interface matters for link-local addresses only; otherwise routing decides. */
static void name_source(struct msghdr *header, union control_room *room,
			const struct dns_datagram *answered)
{
	const struct ip_address *from = &answered->destination.address;
	struct in_pktinfo v4 = {.ipi_ifindex = 0};
	struct in6_pktinfo v6 = {.ipi6_ifindex = 0};

	if (from->family == 4) {
		memcpy(&v4.ipi_spec_dst, from->bytes, sizeof(v4.ipi_spec_dst));
		add_control(header, room, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	} else if (from->family == 6) {
		memcpy(&v6.ipi6_addr, from->bytes, sizeof(v6.ipi6_addr));
		if (IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr))
			v6.ipi6_ifindex = answered->interface;
		add_control(header, room, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	}
}

struct dns_outbox {
	size_t message_size;
	uint8_t *messages; /* DNS_BATCH of them */
	unsigned int count;
	struct mmsghdr headers[DNS_BATCH];
	struct iovec bytes[DNS_BATCH];
	struct sockaddr_storage destinations[DNS_BATCH];
	union control_room rooms[DNS_BATCH];
};

struct dns_outbox *dns_outbox_new(size_t message_size)
{
	struct dns_outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return NULL;
	outbox->message_size = message_size;
	outbox->messages = calloc(DNS_BATCH, message_size);
	if (outbox->messages)
		return outbox;
	free(outbox);
	return NULL;
}

void dns_outbox_free(struct dns_outbox *outbox)
{
	if (!outbox)
		return;
	free(outbox->messages);
	free(outbox);
}

bool dns_outbox_add(struct dns_outbox *outbox, const struct dns_datagram *answered,
		    const void *message, size_t length)
{
	unsigned int place = outbox->count;
	struct sockaddr_storage *to = &outbox->destinations[place];
	struct msghdr *header = &outbox->headers[place].msg_hdr;

	invariant(length <= outbox->message_size);
	if (place == DNS_BATCH)
		return false;
	outbox->bytes[place] =
		(struct iovec){outbox->messages + place * outbox->message_size, length};
	memcpy(outbox->bytes[place].iov_base, message, length);
	*header = (struct msghdr){.msg_name = to,
				  .msg_namelen = ip_to_sockaddr(&answered->source, to),
				  .msg_iov = &outbox->bytes[place],
				  .msg_iovlen = 1};
	if (to->ss_family == AF_INET6)
		((struct sockaddr_in6 *)to)->sin6_scope_id = answered->interface;
	name_source(header, &outbox->rooms[place], answered);
	outbox->count++;
	return true;
}

/* The call stops at a datagram that cannot be sent; those behind it still can. */
unsigned int dns_outbox_send(struct dns_outbox *outbox, int descriptor)
{
	unsigned int done = 0, failed = 0;

	while (done < outbox->count) {
		int sent = sendmmsg(descriptor, outbox->headers + done, outbox->count - done, 0);

		failed += sent <= 0;
		done += sent > 0 ? (unsigned int)sent : 1;
	}
	outbox->count = 0;
	return failed;
}

int dns_socket_send_from(const struct dns_datagram *answered, const void *message, size_t length)
{
	struct sockaddr_storage from, to;
	socklen_t from_length = ip_to_sockaddr(&answered->destination, &from);
	socklen_t to_length = ip_to_sockaddr(&answered->source, &to);
	cleanup(close_descriptor) int descriptor =
		socket(from.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (descriptor < 0)
		return -errno;
	error = set_transparent(descriptor, answered->destination.address.family);
	if (error == 0)
		error = switch_on(descriptor, SOL_SOCKET, SO_REUSEADDR);
	if (error < 0)
		return error;
	if (bind(descriptor, (struct sockaddr *)&from, from_length) < 0 ||
	    sendto(descriptor, message, length, 0, (struct sockaddr *)&to, to_length) < 0)
		return -errno;
	return 0;
}
