/*
 * A client's QUIC datagrams, sealed here as a script says: pieces of a stream, in any order, under
 * any of a few connection ids and keys. Input: the length of the stream (2 bytes), the stream, then
 * one datagram in each 6 bytes: offset (2), length (2), ids (1), what is odd about it (1).
 *
 * The oracle is a server that reads every packet with the keys it was sealed with. Whatever comes:
 * nothing leaves before a hello was judged, each CRYPTO byte that leaves is the first that left for
 * its place in its connection, and lies in hellos that are whole and carry the released name.
 */
#include "inspect/quic_flow_impl.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/proto/initials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IDS         8
#define DATAGRAMS   128
#define PIECE_MAX   1500
#define HEADER_SIZE 4

enum odd {
	ODD_BYTE = 0x01,      /* one byte differs */
	ODD_VERSION = 0x02,   /* version 2 */
	ODD_OTHER_KEY = 0x04, /* sealed with another id's keys */
	ODD_EMPTY = 0x08,     /* no CRYPTO frame */
	ODD_BESIDE = 0x10,    /* behind a handshake packet */
	ODD_LOOKUP = 0x20,    /* a hello that is judged now waits for a lookup */
	ODD_FOUND = 0x40,     /* a lookup that is under way is done */
	ODD_NUMBER = 0x80,    /* a packet number that is far away */
};

struct sent {
	unsigned int original;
	uint32_t offset, length, end;
	uint8_t bytes[PIECE_MAX];
};

struct run {
	struct flow flow;
	struct quic_origins origins;
	struct quic_scratch scratch;
	struct name name; /* while a lookup is under way */
	uint8_t buffer[STREAM_CAPACITY];
	uint8_t first[IDS][STREAM_CAPACITY]; /* what left, by the connection's first id */
	bool there[IDS][STREAM_CAPACITY];
	struct sent held[DATAGRAMS];
	size_t held_count, sent_count;
};

static const char *const s_ids[IDS] = {"original", "another1", "another2", "another3",
				       "another4", "another5", "another6", "another7"};

/* The approved bytes are whole hellos of the released name. */
static void check_approved(const struct run *run)
{
	uint32_t at = 0;

	while (at < run->flow.approved) {
		struct cursor header = cursor_over(run->buffer + at, run->flow.approved - at);
		struct client_hello hello;
		struct name name;
		uint32_t length;

		cursor_skip(&header, 1);
		length = HEADER_SIZE + cursor_u24(&header);
		invariant(length <= run->flow.approved - at);
		invariant(client_hello_parse(run->buffer + at, length, &hello) == CLIENT_HELLO_OK);
		invariant(name_from_wire(hello.server_name, hello.server_name_length, &name) ==
			  NAME_OK);
		invariant(name_equal(&name, &run->flow.name));
		at += length;
	}
}

static void leave(struct run *run, const struct sent *sent)
{
	invariant(run->flow.named);
	invariant(sent->length == 0 || sent->offset + sent->length <= run->flow.approved);
	for (uint32_t i = 0; i < sent->length; i++) {
		uint32_t at = sent->offset + i;

		invariant(run->buffer[at] == sent->bytes[i]);
		invariant(!run->there[sent->original][at] ||
			  run->first[sent->original][at] == sent->bytes[i]);
		run->there[sent->original][at] = true;
		run->first[sent->original][at] = sent->bytes[i];
	}
}

static void let_out(struct run *run)
{
	size_t kept = 0;

	check_approved(run);
	for (size_t i = 0; i < run->held_count; i++) {
		if (run->held[i].end > run->flow.approved)
			run->held[kept++] = run->held[i];
		else
			leave(run, &run->held[i]);
	}
	run->held_count = kept;
}

static enum flow_step judge(struct run *run, bool wait)
{
	const struct client_hello *hello = &run->scratch.hello;

	invariant(run->flow.state == FLOW_STATE_HELLO && !run->flow.named);
	if (!hello->has_server_name ||
	    name_from_wire(hello->server_name, hello->server_name_length, &run->name) != NAME_OK)
		return flow_deny(&run->flow, REASON_NO_NAME);
	if (wait) {
		run->flow.state = FLOW_STATE_LOOKUP;
		return FLOW_STEP_HOLD;
	}
	return quic_flow_release(&run->flow, &run->name);
}

static struct initial seal(struct run *run, const struct sent *sent, uint8_t ids, uint8_t odd)
{
	static const uint8_t handshake[] = {0xe3, 0, 0, 0, 1, 0, 0, 4, 1, 2, 3, 4};
	struct quic_connection_id original = write_connection_id(s_ids[sent->original]);
	struct initial datagram = {.length = 0}, frames = {.length = 0};
	struct initial_options options = {
		.version = odd & ODD_VERSION ? QUIC_VERSION_2 : QUIC_VERSION_1,
		.number = run->sent_count++ + (odd & ODD_NUMBER ? 200 : 0),
		.original = &original,
	};

	if (odd & ODD_BESIDE)
		add_initial(&datagram, handshake, sizeof(handshake));
	if (sent->length > 0)
		add_crypto_frame(&frames, sent->offset, sent->bytes, sent->length);
	add_initial_packet(&datagram, s_ids[ids & 7], &frames, options);
	return datagram;
}

static void run_datagram(struct run *run, struct cursor *script, struct cursor stream)
{
	size_t available = cursor_left(&stream);
	uint32_t offset = cursor_u16(script), length = cursor_u16(script), end = 0;
	uint8_t ids = cursor_u8(script), odd = cursor_u8(script);
	struct sent sent = {.original = odd & ODD_OTHER_KEY ? ids >> 4 & 7 : ids & 7};
	struct initial datagram;
	enum flow_step step;

	if (available > 0 && !(odd & ODD_EMPTY)) {
		sent.offset = offset % (uint32_t)available;
		sent.length = 1 + length % PIECE_MAX;
		if (sent.length > available - sent.offset)
			sent.length = (uint32_t)available - sent.offset;
		cursor_skip(&stream, sent.offset);
		memcpy(sent.bytes, cursor_bytes(&stream, sent.length), sent.length);
		if (odd & ODD_BYTE)
			sent.bytes[sent.length / 2] ^= odd;
	}
	datagram = seal(run, &sent, ids, odd);
	step = quic_flow_take(&run->flow, &run->origins, datagram.bytes, datagram.length,
			      &run->scratch, &end);
	if (step == FLOW_STEP_DROP || step == FLOW_STEP_DENY)
		return;
	invariant(end == (sent.length ? sent.offset + sent.length : 0));
	sent.end = end;
	if (step != FLOW_STEP_PASS && run->held_count < DATAGRAMS)
		run->held[run->held_count++] = sent;
	if (step == FLOW_STEP_JUDGE)
		step = judge(run, odd & ODD_LOOKUP);
	else if (run->flow.state == FLOW_STATE_LOOKUP && odd & ODD_FOUND)
		step = quic_flow_release(&run->flow, &run->name);
	if (step == FLOW_STEP_DENY)
		return;
	if (step == FLOW_STEP_PASS) {
		let_out(run);
		leave(run, &sent);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor script = cursor_over(data, size);
	struct cursor stream = cursor_take(&script, cursor_u16(&script));
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		abort();
	flow_init(&run->flow, run->buffer);
	while (cursor_left(&script) >= 6 && run->flow.state != FLOW_STATE_DENIED)
		run_datagram(run, &script, stream);
	free(run);
	return 0;
}
