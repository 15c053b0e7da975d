/*
 * From a whole hello to what becomes of its flow.
 *
 * A name is judged in two steps: the policy must allow it, and the destination must have been
 * answered for it. If it was not, the name is looked up once and the second step repeated; packets
 * wait meanwhile. A hello without a name is judged by the names of the destination that let it be
 * left out; there is nothing to look up.
 *
 * A denied flow: its held packets are dropped but for the last, which goes on with the mark DENIED
 * so that the ruleset resets the client and remembers; the server gets a reset of ours.
 * A QUIC flow has no connection to reset; the ICMP error that the last packet causes is enough.
 */
#include "inspect/inspector_impl.h"

#include <errno.h>

#include "base/clock.h"
#include "kernel/mark.h"
#include "proto/packet/packet.h"

void inspector_emit(struct inspector *inspector, const struct inspected *inspected,
		    const struct name *name, const struct verdict *verdict, const char *detail)
{
	struct event event = {
		.kind = EVENT_VERDICT,
		.source = inspected->client,
		.destination = inspected->server,
		.name = name ? name->text : NULL,
		.name_origin = !name                      ? NAME_FROM_NOWHERE
			       : inspected->flow.nameless ? NAME_FROM_PIN
							  : NAME_FROM_SNI,
		.has_encrypted_hello = inspected->flow.encrypted,
		.protocol = inspected->transport == PACKET_UDP ? EVENT_QUIC : EVENT_HTTPS,
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
	if (inspected->transport == PACKET_TCP)
		reset_server(inspector, inspected);
	drop_held(inspector, inspected);
	datagrams_drop_all(inspector->datagrams, &inspected->datagrams);
	flow_table_remove(inspector->table, inspected);
}

void inspector_abandon(struct inspector *inspector, struct inspected *inspected)
{
	uint32_t id, end;

	stop_lookup(inspector, inspected);
	while (flow_table_let_go(inspector->table, inspected, UINT32_MAX, &id, &end))
		(void)queue_drop(inspector->queue, id);
	flow_table_remove(inspector->table, inspected);
}

void inspector_deny(struct inspector *inspector, struct inspected *inspected,
		    const struct name *name, struct verdict verdict, const char *detail)
{
	(void)flow_deny(&inspected->flow, verdict.reason);
	inspector_emit(inspector, inspected, name, &verdict, detail);
	finish_denied(inspector, inspected);
}

void inspector_deny_for(struct inspector *inspector, struct inspected *inspected,
			enum reason reason, const char *detail)
{
	const struct name *name = inspected->flow.named ? &inspected->flow.name : NULL;

	inspector_deny(inspector, inspected, name, (struct verdict){RULE_DENY, reason, NULL},
		       detail);
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
void inspector_let_go(struct inspector *inspector, struct inspected *inspected)
{
	uint32_t id, end, next;
	bool more;

	if (inspected->transport == PACKET_UDP) {
		quic_let_go(inspector, inspected);
		return;
	}
	more = flow_table_let_go(inspector->table, inspected, inspected->flow.approved, &id, &end);
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

static enum flow_step release(struct inspector *inspector, struct inspected *inspected,
			      const struct name *name)
{
	if (inspected->transport == PACKET_UDP)
		return quic_flow_release(&inspected->flow, name);
	return flow_release(&inspected->flow, name, &inspector->reader);
}

static enum admission_kind kind_of(const struct flow *flow)
{
	if (flow->nameless)
		return ADMISSION_NAMELESS;
	return flow->encrypted ? ADMISSION_OUTER : ADMISSION_NAME;
}

static enum judgement admit(struct inspector *inspector, struct inspected *inspected,
			    const struct name *name, const struct verdict *verdict)
{
	uint32_t number;

	if (admissions_number(inspector->admissions, kind_of(&inspected->flow), name->text,
			      &number) < 0) {
		inspector_deny(inspector, inspected, name,
			       (struct verdict){RULE_DENY, REASON_FLOWS_FULL, NULL},
			       "no number is left for the flow's admission");
		return JUDGED_DENIED;
	}
	if (release(inspector, inspected, name) == FLOW_STEP_DENY) {
		inspector_deny_for(inspector, inspected, inspected->flow.reason,
				   "what stands behind the hello is not allowed");
		return JUDGED_DENIED;
	}
	inspected->number = number;
	inspector_let_go(inspector, inspected); /* the connection does not wait for its line */
	inspector_emit(inspector, inspected, name, verdict, NULL);
	return JUDGED_ALLOWED;
}

static struct policy_facts facts_of(const struct inspected *inspected, const struct name *name)
{
	return (struct policy_facts){
		.source = inspected->client.address,
		.destination = inspected->server.address,
		.protocol = inspected->transport == PACKET_UDP ? FLOW_QUIC : FLOW_HTTPS,
		.port = inspected->server.port,
		.name = name,
		.name_left_out = inspected->flow.nameless,
		.has_encrypted_hello = inspected->flow.encrypted,
	};
}

static enum judgement judge_name(struct inspector *inspector, struct inspected *inspected,
				 const struct name *name)
{
	struct policy_facts facts = facts_of(inspected, name);
	const struct policy *policy = policy_slot_enter(inspector->slot);
	struct verdict verdict = policy_judge_and_guard(policy, &facts);
	enum judgement judgement = JUDGED_UNPINNED;

	if (verdict.action == RULE_DENY) {
		inspector_deny(inspector, inspected, name, verdict, NULL);
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
	if (judge_name(inspector, inspected, &name) != JUDGED_UNPINNED)
		return;
	if (result->status < 0)
		reason = result->status == -EACCES || result->status == -EDQUOT
				 ? result->reason
				 : REASON_LOOKUP_FAILED;
	inspector_deny(inspector, inspected, &name, (struct verdict){RULE_DENY, reason, NULL},
		       "the name was looked up once more");
}

static void look_up(struct inspector *inspector, struct inspected *inspected,
		    const struct name *name)
{
	inspected->flow.state = FLOW_STATE_LOOKUP;
	inspected->sought = *name;
	inspected->looking_up = true;
	inspected->lookup.source = inspected->client.address;
	if (resolver_lookup(inspector->resolver, name, &inspected->lookup, looked_up) < 0) {
		inspected->looking_up = false;
		inspector_deny(inspector, inspected, name,
			       (struct verdict){RULE_DENY, REASON_LOOKUP_FAILED, NULL},
			       "too many lookups are under way");
	}
}

/* The first of the destination's names by which the policy allows the flow; else why it does not.
 */
static enum reason find_name(struct inspector *inspector, const struct inspected *inspected,
			     struct name *ret_name)
{
	const struct policy *policy = policy_slot_enter(inspector->slot);
	size_t count = policy_nameless_count(policy);
	enum reason reason = REASON_NO_NAME;
	uint64_t now = clock_steady_ms();

	for (size_t i = 0; i < count && reason != REASON_RULE_ALLOWS; i++) {
		const struct name *name = policy_nameless_at(policy, i);
		struct policy_facts facts = facts_of(inspected, name);

		if (!pins_holds(inspector->pins, name, &inspected->server.address, now))
			continue;
		reason = policy_judge_and_guard(policy, &facts).reason;
		*ret_name = *name;
	}
	policy_slot_leave(inspector->slot);
	return reason;
}

static void judge_nameless(struct inspector *inspector, struct inspected *inspected)
{
	struct name name;
	enum reason reason = find_name(inspector, inspected, &name);

	if (reason != REASON_RULE_ALLOWS)
		inspector_deny_for(inspector, inspected, reason, NULL);
	else if (judge_name(inspector, inspected, &name) == JUDGED_UNPINNED)
		inspector_deny_for(inspector, inspected, REASON_NO_NAME,
				   "the address's pin has just expired");
}

void inspector_judge_hello(struct inspector *inspector, struct inspected *inspected,
			   const struct client_hello *hello)
{
	struct name name;
	enum name_error error;

	if (!hello->has_server_name) {
		judge_nameless(inspector, inspected);
		return;
	}
	error = name_from_wire(hello->server_name, hello->server_name_length, &name);
	if (error != NAME_OK) {
		inspector_deny_for(inspector, inspected, REASON_NAME_INVALID,
				   name_error_text(error));
		return;
	}
	if (judge_name(inspector, inspected, &name) == JUDGED_UNPINNED)
		look_up(inspector, inspected, &name);
}

void inspector_refuse(struct inspector *inspector, const struct packet *packet, uint32_t id,
		      enum reason reason, const char *detail)
{
	struct inspected nobody = {.client = {packet->source, packet->source_port},
				   .server = {packet->destination, packet->destination_port},
				   .transport = packet->transport};
	struct verdict verdict = {RULE_DENY, reason, NULL};

	inspector_emit(inspector, &nobody, NULL, &verdict, detail);
	(void)queue_accept(inspector->queue, id, mark_make(MARK_DENIED, 0));
}
