/*
 * One exchange: a request and its response, each followed exactly to its end, so that the next
 * request is found where the server will find it, and only when this exchange is over.
 *
 * The server may answer before it has the whole request. Then the rest of the request still passes
 * while the response does, but the connection ends behind the response, and so it does when a
 * client that waits for 100 Continue gets something else: whether the next bytes were a body or a
 * request could be read in two ways.
 *
 * A server that goes away in the middle of a response ends the client's connection in the same way
 * (closed or reset), which is how a client notices; before any byte of a response it gives a 502.
 * On a connection that was used before it may just have been closed for idleness: then the client's
 * is closed too, without words, and the client asks again (RFC 9112 section 9.3.1).
 */
#include <errno.h>

#include "proxy/proxy_impl.h"

#define SPLICE_MIN 16384 /* of known length ahead; less is cheaper through the buffer */

#define STATUS_CONTINUE  100
#define STATUS_SWITCHING 101

enum step session_begin_exchange(struct session *session)
{
	session->scanned = 0;
	return session_go(session, SESSION_EXCHANGE, session->proxy->settings.idle_timeout_ms);
}

/* ------------------------------------------------------------------- bodies */

enum body_pass {
	BODY_AGAIN,
	BODY_WAIT,   /* for more bytes */
	BODY_END,    /* nothing more belongs to it */
	BODY_CUT,    /* the sender ended, the body did not */
	BODY_BROKEN, /* the sender's chunks are malformed */
	BODY_FAILED, /* the sender's connection failed */
};

static enum body_pass of_state(enum http_body_state state)
{
	if (state == HTTP_BODY_MORE)
		return BODY_AGAIN;
	return state == HTTP_BODY_END ? BODY_END : BODY_BROKEN;
}

/* Releases what belongs to the body of what is held. */
static enum body_pass take_held(struct relay *relay, struct http_body *body)
{
	size_t taken;
	enum http_body_state state = http_body_take(body, relay_first(relay) + relay->released,
						    relay_held(relay) - relay->released, &taken);

	relay->released += taken;
	return of_state(state);
}

/* Receives when nothing is held. */
static enum body_pass receive(struct session *session, struct relay *relay, struct http_body *body,
			      struct side *from)
{
	uint64_t opaque = http_body_opaque(body);
	long count;

	if (relay->ended)
		return body->framing == HTTP_BODY_UNTIL_CLOSE ? BODY_END : BODY_CUT;
	if (opaque >= SPLICE_MIN)
		count = relay_splice(relay, session->proxy->pipes, from, opaque);
	else
		count = relay_fill(relay, from);
	if (count == -EAGAIN) {
		from->wanted |= EPOLLIN;
		return BODY_WAIT;
	}
	if (count < 0)
		return BODY_FAILED;
	return relay->piped > 0 ? of_state(http_body_moved(body, relay->piped)) : BODY_AGAIN;
}

/* Once what was released before has been sent. */
static enum body_pass pass_body(struct session *session, struct relay *relay,
				struct http_body *body, struct side *from)
{
	if (relay_held(relay) > 0)
		return take_held(relay, body);
	return receive(session, relay, body, from);
}

/* ------------------------------------------------------------------- the request */

static void stop_request(struct exchange *exchange)
{
	exchange->request_done = exchange->request_stopped = true;
	exchange->close = true;
}

static enum step break_request(struct session *session)
{
	session_emit_deny(session, REASON_HTTP_MALFORMED, http_error_text(HTTP_BAD_CHUNK));
	session_over(session, CLOSE_RESET);
	return STEP_AGAIN;
}

/* True: something was received, or the session is over. */
static bool pass_request(struct session *session)
{
	struct exchange *exchange = &session->exchange;
	struct relay *up = &session->up;
	int error;

	if (exchange->request_stopped)
		return false;
	error = relay_flush(up, session->proxy->pipes, &session->server);
	if (error == -EAGAIN) {
		session->server.wanted |= EPOLLOUT;
		return false;
	}
	if (error < 0) { /* the server may have answered before it went */
		stop_request(exchange);
		return false;
	}
	if (exchange->request_done)
		return false;
	exchange->body_begun |= relay_held(up) > 0;
	switch (pass_body(session, up, &exchange->request_body, &session->client)) {
	case BODY_WAIT:
		return false;
	case BODY_AGAIN:
		exchange->body_begun = true;
		return true;
	case BODY_END:
		exchange->request_done = true;
		return true;
	case BODY_BROKEN:
		return break_request(session) == STEP_AGAIN;
	case BODY_CUT:
	case BODY_FAILED:
		break;
	}
	session_over(session, CLOSE_RESET);
	return true;
}

/* ------------------------------------------------------------------- the response */

/* The server went away, or says what cannot be understood, before the response's head was whole. */
static bool fail_without_head(struct session *session, const char *text)
{
	const struct exchange *exchange = &session->exchange;

	session_close_server(session, CLOSE_RESET);
	if (exchange->answered)
		session_over(session, CLOSE_RESET);
	else if (exchange->reused && relay_held(&session->down) == 0)
		session_farewell(session);
	else {
		relay_forget(&session->down);
		session_fail(session, 502, text);
	}
	return true;
}

static bool switch_protocol(struct session *session)
{
	const struct exchange *exchange = &session->exchange;

	if (!exchange->upgrade || !exchange->request_done)
		return fail_without_head(session, "the server switched to a protocol that nobody "
						  "offered");
	relay_release_all(&session->up);
	relay_release_all(&session->down);
	session_go(session, SESSION_TUNNEL, session->proxy->settings.idle_timeout_ms);
	return true;
}

static void take_final_head(struct exchange *exchange, const struct http_response *response)
{
	exchange->headed = true;
	exchange->close |= response->close;
	exchange->response_done = response->framing == HTTP_BODY_NONE;
	http_body_init(&exchange->response_body, response->framing, response->content_length, true);
	if (exchange->expect_continue && !exchange->continued && !exchange->body_begun &&
	    !exchange->request_done)
		stop_request(exchange);
}

static bool take_head(struct session *session, const struct http_response *response)
{
	struct exchange *exchange = &session->exchange;

	session->scanned = 0;
	if (response->status == STATUS_SWITCHING)
		return switch_protocol(session);
	session->down.released = response->head_length;
	exchange->answered = true;
	exchange->continued |= response->status == STATUS_CONTINUE;
	if (response->status >= 200)
		take_final_head(exchange, response);
	return true;
}

static bool receive_response_head(struct session *session)
{
	long count;

	if (session->down.ended)
		return fail_without_head(session, "the server closed the connection without an "
						  "answer");
	count = relay_fill(&session->down, &session->server);
	if (count >= 0)
		return true;
	if (count != -EAGAIN)
		return fail_without_head(session, "the connection to the server failed");
	session->server.wanted |= EPOLLIN;
	return false;
}

static bool read_response_head(struct session *session)
{
	const struct relay *down = &session->down;
	struct http_response response;
	enum http_error error;

	if (!http_head_due(down, &session->scanned))
		return receive_response_head(session);
	switch (http_response_parse((const char *)relay_first(down), relay_held(down),
				    session->exchange.is_head, &response, &error)) {
	case HTTP_WHOLE:
		return take_head(session, &response);
	case HTTP_REFUSED:
		return fail_without_head(session, "the server's answer is malformed");
	case HTTP_MORE:
		break;
	}
	return receive_response_head(session);
}

static bool pass_response_body(struct session *session)
{
	struct exchange *exchange = &session->exchange;

	switch (pass_body(session, &session->down, &exchange->response_body, &session->server)) {
	case BODY_WAIT:
		return false;
	case BODY_AGAIN:
		return true;
	case BODY_END:
		exchange->response_done = true;
		return true;
	case BODY_CUT:
		session_end(session, "the server closed the connection within its answer");
		session_farewell(session);
		return true;
	case BODY_BROKEN:
	case BODY_FAILED:
		break;
	}
	session_end(session, "the server's answer broke off");
	session_over(session, CLOSE_RESET);
	return true;
}

/* Likewise. */
static bool pass_response(struct session *session)
{
	int error = relay_flush(&session->down, session->proxy->pipes, &session->client);

	if (error == -EAGAIN) {
		session->client.wanted |= EPOLLOUT;
		return false;
	}
	if (error < 0) {
		session_over(session, CLOSE_RESET);
		return true;
	}
	if (session->exchange.response_done)
		return false;
	return session->exchange.headed ? pass_response_body(session) : read_response_head(session);
}

/* ------------------------------------------------------------------- the whole */

/* The response is with the client. */
static enum step end_exchange(struct session *session)
{
	bool complete = session->exchange.request_done && !session->exchange.request_stopped &&
			session->up.released == 0 && session->up.piped == 0;

	if (complete)
		session_end(session, NULL);
	if (!complete || session->exchange.close) {
		session_close_server(session, complete ? CLOSE_ORDERLY : CLOSE_RESET);
		relay_forget(&session->down);
		return session_farewell(session);
	}
	if (relay_held(&session->down) > 0) { /* nobody asked for that */
		session_close_server(session, CLOSE_RESET);
		relay_forget(&session->down);
	}
	return session_begin_request(session);
}

enum step step_exchange(struct session *session)
{
	bool moved;

	if (session->client.hung)
		return session_over(session, CLOSE_RESET);
	moved = pass_request(session);
	if (session->state != SESSION_EXCHANGE)
		return STEP_AGAIN;
	moved |= pass_response(session);
	if (session->state != SESSION_EXCHANGE || moved)
		return STEP_AGAIN;
	if (session->exchange.response_done && session->down.released == 0 &&
	    session->down.piped == 0)
		return end_exchange(session);
	return STEP_WAIT;
}
