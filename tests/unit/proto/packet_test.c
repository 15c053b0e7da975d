#include "proto/packet/packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Hands over bytes that end where a sanitizer sees an over-read; payload as an offset. */
static int parse(const uint8_t *bytes, size_t length, struct packet *packet, size_t *ret_offset)
{
	uint8_t *exact = malloc(length ? length : 1);
	struct packet untouched;

	memcpy(exact, bytes, length);
	memset(packet, 0xa5, sizeof(*packet));
	memcpy(&untouched, packet, sizeof(untouched));
	int error = packet_parse(exact, length, packet);
	if (error) {
		assert_int_equal(error, -EBADMSG);
		assert_memory_equal(packet, &untouched, sizeof(untouched));
	} else {
		assert_true(packet->payload >= exact);
		*ret_offset = (size_t)(packet->payload - exact);
		assert_true(*ret_offset + packet->payload_length <= length);
	}
	free(exact);
	return error;
}

#define assert_broken(bytes, length)                                                               \
	do {                                                                                       \
		struct packet broken_;                                                             \
		size_t offset_;                                                                    \
		assert_int_equal(parse(bytes, length, &broken_, &offset_), -EBADMSG);              \
	} while (0)

/* The transport, or -1 when the packet is refused. */
static int transport_of(const uint8_t *bytes, size_t length)
{
	struct packet packet;
	size_t offset;

	return parse(bytes, length, &packet, &offset) ? -1 : (int)packet.transport;
}

static const uint8_t tcp4[] = {
	0x45, 0,    0,    43,   0x12, 0x34, 0x40, 0, 64,   6,    0,   0,   10,  0,    0,
	1,    20,   1,    2,    3,    0xc0, 0x01, 1, 0xbb, 1,    2,   3,   4,   0xfe, 0xdc,
	0xba, 0x98, 0x50, 0xb8, 0xff, 0xff, 0,    0, 0xab, 0xcd, 'a', 'b', 'c',
};

static const uint8_t udp4[] = {
	0x45, 0,  0, 30, 0, 0, 0,  0, 64, 17, 0,  0, 10, 0,   0,
	1,    20, 1, 2,  3, 0, 53, 4, 0,  0,  10, 0, 0,  'h', 'i',
};

static void a_tcp_segment_over_ipv4_gives_its_facts(void **state)
{
	struct packet packet;
	size_t offset;
	struct ip_address source = ip_from_v4(0x0a000001), destination = ip_from_v4(0x14010203);

	(void)state;
	assert_int_equal(parse(tcp4, sizeof(tcp4), &packet, &offset), 0);
	assert_true(ip_equal(&packet.source, &source));
	assert_true(ip_equal(&packet.destination, &destination));
	assert_int_equal(packet.transport, PACKET_TCP);
	assert_int_equal(packet.protocol, 6);
	assert_int_equal(packet.source_port, 0xc001);
	assert_int_equal(packet.destination_port, 443);
	assert_int_equal(packet.sequence, 0x01020304);
	assert_int_equal(packet.acknowledgement, 0xfedcba98);
	assert_int_equal(packet.flags, 0xb8);
	assert_int_equal(packet.urgent, 0xabcd);
	assert_int_equal(offset, 40);
	assert_int_equal(packet.payload_length, 3);
}

static void a_udp_datagram_over_ipv4_gives_its_facts(void **state)
{
	struct packet packet;
	size_t offset;

	(void)state;
	assert_int_equal(parse(udp4, sizeof(udp4), &packet, &offset), 0);
	assert_int_equal(packet.transport, PACKET_UDP);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.source_port, 53);
	assert_int_equal(packet.destination_port, 1024);
	assert_int_equal(packet.sequence, 0);
	assert_int_equal(packet.flags, 0);
	assert_int_equal(offset, 28);
	assert_int_equal(packet.payload_length, 2);
}

static void a_cut_packet_is_refused_at_every_byte(void **state)
{
	(void)state;
	for (size_t length = 0; length < sizeof(tcp4); length++)
		assert_broken(tcp4, length);
	for (size_t length = 0; length < sizeof(udp4); length++)
		assert_broken(udp4, length);
}

static void a_cut_packet_with_a_matching_length_needs_its_headers(void **state)
{
	uint8_t bytes[64];

	(void)state;
	memcpy(bytes, tcp4, sizeof(tcp4));
	for (size_t length = 0; length <= sizeof(tcp4); length++) {
		bytes[3] = (uint8_t)length;
		assert_int_equal(transport_of(bytes, length), length < 40 ? -1 : PACKET_TCP);
	}
	memcpy(bytes, udp4, sizeof(udp4));
	for (size_t length = 0; length < sizeof(udp4); length++) {
		bytes[3] = (uint8_t)length;
		assert_broken(bytes, length);
	}
}

static void padding_behind_the_packet_is_no_payload(void **state)
{
	uint8_t bytes[64] = {0};
	struct packet packet;
	size_t offset;

	(void)state;
	memcpy(bytes, tcp4, sizeof(tcp4));
	assert_int_equal(parse(bytes, sizeof(bytes), &packet, &offset), 0);
	assert_int_equal(packet.payload_length, 3);
}

static void only_versions_4_and_6_are_packets(void **state)
{
	uint8_t bytes[64] = {0};

	(void)state;
	memcpy(bytes, tcp4, sizeof(tcp4));
	for (int version = 0; version < 16; version++) {
		bytes[0] = (uint8_t)(version << 4 | 5);
		/* as version 6 these bytes have 0x1234 for their payload's length: too few */
		if (version != 4)
			assert_broken(bytes, sizeof(bytes));
	}
}

static void the_ipv4_header_size_is_checked(void **state)
{
	uint8_t bytes[sizeof(tcp4)];

	(void)state;
	memcpy(bytes, tcp4, sizeof(tcp4));
	for (int words = 0; words < 5; words++) {
		bytes[0] = (uint8_t)(0x40 | words);
		assert_broken(bytes, sizeof(bytes));
	}
	bytes[0] = 0x4b; /* 44 bytes of 43 */
	assert_broken(bytes, sizeof(bytes));
	bytes[0] = 0x45;
	bytes[3] = 44; /* one more than there is */
	assert_broken(bytes, sizeof(bytes));
	bytes[3] = 19;
	assert_broken(bytes, sizeof(bytes));
}

/* A segment of tcp4 behind `size` bytes of options. */
static int transport_with_options(const uint8_t *options, size_t size)
{
	uint8_t bytes[128];

	memcpy(bytes, tcp4, 20);
	memcpy(bytes + 20, options, size);
	memcpy(bytes + 20 + size, tcp4 + 20, sizeof(tcp4) - 20);
	bytes[0] = (uint8_t)(0x40 | (5 + size / 4));
	bytes[3] = (uint8_t)(sizeof(tcp4) + size);
	return transport_of(bytes, sizeof(tcp4) + size);
}

static void ipv4_options_are_walked(void **state)
{
	uint8_t most[40];

	(void)state;
	memset(most, 1, sizeof(most));
	assert_int_equal(transport_with_options(most, 40), PACKET_TCP);
	assert_int_equal(transport_with_options((uint8_t[]){148, 4, 0, 0}, 4), PACKET_TCP);
	assert_int_equal(transport_with_options((uint8_t[]){1, 1, 7, 2}, 4), PACKET_TCP);
	assert_int_equal(transport_with_options((uint8_t[]){0, 7, 0, 9}, 4), PACKET_TCP);
	assert_int_equal(transport_with_options((uint8_t[]){7, 1, 0, 0}, 4), -1);
	assert_int_equal(transport_with_options((uint8_t[]){7, 0, 0, 0}, 4), -1);
	assert_int_equal(transport_with_options((uint8_t[]){7, 5, 0, 0}, 4), -1);
	assert_int_equal(transport_with_options((uint8_t[]){1, 1, 1, 7}, 4), -1);
}

static void an_ipv4_source_route_hides_the_transport(void **state)
{
	(void)state;
	assert_int_equal(transport_with_options((uint8_t[]){131, 7, 4, 10, 0, 0, 9, 0}, 8),
			 PACKET_OTHER);
	assert_int_equal(transport_with_options((uint8_t[]){1, 137, 7, 4, 10, 0, 0, 9}, 8),
			 PACKET_OTHER);
	assert_int_equal(transport_with_options((uint8_t[]){137, 9, 4, 10, 0, 0, 9, 0}, 8), -1);
}

static void an_ipv4_fragment_hides_the_transport(void **state)
{
	static const struct {
		uint8_t high, low;
		enum packet_transport transport;
	} cases[] = {
		{0, 0, PACKET_TCP},      {0x40, 0, PACKET_TCP},   {0x80, 0, PACKET_TCP},
		{0x20, 0, PACKET_OTHER}, {0, 1, PACKET_OTHER},    {0x20, 1, PACKET_OTHER},
		{0x10, 0, PACKET_OTHER}, {0x60, 0, PACKET_OTHER},
	};
	uint8_t bytes[sizeof(tcp4)];
	struct packet packet;
	size_t offset;

	(void)state;
	memcpy(bytes, tcp4, sizeof(tcp4));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes[6] = cases[i].high;
		bytes[7] = cases[i].low;
		assert_int_equal(parse(bytes, sizeof(bytes), &packet, &offset), 0);
		assert_int_equal(packet.transport, cases[i].transport);
		assert_int_equal(packet.protocol, 6);
		if (packet.transport == PACKET_OTHER) {
			assert_int_equal(packet.destination_port, 0);
			assert_int_equal(offset, 20);
			assert_int_equal(packet.payload_length, 23);
		}
	}
}

static void the_tcp_data_offset_is_checked(void **state)
{
	uint8_t bytes[60];
	struct packet packet;
	size_t offset;

	(void)state;
	memcpy(bytes, tcp4, sizeof(tcp4));
	memset(bytes + sizeof(tcp4), 0, sizeof(bytes) - sizeof(tcp4));
	bytes[3] = sizeof(bytes);
	for (int words = 0; words < 16; words++) {
		bytes[32] = (uint8_t)(words << 4);
		if (words < 5 || words > 10) {
			assert_broken(bytes, sizeof(bytes));
			continue;
		}
		assert_int_equal(parse(bytes, sizeof(bytes), &packet, &offset), 0);
		assert_int_equal(offset, 20 + words * 4);
		assert_int_equal(packet.payload_length, 40 - words * 4);
	}
}

static void the_udp_length_is_checked(void **state)
{
	uint8_t bytes[sizeof(udp4)];
	struct packet packet;
	size_t offset;

	(void)state;
	memcpy(bytes, udp4, sizeof(udp4));
	for (int length = 0; length < 256; length++) {
		bytes[25] = (uint8_t)length;
		if (length < 8 || length > 10) {
			assert_broken(bytes, sizeof(bytes));
			continue;
		}
		assert_int_equal(parse(bytes, sizeof(bytes), &packet, &offset), 0);
		assert_int_equal(packet.payload_length, length - 8);
	}
}

static void icmp_belongs_to_its_family(void **state)
{
	uint8_t bytes[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1};
	struct packet packet;
	size_t offset;

	(void)state;
	assert_int_equal(parse(bytes, sizeof(bytes), &packet, &offset), 0);
	assert_int_equal(packet.transport, PACKET_ICMP);
	assert_int_equal(offset, 20);
	assert_int_equal(packet.payload_length, 8);
	bytes[9] = 58;
	assert_int_equal(transport_of(bytes, sizeof(bytes)), PACKET_OTHER);
	bytes[9] = 1;
	bytes[3] = 23;
	assert_broken(bytes, 23);
	bytes[3] = 24;
	assert_int_equal(transport_of(bytes, 24), PACKET_ICMP);
}

static void every_other_protocol_is_other(void **state)
{
	uint8_t bytes[20] = {0x45, 0, 0, 20, 0, 0, 0, 0, 64, 0};
	struct packet packet;
	size_t offset;

	(void)state;
	for (int protocol = 0; protocol < 256; protocol++) {
		bytes[9] = (uint8_t)protocol;
		if (protocol == 1 || protocol == 6 || protocol == 17) {
			assert_broken(bytes, sizeof(bytes));
			continue;
		}
		assert_int_equal(parse(bytes, sizeof(bytes), &packet, &offset), 0);
		assert_int_equal(packet.transport, PACKET_OTHER);
		assert_int_equal(packet.protocol, protocol);
		assert_int_equal(packet.payload_length, 0);
	}
}

/* An IPv6 packet: the extension headers, then the segment of tcp4. */
struct packet6 {
	uint8_t bytes[2048];
	size_t length;
};

static void start6(struct packet6 *packet, uint8_t next)
{
	memset(packet->bytes, 0, 40);
	packet->bytes[0] = 0x60;
	packet->bytes[6] = next;
	packet->bytes[7] = 64;
	packet->bytes[8] = 0x20;
	packet->bytes[23] = 1;
	packet->bytes[24] = 0x26;
	packet->bytes[39] = 2;
	packet->length = 40;
}

static void add6(struct packet6 *packet, const void *bytes, size_t length)
{
	memcpy(packet->bytes + packet->length, bytes, length);
	packet->length += length;
	packet->bytes[4] = (uint8_t)((packet->length - 40) >> 8);
	packet->bytes[5] = (uint8_t)(packet->length - 40);
}

static void add6_segment(struct packet6 *packet)
{
	add6(packet, tcp4 + 20, sizeof(tcp4) - 20);
}

static int transport6(const struct packet6 *packet)
{
	return transport_of(packet->bytes, packet->length);
}

static void a_tcp_segment_over_ipv6_gives_its_facts(void **state)
{
	struct packet6 built;
	struct packet packet;
	size_t offset;
	struct ip_address source, destination;

	(void)state;
	ip_parse("2000::1", &source);
	ip_parse("2600::2", &destination);
	start6(&built, 6);
	add6_segment(&built);
	add6(&built, "", 1);
	assert_int_equal(parse(built.bytes, built.length, &packet, &offset), 0);
	assert_true(ip_equal(&packet.source, &source));
	assert_true(ip_equal(&packet.destination, &destination));
	assert_int_equal(packet.transport, PACKET_TCP);
	assert_int_equal(packet.destination_port, 443);
	assert_int_equal(offset, 60);
	assert_int_equal(packet.payload_length, 4);
	for (size_t length = 0; length < built.length; length++)
		assert_broken(built.bytes, length);
	built.bytes[5]--; /* now the last byte is padding */
	assert_int_equal(parse(built.bytes, built.length, &packet, &offset), 0);
	assert_int_equal(packet.payload_length, 3);
	built.bytes[4] = built.bytes[5] = 0; /* a jumbogram */
	assert_broken(built.bytes, built.length);
}

static void ipv6_extension_headers_are_walked(void **state)
{
	struct packet6 built;
	struct packet packet;
	size_t offset;

	(void)state;
	start6(&built, 0);
	add6(&built, "\x3c\0\1\4\0\0\0\0", 8);                    /* hop-by-hop */
	add6(&built, "\x2b\1\1\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* destination options */
	add6(&built, "\x2c\0\4\0\0\0\0\0", 8);                    /* routing, none left */
	add6(&built, "\6\0\0\0\x11\x22\x33\x44", 8);              /* atomic fragment */
	add6_segment(&built);
	assert_int_equal(parse(built.bytes, built.length, &packet, &offset), 0);
	assert_int_equal(packet.transport, PACKET_TCP);
	assert_int_equal(packet.protocol, 6);
	assert_int_equal(offset, 100);
	assert_int_equal(packet.payload_length, 3);
	for (size_t length = 40; length < 100; length++) { /* cut with a matching length */
		built.bytes[5] = (uint8_t)(length - 40);
		assert_broken(built.bytes, length);
	}
}

static void an_ipv6_fragment_hides_the_transport(void **state)
{
	static const struct {
		uint8_t high, low;
		enum packet_transport transport;
	} cases[] = {
		{0, 0, PACKET_TCP},   {0, 6, PACKET_TCP},      {0, 1, PACKET_OTHER},
		{0, 8, PACKET_OTHER}, {0x80, 0, PACKET_OTHER}, {0x80, 1, PACKET_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet6 built;
		struct packet packet;
		size_t offset;

		start6(&built, 44);
		add6(&built, (uint8_t[]){6, 0, cases[i].high, cases[i].low, 0, 0, 0, 1}, 8);
		add6_segment(&built);
		assert_int_equal(parse(built.bytes, built.length, &packet, &offset), 0);
		assert_int_equal(packet.transport, cases[i].transport);
		assert_int_equal(packet.protocol, 6);
	}
}

static void an_ipv6_source_route_hides_the_transport(void **state)
{
	struct packet6 built;

	(void)state;
	for (uint8_t segments_left = 0; segments_left < 3; segments_left++) {
		start6(&built, 43);
		add6(&built, (uint8_t[]){6, 0, 0, segments_left, 0, 0, 0, 0}, 8);
		add6_segment(&built);
		assert_int_equal(transport6(&built), segments_left ? PACKET_OTHER : PACKET_TCP);
	}
	start6(&built, 60); /* in destination options this byte means something else */
	add6(&built, (uint8_t[]){6, 0, 1, 4, 0, 0, 0, 0}, 8);
	add6_segment(&built);
	assert_int_equal(transport6(&built), PACKET_TCP);
}

static void a_hop_by_hop_header_comes_first_or_not_at_all(void **state)
{
	struct packet6 built;

	(void)state;
	start6(&built, 60);
	add6(&built, "\0\0\1\4\0\0\0\0", 8);
	add6(&built, "\6\0\1\4\0\0\0\0", 8);
	add6_segment(&built);
	assert_int_equal(transport6(&built), PACKET_OTHER);
}

static void the_walk_over_extension_headers_is_bounded(void **state)
{
	struct packet6 built;

	(void)state;
	for (int headers = 0; headers <= 100; headers++) {
		start6(&built, headers ? 60 : 6);
		for (int i = 1; i <= headers; i++)
			add6(&built, i < headers ? "\x3c\0\1\4\0\0\0\0" : "\6\0\1\4\0\0\0\0", 8);
		add6_segment(&built);
		assert_int_equal(transport6(&built), headers <= 8 ? PACKET_TCP : PACKET_OTHER);
	}
}

static void headers_that_cannot_be_walked_are_other(void **state)
{
	static const uint8_t headers[] = {1, 4, 41, 50, 51, 59, 135, 139, 140, 253};
	struct packet6 built;
	struct packet packet;
	size_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(headers); i++) {
		start6(&built, headers[i]);
		add6_segment(&built);
		assert_int_equal(parse(built.bytes, built.length, &packet, &offset), 0);
		assert_int_equal(packet.transport, PACKET_OTHER);
		assert_int_equal(packet.protocol, headers[i]);
		assert_int_equal(offset, 40);
	}
	start6(&built, 58);
	add6(&built, "\x80\0\0\0", 4);
	assert_int_equal(transport6(&built), PACKET_ICMP);
}

/* The Internet checksum another way: carries are added at once; a right one sums to 0xffff. */
static uint16_t ones_sum(uint16_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint16_t word = (uint16_t)((uint32_t)bytes[i] << (i % 2 ? 0 : 8));
		sum = (uint16_t)(sum + word);
		if (sum < word)
			sum++;
	}
	return sum;
}

static void assert_checksum(uint8_t protocol, const uint8_t *addresses, size_t addresses_size,
			    const uint8_t *segment, size_t length)
{
	const uint8_t rest[8] = {0, 0, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, protocol};
	uint16_t sum = ones_sum(0, addresses, addresses_size);

	sum = ones_sum(sum, rest, sizeof(rest)); /* as in RFC 8200 */
	assert_int_equal(ones_sum(sum, segment, length), 0xffff);
}

static void assert_segment_checksum(const uint8_t *addresses, size_t addresses_size,
				    const uint8_t *segment, size_t length)
{
	assert_checksum(6, addresses, addresses_size, segment, length);
}

static void assert_tcp_checksum(const uint8_t *addresses, size_t addresses_size,
				const uint8_t *segment)
{
	assert_segment_checksum(addresses, addresses_size, segment, 20);
}

static void assert_reset(const uint8_t *bytes, size_t length, const struct ip_endpoint *source,
			 const struct ip_endpoint *destination, bool acknowledge)
{
	struct packet packet;
	size_t offset;

	assert_int_equal(parse(bytes, length, &packet, &offset), 0);
	assert_true(ip_equal(&packet.source, &source->address));
	assert_true(ip_equal(&packet.destination, &destination->address));
	assert_int_equal(packet.transport, PACKET_TCP);
	assert_int_equal(packet.source_port, source->port);
	assert_int_equal(packet.destination_port, destination->port);
	assert_int_equal(packet.sequence, 0x89abcdef);
	assert_int_equal(packet.acknowledgement, acknowledge ? 0xfffffffe : 0);
	assert_int_equal(packet.flags, PACKET_TCP_RST | (acknowledge ? PACKET_TCP_ACK : 0));
	assert_int_equal(packet.urgent, 0);
	assert_int_equal(packet.payload_length, 0);
	assert_int_equal(offset, length);
}

static void an_ipv4_reset_is_whole_and_summed(void **state)
{
	struct ip_endpoint source, destination;
	uint8_t bytes[PACKET_RESET_SIZE];

	(void)state;
	for (uint16_t port = 1; port < 4000; port = (uint16_t)(port + 7)) {
		for (int acknowledge = 0; acknowledge < 2; acknowledge++) {
			ip_endpoint_parse("203.0.113.250:443", 0, &source);
			ip_endpoint_parse("10.1.255.4:1", 0, &destination);
			destination.port = port;
			size_t length = packet_build_reset(&source, &destination, 0x89abcdef,
							   0xfffffffe, acknowledge, bytes);
			assert_int_equal(length, 40);
			assert_int_equal(bytes[8], 64);
			assert_int_equal(ones_sum(0, bytes, 20), 0xffff);
			assert_tcp_checksum(bytes + 12, 8, bytes + 20);
			assert_reset(bytes, length, &source, &destination, acknowledge);
		}
	}
}

static void an_ipv6_reset_is_whole_and_summed(void **state)
{
	struct ip_endpoint source, destination;
	uint8_t bytes[PACKET_RESET_SIZE];

	(void)state;
	for (uint16_t port = 1; port < 4000; port = (uint16_t)(port + 7)) {
		for (int acknowledge = 0; acknowledge < 2; acknowledge++) {
			ip_endpoint_parse("[2001:db8:ffff::443]:443", 0, &source);
			ip_endpoint_parse("[fd00::ffff:1]:1", 0, &destination);
			destination.port = port;
			size_t length = packet_build_reset(&source, &destination, 0x89abcdef,
							   0xfffffffe, acknowledge, bytes);
			assert_int_equal(length, 60);
			assert_int_equal(bytes[7], 64);
			assert_tcp_checksum(bytes + 8, 32, bytes + 40);
			assert_reset(bytes, length, &source, &destination, acknowledge);
		}
	}
}

static void a_reset_matches_one_summed_elsewhere(void **state)
{
	/* 192.0.2.1:443 > 192.0.2.2:1000, sequence 1, no acknowledgement */
	static const uint8_t expected[40] = {
		0x45, 0, 0,   0x28, 0,    0, 0x40, 0,    0x40, 6,    0xb6, 0xcc, 192, 0,
		2,    1, 192, 0,    2,    2, 1,    0xbb, 3,    0xe8, 0,    0,    0,   1,
		0,    0, 0,   0,    0x50, 4, 0,    0,    0x26, 0x39, 0,    0,
	};
	struct ip_endpoint source, destination;
	uint8_t bytes[PACKET_RESET_SIZE];

	(void)state;
	ip_endpoint_parse("192.0.2.1:443", 0, &source);
	ip_endpoint_parse("192.0.2.2:1000", 0, &destination);
	assert_int_equal(packet_build_reset(&source, &destination, 1, 7, false, bytes), 40);
	assert_memory_equal(bytes, expected, 40);
}

static void a_segment_carries_its_payload_and_is_summed_at_every_length(void **state)
{
	struct packet_segment segment = {.sequence = 5, .acknowledgement = 6, .window = 512};
	uint8_t payload[PACKET_SEGMENT_PAYLOAD_MAX], bytes[PACKET_SEGMENT_MAX];
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31);
	segment.payload = payload;
	segment.flags = PACKET_TCP_ACK | PACKET_TCP_PSH;
	for (size_t length = 0; length <= sizeof(payload); length += 1 + length / 7) {
		segment.payload_length = length;
		ip_endpoint_parse("203.0.113.250:443", 0, &segment.source);
		ip_endpoint_parse("10.1.255.4:1", 0, &segment.destination);
		assert_int_equal(packet_build_segment(&segment, bytes, sizeof(bytes)), 40 + length);
		assert_int_equal(ones_sum(0, bytes, 20), 0xffff);
		assert_int_equal(packet_parse(bytes, 40 + length, &packet), 0);
		assert_int_equal(packet.payload_length, length);
		assert_memory_equal(packet.payload, payload, length);
		assert_int_equal(packet.flags, segment.flags);
		assert_int_equal(packet.sequence, 5);
		assert_int_equal(packet.acknowledgement, 6);
		ip_endpoint_parse("[2001:db8:ffff::443]:443", 0, &segment.source);
		ip_endpoint_parse("[fd00::ffff:1]:1", 0, &segment.destination);
		assert_int_equal(packet_build_segment(&segment, bytes, sizeof(bytes)), 60 + length);
		assert_int_equal(packet_parse(bytes, 60 + length, &packet), 0);
		assert_memory_equal(packet.payload, payload, length);
		assert_segment_checksum(bytes + 8, 32, bytes + 40, 20 + length);
	}
}

static void a_datagram_carries_its_payload_and_is_summed_at_every_length(void **state)
{
	static uint8_t payload[PACKET_DATAGRAM_PAYLOAD_MAX], bytes[PACKET_DATAGRAM_MAX];
	struct ip_endpoint source, destination;
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31);
	for (size_t length = 0; length <= sizeof(payload); length += 1 + length / 7)
		for (int v6 = 0; v6 < 2; v6++) {
			size_t header = v6 ? 40 : 20;

			ip_endpoint_parse(v6 ? "[2001:db8:ffff::443]:443" : "203.0.113.250:443", 0,
					  &source);
			ip_endpoint_parse(v6 ? "[fd00::ffff:1]:1" : "10.1.255.4:1", 0,
					  &destination);
			assert_int_equal(packet_build_datagram(&source, &destination, payload,
							       length, bytes),
					 header + 8 + length);
			assert_int_equal(packet_parse(bytes, header + 8 + length, &packet), 0);
			assert_int_equal(packet.transport, PACKET_UDP);
			assert_int_equal(packet.source_port, 443);
			assert_int_equal(packet.destination_port, 1);
			assert_int_equal(packet.payload_length, length);
			assert_memory_equal(packet.payload, payload, length);
			if (!v6)
				assert_int_equal(ones_sum(0, bytes, 20), 0xffff);
			assert_checksum(17, bytes + (v6 ? 8 : 12), v6 ? 32 : 8, bytes + header,
					8 + length);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_carries_its_payload_and_is_summed_at_every_length),
		cmocka_unit_test(a_segment_carries_its_payload_and_is_summed_at_every_length),
		cmocka_unit_test(a_tcp_segment_over_ipv4_gives_its_facts),
		cmocka_unit_test(a_udp_datagram_over_ipv4_gives_its_facts),
		cmocka_unit_test(a_cut_packet_is_refused_at_every_byte),
		cmocka_unit_test(a_cut_packet_with_a_matching_length_needs_its_headers),
		cmocka_unit_test(padding_behind_the_packet_is_no_payload),
		cmocka_unit_test(only_versions_4_and_6_are_packets),
		cmocka_unit_test(the_ipv4_header_size_is_checked),
		cmocka_unit_test(ipv4_options_are_walked),
		cmocka_unit_test(an_ipv4_source_route_hides_the_transport),
		cmocka_unit_test(an_ipv4_fragment_hides_the_transport),
		cmocka_unit_test(the_tcp_data_offset_is_checked),
		cmocka_unit_test(the_udp_length_is_checked),
		cmocka_unit_test(icmp_belongs_to_its_family),
		cmocka_unit_test(every_other_protocol_is_other),
		cmocka_unit_test(a_tcp_segment_over_ipv6_gives_its_facts),
		cmocka_unit_test(ipv6_extension_headers_are_walked),
		cmocka_unit_test(an_ipv6_fragment_hides_the_transport),
		cmocka_unit_test(an_ipv6_source_route_hides_the_transport),
		cmocka_unit_test(a_hop_by_hop_header_comes_first_or_not_at_all),
		cmocka_unit_test(the_walk_over_extension_headers_is_bounded),
		cmocka_unit_test(headers_that_cannot_be_walked_are_other),
		cmocka_unit_test(an_ipv4_reset_is_whole_and_summed),
		cmocka_unit_test(an_ipv6_reset_is_whole_and_summed),
		cmocka_unit_test(a_reset_matches_one_summed_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
