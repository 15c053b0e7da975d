#include <errno.h>
#include <sys/socket.h>

#include "resolve/exchange_steps_impl.h"

/* system calls: sendto recvfrom */

static void judge_tcp_answer(struct exchange *exchange)
{
	const uint8_t *message = exchange->slot + EXCHANGE_FRAME_SIZE;
	size_t length = exchange->moved - EXCHANGE_FRAME_SIZE;
	struct dns_answer answer;

	switch (exchange_judge_reply(exchange, message, length, &answer)) {
	case REPLY_GOOD:
		exchange_take_good(exchange, message, length, &answer);
		return;
	case REPLY_CODE:
		exchange_take_code(exchange, answer.code);
		return;
	case REPLY_FOREIGN:
	case REPLY_MALFORMED:
	case REPLY_TRUNCATED:
		exchange_note_unusable(exchange);
		exchange_fail_try(exchange);
		return;
	}
}

/* Bytes wanted in all: the length first, then as many as it says. */
static size_t tcp_wanted(const struct exchange *exchange)
{
	if (exchange->moved < EXCHANGE_FRAME_SIZE)
		return EXCHANGE_FRAME_SIZE;
	return EXCHANGE_FRAME_SIZE + (size_t)(exchange->slot[0] << 8 | exchange->slot[1]);
}

static void tcp_receive(struct exchange *exchange)
{
	while (exchange->moved < tcp_wanted(exchange)) {
		ssize_t got = recv(exchange->watch.descriptor, exchange->slot + exchange->moved,
				   tcp_wanted(exchange) - exchange->moved, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			exchange_fail_try(exchange);
			return;
		}
		exchange->moved += (size_t)got;
	}
	judge_tcp_answer(exchange);
}

static void tcp_send(struct exchange *exchange)
{
	size_t length = EXCHANGE_FRAME_SIZE + exchange->query_length;
	ssize_t sent = send(exchange->watch.descriptor, exchange->framed + exchange->moved,
			    length - exchange->moved, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent < 0) {
		exchange_fail_try(exchange);
		return;
	}
	exchange->moved += (size_t)sent;
	if (exchange->moved < length)
		return;
	exchange->moved = 0;
	exchange->state = EXCHANGE_TCP_RECEIVE;
	if (loop_watch_change(exchange->room->loop, &exchange->watch, EPOLLIN) < 0)
		exchange_fail_try(exchange);
}

/* A failed connection shows as an error of send() or recv(). */
static void tcp_ready(struct loop_watch *watch, uint32_t events)
{
	struct exchange *exchange = loop_owner(watch, struct exchange, watch);

	(void)events;
	if (exchange->state == EXCHANGE_TCP_SEND)
		tcp_send(exchange);
	else
		tcp_receive(exchange);
}

static int start_tcp(struct exchange *exchange)
{
	struct exchange_room *room = exchange->room;
	int descriptor;

	exchange->slot = exchange_take_slot(room);
	if (!exchange->slot)
		return -ENOBUFS;
	descriptor = exchange_open_connected(upstreams_current(&exchange->turn), SOCK_STREAM);
	if (descriptor < 0)
		return descriptor;
	exchange->moved = 0;
	exchange->framed[0] = (uint8_t)(exchange->query_length >> 8);
	exchange->framed[1] = (uint8_t)exchange->query_length;
	return exchange_watch_try(exchange, descriptor, EXCHANGE_TCP_SEND, EPOLLOUT, tcp_ready);
}

/* The same question, with the same id, of the same upstream. */
void exchange_go_over_tcp(struct exchange *exchange)
{
	int error;

	exchange_close_try(exchange);
	error = start_tcp(exchange);
	if (error == -ENOBUFS || error == -EMFILE || error == -ENFILE) {
		exchange->room->counts.full++;
		exchange_next_try(exchange);
	} else if (error < 0) {
		exchange_fail_try(exchange);
	}
}
