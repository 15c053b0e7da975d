/*
 * Builds TCP segments: a header of 40 bytes over IPv4, 60 over IPv6, no options. The
 * checksums are the Internet checksum (RFC 1071); TCP's covers a pseudo header of addresses, length
 * and protocol (RFC 9293 section 3.1, RFC 8200 section 8.1).
 */
#include "proto/packet/packet.h"

#include <string.h>

#include "base/assertion.h"

#define HOP_LIMIT          64
#define IPV4_HEADER_SIZE   20
#define IPV6_HEADER_SIZE   40
#define TCP_HEADER_SIZE    20
#define IPV4_DONT_FRAGMENT 0x4000

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	return put_u16(put_u16(at, (uint16_t)(value >> 16)), (uint16_t)value);
}

static uint8_t *put_address(uint8_t *at, const struct ip_address *address)
{
	memcpy(at, address->bytes, ip_size(address));
	return at + ip_size(address);
}

/* Adds bytes to a running sum; an odd last one counts as if a zero followed. */
static uint32_t add_bytes(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (length % 2)
		sum += (uint32_t)(bytes[length - 1] << 8);
	return sum;
}

static uint16_t finish_sum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_ipv4_header(uint8_t *header, const struct ip_address *source,
			    const struct ip_address *destination, size_t segment_length)
{
	uint8_t *at = header;

	*at++ = 4 << 4 | IPV4_HEADER_SIZE / 4;
	*at++ = 0; /* type of service */
	at = put_u16(at, (uint16_t)(IPV4_HEADER_SIZE + segment_length));
	at = put_u16(at, 0); /* identification: means nothing in an atomic datagram, RFC 6864 */
	at = put_u16(at, IPV4_DONT_FRAGMENT);
	*at++ = HOP_LIMIT;
	*at++ = IPPROTO_TCP;
	uint8_t *checksum = at;
	at = put_u16(at, 0);
	put_address(put_address(at, source), destination);
	put_u16(checksum, finish_sum(add_bytes(0, header, IPV4_HEADER_SIZE)));
}

static void put_ipv6_header(uint8_t *header, const struct ip_address *source,
			    const struct ip_address *destination, size_t segment_length)
{
	uint8_t *at = put_u32(header, 6u << 28); /* class 0, flow label 0 */

	at = put_u16(at, (uint16_t)segment_length);
	*at++ = IPPROTO_TCP;
	*at++ = HOP_LIMIT;
	put_address(put_address(at, source), destination);
}

size_t packet_build_segment(const struct packet_segment *segment, uint8_t *buffer, size_t size)
{
	const struct ip_address *source = &segment->source.address;
	const struct ip_address *destination = &segment->destination.address;
	size_t ip_header = source->family == 4 ? IPV4_HEADER_SIZE : IPV6_HEADER_SIZE;
	size_t length = TCP_HEADER_SIZE + segment->payload_length;
	uint8_t *start = buffer + ip_header, *at = start;

	invariant(source->family == destination->family);
	invariant(segment->payload_length <= PACKET_SEGMENT_PAYLOAD_MAX);
	invariant(ip_header + length <= size);
	if (source->family == 4)
		put_ipv4_header(buffer, source, destination, length);
	else
		put_ipv6_header(buffer, source, destination, length);
	at = put_u16(at, segment->source.port);
	at = put_u16(at, segment->destination.port);
	at = put_u32(at, segment->sequence);
	at = put_u32(at, segment->flags & PACKET_TCP_ACK ? segment->acknowledgement : 0);
	*at++ = TCP_HEADER_SIZE / 4 << 4;
	*at++ = segment->flags;
	at = put_u16(at, segment->window);
	uint8_t *checksum = at;
	at = put_u16(at, 0);
	at = put_u16(at, 0); /* urgent pointer */
	if (segment->payload_length > 0)
		memcpy(at, segment->payload, segment->payload_length);

	uint32_t sum = IPPROTO_TCP + (uint32_t)length; /* the rest of the pseudo header */
	sum = add_bytes(sum, source->bytes, ip_size(source));
	sum = add_bytes(sum, destination->bytes, ip_size(source));
	put_u16(checksum, finish_sum(add_bytes(sum, start, length)));
	return ip_header + length;
}

size_t packet_build_reset(const struct ip_endpoint *source, const struct ip_endpoint *destination,
			  uint32_t sequence, uint32_t acknowledgement, bool acknowledge,
			  uint8_t buffer[PACKET_RESET_SIZE])
{
	const struct packet_segment segment = {
		.source = *source,
		.destination = *destination,
		.sequence = sequence,
		.acknowledgement = acknowledgement,
		.flags = acknowledge ? PACKET_TCP_RST | PACKET_TCP_ACK : PACKET_TCP_RST,
	};

	return packet_build_segment(&segment, buffer, PACKET_RESET_SIZE);
}
