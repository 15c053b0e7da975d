/*
 * A QUIC flow: the ClientHello out of a client's Initial packets.
 *
 * Goal: whatever connection a server could see begin in the datagrams that leave, its ClientHello
 * is one that we judged, byte for byte.
 *
 * What a server could see. It reads an Initial packet with the keys of a connection that it knows
 * by the packet's destination connection id, or else with keys made of that very id, as the
 * beginning of a new connection. All of these keys are public, and AES-GCM does not bind a
 * ciphertext to one of them: a packet can be made that opens under two keys to two contents. So
 * each packet is opened with every key that the server might use (its own id, and the ids that the
 * flow's connections came from: `origins`), and every reading that succeeds must be right. A packet
 * that none opens is not let through. Packet numbers are shortened on the wire, and a server
 * completes them by what it has seen: both completions are tried, by the origin's first number and
 * without any, and numbers stay so near that first one that a server cannot come to a third.
 *
 * The stream. The CRYPTO bytes of the current origin are put into the flow's stream like TCP's
 * bytes: in any order and number of frames and packets, overlaps must agree. It holds whole
 * ClientHellos and nothing else: the first one is judged, a second one (after a HelloRetryRequest)
 * must carry the same name.
 *
 * Another origin begins with a Retry (the same hello again, under keys of another id), another
 * version, or a second connection on the same ports. Its hello must be whole and carry the flow's
 * name before anything of it leaves. It may begin only when nothing of the one before is half
 * there, and that one's stream is over for good: were it taken up again, its bytes would have been
 * forgotten, and a server might put pieces of two hellos together.
 *
 * Before the first release nothing leaves, whatever it is. After it, packets without CRYPTO bytes
 * pass (acknowledgements, handshake, 0-RTT): they begin nothing.
 *
 * Limits: QUIC_ORIGINS_MAX, NUMBERS_SPAN, and those of the stream. Versions 1 and 2 alone; a server
 * that speaks another one answers to nothing that we let through.
 */
#include "inspect/quic_flow_impl.h"

#include "base/assertion.h"

#define HANDSHAKE_HEADER_SIZE 4
#define HANDSHAKE_HELLO       1

/* Two numbers within this distance of a third are nearer to each other than half of the smallest
 * window, 2^8, so that whichever was seen last completes the other alike (RFC 9000 appendix A.3).
 */
#define NUMBERS_SPAN 63

struct reading {
	struct flow *flow;
	struct quic_origins *origins;
	struct quic_scratch *scratch;
	uint32_t end;
};

static enum reason reason_of(enum client_hello_error error)
{
	return error == CLIENT_HELLO_TOO_LONG ? REASON_HELLO_TOO_LONG : REASON_HELLO_MALFORMED;
}

/* ------------------------------------------------------------------- the stream */

/* Something of a hello is there, but not all. */
static bool is_pending(const struct flow *flow)
{
	const struct stream *stream = &flow->stream;

	return stream->range_count > 1 || stream_prefix(stream) > flow->approved ||
	       (stream->range_count == 1 && stream->ranges[0].begin > 0);
}

/* PASS: a whole one, from `unit` to `hello_end`. */
static enum flow_step read_hello(struct flow *flow, struct client_hello *hello)
{
	uint32_t prefix = stream_prefix(&flow->stream);
	struct cursor message = cursor_over(flow->stream.bytes + flow->unit, prefix - flow->unit);
	uint8_t type = cursor_u8(&message);
	uint32_t length = HANDSHAKE_HEADER_SIZE + cursor_u24(&message);
	enum client_hello_error error;

	if (prefix > flow->unit && type != HANDSHAKE_HELLO)
		return flow_deny(flow, REASON_HELLO_MALFORMED);
	if (cursor_failed(&message))
		return FLOW_STEP_HOLD;
	if (length > CLIENT_HELLO_MAX)
		return flow_deny(flow, REASON_HELLO_TOO_LONG);
	if (prefix - flow->unit < length)
		return FLOW_STEP_HOLD;
	error = client_hello_parse(flow->stream.bytes + flow->unit, length, hello);
	if (error != CLIENT_HELLO_OK)
		return flow_deny(flow, reason_of(error));
	flow->hello_end = flow->unit + length;
	return FLOW_STEP_PASS;
}

/* All hellos that are whole. JUDGE, HOLD (no more, or half a one) or DENY. */
static enum flow_step read_hellos(struct flow *flow, struct client_hello *hello)
{
	while (stream_prefix(&flow->stream) > flow->unit) {
		enum flow_step step = read_hello(flow, hello);

		if (step != FLOW_STEP_PASS)
			return step;
		if (!flow->named) {
			flow_note_hello(flow, hello);
			return FLOW_STEP_JUDGE;
		}
		if (flow_compare_hello(flow, hello) == FLOW_STEP_DENY)
			return FLOW_STEP_DENY;
	}
	return FLOW_STEP_HOLD;
}

static enum flow_step put_crypto(struct reading *reading, const struct quic_crypto_frame *crypto)
{
	struct flow *flow = reading->flow;

	if (crypto->length == 0)
		return FLOW_STEP_PASS;
	if (crypto->offset >= STREAM_CAPACITY)
		return flow_deny(flow, REASON_HELLO_TOO_LONG);
	switch (stream_put(&flow->stream, (int64_t)crypto->offset, crypto->bytes, crypto->length)) {
	case STREAM_DIFFERS:
		return flow_deny(flow, REASON_HELLO_OVERLAP);
	case STREAM_OUTSIDE:
		return FLOW_STEP_DROP;
	case STREAM_TAKEN:
		break;
	}
	if (crypto->offset + crypto->length > reading->end)
		reading->end = (uint32_t)(crypto->offset + crypto->length);
	return FLOW_STEP_PASS;
}

/* ------------------------------------------------------------------- one packet */

static enum flow_step take_frames(struct reading *reading, unsigned int origin, size_t length)
{
	struct cursor frames = cursor_over(reading->scratch->frames, length);
	struct quic_crypto_frame crypto;
	enum quic_frame frame;

	while ((frame = quic_take_crypto(&frames, &crypto)) == QUIC_FRAME_CRYPTO) {
		enum flow_step step;

		if (origin + 1 != reading->origins->count)
			return FLOW_STEP_DROP; /* its stream is over */
		step = put_crypto(reading, &crypto);
		if (step != FLOW_STEP_PASS)
			return step;
	}
	return frame == QUIC_FRAME_NONE ? FLOW_STEP_PASS
					: flow_deny(reading->flow, REASON_HELLO_MALFORMED);
}

/* PASS: it is the current origin now. */
static enum flow_step begin_origin(struct reading *reading, const struct quic_connection_id *id,
				   uint64_t number)
{
	struct quic_origins *origins = reading->origins;
	struct flow *flow = reading->flow;

	if (origins->count > 0 && (!flow->named || is_pending(flow)))
		return FLOW_STEP_DROP;
	if (origins->count == QUIC_ORIGINS_MAX)
		return flow_deny(flow, REASON_QUIC_LATE_HELLO);
	origins->known[origins->count].id = *id;
	origins->known[origins->count++].first_number = number;
	stream_init(&flow->stream, flow->stream.bytes);
	flow->unit = flow->approved = flow->hello_end = 0;
	return FLOW_STEP_PASS;
}

static bool is_near(uint64_t number, uint64_t first)
{
	return number < first ? first - number <= NUMBERS_SPAN : number - first <= NUMBERS_SPAN;
}

/* One key, one completion of the number. HOLD: the packet is not sealed so. */
static enum flow_step read_as(struct reading *reading, const struct quic_packet *packet,
			      const struct quic_client_keys *keys,
			      const struct quic_connection_id *id, uint64_t expected)
{
	struct quic_origins *origins = reading->origins;
	struct quic_opened opened;
	unsigned int origin = 0;

	if (!quic_open_initial(packet, keys, expected, reading->scratch->frames, &opened))
		return FLOW_STEP_HOLD;
	while (origin < origins->count && !quic_connection_id_equal(&origins->known[origin].id, id))
		origin++;
	if (origin == origins->count) {
		enum flow_step step = begin_origin(reading, id, opened.number);

		if (step != FLOW_STEP_PASS)
			return step;
	}
	if (!is_near(opened.number, origins->known[origin].first_number))
		return FLOW_STEP_DROP;
	return take_frames(reading, origin, opened.length);
}

/* With the keys of one id. PASS: it opens and is right; HOLD: it does not open. */
static enum flow_step read_with(struct reading *reading, const struct quic_packet *packet,
				const struct quic_connection_id *id)
{
	const struct quic_origins *origins = reading->origins;
	uint64_t expected[] = {0, 0};
	struct quic_client_keys keys;
	bool opened = false;

	for (unsigned int i = 0; i < origins->count; i++)
		if (quic_connection_id_equal(&origins->known[i].id, id))
			expected[1] = origins->known[i].first_number;
	if (!quic_derive_client_keys(packet->version, id, &keys))
		return FLOW_STEP_DROP;
	for (unsigned int i = 0; i < (expected[1] == 0 ? 1 : 2); i++) {
		enum flow_step step = read_as(reading, packet, &keys, id, expected[i]);

		if (step != FLOW_STEP_PASS && step != FLOW_STEP_HOLD)
			return step;
		opened |= step == FLOW_STEP_PASS;
	}
	return opened ? FLOW_STEP_PASS : FLOW_STEP_HOLD;
}

/* An Initial packet in all its readings. */
static enum flow_step take_initial(struct reading *reading, const struct quic_packet *packet)
{
	const struct quic_origins before = *reading->origins;
	enum flow_step step = read_with(reading, packet, &packet->destination);
	bool opened = step == FLOW_STEP_PASS;

	if (step != FLOW_STEP_PASS && step != FLOW_STEP_HOLD)
		return step;
	for (unsigned int i = 0; i < before.count; i++) {
		if (quic_connection_id_equal(&before.known[i].id, &packet->destination))
			continue;
		step = read_with(reading, packet, &before.known[i].id);
		if (step != FLOW_STEP_PASS && step != FLOW_STEP_HOLD)
			return step;
		opened |= step == FLOW_STEP_PASS;
	}
	if (opened)
		return FLOW_STEP_PASS;
	return before.count == 0 ? flow_deny(reading->flow, REASON_HELLO_MALFORMED)
				 : FLOW_STEP_DROP;
}

static enum flow_step take_packet(struct reading *reading, const struct quic_packet *packet)
{
	switch (packet->kind) {
	case QUIC_INITIAL:
		return take_initial(reading, packet);
	case QUIC_ZERO_RTT:
	case QUIC_HANDSHAKE:
	case QUIC_SHORT_HEADER:
		return FLOW_STEP_PASS;
	case QUIC_RETRY:
	case QUIC_OTHER_VERSION:
		break;
	}
	return reading->origins->count == 0 ? flow_deny(reading->flow, REASON_NOT_TLS)
					    : FLOW_STEP_DROP;
}

/* ------------------------------------------------------------------- one datagram */

/* All packets of a datagram. PASS: read, and right. */
static enum flow_step take_packets(struct reading *reading, const uint8_t *payload, size_t length)
{
	struct cursor datagram = cursor_over(payload, length);
	bool first = true;

	while (cursor_left(&datagram)) {
		bool nothing_known = reading->origins->count == 0;
		struct quic_packet packet;
		enum flow_step step;

		if (!quic_packet_take(&datagram, &packet))
			return nothing_known ? flow_deny(reading->flow, REASON_NOT_TLS)
					     : FLOW_STEP_DROP;
		if (first && nothing_known && packet.kind == QUIC_SHORT_HEADER)
			return flow_deny(reading->flow, REASON_NOT_TLS);
		first = false;
		step = take_packet(reading, &packet);
		if (step != FLOW_STEP_PASS)
			return step;
	}
	return FLOW_STEP_PASS;
}

enum flow_step quic_flow_take(struct flow *flow, struct quic_origins *origins,
			      const uint8_t *payload, size_t length, struct quic_scratch *scratch,
			      uint32_t *ret_end)
{
	struct reading reading = {.flow = flow, .origins = origins, .scratch = scratch};
	enum flow_step step;

	if (flow->state == FLOW_STATE_DENIED)
		return FLOW_STEP_DENY;
	if (length > QUIC_DATAGRAM_MAX)
		return FLOW_STEP_DROP;
	step = take_packets(&reading, payload, length);
	if (step != FLOW_STEP_PASS)
		return step;
	*ret_end = reading.end;
	if (flow->state == FLOW_STATE_LOOKUP)
		return FLOW_STEP_HOLD;
	step = read_hellos(flow, &scratch->hello);
	if (step == FLOW_STEP_HOLD && flow->named && reading.end <= flow->approved)
		return FLOW_STEP_PASS;
	return step;
}

enum flow_step quic_flow_release(struct flow *flow, const struct name *name)
{
	invariant(flow->state == FLOW_STATE_HELLO || flow->state == FLOW_STATE_LOOKUP);
	invariant(flow->hello_end > 0);
	flow->state = FLOW_STATE_CONFIRM;
	flow->named = true;
	flow->name = *name;
	flow->unit = flow->approved = flow->hello_end;
	/* No server has asked for more yet. */
	return is_pending(flow) ? flow_deny(flow, REASON_HELLO_MALFORMED) : FLOW_STEP_PASS;
}

bool quic_may_begin(const uint8_t *payload, size_t length)
{
	struct cursor datagram = cursor_over(payload, length);
	struct quic_packet packet;

	while (cursor_left(&datagram)) {
		if (!quic_packet_take(&datagram, &packet))
			return true;
		if (packet.kind != QUIC_ZERO_RTT && packet.kind != QUIC_HANDSHAKE &&
		    packet.kind != QUIC_SHORT_HEADER)
			return true;
	}
	return false;
}
