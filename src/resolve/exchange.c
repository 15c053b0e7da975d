/*
 * A question on its way to the upstreams.
 *
 *   try: a random port, fresh random id ─► EXCHANGE_UDP ──answer──────────────► done
 *                                            │ truncated
 *                                            ▼
 *                              EXCHANGE_TCP_SEND ──► EXCHANGE_TCP_RECEIVE ────► done
 *   time up, error, useless answer: the next try (upstreams.c chooses), or done when none is left
 *
 * Whoever wants to slip us a forged answer must guess the id (16 bits, from the kernel's random
 * source) and the source port (a random one from the kernel: exchange_port.c), and must send from
 * the upstream's address and port, as the socket is connected. A datagram with another id or
 * another question is counted and ignored, it does not end the try: otherwise guessing wrong would
 * be a way to switch an upstream off. The question must come back byte for byte.
 *
 * The same question is under way once only (pending_impl.h): each time it was would be another
 * chance.
 *
 * SERVFAIL, REFUSED and their like say something of this upstream or this name: the next upstream
 * is asked, nobody is put back, and when all agree the last code is the result.
 *
 * Every `done` is called in tail position: nothing here touches the exchange after it.
 */
#include "resolve/exchange_steps_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assertion.h"

/* system calls: connect close */

#define HEADER_SIZE 12 /* of a DNS message: RFC 1035 section 4.1.1 */

static void start_try(struct exchange *exchange);

/* ------------------------------------------------------------- ends of a try */

/* Closes what the try held, except the TCP slot. */
void exchange_close_try(struct exchange *exchange)
{
	if (exchange->state == EXCHANGE_IDLE)
		return;
	loop_timer_stop(exchange->room->loop, &exchange->timer);
	if (exchange->state == EXCHANGE_UDP) {
		exchange_port_leave(exchange);
	} else {
		loop_watch_remove(exchange->room->loop, &exchange->watch);
		close(exchange->watch.descriptor);
	}
	exchange->state = EXCHANGE_IDLE;
}

static void drop_slot(struct exchange *exchange)
{
	exchange_give_slot_back(exchange->room, exchange->slot);
	exchange->slot = NULL;
}

void exchange_cancel(struct exchange *exchange)
{
	if (exchange->state == EXCHANGE_IDLE)
		return;
	exchange_close_try(exchange);
	drop_slot(exchange);
}

/* A message in a TCP slot stays readable during `done`: nothing reuses a free slot at once, as its
   bytes are only written by a later event. */
static void finish(struct exchange *exchange, const struct exchange_result *result)
{
	exchange_close_try(exchange);
	drop_slot(exchange);
	exchange->done(exchange, result);
}

static void finish_without_answer(struct exchange *exchange)
{
	struct exchange_result result = {.status = -ETIMEDOUT, .code = exchange->code};

	if (exchange->malformed_seen)
		result.status = -EPROTO;
	if (exchange->code_seen)
		result.status = -EREMOTEIO;
	finish(exchange, &result);
}

void exchange_next_try(struct exchange *exchange)
{
	exchange_close_try(exchange);
	drop_slot(exchange);
	if (exchange->code_seen && upstreams_all_tried(&exchange->turn))
		finish_without_answer(exchange);
	else
		start_try(exchange);
}

void exchange_fail_try(struct exchange *exchange)
{
	upstreams_failed(exchange->room->upstreams, &exchange->turn,
			 loop_now_ms(exchange->room->loop));
	exchange_next_try(exchange);
}

static void time_is_up(struct loop_timer *timer)
{
	struct exchange *exchange = loop_owner(timer, struct exchange, timer);

	exchange->room->counts.timeouts++;
	exchange_fail_try(exchange);
}

/* ---------------------------------------------------------- judging a message */

/* Header id and question as they went out. */
bool exchange_is_answered_by(const struct exchange *exchange, const uint8_t *message, size_t length)
{
	const uint8_t *query = exchange->framed + EXCHANGE_FRAME_SIZE;

	return length >= HEADER_SIZE + exchange->question_length &&
	       memcmp(message, query, 2) == 0 &&
	       memcmp(message + HEADER_SIZE, query + HEADER_SIZE, exchange->question_length) == 0;
}

enum exchange_reply exchange_judge_reply(struct exchange *exchange, const uint8_t *message,
					 size_t length, struct dns_answer *answer)
{
	struct exchange_room *room = exchange->room;

	if (!exchange_is_answered_by(exchange, message, length))
		return REPLY_FOREIGN;
	if (dns_answer_parse(message, length, room->records, DNS_ANSWERS_MAX, answer) < 0)
		return REPLY_MALFORMED;
	if (answer->truncated)
		return REPLY_TRUNCATED;
	if (answer->code != DNS_CODE_NOERROR && answer->code != DNS_CODE_NXDOMAIN)
		return REPLY_CODE;
	return REPLY_GOOD;
}

void exchange_note_unusable(struct exchange *exchange)
{
	exchange->room->counts.malformed++;
	exchange->malformed_seen = true;
}

void exchange_take_code(struct exchange *exchange, uint8_t code)
{
	exchange->code_seen = true;
	exchange->code = (enum dns_code)code;
	upstreams_worked(exchange->room->upstreams, &exchange->turn);
	exchange_next_try(exchange);
}

void exchange_take_good(struct exchange *exchange, const uint8_t *message, size_t length,
			const struct dns_answer *answer)
{
	struct exchange_result result = {.code = (enum dns_code)answer->code,
					 .message = message,
					 .length = length,
					 .answer = answer};

	upstreams_worked(exchange->room->upstreams, &exchange->turn);
	finish(exchange, &result);
}

/* -------------------------------------------------------------------- sockets */

int exchange_open_connected(const struct ip_endpoint *upstream, int type)
{
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(upstream, &address);
	int descriptor = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (descriptor < 0)
		return -errno;
	if (connect(descriptor, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS) {
		error = -errno;
		close(descriptor);
		return error;
	}
	return descriptor;
}

static void begin_try(struct exchange *exchange, enum exchange_state state)
{
	exchange->state = state;
	exchange->room->counts.asked++;
}

/* Takes over the descriptor, also on failure. */
int exchange_watch_try(struct exchange *exchange, int descriptor, enum exchange_state state,
		       uint32_t events, void (*ready)(struct loop_watch *watch, uint32_t events))
{
	struct loop *loop = exchange->room->loop;
	int error = loop_watch_add(loop, &exchange->watch, descriptor, events, ready);

	if (error == 0)
		error = loop_timer_start(loop, &exchange->timer, exchange->turn.timeout_ms,
					 time_is_up);
	if (error < 0) {
		loop_watch_remove(loop, &exchange->watch);
		close(descriptor);
		return error;
	}
	begin_try(exchange, state);
	return 0;
}

/* ------------------------------------------------------------------------ UDP */

void exchange_take_datagram(struct exchange *exchange, const uint8_t *message, size_t length)
{
	struct dns_answer answer;

	switch (exchange_judge_reply(exchange, message, length, &answer)) {
	case REPLY_FOREIGN:
	case REPLY_MALFORMED:
		exchange_note_unusable(exchange);
		return;
	case REPLY_TRUNCATED:
		exchange_go_over_tcp(exchange);
		return;
	case REPLY_CODE:
		exchange_take_code(exchange, answer.code);
		return;
	case REPLY_GOOD:
		exchange_take_good(exchange, message, length, &answer);
		return;
	}
}

static int start_udp(struct exchange *exchange)
{
	int error = exchange_port_send(exchange, upstreams_current(&exchange->turn));

	if (error == 0)
		error = loop_timer_start(exchange->room->loop, &exchange->timer,
					 exchange->turn.timeout_ms, time_is_up);
	if (error < 0) {
		exchange_port_leave(exchange);
		return error;
	}
	begin_try(exchange, EXCHANGE_UDP);
	return 0;
}

static void start_try(struct exchange *exchange)
{
	struct exchange_room *room = exchange->room;
	uint64_t now_ms = loop_now_ms(room->loop);

	while (upstreams_next(room->upstreams, &exchange->turn, now_ms)) {
		int error = start_udp(exchange);

		if (error == 0)
			return;
		if (error == -EMFILE || error == -ENFILE)
			room->counts.full++;
		else
			upstreams_failed(room->upstreams, &exchange->turn, now_ms);
	}
	finish_without_answer(exchange);
}

void exchange_start(struct exchange *exchange, struct exchange_room *room, const struct name *name,
		    uint16_t type, bool dnssec_ok,
		    void (*done)(struct exchange *exchange, const struct exchange_result *result))
{
	int length = dns_query_build(0, name->text, type, dnssec_ok,
				     exchange->framed + EXCHANGE_FRAME_SIZE, EXCHANGE_QUERY_MAX);

	/* A canonical name always has a wire form that fits. */
	invariant(length > 0 && exchange->state == EXCHANGE_IDLE);
	exchange->room = room;
	exchange->query_length = (size_t)length;
	exchange->question_length = name->length + 2u + 4u;
	exchange->malformed_seen = false;
	exchange->code_seen = false;
	exchange->code = DNS_CODE_SERVFAIL;
	exchange->slot = NULL;
	exchange->done = done;
	upstreams_begin(room->upstreams, &exchange->turn);
	start_try(exchange);
}
