/*
 * From an allowed name to a connected server: our own lookup (which pins what it finds, so that the
 * client's next connection can be inspected instead), then the addresses one after the other, those
 * of the family that the client chose first. Addresses that the guard refuses are never dialled; it
 * is asked again here, since the answer may come from a cache that is older than the policy.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proxy/proxy_impl.h"

/* system calls: connect setsockopt getsockopt close */

#define ATTEMPT_MS 3000 /* for one address */

static enum step deny_lookup(struct session *session, const struct resolver_result *result)
{
	if (result->status == -EACCES || result->status == -EDQUOT)
		return session_deny(session, result->reason, 403, NULL);
	return session_deny(session, REASON_LOOKUP_FAILED, result->status == -ETIMEDOUT ? 504 : 502,
			    result->status == -ENOENT      ? "no such name, or it has no address"
			    : result->status == -ETIMEDOUT ? "no upstream resolver answered"
							   : strerror(-result->status));
}

/* Addresses of `family`, or with `others` those of the other one. */
static void add_addresses(struct session *session, const struct policy *policy,
			  const struct resolver_result *result, uint8_t family, bool others)
{
	struct dial *dial = &session->dial;

	for (size_t i = 0; i < result->count && dial->count < RESOLVER_ADDRESSES_MAX; i++) {
		const struct ip_address *address = &result->addresses[i].address;
		enum reason reason = policy_check_address(policy, address);

		if ((address->family == family) == others)
			continue;
		if (reason == REASON_RULE_ALLOWS)
			dial->addresses[dial->count++] = *address;
		else
			session->reason = reason;
	}
}

/* Leaves the guard's reason in session->reason when no address is left. */
static void choose_addresses(struct session *session, const struct resolver_result *result)
{
	uint8_t family =
		session->destination.address.family ? session->destination.address.family : 4;
	enum reason admitted_by = session->reason;
	const struct policy *policy = policy_slot_enter(session->proxy->slot);

	session->dial.count = session->dial.next = 0;
	session->reason = REASON_LOOKUP_FAILED;
	add_addresses(session, policy, result, family, false);
	add_addresses(session, policy, result, family, true);
	policy_slot_leave(session->proxy->slot);
	if (session->dial.count > 0)
		session->reason = admitted_by;
}

static void take_result(struct session *session, const struct resolver_result *result)
{
	if (result->status < 0) {
		deny_lookup(session, result);
		return;
	}
	choose_addresses(session, result);
	if (session->dial.count == 0)
		session_deny_judged(session);
	else
		session->state = SESSION_DIAL; /* the deadline stays */
}

static void looked_up(struct resolver_lookup *lookup, const struct resolver_result *result)
{
	struct session *session = loop_owner(lookup, struct session, lookup);

	session->looking_up = false;
	take_result(session, result);
	session_run(session);
}

enum step session_connect(struct session *session)
{
	uint32_t within_ms = session->proxy->settings.connect_timeout_ms;

	session->dialled = (struct ip_endpoint){.port = 0};
	session->dial.deadline_ms = loop_now_ms(session->proxy->loop) + within_ms;
	session_go(session, SESSION_LOOKUP, within_ms);
	session->looking_up = true;
	session->lookup.source = session->source.address;
	if (resolver_lookup(session->proxy->resolver, &session->subject.name, &session->lookup,
			    looked_up) < 0) {
		session->looking_up = false;
		return session_deny(session, REASON_LOOKUP_FAILED, 502,
				    "too many lookups are under way");
	}
	return STEP_AGAIN;
}

enum step step_lookup(struct session *session)
{
	return session->client.hung ? session_over(session, CLOSE_RESET) : STEP_WAIT;
}

/* ------------------------------------------------------------------- attempts */

/* Asked again, connect() tells how it stands: under way, done, or why not. */
static int ask_connect(const struct session *session, int descriptor)
{
	struct sockaddr_storage address;
	socklen_t size = ip_to_sockaddr(&session->dialled, &address);

	if (connect(descriptor, (struct sockaddr *)&address, size) == 0 || errno == EISCONN)
		return 0;
	return errno == EALREADY || errno == EINTR ? -EINPROGRESS : -errno;
}

static void set_option(int descriptor, int option, int value)
{
	(void)setsockopt(descriptor, IPPROTO_TCP, option, &value, sizeof(value));
}

static int open_attempt(struct session *session, const struct ip_address *address)
{
	cleanup(close_descriptor) int descriptor =
		socket(address->family == 6 ? AF_INET6 : AF_INET,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int error;

	if (descriptor < 0)
		return -errno;
	set_option(descriptor, TCP_NODELAY, 1);
	/* The hello waits to be sent: it takes the handshake's last ACK along, and what follows the
	   one of the answer. Not so with HTTP: a server that writes head and body apart may wait
	   for an ACK between them. */
	if (session->purpose == PURPOSE_TLS)
		set_option(descriptor, TCP_QUICKACK, 0);
	session->dialled.address = *address;
	session->dialled.port = session->subject.port;
	error = ask_connect(session, descriptor);
	if (error < 0 && error != -EINPROGRESS)
		return error;
	return session_add_server(session, take_descriptor(descriptor));
}

static enum step next_attempt(struct session *session, int error)
{
	session->dial.error = error;
	session_close_server(session, CLOSE_RESET);
	session->dial.next++;
	return STEP_AGAIN;
}

static enum step connected(struct session *session)
{
	if (session->purpose == PURPOSE_CONNECT) {
		static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

		relay_say(&session->down, established, sizeof(established) - 1);
		session_admit(session, NULL);
		return session_begin_hello(session);
	}
	session_admit(session, NULL);
	return session->purpose == PURPOSE_TLS ? session_begin_confirm(session)
					       : session_begin_exchange(session);
}

static enum step deny_unreachable(struct session *session)
{
	bool timed_out = session->dial.error == -ETIMEDOUT;

	return session_deny(session, REASON_CONNECT_FAILED, timed_out ? 504 : 502,
			    strerror(-session->dial.error));
}

/* Starts the attempt that is next. */
static enum step attempt(struct session *session)
{
	uint64_t now_ms = loop_now_ms(session->proxy->loop);
	uint64_t left_ms =
		session->dial.deadline_ms > now_ms ? session->dial.deadline_ms - now_ms : 0;
	int error;

	if (session->dial.next == session->dial.count)
		return deny_unreachable(session);
	error = open_attempt(session, &session->dial.addresses[session->dial.next]);
	if (error < 0)
		return next_attempt(session, error);
	session_set_deadline(session, left_ms < ATTEMPT_MS ? left_ms : ATTEMPT_MS);
	return STEP_AGAIN;
}

enum step step_dial(struct session *session)
{
	struct side *server = &session->server;
	int error = 0;

	if (session->client.hung)
		return session_over(session, CLOSE_RESET);
	if (server->descriptor < 0)
		return attempt(session);
	if (!(server->ready & EPOLLOUT)) {
		server->wanted = EPOLLOUT;
		return STEP_WAIT;
	}
	if (server->hung)
		error = ask_connect(session, server->descriptor);
	return error == 0 ? connected(session) : next_attempt(session, error);
}

void dial_expired(struct session *session)
{
	uint64_t now_ms = loop_now_ms(session->proxy->loop);

	if (session->state == SESSION_LOOKUP) {
		resolver_cancel(session->proxy->resolver, &session->lookup);
		session->looking_up = false;
		session_deny(session, REASON_LOOKUP_FAILED, 504, "not in time");
		return;
	}
	next_attempt(session, -ETIMEDOUT);
	if (now_ms >= session->dial.deadline_ms)
		deny_unreachable(session);
}
