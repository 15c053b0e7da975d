/*
 * One inspected QUIC flow as a state machine without I/O: a client's datagrams in, and out comes
 * what may leave. Its states are those of a TCP flow (flow_impl.h): HELLO and LOOKUP until the
 * first hello is released, CONFIRM from then on, for as long as the inspector remembers the flow.
 */
#pragma once

#include "inspect/flow_impl.h"
#include "proto/quic/quic_initial.h"
#include "proto/tls/client_hello.h"

#define QUIC_ORIGINS_MAX                                                                           \
	4 /* connections that one flow may try: a Retry and another version are two */

/*
 * The connections that a client has begun in one flow, by the destination connection ids that their
 * Initial keys come from. The last one is current: its CRYPTO bytes are the flow's stream.
 */
struct quic_origins {
	struct {
		struct quic_connection_id id;
		uint64_t first_number; /* of its first Initial packet */
	} known[QUIC_ORIGINS_MAX];
	unsigned int count;
};

struct quic_scratch {
	uint8_t frames[QUIC_DATAGRAM_MAX];
	struct client_hello hello; /* after JUDGE: the facts; points into the flow's stream */
};

/*
 * Takes a datagram's payload. `ret_end`: how far into the stream it reaches; it may leave when the
 * flow is named and `approved` is not below that. JUDGE: a first hello is whole.
 */
enum flow_step quic_flow_take(struct flow *flow, struct quic_origins *origins,
			      const uint8_t *payload, size_t length, struct quic_scratch *scratch,
			      uint32_t *ret_end);

/* The first hello's name is allowed for this destination: all that was held may leave. PASS or
 * DENY.
 */
enum flow_step quic_flow_release(struct flow *flow, const struct name *name);

/* Does a datagram carry an Initial packet, or what cannot be told from one? For flows that nobody
 * remembers: such a datagram may begin a connection. */
bool quic_may_begin(const uint8_t *payload, size_t length);
