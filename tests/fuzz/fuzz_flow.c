/*
 * A client's segments, in any order, overlapping, repeated or changed on the way. Input: the length
 * of a stream (2 bytes), the stream, then one segment in each 5 bytes: offset (2), length (2), what
 * is odd about it (1).
 *
 * Whatever comes: what is approved never shrinks, never reaches past a gap, is nothing before the
 * hello is judged and nothing new once the flow is denied; each byte let out is the first that came
 * for its place; and what is let out reads as hellos of the one released name, with nothing between
 * them but records that carry no handshake.
 */
#include "inspect/flow_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "wire/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEGMENTS_MAX 256

enum odd {
	ODD_BYTE = 0x01, /* one byte differs */
	ODD_URGENT = 0x02,
	ODD_BEFORE = 0x04, /* begins before the start */
	ODD_FAR = 0x08,    /* begins near the capacity */
	ODD_LOOKUP = 0x10, /* a hello that is judged now waits for a lookup */
	ODD_FOUND = 0x20,  /* a lookup that is under way is done */
};

struct segment {
	uint32_t begin, end;
	uint8_t *bytes;
};

struct run {
	struct flow flow;
	struct hello_reader reader;
	struct name name; /* while a lookup is under way */
	uint8_t *buffer;
	uint8_t *first; /* the first byte for each place */
	bool *there;
	uint32_t approved;
	struct segment held[SEGMENTS_MAX];
	size_t held_count;
};

static void let_out(struct run *run)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->held_count; i++) {
		struct segment segment = run->held[i];

		if (segment.end > run->flow.approved) {
			run->held[kept++] = segment;
			continue;
		}
		invariant(memcmp(segment.bytes, run->first + segment.begin,
				 segment.end - segment.begin) == 0);
		free(segment.bytes);
	}
	run->held_count = kept;
}

/* There must be a hello of the released name at `at`. Returns its end. */
static size_t check_hello(struct run *run, size_t at, size_t limit)
{
	struct name name;

	hello_reader_init(&run->reader);
	at += hello_reader_feed(&run->reader, run->first + at, limit - at);
	invariant(run->reader.progress == HELLO_WHOLE);
	invariant(run->reader.record_left == 0);
	invariant(name_from_wire(run->reader.hello.server_name,
				 run->reader.hello.server_name_length, &name) == NAME_OK);
	invariant(name_equal(&name, &run->flow.name));
	return at;
}

static void check_let_out(struct run *run)
{
	size_t limit = run->approved, at = 0;

	while (at < limit) {
		struct cursor header = cursor_over(run->first + at, limit - at);
		uint8_t type = cursor_u8(&header);

		if (at == 0 || type == 22) {
			at = check_hello(run, at, limit);
			continue;
		}
		invariant(type == 20 || type == 21 || type == 23);
		cursor_skip(&header, 2);
		at += 5u + cursor_u16(&header);
		if (cursor_failed(&header))
			break;
	}
}

static void check(struct run *run, uint32_t before)
{
	invariant(run->flow.approved >= before);
	invariant(run->flow.named || run->flow.approved == 0);
	for (uint32_t i = before; i < run->flow.approved; i++)
		invariant(run->there[i]);
	run->approved = run->flow.approved;
}

static enum flow_step judge(struct run *run, bool wait)
{
	const struct client_hello *hello = &run->reader.hello;

	invariant(run->flow.state == FLOW_STATE_HELLO);
	if (!hello->has_server_name ||
	    name_from_wire(hello->server_name, hello->server_name_length, &run->name) != NAME_OK)
		return flow_deny(&run->flow, REASON_NO_NAME);
	if (wait) {
		run->flow.state = FLOW_STATE_LOOKUP;
		return FLOW_STEP_HOLD;
	}
	return flow_release(&run->flow, &run->name, &run->reader);
}

static void remember(struct run *run, struct segment segment)
{
	for (uint32_t i = segment.begin; i < segment.end; i++) {
		invariant(!run->there[i] || run->first[i] == segment.bytes[i - segment.begin]);
		run->first[i] = segment.bytes[i - segment.begin];
		run->there[i] = true;
	}
	if (run->held_count < SEGMENTS_MAX)
		run->held[run->held_count++] = segment;
	else
		free(segment.bytes);
}

static enum flow_step take(struct run *run, int64_t offset, uint8_t *bytes, size_t length,
			   uint8_t odd)
{
	enum flow_step step =
		flow_take(&run->flow, offset, bytes, length, (odd & ODD_URGENT) != 0, &run->reader);
	bool kept = step != FLOW_STEP_DROP && step != FLOW_STEP_DENY;

	if (kept)
		remember(run, (struct segment){(uint32_t)offset,
					       (uint32_t)(offset + (int64_t)length), bytes});
	else
		free(bytes);
	if (step == FLOW_STEP_JUDGE)
		step = judge(run, odd & ODD_LOOKUP);
	else if (run->flow.state == FLOW_STATE_LOOKUP && odd & ODD_FOUND)
		step = flow_release(&run->flow, &run->name, &run->reader);
	return step;
}

static void run_segment(struct run *run, struct cursor *script, struct cursor stream)
{
	size_t available = cursor_left(&stream);
	size_t offset = cursor_u16(script), length = cursor_u16(script);
	uint8_t odd = cursor_u8(script), *bytes;
	int64_t place;
	uint32_t before = run->flow.approved;

	if (available == 0)
		return;
	offset %= available;
	length = 1 + length % (available - offset);
	bytes = malloc(length);
	if (!bytes)
		abort();
	cursor_skip(&stream, offset);
	memcpy(bytes, cursor_bytes(&stream, length), length);
	if (odd & ODD_BYTE)
		bytes[length / 2] ^= odd;
	place = (int64_t)offset;
	if (odd & ODD_BEFORE)
		place -= 1 + (int64_t)offset;
	if (odd & ODD_FAR)
		place += STREAM_CAPACITY - 200;
	if (take(run, place, bytes, length, odd) == FLOW_STEP_DENY) {
		invariant(run->flow.state == FLOW_STATE_DENIED);
		run->approved = before; /* what was approved by this very segment does not leave */
		return;
	}
	invariant(run->flow.state != FLOW_STATE_DENIED);
	check(run, before);
	let_out(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor script = cursor_over(data, size);
	struct cursor stream = cursor_take(&script, cursor_u16(&script));
	struct run *run = calloc(1, sizeof(*run));

	if (!run || !(run->buffer = malloc(STREAM_CAPACITY)) ||
	    !(run->first = calloc(1, STREAM_CAPACITY)) ||
	    !(run->there = calloc(STREAM_CAPACITY, sizeof(bool))))
		abort();
	flow_init(&run->flow, run->buffer);
	while (cursor_left(&script) >= 5 && run->flow.state != FLOW_STATE_DENIED)
		run_segment(run, &script, stream);
	check_let_out(run);
	for (size_t i = 0; i < run->held_count; i++)
		free(run->held[i].bytes);
	free(run->there);
	free(run->first);
	free(run->buffer);
	free(run);
	return 0;
}
