/* What the files of the inspector share: its state, and the way from a hello to what becomes of it.
 */
#pragma once

#include "inspect/datagrams_impl.h"
#include "inspect/flow_table_impl.h"
#include "inspect/inspector.h"
#include "inspect/quic_flow_impl.h"
#include "kernel/packet_sender.h"
#include "kernel/queue.h"

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
	struct datagrams *datagrams; /* of QUIC flows */
	struct loop_timer sweep;
	uint32_t hello_timeout_ms;
	struct inspector_figures figures;
	struct hello_reader reader; /* scratch */
	struct quic_scratch quic;   /* likewise */
};

/* judgement.c */

void inspector_emit(struct inspector *inspector, const struct inspected *inspected,
		    const struct name *name, const struct verdict *verdict, const char *detail);
/* A whole first hello: release, lookup or denial follows. */
void inspector_judge_hello(struct inspector *inspector, struct inspected *inspected,
			   const struct client_hello *hello);
/* Lets go what the flow has approved. */
void inspector_let_go(struct inspector *inspector, struct inspected *inspected);
/* The flow is denied, told and gone. */
void inspector_deny(struct inspector *inspector, struct inspected *inspected,
		    const struct name *name, struct verdict verdict, const char *detail);
void inspector_deny_for(struct inspector *inspector, struct inspected *inspected,
			enum reason reason, const char *detail);
/* The connection is over: another one uses its addresses and ports. */
void inspector_abandon(struct inspector *inspector, struct inspected *inspected);
/* A packet without a flow. */
void inspector_refuse(struct inspector *inspector, const struct packet *packet, uint32_t id,
		      enum reason reason, const char *detail);

/* quic_inspection.c */

void quic_take_datagram(struct inspector *inspector, const struct packet *packet,
			const struct queue_packet *queued);
void quic_let_go(struct inspector *inspector, struct inspected *inspected);
