/*
 * Builds TCP resets: 40 bytes over IPv4, 60 over IPv6, no options, no payload, window 0. The
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

/* Adds an even number of bytes to a running sum. */
static uint32_t add_bytes(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static uint16_t finish_sum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_ipv4_header(uint8_t *header, const struct ip_address *source,
			    const struct ip_address *destination)
{
	uint8_t *at = header;

	*at++ = 4 << 4 | IPV4_HEADER_SIZE / 4;
	*at++ = 0; /* type of service */
	at = put_u16(at, IPV4_HEADER_SIZE + TCP_HEADER_SIZE);
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
			    const struct ip_address *destination)
{
	uint8_t *at = put_u32(header, 6u << 28); /* class 0, flow label 0 */

	at = put_u16(at, TCP_HEADER_SIZE);
	*at++ = IPPROTO_TCP;
	*at++ = HOP_LIMIT;
	put_address(put_address(at, source), destination);
}

size_t packet_build_reset(const struct ip_endpoint *source, const struct ip_endpoint *destination,
			  uint32_t sequence, uint32_t acknowledgement, bool acknowledge,
			  uint8_t buffer[PACKET_RESET_SIZE])
{
	bool is_v4 = source->address.family == 4;
	uint8_t *segment = buffer + (is_v4 ? IPV4_HEADER_SIZE : IPV6_HEADER_SIZE);
	size_t address_size = ip_size(&source->address);
	uint8_t *at = segment;

	invariant(source->address.family == destination->address.family);
	if (is_v4)
		put_ipv4_header(buffer, &source->address, &destination->address);
	else
		put_ipv6_header(buffer, &source->address, &destination->address);
	at = put_u16(at, source->port);
	at = put_u16(at, destination->port);
	at = put_u32(at, sequence);
	at = put_u32(at, acknowledge ? acknowledgement : 0);
	*at++ = TCP_HEADER_SIZE / 4 << 4;
	*at++ = acknowledge ? PACKET_TCP_RST | PACKET_TCP_ACK : PACKET_TCP_RST;
	at = put_u16(at, 0); /* window */
	uint8_t *checksum = at;
	at = put_u16(at, 0);
	put_u16(at, 0); /* urgent pointer */

	uint32_t sum = IPPROTO_TCP + TCP_HEADER_SIZE; /* the rest of the pseudo header */
	sum = add_bytes(sum, source->address.bytes, address_size);
	sum = add_bytes(sum, destination->address.bytes, address_size);
	put_u16(checksum, finish_sum(add_bytes(sum, segment, TCP_HEADER_SIZE)));
	return (size_t)(segment - buffer) + TCP_HEADER_SIZE;
}
