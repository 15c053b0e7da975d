/*
 * TLS without decryption. The hello is held until it is whole, judged by its server name, and sent
 * on exactly as it came once the server is connected.
 *
 * After that the server may ask for a second hello (HelloRetryRequest), and a client could name
 * somebody else in it. So until the server's own hello has come, client records are walked: those
 * that are not handshake (change_cipher_spec, early data, alerts) pass, a handshake record is a
 * further hello, held until it is whole and compared. Behind the server's hello the handshake
 * cannot start over with another name, and the bytes pass unread (tunnel.c).
 *
 * In a CONNECT tunnel the hello must carry the name of the CONNECT, which was judged, or none when
 * its rule says so: the server is one of that name's.
 */
#include <errno.h>
#include <stdio.h>

#include "proxy/proxy_impl.h"
#include "wire/cursor.h"

#define RECORD_HEADER_SIZE      5
#define RECORD_LENGTH_MAX       (16384 + 256) /* RFC 8446 section 5.2 */
#define RECORD_CHANGE_CIPHER    20
#define RECORD_ALERT            21
#define RECORD_HANDSHAKE        22
#define RECORD_APPLICATION_DATA 23

/* ------------------------------------------------------------------- the first byte */

static bool serves_http(struct session *session, uint16_t port)
{
	const struct policy *policy = policy_slot_enter(session->proxy->slot);
	size_t count;
	const uint16_t *ports = policy_ports(policy, APPLICATION_HTTP, &count);
	bool found = false;

	for (size_t i = 0; i < count && !found; i++)
		found = ports[i] == port;
	policy_slot_leave(session->proxy->slot);
	return found;
}

void session_prepare_first(struct session *session)
{
	uint16_t port = session->destination.port;

	session->subject.port = port;
	session->subject.protocol = serves_http(session, port) ? FLOW_HTTP : FLOW_HTTPS;
	session_go(session, SESSION_FIRST, session->proxy->settings.head_timeout_ms);
}

enum step step_first(struct session *session)
{
	long count = relay_fill(&session->up, &session->client);

	if (count == -EAGAIN) {
		session->client.wanted = EPOLLIN;
		return STEP_WAIT;
	}
	if (count <= 0) /* a probe of the port */
		return session_over(session, count == 0 ? CLOSE_ORDERLY : CLOSE_RESET);
	if (*relay_first(&session->up) == RECORD_HANDSHAKE)
		return session_begin_hello(session);
	if (session->subject.protocol == FLOW_HTTP)
		return session_begin_request(session);
	return session_deny(session, REASON_NOT_TLS, 0, NULL);
}

/* ------------------------------------------------------------------- the hello */

enum step session_begin_hello(struct session *session)
{
	session->subject.protocol = FLOW_HTTPS;
	session->speech = SPEECH_TLS;
	hello_reader_init(&session->buffers->reader);
	session->hello_fed = 0;
	return session_go(session, SESSION_HELLO, session->proxy->settings.head_timeout_ms);
}

static enum reason reason_of(enum client_hello_error error)
{
	switch (error) {
	case CLIENT_HELLO_NOT_TLS:
		return REASON_NOT_TLS;
	case CLIENT_HELLO_TOO_LONG:
		return REASON_HELLO_TOO_LONG;
	default:
		return REASON_HELLO_MALFORMED;
	}
}

/* Feeds the reader what it has not seen of the bytes behind the released ones. */
static enum hello_progress read_hello(struct session *session)
{
	const struct relay *up = &session->up;
	const uint8_t *unseen = relay_first(up) + up->released + session->hello_fed;

	session->hello_fed += hello_reader_feed(&session->buffers->reader, unseen,
						relay_held(up) - up->released - session->hello_fed);
	return session->buffers->reader.progress;
}

static enum step deny_hello(struct session *session)
{
	const char *text = client_hello_error_text(session->buffers->reader.error);

	return session_deny(session, reason_of(session->buffers->reader.error), 0, text);
}

static enum step judge_first_hello(struct session *session, const struct client_hello *hello)
{
	struct subject *subject = &session->subject;
	enum name_error error;

	if (!hello->has_server_name)
		return session_deny(session, REASON_NO_NAME, 0, NULL);
	error = name_from_wire(hello->server_name, hello->server_name_length, &subject->name);
	if (error != NAME_OK)
		return session_deny(session, REASON_NAME_INVALID, 0, name_error_text(error));
	subject->named = true;
	subject->origin = NAME_FROM_SNI;
	subject->encrypted = hello->has_encrypted_hello;
	if (session_judge(session) == RULE_ALLOW) {
		session->purpose = PURPOSE_TLS;
		return session_connect(session);
	}
	return session_deny_judged(session);
}

/* Does the hello carry the name that was judged? Else it is denied. */
static bool names_same(struct session *session, const struct client_hello *hello)
{
	char detail[NAME_MAX_LENGTH + 64] = "the hello carries no valid name";
	struct name name;

	if (session->subject.nameless && !hello->has_server_name)
		return true;
	if (!session->subject.nameless && hello->has_server_name &&
	    name_from_wire(hello->server_name, hello->server_name_length, &name) == NAME_OK) {
		if (name_equal(&name, &session->subject.name))
			return true;
		snprintf(detail, sizeof(detail), "the hello names %s", name.text);
	}
	session_deny(session, REASON_NAME_MISMATCH, 0, detail);
	return false;
}

/* The CONNECT was judged by its name alone; what else the hello says may deny it. */
static enum step take_hello_of_connect(struct session *session, const struct client_hello *hello)
{
	struct subject *subject = &session->subject;
	enum reason reason;

	subject->nameless = !hello->has_server_name;
	subject->encrypted = hello->has_encrypted_hello;
	if (!names_same(session, hello))
		return STEP_AGAIN;
	reason = session_judge_again(session);
	if ((subject->nameless || subject->encrypted) && reason != REASON_RULE_ALLOWS)
		return session_deny(session, reason, 0, NULL);
	return session_begin_confirm(session);
}

static enum step take_first_hello(struct session *session)
{
	const struct client_hello *hello = &session->buffers->reader.hello;

	if (session->buffers->reader.record_left !=
	    0) /* more handshake bytes in the hello's own record */
		return session_deny(session, REASON_HELLO_MALFORMED, 0, NULL);
	return session->purpose == PURPOSE_CONNECT ? take_hello_of_connect(session, hello)
						   : judge_first_hello(session, hello);
}

/* The client has ended, or its connection failed, before its hello was whole. */
static enum step end_without_hello(struct session *session)
{
	if (relay_held(&session->up) == 0)
		return session_over(session, CLOSE_ORDERLY);
	return session_deny(session, REASON_HELLO_MALFORMED, 0, "the client closed before its end");
}

enum step step_hello(struct session *session)
{
	int error = relay_flush(&session->down, session->proxy->pipes, &session->client);
	long count;

	if (error == -EAGAIN) {
		session->client.wanted = EPOLLOUT;
		return STEP_WAIT;
	}
	if (error < 0)
		return session_over(session, CLOSE_RESET);
	switch (read_hello(session)) {
	case HELLO_WHOLE:
		return take_first_hello(session);
	case HELLO_REFUSED:
		return deny_hello(session);
	case HELLO_MORE:
		break;
	}
	count = relay_fill(&session->up, &session->client);
	if (count == -EAGAIN) {
		session->client.wanted = EPOLLIN;
		return STEP_WAIT;
	}
	return count > 0 ? STEP_AGAIN : end_without_hello(session);
}

/* ------------------------------------------------------------------- behind the hello */

enum step session_begin_confirm(struct session *session)
{
	session->up.released = session->buffers->reader.stream_length;
	session->in_before = session->down.moved; /* our answer to CONNECT is not the server's */
	session->hello_fed = 0;
	session->in_second_hello = false;
	session->record_left = 0;
	server_hello_init(&session->server_hello);
	return session_go(session, SESSION_CONFIRM, session->proxy->settings.idle_timeout_ms);
}

enum walk {
	WALK_ON,     /* something was released, or a hello has begun */
	WALK_MORE,   /* more bytes are needed */
	WALK_DENIED, /* the session was denied */
};

static enum walk walk_second_hello(struct session *session)
{
	switch (read_hello(session)) {
	case HELLO_MORE:
		return WALK_MORE;
	case HELLO_REFUSED:
		deny_hello(session);
		return WALK_DENIED;
	case HELLO_WHOLE:
		break;
	}
	if (session->buffers->reader.record_left != 0) {
		session_deny(session, REASON_HELLO_MALFORMED, 0, NULL);
		return WALK_DENIED;
	}
	if (!names_same(session, &session->buffers->reader.hello))
		return WALK_DENIED;
	if (session->buffers->reader.hello.has_encrypted_hello && !session->subject.encrypted) {
		session_deny(session, REASON_ENCRYPTED_HELLO, 0, "the second hello alone has it");
		return WALK_DENIED;
	}
	session->up.released += session->hello_fed;
	session->in_second_hello = false;
	return WALK_ON;
}

static enum walk walk_header(struct session *session)
{
	const struct relay *up = &session->up;
	struct cursor header =
		cursor_over(relay_first(up) + up->released, relay_held(up) - up->released);
	uint8_t type = cursor_u8(&header);
	uint16_t length;

	cursor_skip(&header, 2); /* legacy_record_version: ignored (RFC 8446 section 5.1) */
	length = cursor_u16(&header);
	if (cursor_failed(&header))
		return WALK_MORE;
	if (type == RECORD_HANDSHAKE) {
		hello_reader_init(&session->buffers->reader);
		session->hello_fed = 0;
		session->in_second_hello = true;
		return WALK_ON;
	}
	if ((type != RECORD_CHANGE_CIPHER && type != RECORD_ALERT &&
	     type != RECORD_APPLICATION_DATA) ||
	    length > RECORD_LENGTH_MAX) {
		session_deny(session, REASON_NOT_TLS, 0, NULL);
		return WALK_DENIED;
	}
	session->record_left = RECORD_HEADER_SIZE + (uint32_t)length;
	return WALK_ON;
}

static enum walk walk_record(struct session *session)
{
	struct relay *up = &session->up;
	size_t waiting = relay_held(up) - up->released;
	size_t passing = waiting < session->record_left ? waiting : session->record_left;

	if (waiting == 0)
		return WALK_MORE;
	up->released += passing;
	session->record_left -= (uint32_t)passing;
	return WALK_ON;
}

/* Releases of the client's bytes what may leave. False: denied. */
static bool walk_client(struct session *session)
{
	enum walk walk;

	do {
		if (session->in_second_hello)
			walk = walk_second_hello(session);
		else
			walk = session->record_left > 0 ? walk_record(session)
							: walk_header(session);
	} while (walk == WALK_ON);
	return walk == WALK_MORE;
}

/* Sends what is released, then receives. */
static enum pass pass_on(struct session *session, struct relay *relay, struct side *from,
			 struct side *to)
{
	int error = relay_flush(relay, session->proxy->pipes, to);
	long count;

	if (error < 0)
		return pass_blocked(to, EPOLLOUT, error);
	if (relay->ended) {
		tunnel_pass_end(session, relay, to);
		return PASS_OPEN;
	}
	count = relay_fill(relay, from);
	return count < 0 ? pass_blocked(from, EPOLLIN, (int)count) : PASS_AGAIN;
}

static enum pass pass_down(struct session *session)
{
	struct relay *down = &session->down;
	enum pass pass = pass_on(session, down, &session->server, &session->client);

	if (pass == PASS_AGAIN) {
		server_hello_feed(&session->server_hello, relay_first(down), relay_held(down));
		relay_release_all(down);
	}
	return pass;
}

enum step step_confirm(struct session *session)
{
	enum pass down = pass_down(session), up;

	if (down == PASS_FAILED)
		return session_over(session, CLOSE_RESET);
	if (session->server_hello.settled) {
		relay_release_all(&session->up);
		return session_go(session, SESSION_TUNNEL,
				  session->proxy->settings.idle_timeout_ms);
	}
	if (!walk_client(session))
		return STEP_AGAIN;
	up = pass_on(session, &session->up, &session->client, &session->server);
	if (up == PASS_FAILED)
		return session_over(session, CLOSE_RESET);
	if (up == PASS_AGAIN || down == PASS_AGAIN)
		return STEP_AGAIN;
	if (session->up.closed && session->down.closed)
		return session_over(session, CLOSE_ORDERLY);
	return STEP_WAIT;
}
