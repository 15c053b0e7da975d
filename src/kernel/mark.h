/*
 * Conntrack and packet marks: the contract between the ruleset and the program.
 * Top four bits: state; low 24 bits: the admission's number (pins/admissions.h); between them
 * MARK_TOLD and the like.
 */
#pragma once

#include <arpa/inet.h>
#include <stdint.h>

#define MARK_STATE_MASK  0xf0000000u
#define MARK_NUMBER_MASK 0x00ffffffu
/* conntrack, beside MARK_DENIED: the client has got a reset in the server's name */
#define MARK_TOLD 0x01000000u
/* conntrack, TCP beside HELLO, CONFIRM and INSPECTED: one of the two ends has been seen to give up,
 * so the server's may be gone */
#define MARK_ENDED 0x02000000u
/* conntrack, beside MARK_HELLO: the server has answered the SYN */
#define MARK_ANSWERED 0x04000000u

enum mark_state {
	MARK_NONE = 0x00000000u, /* not classified yet: the first packet's prerouting decides */
	MARK_HELLO =
		0x10000000u, /* conntrack: inspected, the hello is not whole; payload is queued.
				packet: of a hello that is being released, and not its last */
	MARK_CONFIRM =
		0x20000000u, /* conntrack: hello released, waiting for the server's handshake
				record; queued. packet: the last of a hello that is released */
	MARK_INSPECTED = 0x30000000u, /* conntrack: allowed, forwarded by the kernel; of QUIC, a
					 client's long headers are queued */
	MARK_NETWORK = 0x40000000u,   /* conntrack: allowed by a network rule */
	MARK_DENIED = 0x50000000u,    /* conntrack: every packet of both directions is rejected */
	MARK_PROXIED = 0x60000000u,   /* conntrack: the client's side of a proxied flow */
	MARK_REPEAT = 0x70000000u, /* packet: of a connection whose hello was released before; right
				      in CONFIRM only, for QUIC in INSPECTED */
	MARK_ALIVE = 0xa0000000u,  /* packet: the gateway's process lives */
	MARK_PASSED = 0xd0000000u, /* packet: let pass, without having been queued */
	MARK_TPROXY = 0xb0000000u, /* packet: deliver to a local transparent socket */
	MARK_UNTRACKED = 0xc0000000u, /* packet: ours, to the inside; not tracked */
};

static inline uint32_t mark_make(enum mark_state state, uint32_t number)
{
	return (uint32_t)state | (number & MARK_NUMBER_MASK);
}

static inline enum mark_state mark_state(uint32_t mark)
{
	return (enum mark_state)(mark & MARK_STATE_MASK);
}

/*
 * The mark of a queued TCP packet: the sequence number of the first byte behind the client's SYN,
 * as the server acknowledged it. nft copies those four bytes as they stand in the packet (network
 * order). That of a queued UDP packet is the connection's.
 */
static inline uint32_t mark_to_sequence(uint32_t mark)
{
	return ntohl(mark);
}

static inline uint32_t mark_number(uint32_t mark)
{
	return mark & MARK_NUMBER_MASK;
}
