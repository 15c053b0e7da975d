/*
 * One inspected flow as a state machine without I/O: client segments in, and out comes what may
 * leave.
 *
 * Before these states the kernel alone is at work: a new connection to a pinned destination does
 * its handshake (NEW; a SYN with data is dropped), and only its packets with payload come here.
 * After them the kernel is alone again: the server's handshake record turns the conntrack mark to
 * INSPECTED.
 */
#pragma once

#include "inspect/stream_impl.h"
#include "name/name.h"
#include "policy/reason.h"
#include "proto/tls/hello_reader.h"

enum flow_state {
	/* Client bytes are held, nothing leaves, until the ClientHello is whole. Any number of
	   segments and records, in any order; overlapping bytes that differ are a deny. */
	FLOW_STATE_HELLO,
	/* The hello is whole and its name allowed, but the destination is not known for that name:
	   our own lookup is under way. Bytes are still taken and held. */
	FLOW_STATE_LOOKUP,
	/* The hello has left. Until the server's answer proves that it read those bytes, every
	   packet that covers them again must repeat them. Records that are not handshake (change
	   cipher spec, early data, alerts) pass. A second hello, which a HelloRetryRequest asks
	   for, is held like the first and must carry the same name. */
	FLOW_STATE_CONFIRM,
	/* Nothing leaves any more. */
	FLOW_STATE_DENIED,
};

enum flow_step {
	FLOW_STEP_HOLD,  /* nothing new may leave */
	FLOW_STEP_PASS,  /* bytes up to flow->approved may leave */
	FLOW_STEP_JUDGE, /* a first hello is whole: judge `hello`, then flow_release() or
			    flow_deny() */
	FLOW_STEP_DROP,  /* this segment must not leave; the flow goes on without it */
	FLOW_STEP_DENY,  /* the flow is denied, see flow->reason */
};

struct flow {
	enum flow_state state;
	enum reason reason; /* in DENIED */
	struct stream stream;
	uint32_t approved;  /* bytes from the start that may leave */
	uint32_t unit;      /* where the record or hello that is being read begins */
	uint32_t hello_end; /* in JUDGE and LOOKUP: behind the whole hello */
	bool named;         /* the first hello was released under `name` */
	struct name name;
	/* of the first hello: */
	bool nameless;  /* it has no server name; `name` is one of the destination's */
	bool encrypted; /* it carries an encrypted hello; `name` is the outer name */
};

void flow_init(struct flow *flow, uint8_t *bytes);

/* Takes a segment's payload. `reader` is scratch space; after JUDGE its hello holds the facts. */
enum flow_step flow_take(struct flow *flow, int64_t offset, const uint8_t *payload, size_t length,
			 bool urgent, struct hello_reader *reader);

/* The first hello's name is allowed for this destination: it may leave, and what stands behind it
   is looked at. PASS or DENY. */
enum flow_step flow_release(struct flow *flow, const struct name *name,
			    struct hello_reader *reader);

/* For the readers of hellos. Notes what the first hello says besides its name. */
void flow_note_hello(struct flow *flow, const struct client_hello *hello);
/* A further hello must name what the first one named, and carry no encrypted hello when that did
   not. PASS or DENY. */
enum flow_step flow_compare_hello(struct flow *flow, const struct client_hello *hello);

enum flow_step flow_deny(struct flow *flow, enum reason reason);
