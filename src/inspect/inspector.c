/*
 * The inspector: between the queue, the flows' state machine and the policy.
 *
 * A packet from the queue is taken by its flow's state machine (flow_impl.h); what that approves is
 * released. The chain behind the queue turns the packet mark CONFIRM|number into the conntrack
 * mark.
 *
 * Marks of released packets. Flows are forgotten (the pool is small, connections are many), but the
 * kernel remembers: a connection's hello leaves once. Of the packets that leave together first, the
 * last carries CONFIRM and those before it HELLO; packets that leave later carry REPEAT. A
 * connection in CONFIRM takes none but REPEAT. Otherwise a client could let us forget a hello of
 * which its server has the first half, and send it the second half of another. Every accepted
 * packet gets a mark of ours: the one that it brought is a number that the client chose.
 *
 * The queued packet brings the sequence number of the first byte after the
 * SYN, as the server acknowledged it (the ruleset remembers it from the SYN-ACK): no byte can stand
 * before the hello without our seeing it. No such number: no judgement, the flow is denied. Another
 * number under the same addresses and ports is another connection: nothing of the one before it,
 * bytes or packets, may go into its stream.
 *
 * A name is judged in two steps: the policy must allow it, and the destination must have been
 * answered for it. If it was not, the name is looked up once and the second step repeated; packets
 * wait meanwhile.
 *
 * A denied flow: its held packets are dropped but for the last, which goes on with the mark DENIED
 * so that the ruleset resets the client and remembers; the server gets a reset of ours.
 *
 * Limits: flows, held packets and their bytes are fixed; a flow that the table has no room for is
 * denied (FLOWS_FULL). A hello has `hello_timeout_ms` from its first byte, a second one from its
 * first held packet. A released flow is kept for CONFIRM_LINGER_MS of silence, which lasts over
 * several repetitions to a slow server, unless a new flow needs its place.
 */
#include "inspect/inspector.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assertion.h"
#include "base/clock.h"
#include "inspect/flow_table_impl.h"
#include "kernel/mark.h"
#include "kernel/packet_sender.h"
#include "kernel/queue.h"
#include "proto/packet/packet.h"

#define DEFAULT_FLOWS            4096
#define DEFAULT_HELLO_TIMEOUT_MS 5000
#define HELD_PACKETS_A_FLOW      8 /* on average, for the size of the pool */
#define SWEEP_MS                 250
#define CONFIRM_LINGER_MS        60000

struct inspector {
	struct loop *loop;
	struct policy_slot *slot;
	struct pins *pins;
	struct admissions *admissions;
	struct resolver *resolver;
	struct events *events;
	struct queue *queue;
	struct packet_sender *sender;
	struct flow_table *table;
	struct loop_timer sweep;
	uint32_t hello_timeout_ms;
	struct inspector_figures figures;
	struct hello_reader reader; /* scratch */
};

/* ------------------------------------------------------------------- verdicts */

static void emit(struct inspector *inspector, const struct inspected *inspected,
		 const struct name *name, const struct verdict *verdict, const char *detail)
{
	struct event event = {
		.kind = EVENT_VERDICT,
		.source = inspected->client,
		.destination = inspected->server,
		.name = name ? name->text : NULL,
		.name_origin = name ? NAME_FROM_SNI : NAME_FROM_NOWHERE,
		.protocol = EVENT_HTTPS,
		.action = verdict->action,
		.rule = verdict->rule ? verdict->rule->label : NULL,
		.reason = verdict->reason,
		.path = "inspect",
		.detail = detail,
	};

	if (verdict->action == RULE_ALLOW)
		inspector->figures.allowed++;
	else
		inspector->figures.denied++;
	events_emit(inspector->events, &event);
}

static void reset_server(struct inspector *inspector, const struct inspected *inspected)
{
	uint8_t packet[PACKET_RESET_SIZE];
	size_t length = packet_build_reset(&inspected->client, &inspected->server,
					   inspected->initial_sequence + inspected->sent,
					   inspected->acknowledgement, true, packet);

	/* Best effort: without it the server waits for its own timeout. */
	(void)packet_sender_send(inspector->sender, PACKET_SENDING_IN_FLOW,
				 &inspected->server.address, packet, length);
}

/* Lets every held packet go: all dropped, but the last one carries the mark DENIED. */
static void drop_held(struct inspector *inspector, struct inspected *inspected)
{
	uint32_t id, end;

	while (flow_table_let_go(inspector->table, inspected, UINT32_MAX, &id, &end)) {
		if (inspected->held_count == 0)
			(void)queue_accept(inspector->queue, id, mark_make(MARK_DENIED, 0));
		else
			(void)queue_drop(inspector->queue, id);
	}
}

static void stop_lookup(struct inspector *inspector, struct inspected *inspected)
{
	if (!inspected->looking_up)
		return;
	resolver_cancel(inspector->resolver, &inspected->lookup);
	inspected->looking_up = false;
}

static void finish_denied(struct inspector *inspector, struct inspected *inspected)
{
	stop_lookup(inspector, inspected);
	reset_server(inspector, inspected);
	drop_held(inspector, inspected);
	flow_table_remove(inspector->table, inspected);
}

/* The connection is over: another one uses its addresses and ports. */
static void abandon(struct inspector *inspector, struct inspected *inspected)
{
	uint32_t id, end;

	stop_lookup(inspector, inspected);
	while (flow_table_let_go(inspector->table, inspected, UINT32_MAX, &id, &end))
		(void)queue_drop(inspector->queue, id);
	flow_table_remove(inspector->table, inspected);
}

static void deny(struct inspector *inspector, struct inspected *inspected, const struct name *name,
		 struct verdict verdict, const char *detail)
{
	(void)flow_deny(&inspected->flow, verdict.reason);
	emit(inspector, inspected, name, &verdict, detail);
	finish_denied(inspector, inspected);
}

static void deny_for(struct inspector *inspector, struct inspected *inspected, enum reason reason,
		     const char *detail)
{
	const struct name *name = inspected->flow.named ? &inspected->flow.name : NULL;

	deny(inspector, inspected, name, (struct verdict){RULE_DENY, reason, NULL}, detail);
}

/* ---------------------------------------------------------------- the judgement */

enum judgement {
	JUDGED_ALLOWED,  /* the hello was released */
	JUDGED_DENIED,   /* the flow is gone */
	JUDGED_UNPINNED, /* allowed, but the destination was never answered for the name */
};

static uint32_t release_mark(const struct inspected *inspected, bool is_last)
{
	if (inspected->confirmed)
		return mark_make(MARK_REPEAT, inspected->number);
	return mark_make(is_last ? MARK_CONFIRM : MARK_HELLO, inspected->number);
}

/* The packets behind `approved` stay; the others leave. */
static void let_go(struct inspector *inspector, struct inspected *inspected)
{
	uint32_t id, end, next;
	bool more =
		flow_table_let_go(inspector->table, inspected, inspected->flow.approved, &id, &end);

	if (!more)
		return;
	while (more) {
		if (end > inspected->sent)
			inspected->sent = end;
		more = flow_table_let_go(inspector->table, inspected, inspected->flow.approved,
					 &next, &end);
		(void)queue_accept(inspector->queue, id, release_mark(inspected, !more));
		id = next;
	}
	inspected->confirmed = true;
	vouch_sent(&inspected->vouching, inspected->sent);
}

static enum judgement admit(struct inspector *inspector, struct inspected *inspected,
			    const struct name *name, const struct verdict *verdict)
{
	uint32_t number;

	if (admissions_number(inspector->admissions, ADMISSION_NAME, name->text, &number) < 0) {
		deny(inspector, inspected, name,
		     (struct verdict){RULE_DENY, REASON_FLOWS_FULL, NULL},
		     "no number is left for the flow's admission");
		return JUDGED_DENIED;
	}
	if (flow_release(&inspected->flow, name, &inspector->reader) == FLOW_STEP_DENY) {
		deny_for(inspector, inspected, inspected->flow.reason,
			 "what stands behind the hello is not allowed");
		return JUDGED_DENIED;
	}
	inspected->number = number;
	emit(inspector, inspected, name, verdict, NULL);
	let_go(inspector, inspected);
	return JUDGED_ALLOWED;
}

static enum judgement judge_name(struct inspector *inspector, struct inspected *inspected,
				 const struct name *name, bool encrypted)
{
	struct policy_facts facts = {
		.source = inspected->client.address,
		.destination = inspected->server.address,
		.protocol = FLOW_HTTPS,
		.port = inspected->server.port,
		.name = name,
	};
	const struct policy *policy = policy_slot_enter(inspector->slot);
	struct verdict verdict = policy_judge_and_guard(policy, &facts);
	enum judgement judgement = JUDGED_UNPINNED;

	if (verdict.action == RULE_DENY) {
		if (encrypted && verdict.reason == REASON_NO_RULE)
			verdict.reason = REASON_ENCRYPTED_HELLO;
		deny(inspector, inspected, name, verdict, NULL);
		judgement = JUDGED_DENIED;
	} else if (pins_holds(inspector->pins, name, &inspected->server.address,
			      clock_steady_ms())) {
		judgement = admit(inspector, inspected, name, &verdict);
		if (judgement == JUDGED_ALLOWED)
			policy_count_hit(policy, verdict.rule);
	}
	policy_slot_leave(inspector->slot);
	return judgement;
}

static void looked_up(struct resolver_lookup *lookup, const struct resolver_result *result)
{
	struct inspected *inspected = loop_owner(lookup, struct inspected, lookup);
	struct inspector *inspector = inspected->inspector;
	struct name name = inspected->sought;
	enum reason reason = REASON_NAME_ADDRESS_MISMATCH;

	inspected->looking_up = false;
	/* The policy may be another one by now: everything is judged again. */
	if (judge_name(inspector, inspected, &name, inspected->encrypted) != JUDGED_UNPINNED)
		return;
	if (result->status < 0)
		reason = result->status == -EACCES ? result->reason : REASON_LOOKUP_FAILED;
	deny(inspector, inspected, &name, (struct verdict){RULE_DENY, reason, NULL},
	     "the name was looked up once more");
}

static void look_up(struct inspector *inspector, struct inspected *inspected,
		    const struct name *name, bool encrypted)
{
	inspected->flow.state = FLOW_STATE_LOOKUP;
	inspected->sought = *name;
	inspected->encrypted = encrypted;
	inspected->looking_up = true;
	if (resolver_lookup(inspector->resolver, name, &inspected->lookup, looked_up) < 0) {
		inspected->looking_up = false;
		deny(inspector, inspected, name,
		     (struct verdict){RULE_DENY, REASON_LOOKUP_FAILED, NULL},
		     "too many lookups are under way");
	}
}

/* A whole first hello is in the reader. */
static void judge_hello(struct inspector *inspector, struct inspected *inspected)
{
	const struct client_hello *hello = &inspector->reader.hello;
	struct name name;
	enum name_error error;

	if (!hello->has_server_name) {
		deny_for(inspector, inspected, REASON_NO_NAME, NULL);
		return;
	}
	error = name_from_wire(hello->server_name, hello->server_name_length, &name);
	if (error != NAME_OK) {
		deny_for(inspector, inspected, REASON_NAME_INVALID, name_error_text(error));
		return;
	}
	if (judge_name(inspector, inspected, &name, hello->has_encrypted_hello) == JUDGED_UNPINNED)
		look_up(inspector, inspected, &name, hello->has_encrypted_hello);
}

/* -------------------------------------------------------------------- packets */

static void act_on(struct inspector *inspector, struct inspected *inspected, enum flow_step step)
{
	switch (step) {
	case FLOW_STEP_JUDGE:
		judge_hello(inspector, inspected);
		break;
	case FLOW_STEP_PASS:
	case FLOW_STEP_HOLD:
		let_go(inspector, inspected);
		if (inspected->held_count > 0)
			vouch_held(&inspected->vouching, inspected->acknowledgement);
		break;
	case FLOW_STEP_DENY:
		deny_for(inspector, inspected, inspected->flow.reason, NULL);
		break;
	case FLOW_STEP_DROP: /* take_packet() keeps nothing of it */
		break;
	}
}

static struct inspected *flow_of(struct inspector *inspector, const struct packet *packet,
				 const struct queue_packet *queued)
{
	struct ip_endpoint client = {packet->source, packet->source_port};
	struct ip_endpoint server = {packet->destination, packet->destination_port};
	uint64_t now = clock_steady_ms();
	struct inspected *inspected = flow_table_find(inspector->table, &client, &server);

	/* Another first sequence number under the same four-tuple: a new connection. */
	if (inspected && inspected->initial_sequence != queued->first_sequence) {
		abandon(inspector, inspected);
		inspected = NULL;
	}
	if (inspected) {
		flow_table_touch(inspector->table, inspected, now);
		return inspected;
	}
	inspected = flow_table_add(inspector->table, &client, &server, now);
	if (inspected) {
		inspected->inspector = inspector;
		inspected->initial_sequence = queued->first_sequence;
		vouch_init(&inspected->vouching, inspector->loop, inspector->sender,
			   &inspected->flow.stream, &inspected->client, &inspected->server,
			   inspected->initial_sequence);
	}
	return inspected;
}

/* A packet without a flow. */
static void refuse(struct inspector *inspector, const struct packet *packet, uint32_t id,
		   enum reason reason, const char *detail)
{
	struct inspected nobody = {.client = {packet->source, packet->source_port},
				   .server = {packet->destination, packet->destination_port}};
	struct verdict verdict = {RULE_DENY, reason, NULL};

	emit(inspector, &nobody, NULL, &verdict, detail);
	(void)queue_accept(inspector->queue, id, mark_make(MARK_DENIED, 0));
}

static void take_packet(struct inspector *inspector, const struct packet *packet,
			const struct queue_packet *queued)
{
	struct inspected *inspected;
	enum flow_step step;
	int64_t offset;

	if (queued->first_sequence == 0) {
		refuse(inspector, packet, queued->id, REASON_INTERNAL,
		       "the connection's first sequence number is unknown");
		return;
	}
	inspected = flow_of(inspector, packet, queued);
	if (!inspected) {
		inspector->figures.full++;
		refuse(inspector, packet, queued->id, REASON_FLOWS_FULL, NULL);
		return;
	}
	inspected->acknowledgement = packet->acknowledgement;
	offset = (int32_t)(packet->sequence - inspected->initial_sequence);
	step = flow_take(&inspected->flow, offset, packet->payload, packet->payload_length,
			 (packet->flags & PACKET_TCP_URG) != 0, &inspector->reader);
	if (step == FLOW_STEP_DROP) {
		(void)queue_drop(inspector->queue, queued->id);
		return;
	}
	if (flow_table_hold(inspector->table, inspected, queued->id,
			    step == FLOW_STEP_DENY
				    ? 0
				    : (uint32_t)(offset + (int64_t)packet->payload_length),
			    clock_steady_ms())) {
		act_on(inspector, inspected, step);
		return;
	}
	inspector->figures.full++;
	if (step == FLOW_STEP_DENY) {
		act_on(inspector, inspected, step);
		(void)queue_accept(inspector->queue, queued->id, mark_make(MARK_DENIED, 0));
	} else {
		(void)queue_drop(inspector->queue, queued->id); /* TCP sends it again */
	}
}

/* What the queue's rule does not send is dropped: the kernel then reads the packet another way than
 * we do. A payload in a SYN would stand one byte further on. */
static bool is_expected(const struct queue_packet *queued, struct packet *ret_packet)
{
	return !queued->truncated && packet_parse(queued->bytes, queued->length, ret_packet) == 0 &&
	       ret_packet->transport == PACKET_TCP && ret_packet->payload_length > 0 &&
	       !(ret_packet->flags & PACKET_TCP_SYN);
}

static void received(void *context, const struct queue_packet *queued)
{
	struct inspector *inspector = context;
	struct packet packet;

	inspector->figures.packets++;
	if (is_expected(queued, &packet))
		take_packet(inspector, &packet, queued);
	else
		(void)queue_drop(inspector->queue, queued->id);
}

/* ----------------------------------------------------------------------- time */

static bool is_late(const struct inspector *inspector, const struct inspected *inspected,
		    uint64_t now)
{
	uint64_t since = inspected->confirmed ? inspected->held_ms : inspected->first_ms;

	return now - since >= inspector->hello_timeout_ms;
}

static void expire(struct inspector *inspector, struct inspected *inspected)
{
	if (inspected->looking_up)
		deny(inspector, inspected, &inspected->sought,
		     (struct verdict){RULE_DENY, REASON_LOOKUP_FAILED, NULL},
		     "the name server took too long");
	else
		deny_for(inspector, inspected, REASON_HELLO_TIMEOUT, NULL);
}

static void sweep(struct loop_timer *timer)
{
	struct inspector *inspector = loop_owner(timer, struct inspector, sweep);
	uint64_t now = clock_steady_ms();

	for (struct inspected *at = flow_table_oldest(inspector->table), *newer; at; at = newer) {
		newer = at->newer;
		if (at->flow.state == FLOW_STATE_CONFIRM && at->held_count == 0) {
			if (now - at->last_ms >= CONFIRM_LINGER_MS)
				flow_table_remove(inspector->table, at);
		} else if (is_late(inspector, at, now)) {
			expire(inspector, at);
		}
	}
	(void)loop_timer_start(inspector->loop, timer, SWEEP_MS, sweep);
}

/* ----------------------------------------------------------------------- life */

struct inspector *inspector_new(struct loop *loop, const struct inspector_settings *settings,
				struct policy_slot *slot, struct pins *pins,
				struct admissions *admissions, struct resolver *resolver,
				struct events *events)
{
	struct inspector *inspector = calloc(1, sizeof(*inspector));
	size_t flows = settings->flow_capacity ? settings->flow_capacity : DEFAULT_FLOWS;
	int error;

	if (!inspector)
		return NULL;
	inspector->loop = loop;
	inspector->slot = slot;
	inspector->pins = pins;
	inspector->admissions = admissions;
	inspector->resolver = resolver;
	inspector->events = events;
	inspector->hello_timeout_ms =
		settings->hello_timeout_ms ? settings->hello_timeout_ms : DEFAULT_HELLO_TIMEOUT_MS;
	inspector->table = flow_table_new(flows, flows * HELD_PACKETS_A_FLOW);
	inspector->sender = inspector->table ? packet_sender_open() : NULL;
	inspector->queue = inspector->sender ? queue_open(loop, settings->queue_number,
							  (uint32_t)flows * HELD_PACKETS_A_FLOW,
							  received, inspector)
					     : NULL;
	if (!inspector->queue || loop_timer_start(loop, &inspector->sweep, SWEEP_MS, sweep) < 0) {
		error = errno;
		inspector_free(inspector);
		errno = error;
		return NULL;
	}
	return inspector;
}

void inspector_free(struct inspector *inspector)
{
	if (!inspector)
		return;
	loop_timer_stop(inspector->loop, &inspector->sweep);
	if (inspector->table)
		for (struct inspected *at = flow_table_oldest(inspector->table); at; at = at->newer)
			if (vouch_stop(&at->vouching), at->looking_up)
				resolver_cancel(inspector->resolver, &at->lookup);
	/* Packets that are still held are dropped by the kernel with the queue. */
	if (inspector->queue)
		queue_close(inspector->queue);
	if (inspector->sender)
		packet_sender_close(inspector->sender);
	flow_table_free(inspector->table);
	free(inspector);
}

struct inspector_figures inspector_figures(const struct inspector *inspector)
{
	struct inspector_figures figures = inspector->figures;

	figures.flow_capacity = flow_table_capacity(inspector->table);
	figures.flows = flow_table_count(inspector->table);
	return figures;
}
