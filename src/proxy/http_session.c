/*
 * HTTP requests, judged one by one. The head is held until it is whole and read strictly; what the
 * policy is asked is the host and port that the server will read too. Nothing of a request that is
 * not allowed leaves, and the connection ends with a few words about why.
 *
 * On the explicit proxy's port a request is in absolute form, and goes on in origin form; CONNECT
 * is judged as https to its authority. On the transparent port it goes on as it is. One exception:
 * an offer to upgrade to HTTP/2 or TLS is taken out (it is the next hop's to accept, RFC 9110
 * section 7.8), since requests or a hello inside it could not be judged.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/http_head_impl.h"
#include "proxy/proxy_impl.h"

/* system calls: recvfrom sendto */

#define HTTP_PORT 80

enum step session_begin_request(struct session *session)
{
	uint32_t head_ms = session->proxy->settings.head_timeout_ms;
	uint32_t idle_ms = session->proxy->settings.idle_timeout_ms;

	session->subject.protocol = FLOW_HTTP;
	session->subject.named = false;
	session->speech = SPEECH_HTTP;
	session->judged = false;
	session->has_rule = false;
	session->head_begun = false;
	session->scanned = 0;
	session->exchange = (struct exchange){.is_head = false};
	return session_go(session, SESSION_REQUEST, session->first_request ? head_ms : idle_ms);
}

bool http_head_due(const struct relay *relay, size_t *scanned)
{
	size_t held = relay_held(relay);
	bool line_ended = memchr(relay_first(relay) + *scanned, '\n', held - *scanned) != NULL;
	bool due = line_ended || held == RELAY_CAPACITY;

	*scanned = held;
	return due;
}

/* ------------------------------------------------------------------- judging */

static enum step deny_malformed(struct session *session, const char *detail)
{
	return session_deny(session, REASON_HTTP_MALFORMED, 400, detail);
}

/* What makes a request that can be read one that cannot be served here. NULL: nothing. */
static const char *find_misfit(const struct session *session, const struct http_request *request)
{
	uint16_t original_port = session->destination.port;

	if (request->form == HTTP_FORM_AUTHORITY)
		return session->is_explicit ? NULL : "CONNECT is for the explicit proxy";
	if (session->is_explicit)
		return request->form == HTTP_FORM_ABSOLUTE
			       ? NULL
			       : "a request to a proxy needs the absolute form";
	if (request->port != 0 && request->port != original_port)
		return "the port in Host is not the one that was connected to";
	return NULL;
}

static uint16_t port_of(const struct session *session, const struct http_request *request)
{
	if (!session->is_explicit)
		return session->destination.port;
	return request->port ? request->port : HTTP_PORT;
}

static void set_subject(struct session *session, const struct http_request *request)
{
	bool is_connect = request->form == HTTP_FORM_AUTHORITY;

	session->purpose = is_connect ? PURPOSE_CONNECT : PURPOSE_HTTP;
	session->subject.protocol = is_connect ? FLOW_HTTPS : FLOW_HTTP;
	session->subject.origin = is_connect ? NAME_FROM_CONNECT : NAME_FROM_HOST;
	session->subject.port = port_of(session, request);
}

/* Can the request go where the one before went? */
static bool may_reuse_server(const struct session *session, const struct http_request *request,
			     const struct subject *before)
{
	return session->server.descriptor >= 0 && request->form != HTTP_FORM_AUTHORITY &&
	       before->port == session->subject.port &&
	       name_equal(&before->name, &session->subject.name);
}

/* Makes the head ready to leave, in place. */
static void prepare_head(struct session *session, const struct http_request *request)
{
	struct relay *up = &session->up;
	struct exchange *exchange = &session->exchange;
	size_t length = request->head_length;

	exchange->upgrade = request->upgrade;
	if (session->is_explicit || request->upgrade)
		length = http_head_edit(relay_first(up), request, session->is_explicit,
					&exchange->upgrade);
	relay_skip(up, request->head_length - length);
	up->released = length;
}

static void prepare_exchange(struct session *session, const struct http_request *request)
{
	struct exchange *exchange = &session->exchange;

	exchange->close = request->close;
	exchange->expect_continue = request->expect_continue;
	exchange->request_done = request->framing == HTTP_BODY_NONE;
	http_body_init(&exchange->request_body, request->framing, request->content_length, false);
	prepare_head(session, request);
}

static enum step forward(struct session *session, const struct http_request *request,
			 const struct subject *before)
{
	bool reuse = may_reuse_server(session, request, before);

	session->started_ms = loop_now_ms(session->proxy->loop);
	if (session->purpose == PURPOSE_CONNECT)
		relay_skip(&session->up, request->head_length);
	else
		prepare_exchange(session, request);
	session->exchange.reused = reuse;
	if (!reuse) {
		session_close_server(session, CLOSE_ORDERLY);
		return session_connect(session);
	}
	session_admit(session, NULL);
	return session_begin_exchange(session);
}

static enum step judge_request(struct session *session, const struct http_request *request)
{
	const struct subject before = session->subject;
	struct subject *subject = &session->subject;
	const char *misfit = find_misfit(session, request);
	enum name_error error;

	session->exchange.is_head =
		request->method.length == 4 && memcmp(request->method.at, "HEAD", 4) == 0;
	if (misfit)
		return deny_malformed(session, misfit);
	set_subject(session, request);
	error = name_from_wire(request->host.at, request->host.length, &subject->name);
	if (error != NAME_OK)
		return session_deny(session, REASON_NAME_INVALID, 403, name_error_text(error));
	subject->named = true;
	if (session_judge(session) == RULE_DENY)
		return session_deny_judged(session);
	return forward(session, request, &before);
}

/* ------------------------------------------------------------------- reading the head */

/* A server that says anything, or ends, while nobody asked is of no more use. */
static void check_server(struct session *session)
{
	struct side *server = &session->server;
	char byte;

	if (server->descriptor < 0)
		return;
	if (server->ready & EPOLLIN &&
	    (recv(server->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	     side_failed(server, EPOLLIN) != -EAGAIN))
		session_close_server(session, CLOSE_ORDERLY);
	else
		server->wanted = EPOLLIN;
}

static enum step wait_for_head(struct session *session)
{
	if (!session->head_begun && relay_held(&session->up) > 0) {
		session->head_begun = true;
		session_set_deadline(session, session->proxy->settings.head_timeout_ms);
	}
	session->client.wanted = EPOLLIN;
	return STEP_WAIT;
}

static enum step receive_head(struct session *session)
{
	long count = relay_fill(&session->up, &session->client);

	if (count == -EAGAIN)
		return wait_for_head(session);
	if (count > 0)
		return STEP_AGAIN;
	if (count == 0 && relay_held(&session->up) > 0)
		return deny_malformed(session, "the client closed before the head's end");
	return session_over(session, count == 0 ? CLOSE_ORDERLY : CLOSE_RESET);
}

enum step step_request(struct session *session)
{
	struct http_request request;
	enum http_error error;

	check_server(session);
	if (!http_head_due(&session->up, &session->scanned))
		return receive_head(session);
	switch (http_request_parse((const char *)relay_first(&session->up),
				   relay_held(&session->up), &request, &error)) {
	case HTTP_WHOLE:
		session->first_request = false;
		return judge_request(session, &request);
	case HTTP_REFUSED:
		return deny_malformed(session, http_error_text(error));
	case HTTP_MORE:
		break;
	}
	return receive_head(session);
}
