/*
 * The states of an inspected flow; see flow_impl.h for what each allows.
 *
 * Invariants: `approved` only grows, never past a gap and never into a hello that was not judged;
 * the stream keeps every byte that was let out, so a differing repetition is always seen.
 * The hello is read anew from its first byte whenever the gapless prefix has grown; that keeps no
 * parser state per flow, and the prefix is at most STREAM_CAPACITY.
 */
#include "inspect/flow_impl.h"

#include "base/assertion.h"
#include "wire/cursor.h"

#define RECORD_HEADER_SIZE      5
#define RECORD_LENGTH_MAX       (16384 + 256) /* RFC 8446 section 5.2 */
#define RECORD_CHANGE_CIPHER    20
#define RECORD_ALERT            21
#define RECORD_HANDSHAKE        22
#define RECORD_APPLICATION_DATA 23

#define SESSION_ID_AT                                                                              \
	38              /* in a hello: handshake header, version, random (RFC 8446 section 4.1.2) */
#define ANSWER_START 11 /* what the ruleset looks at: record and handshake header, version */

void flow_init(struct flow *flow, uint8_t *bytes)
{
	flow->state = FLOW_STATE_HELLO;
	flow->reason = REASON_RULE_ALLOWS;
	flow->approved = flow->unit = flow->hello_end = 0;
	flow->named = flow->nameless = flow->encrypted = false;
	stream_init(&flow->stream, bytes);
}

enum flow_step flow_deny(struct flow *flow, enum reason reason)
{
	flow->state = FLOW_STATE_DENIED;
	flow->reason = reason;
	return FLOW_STEP_DENY;
}

static enum reason reason_of(enum client_hello_error error)
{
	switch (error) {
	case CLIENT_HELLO_NOT_TLS:
		return REASON_NOT_TLS;
	case CLIENT_HELLO_TOO_LONG:
		return REASON_HELLO_TOO_LONG;
	default:
		return REASON_HELLO_MALFORMED;
	}
}

/*
 * The ruleset takes a packet of the server that begins like a ServerHello for the proof that the
 * server has read the hello. A server repeats the client's session id, also in a
 * HelloRetryRequest, and a client can make it send from any byte on (a small window). So a session
 * id must not look like that beginning: 16 03, two bytes of any length below 2^16, 02 00, …, 03 01
 * to 03 03. By chance that happens to one hello in 10^10.
 */
static bool mimics_answer(const uint8_t *bytes)
{
	return bytes[0] == RECORD_HANDSHAKE && bytes[1] == 3 && bytes[5] == 2 && bytes[6] == 0 &&
	       bytes[9] == 3 && bytes[10] >= 1 && bytes[10] <= 3;
}

static bool has_forged_session_id(const struct hello_reader *reader)
{
	struct cursor message = cursor_over(reader->message, reader->message_length);
	struct cursor session_id;

	cursor_skip(&message, SESSION_ID_AT);
	session_id = cursor_take_vector8(&message);
	for (; cursor_left(&session_id) >= ANSWER_START; cursor_skip(&session_id, 1))
		if (mimics_answer(session_id.at))
			return true;
	return false;
}

/* Reads the hello that begins at `unit`. JUDGE, HOLD or DENY. */
static enum flow_step read_hello(struct flow *flow, struct hello_reader *reader)
{
	uint32_t prefix = stream_prefix(&flow->stream);
	size_t taken;

	hello_reader_init(reader);
	taken = hello_reader_feed(reader, flow->stream.bytes + flow->unit, prefix - flow->unit);
	if (reader->progress == HELLO_REFUSED)
		return flow_deny(flow, reason_of(reader->error));
	if (reader->progress == HELLO_MORE)
		return FLOW_STEP_HOLD;
	if (reader->record_left != 0) /* more handshake bytes in the hello's own record */
		return flow_deny(flow, REASON_HELLO_MALFORMED);
	if (has_forged_session_id(reader))
		return flow_deny(flow, REASON_HELLO_MALFORMED);
	flow->hello_end = flow->unit + (uint32_t)taken;
	return FLOW_STEP_JUDGE;
}

void flow_note_hello(struct flow *flow, const struct client_hello *hello)
{
	flow->nameless = !hello->has_server_name;
	flow->encrypted = hello->has_encrypted_hello;
}

static bool has_flow_s_name(const struct flow *flow, const struct client_hello *hello)
{
	struct name name;

	if (flow->nameless)
		return !hello->has_server_name;
	return hello->has_server_name &&
	       name_from_wire(hello->server_name, hello->server_name_length, &name) == NAME_OK &&
	       name_equal(&name, &flow->name);
}

enum flow_step flow_compare_hello(struct flow *flow, const struct client_hello *hello)
{
	if (!has_flow_s_name(flow, hello))
		return flow_deny(flow, REASON_NAME_MISMATCH);
	if (hello->has_encrypted_hello && !flow->encrypted)
		return flow_deny(flow, REASON_ENCRYPTED_HELLO);
	flow->unit = flow->approved = flow->hello_end;
	return FLOW_STEP_PASS;
}

/* Looks at one record behind the first hello. PASS: all of it was there, look at the next. */
static enum flow_step read_record(struct flow *flow, struct hello_reader *reader)
{
	uint32_t prefix = stream_prefix(&flow->stream), end;
	struct cursor header = cursor_over(flow->stream.bytes + flow->unit, prefix - flow->unit);
	uint8_t type = cursor_u8(&header);
	uint16_t length;

	cursor_skip(&header, 2); /* legacy_record_version: ignored (RFC 8446 section 5.1) */
	length = cursor_u16(&header);
	if (type == RECORD_HANDSHAKE) {
		enum flow_step step = read_hello(flow, reader);

		return step == FLOW_STEP_JUDGE ? flow_compare_hello(flow, &reader->hello) : step;
	}
	if ((type != RECORD_CHANGE_CIPHER && type != RECORD_ALERT &&
	     type != RECORD_APPLICATION_DATA) ||
	    (!cursor_failed(&header) && length > RECORD_LENGTH_MAX))
		return flow_deny(flow, REASON_NOT_TLS);
	/* Whatever length follows, no hello is in it: a packet may end inside a record's header. */
	if (cursor_failed(&header)) {
		flow->approved = prefix;
		return FLOW_STEP_HOLD;
	}
	end = flow->unit + RECORD_HEADER_SIZE + length;
	flow->approved = end < prefix ? end : prefix;
	if (end > prefix)
		return FLOW_STEP_HOLD;
	flow->unit = end;
	return FLOW_STEP_PASS;
}

/* Looks at what stands behind the released hello. PASS or DENY. */
static enum flow_step read_on(struct flow *flow, struct hello_reader *reader)
{
	while (stream_prefix(&flow->stream) > flow->unit) {
		enum flow_step step = read_record(flow, reader);

		if (step == FLOW_STEP_DENY)
			return step;
		if (step == FLOW_STEP_HOLD)
			break;
	}
	return FLOW_STEP_PASS;
}

static enum flow_step read_first_hello(struct flow *flow, struct hello_reader *reader)
{
	enum flow_step step = read_hello(flow, reader);

	if (step == FLOW_STEP_JUDGE)
		flow_note_hello(flow, &reader->hello);
	return step;
}

enum flow_step flow_take(struct flow *flow, int64_t offset, const uint8_t *payload, size_t length,
			 bool urgent, struct hello_reader *reader)
{
	if (flow->state == FLOW_STATE_DENIED)
		return FLOW_STEP_DENY;
	/* The receiver may take an urgent byte out of the stream: then it reads other bytes than we
	 * do. */
	if (urgent)
		return flow_deny(flow, REASON_HELLO_MALFORMED);
	switch (stream_put(&flow->stream, offset, payload, length)) {
	case STREAM_DIFFERS:
		return flow_deny(flow, REASON_HELLO_OVERLAP);
	case STREAM_OUTSIDE:
		return FLOW_STEP_DROP;
	case STREAM_TAKEN:
		break;
	}
	switch (flow->state) {
	case FLOW_STATE_HELLO:
		return read_first_hello(flow, reader);
	case FLOW_STATE_CONFIRM:
		return read_on(flow, reader);
	default:
		return FLOW_STEP_HOLD;
	}
}

enum flow_step flow_release(struct flow *flow, const struct name *name, struct hello_reader *reader)
{
	invariant(flow->state == FLOW_STATE_HELLO || flow->state == FLOW_STATE_LOOKUP);
	invariant(flow->hello_end > 0);
	flow->state = FLOW_STATE_CONFIRM;
	flow->named = true;
	flow->name = *name;
	flow->unit = flow->approved = flow->hello_end;
	return read_on(flow, reader);
}
