/*
 * The life of a session: its driver, its sockets, its timer, its end.
 *
 * Steps run when a socket becomes ready for what the last one asked for and for nothing else; that
 * is the back-pressure: who cannot send does not read. A socket that is asked for is one that was
 * found not to be ready (side_impl.h), else nobody would wake the session. Errors and a full
 * hang-up wake it whether asked for or not.
 *
 * The timer is not moved with every byte: `deadline_ms` is, and the timer looks at it when it
 * fires. A session that passes bytes is given up when its sockets were silent for too long. One
 * that could go on and on leaves the turn to others by a timer of 0 ms.
 */
#include "proxy/session_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "proxy/proxy_impl.h"

/* system calls: setsockopt shutdown close */

#define STEPS_A_TURN       16 /* at most as many MiB */
#define FAREWELL_MS        2000
#define EVERYTHING         (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define FAREWELL_DRAIN_MAX (1024 * 1024) /* bytes of a client that does not stop talking */

static enum step step_farewell(struct session *session);

static enum step (*const s_steps[])(struct session *session) = {
	[SESSION_FIRST] = step_first,       [SESSION_HELLO] = step_hello,
	[SESSION_REQUEST] = step_request,   [SESSION_LOOKUP] = step_lookup,
	[SESSION_DIAL] = step_dial,         [SESSION_CONFIRM] = step_confirm,
	[SESSION_TUNNEL] = step_tunnel,     [SESSION_EXCHANGE] = step_exchange,
	[SESSION_FAREWELL] = step_farewell,
};

_Static_assert(sizeof(s_steps) / sizeof(s_steps[0]) == SESSION_OVER, "each state has its step");

/* ------------------------------------------------------------------- sockets */

static void close_side(struct session *session, struct side *side, enum close_manner manner)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (side->descriptor < 0)
		return;
	loop_watch_remove(session->proxy->loop, &side->watch);
	if (manner == CLOSE_RESET)
		(void)setsockopt(side->descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(side->descriptor);
	*side = (struct side){.descriptor = -1};
}

/* Something happened: a session that passes bytes is not idle. */
static void touch(struct session *session)
{
	if (session->state == SESSION_CONFIRM || session->state == SESSION_TUNNEL ||
	    session->state == SESSION_EXCHANGE)
		session_set_deadline(session, session->proxy->settings.idle_timeout_ms);
}

static void side_ready(struct session *session, struct side *side, uint32_t events)
{
	if (!side_take_news(side, events))
		return;
	touch(session);
	session_run(session);
}

static void client_ready(struct loop_watch *watch, uint32_t events)
{
	struct session *session = loop_owner(watch, struct session, client.watch);

	side_ready(session, &session->client, events);
}

static void server_ready(struct loop_watch *watch, uint32_t events)
{
	struct session *session = loop_owner(watch, struct session, server.watch);

	side_ready(session, &session->server, events);
}

int session_add_server(struct session *session, int descriptor)
{
	invariant(session->server.descriptor < 0);
	session->server = (struct side){.descriptor = descriptor};
	return loop_watch_add(session->proxy->loop, &session->server.watch, descriptor, EVERYTHING,
			      server_ready);
}

void session_close_server(struct session *session, enum close_manner manner)
{
	close_side(session, &session->server, manner);
	relay_drop_pipe(&session->up, session->proxy->pipes);
}

/* ------------------------------------------------------------------- buffers */

void session_take_buffers(struct session *session)
{
	if (session->buffers)
		return;
	session->buffers = session_table_lend_buffers(session->proxy->table);
	session->up.bytes = session->buffers->up;
	session->down.bytes = session->buffers->down;
}

static void give_buffers_back(struct session *session)
{
	relay_forget(&session->up);
	relay_forget(&session->down);
	session->up.bytes = session->down.bytes = NULL;
	session_table_take_buffers_back(session->proxy->table, take_pointer(session->buffers));
}

/* A hello of which no byte has come has its reader already. */
static bool holds_something(const struct session *session)
{
	return session->state == SESSION_HELLO || relay_held(&session->up) > 0 ||
	       relay_held(&session->down) > 0;
}

/* ------------------------------------------------------------------- figures and freeing */

static void count_bytes(struct session *session)
{
	session->proxy->figures.bytes_out += session->up.moved - session->out_counted;
	session->proxy->figures.bytes_in += session->down.moved - session->in_counted;
	session->out_counted = session->up.moved;
	session->in_counted = session->down.moved;
}

static void free_session(struct session *session)
{
	struct proxy *proxy = session->proxy;

	if (session->looking_up)
		resolver_cancel(proxy->resolver, &session->lookup);
	loop_timer_stop(proxy->loop, &session->timer);
	if (session->verdict_due)
		session_admit(session, "given up before the server was connected");
	session_end(session, NULL);
	close_side(session, &session->client, session->manner);
	close_side(session, &session->server, session->manner);
	relay_drop_pipe(&session->up, proxy->pipes);
	relay_drop_pipe(&session->down, proxy->pipes);
	if (session->buffers)
		give_buffers_back(session);
	session_table_give_back(proxy->table, session);
}

enum step session_over(struct session *session, enum close_manner manner)
{
	session->state = SESSION_OVER;
	session->manner = manner;
	return STEP_AGAIN;
}

enum step session_go(struct session *session, enum session_state state, uint64_t within_ms)
{
	session->state = state;
	session_set_deadline(session, within_ms);
	return STEP_AGAIN;
}

/* ------------------------------------------------------------------- time */

static void session_expired(struct session *session)
{
	switch (session->state) {
	case SESSION_FIRST:
	case SESSION_HELLO:
	case SESSION_REQUEST:
		if (session->state == SESSION_REQUEST && !session->head_begun &&
		    !session->first_request)
			session_over(session, CLOSE_ORDERLY); /* idle between two requests */
		else if (session->subject.protocol == FLOW_HTTPS)
			session_deny(session, REASON_HELLO_TIMEOUT, 0, NULL);
		else
			session_deny(session, REASON_HTTP_TIMEOUT, 408, NULL);
		break;
	case SESSION_LOOKUP:
	case SESSION_DIAL:
		dial_expired(session);
		break;
	case SESSION_CONFIRM:
	case SESSION_TUNNEL:
	case SESSION_EXCHANGE:
		session_end(session, "idle for too long");
		session_over(session, CLOSE_RESET);
		break;
	case SESSION_FAREWELL:
		session_over(session, session->farewell_sent ? CLOSE_ORDERLY : CLOSE_RESET);
		break;
	case SESSION_OVER:
		break;
	}
}

static void fired(struct loop_timer *timer);

static void start_timer(struct session *session, uint64_t after_ms)
{
	session->timer_due_ms = loop_now_ms(session->proxy->loop) + after_ms;
	if (loop_timer_start(session->proxy->loop, &session->timer, after_ms, fired) < 0)
		session_over(session, CLOSE_RESET);
}

static void fired(struct loop_timer *timer)
{
	struct session *session = loop_owner(timer, struct session, timer);
	uint64_t now_ms = loop_now_ms(session->proxy->loop);

	if (now_ms < session->deadline_ms)
		start_timer(session, session->deadline_ms - now_ms);
	else
		session_expired(session);
	session_run(session);
}

void session_set_deadline(struct session *session, uint64_t after_ms)
{
	session->deadline_ms = loop_now_ms(session->proxy->loop) + after_ms;
	if (session->timer.position == 0 || session->deadline_ms < session->timer_due_ms)
		start_timer(session, after_ms);
}

/* ------------------------------------------------------------------- the driver */

/* True when the steps were not done: the session goes on in the loop's next turn. */
static bool take_steps(struct session *session)
{
	enum step step = STEP_AGAIN;

	for (unsigned int i = 0; i < STEPS_A_TURN; i++) {
		session->client.wanted = session->server.wanted = 0;
		if (session->state != SESSION_OVER)
			step = s_steps[session->state](session);
		if (session->state == SESSION_OVER)
			return false;
		if (step == STEP_WAIT) {
			invariant(!(session->client.wanted & session->client.ready) &&
				  !(session->server.wanted & session->server.ready));
			return false;
		}
	}
	session->client.wanted = session->server.wanted = 0;
	touch(session);
	return true;
}

void session_run(struct session *session)
{
	if (session->running)
		return;
	session->running = true;
	session_take_buffers(session);
	if (take_steps(session))
		start_timer(session, 0);
	session->running = false;
	if (!holds_something(session))
		give_buffers_back(session);
	count_bytes(session);
	if (session->state == SESSION_OVER)
		free_session(session);
}

/* ------------------------------------------------------------------- beginning and end */

void session_begin(struct session *session, int descriptor, const struct ip_endpoint *source,
		   const struct ip_endpoint *destination, bool is_explicit)
{
	session->client.descriptor = descriptor;
	session->client.ready = EPOLLIN | EPOLLOUT; /* as far as is known */
	session->server.descriptor = -1;
	session->source = *source;
	session->destination = *destination;
	session->is_explicit = is_explicit;
	session->first_request = true;
	session->started_ms = loop_now_ms(session->proxy->loop);
	if (loop_watch_add(session->proxy->loop, &session->client.watch, descriptor, EVERYTHING,
			   client_ready) < 0)
		session_over(session, CLOSE_RESET);
	else if (is_explicit)
		session_begin_request(session);
	else
		session_prepare_first(session);
	session_run(session);
}

enum step session_farewell(struct session *session)
{
	/* Between two requests the server has got nothing that would be cut. */
	session_close_server(session,
			     session->state == SESSION_REQUEST ? CLOSE_ORDERLY : CLOSE_RESET);
	session->judged = false;
	session_end(session, NULL);
	relay_forget(&session->up);
	return session_go(session, SESSION_FAREWELL, FAREWELL_MS);
}

/* Throws away what the client sends until it ends too. */
static enum step drain(struct session *session)
{
	for (;;) {
		long count = session->up.ended ? 0 : relay_fill(&session->up, &session->client);

		if (count == -EAGAIN) {
			session->client.wanted = EPOLLIN;
			return STEP_WAIT;
		}
		if (count <= 0)
			return session_over(session, CLOSE_ORDERLY);
		relay_forget(&session->up);
		session->drained += (size_t)count;
		if (session->drained > FAREWELL_DRAIN_MAX)
			return session_over(session, CLOSE_RESET);
	}
}

static enum step step_farewell(struct session *session)
{
	int error = relay_flush(&session->down, session->proxy->pipes, &session->client);

	if (error == -EAGAIN) {
		session->client.wanted = EPOLLOUT;
		return STEP_WAIT;
	}
	if (error < 0)
		return session_over(session, CLOSE_RESET);
	if (!session->farewell_sent)
		(void)shutdown(session->client.descriptor, SHUT_WR);
	session->farewell_sent = true;
	return drain(session);
}
