/*
 * Reads one packet as the kernel queued it: IPv4 or IPv6 from the first byte on, no link header.
 *
 * Every length is checked against the one around it: IP length against the bytes given, header
 * sizes against the IP length, the UDP length against the IP payload. What does not fit is
 * -EBADMSG. What fits but shows no transport header at this place is PACKET_OTHER, which callers
 * must treat as "not known to be allowed":
 *   - fragments, also the first one (an IPv6 fragment header that fragments nothing is walked past,
 *     RFC 6946),
 *   - source routes: LSRR and SSRR of IPv4, an IPv6 routing header with segments left: the
 *     destination in the header is not where the packet ends,
 *   - an IPv6 hop-by-hop header anywhere but first (RFC 8200 section 4), more than
 *     EXTENSION_HEADERS_MAX extension headers, and any header that is not named here (AH, ESP, …).
 *
 * Checksums are not verified: packets come here behind conntrack, which has done it and calls
 * wrong ones invalid. Jumbograms (length field 0) are -EBADMSG.
 */
#include "proto/packet/packet.h"

#include <errno.h>

#include "wire/cursor.h"

#define EXTENSION_HEADERS_MAX 8

#define IPV4_HEADER_MIN      20
#define IPV4_MORE_FRAGMENTS  0x2000 /* RFC 791 section 3.1 */
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_MORE_FRAGMENTS  0x0001 /* RFC 8200 section 4.5 */
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define TCP_HEADER_MIN       20
#define UDP_HEADER_SIZE      8
#define ICMP_HEADER_MIN      4 /* type, code, checksum: RFC 792, RFC 4443 section 2.1 */

enum ipv4_option { /* RFC 791 section 3.1 */
		   IPV4_OPTION_END = 0,
		   IPV4_OPTION_NOTHING = 1,
		   IPV4_OPTION_LOOSE_ROUTE = 131,
		   IPV4_OPTION_STRICT_ROUTE = 137,
};

/* Whether the headers walked so far lead to a transport header in these very bytes. */
enum walk {
	WALK_REACHED,
	WALK_STOPPED, /* PACKET_OTHER */
	WALK_BROKEN,  /* -EBADMSG */
};

static enum walk parse_tcp(struct cursor *segment, struct packet *packet)
{
	packet->source_port = cursor_u16(segment);
	packet->destination_port = cursor_u16(segment);
	packet->sequence = cursor_u32(segment);
	packet->acknowledgement = cursor_u32(segment);
	size_t header_size = (size_t)(cursor_u8(segment) >> 4) * 4;
	packet->flags = cursor_u8(segment);
	cursor_skip(segment, 4); /* window, checksum */
	packet->urgent = cursor_u16(segment);
	if (header_size < TCP_HEADER_MIN)
		return WALK_BROKEN;
	cursor_skip(segment, header_size - TCP_HEADER_MIN);
	packet->transport = PACKET_TCP;
	return WALK_REACHED;
}

static enum walk parse_udp(struct cursor *datagram, struct packet *packet)
{
	packet->source_port = cursor_u16(datagram);
	packet->destination_port = cursor_u16(datagram);
	uint16_t length = cursor_u16(datagram);
	cursor_skip(datagram, 2); /* checksum */
	if (length < UDP_HEADER_SIZE)
		return WALK_BROKEN;
	*datagram = cursor_take(datagram, length - UDP_HEADER_SIZE);
	packet->transport = PACKET_UDP;
	return WALK_REACHED;
}

static enum walk parse_icmp(const struct cursor *message, struct packet *packet)
{
	packet->transport = PACKET_ICMP;
	return cursor_left(message) < ICMP_HEADER_MIN ? WALK_BROKEN : WALK_REACHED;
}

/* Leaves in `rest` what becomes the payload. */
static enum walk parse_transport(struct cursor *rest, struct packet *packet)
{
	bool is_v4 = packet->source.family == 4;

	if (packet->protocol == IPPROTO_TCP)
		return parse_tcp(rest, packet);
	if (packet->protocol == IPPROTO_UDP)
		return parse_udp(rest, packet);
	if (packet->protocol == (is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return parse_icmp(rest, packet);
	return WALK_STOPPED;
}

static enum walk walk_ipv4_options(struct cursor *options)
{
	while (cursor_left(options)) {
		uint8_t type = cursor_u8(options);

		if (type == IPV4_OPTION_END)
			break;
		if (type == IPV4_OPTION_NOTHING)
			continue;
		uint8_t length = cursor_u8(options);
		if (length < 2)
			return WALK_BROKEN;
		cursor_skip(options, length - 2u);
		if (cursor_failed(options))
			return WALK_BROKEN;
		if (type == IPV4_OPTION_LOOSE_ROUTE || type == IPV4_OPTION_STRICT_ROUTE)
			return WALK_STOPPED;
	}
	return WALK_REACHED;
}

static struct ip_address take_address(struct cursor *cursor, uint8_t family)
{
	const uint8_t *bytes = cursor_bytes(cursor, family == 4 ? 4 : 16);

	return bytes ? ip_from_bytes(family, bytes) : (struct ip_address){0};
}

/* Leaves `bytes` at the IP payload, cut to the length that the header gives. */
static enum walk parse_ipv4(struct cursor *bytes, struct packet *packet)
{
	size_t header_size = (size_t)(cursor_u8(bytes) & 0x0f) * 4;
	cursor_skip(bytes, 1); /* type of service */
	size_t total = cursor_u16(bytes);
	cursor_skip(bytes, 2); /* identification */
	uint16_t fragment = cursor_u16(bytes);
	cursor_skip(bytes, 1); /* time to live */
	packet->protocol = cursor_u8(bytes);
	cursor_skip(bytes, 2); /* checksum */
	packet->source = take_address(bytes, 4);
	packet->destination = take_address(bytes, 4);
	if (header_size < IPV4_HEADER_MIN || total < header_size)
		return WALK_BROKEN;

	struct cursor options = cursor_take(bytes, header_size - IPV4_HEADER_MIN);
	enum walk walk = walk_ipv4_options(&options);
	*bytes = cursor_take(bytes, total - header_size);
	if (walk == WALK_REACHED && fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
		return WALK_STOPPED;
	return walk;
}

/* Hop-by-hop, routing and destination options share their first two bytes: RFC 8200 section 4. */
static enum walk step_sized_extension(struct cursor *rest, struct packet *packet)
{
	bool is_routing = packet->protocol == IPPROTO_ROUTING;
	uint8_t next = cursor_u8(rest);
	size_t body_size = (size_t)cursor_u8(rest) * 8 + 6; /* units of 8, the first not counted */
	struct cursor body = cursor_take(rest, body_size);

	cursor_skip(&body, 1); /* routing type */
	uint8_t segments_left = cursor_u8(&body);
	if (cursor_failed(rest))
		return WALK_BROKEN;
	packet->protocol = next;
	return is_routing && segments_left ? WALK_STOPPED : WALK_REACHED;
}

static enum walk step_fragment(struct cursor *rest, struct packet *packet)
{
	uint8_t next = cursor_u8(rest);
	cursor_skip(rest, 1); /* reserved */
	uint16_t fragment = cursor_u16(rest);
	cursor_skip(rest, 4); /* identification */

	if (cursor_failed(rest))
		return WALK_BROKEN;
	packet->protocol = next;
	return fragment & (IPV6_MORE_FRAGMENTS | IPV6_FRAGMENT_OFFSET) ? WALK_STOPPED
								       : WALK_REACHED;
}

static enum walk walk_extensions(struct cursor *rest, struct packet *packet)
{
	for (int count = 0;; count++) {
		bool is_sized = packet->protocol == IPPROTO_ROUTING ||
				packet->protocol == IPPROTO_DSTOPTS ||
				packet->protocol == IPPROTO_HOPOPTS;

		if (!is_sized && packet->protocol != IPPROTO_FRAGMENT)
			return WALK_REACHED;
		if (count == EXTENSION_HEADERS_MAX ||
		    (packet->protocol == IPPROTO_HOPOPTS && count > 0))
			return WALK_STOPPED;
		enum walk walk =
			is_sized ? step_sized_extension(rest, packet) : step_fragment(rest, packet);
		if (walk != WALK_REACHED)
			return walk;
	}
}

static enum walk parse_ipv6(struct cursor *bytes, struct packet *packet)
{
	cursor_skip(bytes, 4); /* version, class, flow label */
	uint16_t payload_length = cursor_u16(bytes);
	packet->protocol = cursor_u8(bytes);
	cursor_skip(bytes, 1); /* hop limit */
	packet->source = take_address(bytes, 6);
	packet->destination = take_address(bytes, 6);
	*bytes = cursor_take(bytes, payload_length);
	return cursor_failed(bytes) ? WALK_BROKEN : walk_extensions(bytes, packet);
}

static enum walk parse_ip(struct cursor *bytes, struct packet *packet)
{
	struct cursor ahead = *bytes;
	uint8_t version = cursor_u8(&ahead) >> 4;

	if (version == 4)
		return parse_ipv4(bytes, packet);
	if (version == 6)
		return parse_ipv6(bytes, packet);
	return WALK_BROKEN;
}

int packet_parse(const void *bytes, size_t length, struct packet *ret_packet)
{
	struct cursor rest = cursor_over(bytes, length);
	struct packet packet = {.transport = PACKET_OTHER};
	enum walk walk = parse_ip(&rest, &packet);

	if (walk == WALK_REACHED)
		walk = parse_transport(&rest, &packet);
	if (walk == WALK_BROKEN || cursor_failed(&rest))
		return -EBADMSG;
	packet.payload_length = cursor_left(&rest);
	packet.payload = cursor_bytes(&rest, cursor_left(&rest));
	*ret_packet = packet;
	return 0;
}
