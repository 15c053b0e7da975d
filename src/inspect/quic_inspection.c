/*
 * QUIC flows between the queue and their state machine (quic_flow.c).
 *
 * Until its hello is judged, the first datagram of a flow waits in the kernel's queue; it alone can
 * be accepted (ruleset.c), and makes the flow INSPECTED. Of all others that must wait, we keep a
 * copy and drop the packet; when their time comes they are sent in the flow, where connection
 * tracking gives them the flow's addresses. So is a datagram that came while the first one waited,
 * and is looked at only now.
 *
 * Once a flow is INSPECTED, only its long headers come here. One that we have forgotten may go on
 * with what begins nothing (0-RTT, handshake); an Initial packet is refused, since no one can say
 * what its server has of the connections before it. Forgetting takes QUIC_LINGER_MS of silence, in
 * which a handshake is long over; the flow itself is not touched.
 *
 * No datagram is repeated for a client: QUIC does that itself, with growing pauses.
 */
#include <errno.h>

#include "base/clock.h"
#include "inspect/inspector_impl.h"
#include "kernel/mark.h"
#include "proto/packet/packet.h"

/* Lost, as a datagram may be, where it does not fit its path: the client sends it again. */
static void send_copy(struct inspector *inspector, const struct inspected *inspected,
		      const uint8_t *payload, size_t length)
{
	uint8_t packet[PACKET_DATAGRAM_MAX];
	size_t size;

	if (length > PACKET_DATAGRAM_PAYLOAD_MAX)
		return;
	size = packet_build_datagram(&inspected->client, &inspected->server, payload, length,
				     packet);
	(void)packet_sender_send(inspector->sender, PACKET_SENDING_IN_FLOW,
				 &inspected->server.address, packet, size);
}

void quic_let_go(struct inspector *inspector, struct inspected *inspected)
{
	struct datagram *datagram;
	uint32_t id, end;

	if (flow_table_let_go(inspector->table, inspected, inspected->flow.approved, &id, &end)) {
		(void)queue_accept(inspector->queue, id,
				   mark_make(MARK_CONFIRM, inspected->number));
		inspected->confirmed = true;
	}
	while ((datagram = datagrams_take(&inspected->datagrams, inspected->flow.approved))) {
		send_copy(inspector, inspected, datagram->payload, datagram->length);
		datagrams_give_back(inspector->datagrams, datagram);
	}
}

/* False: no room; the datagram is dropped, and its client will send it again. */
static bool hold(struct inspector *inspector, struct inspected *inspected,
		 const struct packet *packet, uint32_t id, uint32_t end)
{
	uint64_t now = clock_steady_ms();
	bool first = !inspected->confirmed && inspected->held_count == 0;

	if (first && flow_table_hold(inspector->table, inspected, id, end, now))
		return true;
	if (!first && datagrams_add(inspector->datagrams, &inspected->datagrams, end,
				    packet->payload, packet->payload_length)) {
		if (inspected->confirmed && inspected->datagrams.count == 1)
			inspected->held_ms = now;
		(void)queue_drop(inspector->queue, id);
		return true;
	}
	inspector->figures.full++;
	(void)queue_drop(inspector->queue, id);
	return false;
}

static void pass(struct inspector *inspector, struct inspected *inspected,
		 const struct packet *packet, const struct queue_packet *queued)
{
	quic_let_go(inspector, inspected);
	if (mark_state(queued->mark) == MARK_INSPECTED) {
		(void)queue_accept(inspector->queue, queued->id,
				   mark_make(MARK_REPEAT, inspected->number));
		return;
	}
	(void)queue_drop(inspector->queue, queued->id);
	send_copy(inspector, inspected, packet->payload, packet->payload_length);
}

/* The datagram that the flow is denied for carries the verdict to the ruleset, unless the first one
 * still waits, which then does. */
static void deny(struct inspector *inspector, struct inspected *inspected, uint32_t id)
{
	uint64_t now = clock_steady_ms();

	if (inspected->held_count > 0)
		(void)queue_drop(inspector->queue, id);
	else if (!flow_table_hold(inspector->table, inspected, id, 0, now))
		(void)queue_accept(inspector->queue, id, mark_make(MARK_DENIED, 0));
	inspector_deny_for(inspector, inspected, inspected->flow.reason, NULL);
}

static void take(struct inspector *inspector, struct inspected *inspected,
		 const struct packet *packet, const struct queue_packet *queued)
{
	uint32_t end = 0;
	enum flow_step step = quic_flow_take(&inspected->flow, &inspected->origins, packet->payload,
					     packet->payload_length, &inspector->quic, &end);

	switch (step) {
	case FLOW_STEP_JUDGE:
		(void)hold(inspector, inspected, packet, queued->id, end);
		if (inspected->held_count > 0) /* else nothing could make the flow INSPECTED */
			inspector_judge_hello(inspector, inspected, &inspector->quic.hello);
		break;
	case FLOW_STEP_PASS:
		pass(inspector, inspected, packet, queued);
		break;
	case FLOW_STEP_HOLD:
		(void)hold(inspector, inspected, packet, queued->id, end);
		break;
	case FLOW_STEP_DROP:
		(void)queue_drop(inspector->queue, queued->id);
		break;
	case FLOW_STEP_DENY:
		deny(inspector, inspected, queued->id);
		break;
	}
}

/* Of a flow that is INSPECTED and forgotten. */
static void take_late(struct inspector *inspector, const struct packet *packet,
		      const struct queue_packet *queued)
{
	struct inspected nobody = {.client = {packet->source, packet->source_port},
				   .server = {packet->destination, packet->destination_port},
				   .transport = PACKET_UDP};
	struct verdict verdict = {RULE_DENY, REASON_QUIC_LATE_HELLO, NULL};

	if (!quic_may_begin(packet->payload, packet->payload_length)) {
		(void)queue_accept(inspector->queue, queued->id,
				   mark_make(MARK_REPEAT, mark_number(queued->mark)));
		return;
	}
	inspector_emit(inspector, &nobody, NULL, &verdict, NULL);
	(void)queue_drop(inspector->queue, queued->id);
}

void quic_take_datagram(struct inspector *inspector, const struct packet *packet,
			const struct queue_packet *queued)
{
	struct ip_endpoint client = {packet->source, packet->source_port};
	struct ip_endpoint server = {packet->destination, packet->destination_port};
	uint64_t now = clock_steady_ms();
	struct inspected *inspected =
		flow_table_find(inspector->table, PACKET_UDP, &client, &server);

	if (inspected) {
		flow_table_touch(inspector->table, inspected, now);
	} else if (mark_state(queued->mark) == MARK_INSPECTED) {
		take_late(inspector, packet, queued);
		return;
	} else {
		inspected = flow_table_add(inspector->table, PACKET_UDP, &client, &server, now);
	}
	if (!inspected) {
		inspector->figures.full++;
		inspector_refuse(inspector, packet, queued->id, REASON_FLOWS_FULL, NULL);
		return;
	}
	inspected->inspector = inspector;
	take(inspector, inspected, packet, queued);
}
