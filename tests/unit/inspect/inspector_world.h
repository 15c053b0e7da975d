/*
 * The world around an inspector, played by the test: the queue, the reset sender, the resolver, the
 * log, the clock and the loop's timer are these functions instead of the library's. Policy, pins
 * and admissions are the real ones. What the inspector does is written down for the test to read.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "inspect/inspector.h"
#include "kernel/mark.h"
#include "kernel/conntrack.h"
#include "kernel/packet_sender.h"
#include "kernel/queue.h"
#include "proto/packet/packet.h"
#include "proto/tls/hello_reader.h"

#include "../policy/write_rules.h"
#include "../proto/hellos.h"

#define VERDICTS_MAX 4096
#define DROPPED      UINT32_MAX /* as a verdict's mark */
#define HELD         (UINT32_MAX - 1)
#define START        0xfffffff0u /* of a stream: its hello crosses the wrap */

enum lookup_play {
	LOOKUP_STAYS,   /* done when the test says so */
	LOOKUP_AT_ONCE, /* done is called inside resolver_lookup(), with s_world.result */
	LOOKUP_FULL,    /* -ENOSPC */
};

struct world {
	uint64_t now_ms;
	void (*received)(void *context, const struct queue_packet *packet);
	void *context;
	bool queue_open, resets_open;
	struct loop_timer *timer;
	uint32_t marks[VERDICTS_MAX]; /* by packet id: HELD, DROPPED or the mark */
	uint32_t order[VERDICTS_MAX]; /* ids in the order of their verdicts */
	size_t verdicts;
	struct packet reset;
	uint8_t reset_bytes[PACKET_RESET_SIZE];
	size_t resets;
	uint8_t datagram[PACKET_DATAGRAM_PAYLOAD_MAX]; /* the latest that was sent in its flow */
	size_t datagram_length, datagrams;
	size_t datagram_at; /* how many verdicts there were by then */
	enum lookup_play play;
	struct resolver_lookup *lookup; /* under way */
	struct name sought;
	struct resolver_result result;
	size_t lookups, cancels;
	struct event event; /* the latest */
	char event_name[NAME_MAX_LENGTH + 1];
	size_t events;
	struct policy_slot *slot;
	bool server_is_private;
	struct pins *pins;
	struct admissions *admissions;
	struct inspector *inspector;
	uint32_t next_id;
};

static struct world s_world;

uint64_t clock_steady_ms(void)
{
	return s_world.now_ms;
}

uint64_t clock_wall_ms(void)
{
	return 1700000000000 + s_world.now_ms;
}

void clock_format_wall(uint64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	(void)wall_ms;
	text[0] = '\0';
}

int loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
		     void (*fired)(struct loop_timer *timer))
{
	(void)loop;
	(void)after_ms;
	timer->fired = fired;
	if (!s_world.timer)
		s_world.timer =
			timer; /* the sweep, started first; flows' own have tests of their own */
	return 0;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	if (s_world.timer == timer)
		s_world.timer = NULL;
}

int conntrack_find(const struct conntrack_flow *tuple, struct conntrack_flow *ret_flow)
{
	(void)tuple;
	(void)ret_flow;
	return -ENOENT;
}

struct queue *queue_open(struct loop *loop, uint16_t number, uint32_t capacity,
			 void (*received)(void *context, const struct queue_packet *packet),
			 void *context)
{
	(void)loop;
	(void)number;
	(void)capacity;
	s_world.received = received;
	s_world.context = context;
	s_world.queue_open = true;
	return (struct queue *)&s_world;
}

void queue_close(struct queue *queue)
{
	assert_ptr_equal(queue, &s_world);
	s_world.queue_open = false;
}

static int write_verdict(uint32_t id, uint32_t mark)
{
	assert_true(s_world.queue_open);
	assert_in_range(id, 1, VERDICTS_MAX - 1);
	assert_int_equal(s_world.marks[id], HELD); /* one verdict a packet */
	s_world.marks[id] = mark;
	s_world.order[s_world.verdicts++] = id;
	return 0;
}

int queue_accept(struct queue *queue, uint32_t id, uint32_t mark)
{
	(void)queue;
	assert_int_not_equal(mark_state(mark), MARK_NONE); /* never the mark that it came with */
	return write_verdict(id, mark);
}

int queue_drop(struct queue *queue, uint32_t id)
{
	(void)queue;
	return write_verdict(id, DROPPED);
}

struct packet_sender *packet_sender_open(void)
{
	s_world.resets_open = true;
	return (struct packet_sender *)&s_world;
}

void packet_sender_close(struct packet_sender *sender)
{
	(void)sender;
	s_world.resets_open = false;
}

/* Resets count for the tests of verdicts; what is vouched for has tests of its own (vouch_test). */
int packet_sender_send(struct packet_sender *sender, enum packet_sending sending,
		       const struct ip_address *destination, const uint8_t *packet, size_t length)
{
	struct packet parsed;

	(void)sender;
	assert_int_equal(packet_parse(packet, length, &parsed), 0);
	assert_true(ip_equal(destination, &parsed.destination));
	if (parsed.transport == PACKET_UDP) {
		assert_int_equal(sending, PACKET_SENDING_IN_FLOW);
		memcpy(s_world.datagram, parsed.payload, parsed.payload_length);
		s_world.datagram_length = parsed.payload_length;
		s_world.datagrams++;
		s_world.datagram_at = s_world.verdicts;
		return 0;
	}
	if (!(parsed.flags & PACKET_TCP_RST))
		return 0;
	assert_int_equal(sending, PACKET_SENDING_IN_FLOW);
	assert_in_range(length, 1, sizeof(s_world.reset_bytes));
	memcpy(s_world.reset_bytes, packet, length);
	assert_int_equal(packet_parse(s_world.reset_bytes, length, &s_world.reset), 0);
	s_world.resets++;
	return 0;
}

int resolver_lookup(struct resolver *resolver, const struct name *name,
		    struct resolver_lookup *lookup,
		    void (*done)(struct resolver_lookup *lookup,
				 const struct resolver_result *result))
{
	(void)resolver;
	if (s_world.play == LOOKUP_FULL)
		return -ENOSPC;
	s_world.lookups++;
	s_world.sought = *name;
	lookup->done = done;
	if (s_world.play == LOOKUP_AT_ONCE)
		done(lookup, &s_world.result);
	else
		s_world.lookup = lookup;
	return 0;
}

void resolver_cancel(struct resolver *resolver, struct resolver_lookup *lookup)
{
	(void)resolver;
	assert_ptr_equal(lookup, s_world.lookup);
	s_world.lookup = NULL;
	s_world.cancels++;
}

void events_emit(struct events *events, const struct event *event)
{
	(void)events;
	s_world.event = *event;
	snprintf(s_world.event_name, sizeof(s_world.event_name), "%s",
		 event->name ? event->name : "");
	s_world.events++;
}

/* ------------------------------------------------------------------- the test's side */

static struct policy *write_policy(const char *pattern)
{
	struct rule_set set = {0};
	struct policy *policy;
	char *detail = NULL;
	char words[300];

	snprintf(words, sizeof(words), "from:10.0.0.0/8 https:443 pattern:%s", pattern);
	write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "rule", words);
	assert_int_equal(policy_compile(&set, &policy, &detail), 0);
	return policy;
}

static struct ip_endpoint the_client(uint16_t port)
{
	return (struct ip_endpoint){{4, {10, 0, 0, 7}}, port};
}

static struct ip_endpoint the_server(void)
{
	if (s_world.server_is_private)
		return (struct ip_endpoint){{4, {10, 9, 0, 5}}, 443};
	return (struct ip_endpoint){{4, {203, 0, 113, 5}}, 443};
}

static inline void pin(const char *name_text)
{
	struct name name = write_name(name_text);
	struct ip_endpoint server = the_server();
	enum pin_news news;
	uint64_t before;

	assert_int_equal(pins_learn(s_world.pins, &name, &server.address, s_world.now_ms,
				    s_world.now_ms + 1000000, &news, &before),
			 0);
}

static void begin(size_t flow_capacity)
{
	struct inspector_settings settings = {.flow_capacity = flow_capacity};

	memset(&s_world, 0, sizeof(s_world));
	s_world.now_ms = 1000000;
	s_world.next_id = 1;
	s_world.slot = policy_slot_new(write_policy("*.microsoft.com"));
	s_world.pins = pins_new(100);
	s_world.admissions = admissions_new(100);
	s_world.inspector = inspector_new(NULL, &settings, s_world.slot, s_world.pins,
					  s_world.admissions, NULL, NULL);
	assert_non_null(s_world.inspector);
	/* these functions, not the library's: nothing of a test may leave the machine */
	if (!s_world.queue_open || !s_world.resets_open || !s_world.timer)
		abort();
	for (size_t i = 0; i < VERDICTS_MAX; i++)
		s_world.marks[i] = HELD;
}

static void end(void)
{
	inspector_free(s_world.inspector);
	assert_false(s_world.queue_open || s_world.resets_open);
	assert_null(s_world.timer);
	assert_null(s_world.lookup);
	admissions_free(s_world.admissions);
	pins_free(s_world.pins);
	policy_slot_free(s_world.slot);
}

/* One segment of the stream that begins at `start`; what of it is not usual is in `odd`. */
struct odd {
	uint8_t flags; /* more TCP flags */
	bool truncated, no_number;
	uint8_t protocol; /* 0: TCP */
	uint16_t client_port;
};

static uint32_t send_odd(uint32_t start, uint32_t offset, const uint8_t *payload, size_t length,
			 struct odd odd)
{
	static uint8_t bytes[70000];
	struct ip_endpoint client = the_client(odd.client_port ? odd.client_port : 5000);
	struct ip_endpoint server = the_server();
	struct queue_packet packet = {.id = s_world.next_id++,
				      .first_sequence = odd.no_number ? 0 : start,
				      .bytes = bytes,
				      .length = 40 + length,
				      .truncated = odd.truncated};
	uint32_t sequence = start + offset;

	memset(bytes, 0, 40);
	bytes[0] = 0x45;
	bytes[2] = (uint8_t)(packet.length >> 8);
	bytes[3] = (uint8_t)packet.length;
	bytes[8] = 64;
	bytes[9] = odd.protocol ? odd.protocol : 6;
	memcpy(bytes + 12, client.address.bytes, 4);
	memcpy(bytes + 16, server.address.bytes, 4);
	bytes[20] = (uint8_t)(client.port >> 8);
	bytes[21] = (uint8_t)client.port;
	bytes[22] = (uint8_t)(server.port >> 8);
	bytes[23] = (uint8_t)server.port;
	for (int i = 0; i < 4; i++) {
		bytes[24 + i] = (uint8_t)(sequence >> (24 - 8 * i));
		bytes[28 + i] = (uint8_t)(0x01020304 >> (24 - 8 * i));
	}
	bytes[32] = 5 << 4;
	bytes[33] = (uint8_t)(PACKET_TCP_ACK | odd.flags);
	memcpy(bytes + 40, payload, length);
	s_world.received(s_world.context, &packet);
	return packet.id;
}

static inline uint32_t send_segment(uint32_t offset, const uint8_t *payload, size_t length)
{
	return send_odd(START, offset, payload, length, (struct odd){0});
}

static inline void pass_time(uint64_t ms)
{
	s_world.now_ms += ms;
	s_world.timer->fired(s_world.timer);
}

static inline void finish_lookup(int status, enum reason reason)
{
	struct resolver_lookup *lookup = s_world.lookup;
	struct resolver_result result = {.status = status, .reason = reason};

	assert_non_null(lookup);
	s_world.lookup = NULL;
	lookup->done(lookup, &result);
}

static inline uint32_t number_of(const char *name)
{
	uint32_t number;

	assert_int_equal(admissions_number(s_world.admissions, ADMISSION_NAME, name, &number), 0);
	return number;
}

#define assert_mark(id, mark)   assert_int_equal(s_world.marks[id], mark)
#define assert_held(id)         assert_mark(id, HELD)
#define assert_dropped(id)      assert_mark(id, DROPPED)
#define assert_denied_with(id)  assert_mark(id, mark_make(MARK_DENIED, 0))
#define assert_confirmed(id, n) assert_mark(id, mark_make(MARK_CONFIRM, number_of(n)))

static inline void assert_event(enum rule_action action, enum reason reason, const char *name)
{
	assert_int_equal(s_world.event.kind, EVENT_VERDICT);
	assert_int_equal(s_world.event.action, action);
	assert_string_equal(reason_text(s_world.event.reason), reason_text(reason));
	assert_string_equal(s_world.event_name, name);
	assert_int_equal(s_world.event.source.port ? 443 : 0, s_world.event.destination.port);
}

static inline size_t flows_held(void)
{
	return inspector_figures(s_world.inspector).flows;
}
