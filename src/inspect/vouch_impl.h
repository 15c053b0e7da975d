/*
 * Vouching: acknowledging held bytes to the client in the server's name, so that a hello in many
 * small pieces can become whole, and answering for them afterwards.
 */
#pragma once

#include "base/ip.h"
#include "inspect/stream_impl.h"
#include "kernel/packet_sender.h"
#include "loop/loop.h"

struct vouching {
	/* set by vouch_init(), which a flow may do without: then nothing is ever vouched for */
	struct loop *loop;
	struct packet_sender *sender;
	const struct stream *stream;
	struct ip_endpoint client, server;
	uint32_t first_sequence;
	/* the flow's life */
	struct loop_timer timer;
	uint32_t acknowledgement; /* what the client acknowledged last: the server's next byte */
	uint32_t sent;            /* bytes from the start that left */
	uint32_t vouched;         /* bytes from the start that we acknowledged */
	uint32_t held;            /* packets held since then */
	uint32_t repeats;         /* of the vouched bytes towards the server, so far */
};

void vouch_init(struct vouching *vouching, struct loop *loop, struct packet_sender *sender,
		const struct stream *stream, const struct ip_endpoint *client,
		const struct ip_endpoint *server, uint32_t first_sequence);

/* A packet was held. */
void vouch_held(struct vouching *vouching, uint32_t acknowledgement);
/* Bytes up to `sent` have left. */
void vouch_sent(struct vouching *vouching, uint32_t sent);
/* The flow ends; fine when never begun. */
void vouch_stop(struct vouching *vouching);
