/*
 * IP, TCP and UDP headers of one packet, as facts. IPv6 extension headers are walked; what cannot
 * be walked to a transport header (fragments, source routes, ESP, too many) has transport
 * PACKET_OTHER. Checksums are not verified: conntrack does that before.
 */
#pragma once

#include "base/ip.h"

enum packet_transport {
	PACKET_OTHER,
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ICMP, /* ICMP or ICMPv6 */
};

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_PSH 0x08
#define PACKET_TCP_ACK 0x10
#define PACKET_TCP_URG 0x20

struct packet {
	struct ip_address source, destination;
	enum packet_transport transport;
	uint8_t protocol;                       /* IP protocol number of the last header reached */
	uint16_t source_port, destination_port; /* TCP, UDP */
	uint32_t sequence, acknowledgement;     /* TCP */
	uint8_t flags;
	uint16_t urgent;
	/* Inside the bytes that were parsed. TCP, UDP: behind the header; ICMP: the whole message;
	 * PACKET_OTHER: behind the last header reached. */
	const uint8_t *payload;
	size_t payload_length;
};

/* -EBADMSG: not a whole, consistent IPv4/IPv6 packet (lengths, header sizes). Trailing padding is
 * ignored. */
int packet_parse(const void *bytes, size_t length, struct packet *ret_packet);

/* A TCP segment to be built: no options, hop limit 64, don't fragment, checksums filled in. */
struct packet_segment {
	struct ip_endpoint source, destination; /* of one family */
	uint32_t sequence, acknowledgement;
	uint8_t flags;
	uint16_t window;
	const uint8_t *payload;
	size_t payload_length; /* at most PACKET_SEGMENT_PAYLOAD_MAX */
};

#define PACKET_SEGMENT_PAYLOAD_MAX 1200 /* fits the least IPv6 MTU (RFC 8200 section 5) */
#define PACKET_SEGMENT_MAX         (PACKET_SEGMENT_PAYLOAD_MAX + 60)

/*
 * A UDP datagram: hop limit 64, don't fragment, checksums filled in. Returns the packet's length.
 */
#define PACKET_DATAGRAM_PAYLOAD_MAX 2400
#define PACKET_DATAGRAM_MAX         (PACKET_DATAGRAM_PAYLOAD_MAX + 48)
size_t packet_build_datagram(const struct ip_endpoint *source,
			     const struct ip_endpoint *destination, const uint8_t *payload,
			     size_t payload_length, uint8_t buffer[PACKET_DATAGRAM_MAX]);

/* Returns the packet's length; `size` must do for it. */
size_t packet_build_segment(const struct packet_segment *segment, uint8_t *buffer, size_t size);

/*
 * Builds a bare TCP reset from `source` to `destination` (RFC 9293 section 3.5.2) with checksums,
 * hop limit 64. With `acknowledge`, flags are RST|ACK. Returns the length; the buffer must hold
 * PACKET_RESET_SIZE.
 */
#define PACKET_RESET_SIZE 60
size_t packet_build_reset(const struct ip_endpoint *source, const struct ip_endpoint *destination,
			  uint32_t sequence, uint32_t acknowledgement, bool acknowledge,
			  uint8_t buffer[PACKET_RESET_SIZE]);
