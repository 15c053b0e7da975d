/*
 * Builds TCP segments, with a header of 40 bytes over IPv4, 60 over IPv6, no options, and UDP
 * datagrams. The checksums are the Internet checksum (RFC 1071); that of the transport covers a
 * pseudo header of addresses, length and protocol (RFC 9293 section 3.1, RFC 768, RFC 8200 section
 * 8.1).
 */
#include "proto/packet/packet.h"

#include <string.h>

#include "base/assertion.h"

#define HOP_LIMIT          64
#define IPV4_HEADER_SIZE   20
#define IPV6_HEADER_SIZE   40
#define TCP_HEADER_SIZE    20
#define UDP_HEADER_SIZE    8
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
			    const struct ip_address *destination, uint8_t protocol, size_t length)
{
	uint8_t *at = header;

	*at++ = 4 << 4 | IPV4_HEADER_SIZE / 4;
	*at++ = 0; /* type of service */
	at = put_u16(at, (uint16_t)(IPV4_HEADER_SIZE + length));
	at = put_u16(at, 0); /* identification: means nothing in an atomic datagram, RFC 6864 */
	at = put_u16(at, IPV4_DONT_FRAGMENT);
	*at++ = HOP_LIMIT;
	*at++ = protocol;
	uint8_t *checksum = at;
	at = put_u16(at, 0);
	put_address(put_address(at, source), destination);
	put_u16(checksum, finish_sum(add_bytes(0, header, IPV4_HEADER_SIZE)));
}

static void put_ipv6_header(uint8_t *header, const struct ip_address *source,
			    const struct ip_address *destination, uint8_t protocol, size_t length)
{
	uint8_t *at = put_u32(header, 6u << 28); /* class 0, flow label 0 */

	at = put_u16(at, (uint16_t)length);
	*at++ = protocol;
	*at++ = HOP_LIMIT;
	put_address(put_address(at, source), destination);
}

/* Puts the IP header; returns its size. `length`: of what follows. */
static size_t put_ip_header(uint8_t *header, const struct ip_address *source,
			    const struct ip_address *destination, uint8_t protocol, size_t length)
{
	invariant(source->family == destination->family);
	if (source->family == 4) {
		put_ipv4_header(header, source, destination, protocol, length);
		return IPV4_HEADER_SIZE;
	}
	put_ipv6_header(header, source, destination, protocol, length);
	return IPV6_HEADER_SIZE;
}

static uint16_t transport_checksum(const struct ip_address *source,
				   const struct ip_address *destination, uint8_t protocol,
				   const uint8_t *start, size_t length)
{
	uint32_t sum = protocol + (uint32_t)length; /* the rest of the pseudo header */

	sum = add_bytes(sum, source->bytes, ip_size(source));
	sum = add_bytes(sum, destination->bytes, ip_size(destination));
	return finish_sum(add_bytes(sum, start, length));
}

size_t packet_build_segment(const struct packet_segment *segment, uint8_t *buffer, size_t size)
{
	const struct ip_address *source = &segment->source.address;
	const struct ip_address *destination = &segment->destination.address;
	size_t length = TCP_HEADER_SIZE + segment->payload_length;
	size_t ip_header;
	uint8_t *start, *at;

	invariant(segment->payload_length <= PACKET_SEGMENT_PAYLOAD_MAX);
	invariant((source->family == 4 ? IPV4_HEADER_SIZE : IPV6_HEADER_SIZE) + length <= size);
	ip_header = put_ip_header(buffer, source, destination, IPPROTO_TCP, length);
	at = start = buffer + ip_header;
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
	put_u16(checksum, transport_checksum(source, destination, IPPROTO_TCP, start, length));
	return ip_header + length;
}

size_t packet_build_datagram(const struct ip_endpoint *source,
			     const struct ip_endpoint *destination, const uint8_t *payload,
			     size_t payload_length, uint8_t buffer[PACKET_DATAGRAM_MAX])
{
	size_t length = UDP_HEADER_SIZE + payload_length;
	uint16_t checksum;
	size_t ip_header;
	uint8_t *at;

	invariant(payload_length <= PACKET_DATAGRAM_PAYLOAD_MAX);
	ip_header =
		put_ip_header(buffer, &source->address, &destination->address, IPPROTO_UDP, length);
	at = put_u16(buffer + ip_header, source->port);
	at = put_u16(at, destination->port);
	at = put_u16(at, (uint16_t)length);
	at = put_u16(at, 0); /* the checksum */
	if (payload_length > 0)
		memcpy(at, payload, payload_length);
	checksum = transport_checksum(&source->address, &destination->address, IPPROTO_UDP,
				      buffer + ip_header, length);
	put_u16(buffer + ip_header + 6, checksum ? checksum : 0xffff); /* RFC 768: 0 means none */
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
