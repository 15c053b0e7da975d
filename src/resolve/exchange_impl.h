/*
 * One question of ours and what the upstreams make of it: datagrams, TCP when truncated, tries,
 * failover. The states and the rules are told at the top of exchange.c.
 */
#pragma once

#include <sys/queue.h>

#include "loop/loop.h"
#include "proto/dns/message.h"
#include "resolve/upstreams_impl.h"

#define EXCHANGE_QUERY_MAX 512 /* ours are shorter: header, name, type, class, OPT */
#define EXCHANGE_TCP_MAX   256 /* conversations over TCP at once */

/* What all exchanges of a resolver share. */
struct exchange_room;
struct exchange_port;

struct exchange_counts {
	uint64_t asked;     /* tries, UDP and TCP */
	uint64_t timeouts;  /* tries that got no answer */
	uint64_t malformed; /* answers that were ignored: broken, or not to our question */
	uint64_t full;      /* no descriptor or no room for TCP */
};

/* `upstreams` stays the caller's and may change while exchanges run. NULL: out of memory. */
struct exchange_room *exchange_room_new(struct loop *loop, struct upstreams *upstreams);
void exchange_room_free(struct exchange_room *room); /* all exchanges must be over */
struct exchange_counts exchange_room_counts(const struct exchange_room *room);
/* Room for the records of one answer (DNS_ANSWERS_MAX), shared by whoever parses one. */
struct dns_record *exchange_room_records(struct exchange_room *room);

enum exchange_state {
	EXCHANGE_IDLE,        /* no descriptor, no timer; may be started */
	EXCHANGE_UDP,         /* a datagram is out; answers that are not ours are ignored */
	EXCHANGE_TCP_SEND,    /* connecting, or sending the question */
	EXCHANGE_TCP_RECEIVE, /* the question is out; collecting length and answer */
};

struct exchange_result {
	int status; /* 0: an answer with NOERROR or NXDOMAIN; -EREMOTEIO: error codes only, the last
		       one is in `code`; -ETIMEDOUT: nothing; -EPROTO: unusable answers only */
	enum dns_code code;
	const uint8_t *message; /* with status 0; valid during the callback */
	size_t length;
	const struct dns_answer *answer; /* the same, parsed */
};

/* All members are private to exchange.c. */
struct exchange {
	struct exchange_room *room;
	enum exchange_state state;
	struct exchange_port *port;   /* of a datagram that is out */
	LIST_ENTRY(exchange) waiting; /* at the port */
	struct loop_watch watch;      /* TCP */
	struct loop_timer timer;
	struct upstream_turn turn;
	uint8_t framed[2 + EXCHANGE_QUERY_MAX]; /* the question behind its length for TCP */
	size_t query_length;
	size_t question_length; /* name, type and class */
	bool malformed_seen;
	bool code_seen;
	enum dns_code code;
	size_t moved;  /* bytes sent or received over TCP in this state */
	uint8_t *slot; /* room for an answer over TCP */
	void (*done)(struct exchange *exchange, const struct exchange_result *result);
};

/* Asks; `done` is called exactly once, later or before this returns, unless cancelled. The exchange
   is idle by then and may be started again or freed. */
void exchange_start(struct exchange *exchange, struct exchange_room *room, const struct name *name,
		    uint16_t type, bool dnssec_ok,
		    void (*done)(struct exchange *exchange, const struct exchange_result *result));
void exchange_cancel(struct exchange *exchange); /* fine when idle */
