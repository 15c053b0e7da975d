/*
 * While a hello is held, its client hears nothing. A client that may have only ten packets under
 * way (RFC 6928), or that sends its next small piece only when the last one is acknowledged (Nagle,
 * RFC 9293 section 3.7.4), would never finish a hello in many pieces. So when VOUCH_PACKETS are
 * held, or after VOUCH_MS, the gapless prefix is acknowledged with a bare segment in the server's
 * name. Ordinary hellos, whole within two packets, never come here.
 *
 * What was acknowledged the client will not send again. Once it has left, we do it: REPEATS times
 * with growing pauses, whether or not the server has it; it drops what it knows. A denied flow is
 * reset, so nothing is owed for it.
 *
 * The segments carry no timestamps, and a small window: the peers' own next segments correct both.
 * A client that insists on timestamps (RFC 7323 section 3.2) ignores ours, and its hello runs into
 * the timeout.
 */
#include "inspect/vouch_impl.h"

#include <netinet/in.h>

#include "kernel/conntrack.h"
#include "kernel/mark.h"
#include "proto/packet/packet.h"

#define VOUCH_PACKETS   4
#define VOUCH_MS        40 /* about a delayed acknowledgement (RFC 9293 section 3.8.6.3) */
#define REPEATS         4
#define REPEAT_FIRST_MS 250
#define MODEST_WINDOW   512

void vouch_init(struct vouching *vouching, struct loop *loop, struct packet_sender *sender,
		const struct stream *stream, const struct ip_endpoint *client,
		const struct ip_endpoint *server, uint32_t first_sequence)
{
	*vouching = (struct vouching){
		.loop = loop,
		.sender = sender,
		.stream = stream,
		.client = *client,
		.server = *server,
		.first_sequence = first_sequence,
	};
}

static void send_segment(const struct vouching *vouching, enum packet_sending sending,
			 const struct packet_segment *segment)
{
	uint8_t packet[PACKET_SEGMENT_MAX];
	size_t length = packet_build_segment(segment, packet, sizeof(packet));

	/* A segment that is lost here is one that the network lost. */
	(void)packet_sender_send(vouching->sender, sending, &segment->destination.address, packet,
				 length);
}

static void acknowledge(struct vouching *vouching)
{
	const struct packet_segment segment = {
		.source = vouching->server,
		.destination = vouching->client,
		.sequence = vouching->acknowledgement,
		.acknowledgement = vouching->first_sequence + stream_prefix(vouching->stream),
		.flags = PACKET_TCP_ACK,
		.window = MODEST_WINDOW,
	};

	vouching->vouched = stream_prefix(vouching->stream);
	vouching->held = 0;
	send_segment(vouching, PACKET_SENDING_UNTRACKED, &segment);
}

static void repeat(const struct vouching *vouching)
{
	struct packet_segment segment = {
		.source = vouching->client,
		.destination = vouching->server,
		.acknowledgement = vouching->acknowledgement,
		.flags = PACKET_TCP_ACK | PACKET_TCP_PSH,
		.window = MODEST_WINDOW,
	};
	uint32_t end = vouching->vouched < vouching->sent ? vouching->vouched : vouching->sent;

	for (uint32_t at = 0; at < end; at += (uint32_t)segment.payload_length) {
		segment.sequence = vouching->first_sequence + at;
		segment.payload = vouching->stream->bytes + at;
		segment.payload_length = end - at < PACKET_SEGMENT_PAYLOAD_MAX
						 ? end - at
						 : PACKET_SEGMENT_PAYLOAD_MAX;
		send_segment(vouching, PACKET_SENDING_IN_FLOW, &segment);
	}
}

/* Is the connection still there, and its server still to answer? */
static bool waits_for_server(const struct vouching *vouching)
{
	const struct conntrack_flow tuple = {
		.protocol = IPPROTO_TCP,
		.source = vouching->client,
		.destination = vouching->server,
	};
	struct conntrack_flow flow;

	return conntrack_find(&tuple, &flow) == 0 && mark_state(flow.mark) == MARK_CONFIRM;
}

static bool owes_acknowledgement(const struct vouching *vouching)
{
	uint32_t prefix = stream_prefix(vouching->stream);

	return prefix > vouching->sent && prefix > vouching->vouched;
}

static void fired(struct loop_timer *timer)
{
	struct vouching *vouching = loop_owner(timer, struct vouching, timer);

	if (owes_acknowledgement(vouching)) {
		acknowledge(vouching);
	} else if (vouching->sent > 0 && vouching->vouched > 0 && waits_for_server(vouching)) {
		repeat(vouching);
		vouching->repeats++;
		if (vouching->repeats < REPEATS)
			(void)loop_timer_start(vouching->loop, timer,
					       (uint64_t)REPEAT_FIRST_MS << vouching->repeats,
					       fired);
	}
}

void vouch_held(struct vouching *vouching, uint32_t acknowledgement)
{
	if (!vouching->loop)
		return;
	vouching->acknowledgement = acknowledgement;
	vouching->held++;
	if (!owes_acknowledgement(vouching))
		return;
	if (vouching->held >= VOUCH_PACKETS)
		acknowledge(vouching);
	else if (vouching->timer.position == 0)
		(void)loop_timer_start(vouching->loop, &vouching->timer, VOUCH_MS, fired);
}

void vouch_sent(struct vouching *vouching, uint32_t sent)
{
	if (!vouching->loop)
		return;
	vouching->sent = sent;
	vouching->held = 0;
	loop_timer_stop(vouching->loop, &vouching->timer);
	vouching->repeats = 0;
	if (vouching->vouched > 0)
		(void)loop_timer_start(vouching->loop, &vouching->timer, REPEAT_FIRST_MS, fired);
}

void vouch_stop(struct vouching *vouching)
{
	if (vouching->loop)
		loop_timer_stop(vouching->loop, &vouching->timer);
}
