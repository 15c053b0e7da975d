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
 * Over UDP the same: see quic_flow.c for what is read, quic_inspection.c for what is let go.
 *
 * Limits: flows, held packets and their bytes are fixed; a flow that the table has no room for is
 * denied (FLOWS_FULL). A hello has `hello_timeout_ms` from its first byte, a second one from its
 * first held packet. A released flow is kept for CONFIRM_LINGER_MS of silence, which lasts over
 * several repetitions to a slow server, unless a new flow needs its place.
 */
#include "inspect/inspector_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assertion.h"
#include "base/clock.h"
#include "kernel/mark.h"
#include "proto/packet/packet.h"

#define DEFAULT_FLOWS            4096
#define DEFAULT_HELLO_TIMEOUT_MS 5000
#define HELD_PACKETS_A_FLOW      8 /* on average, for the size of the pool */
#define SWEEP_MS                 250
#define CONFIRM_LINGER_MS        60000
#define DATAGRAMS_A_FLOW         2 /* copies that wait, on average */
/* Shorter than the kernel keeps a UDP flow (30 s of silence): a flow that is remembered here is the
 * one that the kernel means. */
#define QUIC_LINGER_MS 20000

/* -------------------------------------------------------------------- packets */

static void act_on(struct inspector *inspector, struct inspected *inspected, enum flow_step step)
{
	switch (step) {
	case FLOW_STEP_JUDGE:
		inspector_judge_hello(inspector, inspected, &inspector->reader.hello);
		break;
	case FLOW_STEP_PASS:
	case FLOW_STEP_HOLD:
		inspector_let_go(inspector, inspected);
		if (inspected->held_count > 0)
			vouch_held(&inspected->vouching, inspected->acknowledgement);
		break;
	case FLOW_STEP_DENY:
		inspector_deny_for(inspector, inspected, inspected->flow.reason, NULL);
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
	struct inspected *inspected =
		flow_table_find(inspector->table, PACKET_TCP, &client, &server);

	/* Another first sequence number under the same four-tuple: a new connection. */
	if (inspected && inspected->initial_sequence != queued->first_sequence) {
		inspector_abandon(inspector, inspected);
		inspected = NULL;
	}
	if (inspected) {
		flow_table_touch(inspector->table, inspected, now);
		return inspected;
	}
	inspected = flow_table_add(inspector->table, PACKET_TCP, &client, &server, now);
	if (inspected) {
		inspected->inspector = inspector;
		inspected->initial_sequence = queued->first_sequence;
		vouch_init(&inspected->vouching, inspector->loop, inspector->sender,
			   &inspected->flow.stream, &inspected->client, &inspected->server,
			   inspected->initial_sequence);
	}
	return inspected;
}

static void take_packet(struct inspector *inspector, const struct packet *packet,
			const struct queue_packet *queued)
{
	struct inspected *inspected;
	enum flow_step step;
	int64_t offset;

	if (queued->first_sequence == 0) {
		inspector_refuse(inspector, packet, queued->id, REASON_INTERNAL,
				 "the connection's first sequence number is unknown");
		return;
	}
	inspected = flow_of(inspector, packet, queued);
	if (!inspected) {
		inspector->figures.full++;
		inspector_refuse(inspector, packet, queued->id, REASON_FLOWS_FULL, NULL);
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
	if (queued->truncated || packet_parse(queued->bytes, queued->length, ret_packet) < 0 ||
	    ret_packet->payload_length == 0)
		return false;
	return ret_packet->transport == PACKET_UDP ||
	       (ret_packet->transport == PACKET_TCP && !(ret_packet->flags & PACKET_TCP_SYN));
}

static void received(void *context, const struct queue_packet *queued)
{
	struct inspector *inspector = context;
	struct packet packet;

	inspector->figures.packets++;
	if (!is_expected(queued, &packet))
		(void)queue_drop(inspector->queue, queued->id);
	else if (packet.transport == PACKET_UDP)
		quic_take_datagram(inspector, &packet, queued);
	else
		take_packet(inspector, &packet, queued);
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
		inspector_deny(inspector, inspected, &inspected->sought,
			       (struct verdict){RULE_DENY, REASON_LOOKUP_FAILED, NULL},
			       "the name server took too long");
	else
		inspector_deny_for(inspector, inspected, REASON_HELLO_TIMEOUT, NULL);
}

static uint64_t linger_ms(const struct inspected *inspected)
{
	return inspected->transport == PACKET_UDP ? QUIC_LINGER_MS : CONFIRM_LINGER_MS;
}

static void sweep(struct loop_timer *timer)
{
	struct inspector *inspector = loop_owner(timer, struct inspector, sweep);
	uint64_t now = clock_steady_ms();

	for (struct inspected *at = flow_table_oldest(inspector->table), *newer; at; at = newer) {
		newer = at->newer;
		if (at->flow.state == FLOW_STATE_CONFIRM && !inspected_waits(at)) {
			if (now - at->last_ms >= linger_ms(at))
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
	if (!quic_prepare()) {
		free(inspector);
		errno = ENOTSUP;
		return NULL;
	}
	inspector->loop = loop;
	inspector->slot = slot;
	inspector->pins = pins;
	inspector->admissions = admissions;
	inspector->resolver = resolver;
	inspector->events = events;
	inspector->hello_timeout_ms =
		settings->hello_timeout_ms ? settings->hello_timeout_ms : DEFAULT_HELLO_TIMEOUT_MS;
	inspector->table = flow_table_new(flows, flows * HELD_PACKETS_A_FLOW);
	inspector->datagrams = inspector->table ? datagrams_new(flows * DATAGRAMS_A_FLOW) : NULL;
	inspector->sender = inspector->datagrams ? packet_sender_open() : NULL;
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
	datagrams_free(inspector->datagrams);
	free(inspector);
}

struct inspector_figures inspector_figures(const struct inspector *inspector)
{
	struct inspector_figures figures = inspector->figures;

	figures.flow_capacity = flow_table_capacity(inspector->table);
	figures.flows = flow_table_count(inspector->table);
	return figures;
}
