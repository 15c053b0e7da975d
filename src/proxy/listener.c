/*
 * Accepting. Batches are bounded so that a flood of connections does not starve the sessions.
 * A connection that cannot be served (no session free, no descriptor left) is accepted and reset at
 * once, so that its client hears of it; left in the backlog it would wait and keep the loop busy.
 * For that a descriptor is kept in reserve. All workers share the process's descriptors: when
 * another has taken even that one, the listener pauses.
 *
 * A connection that TPROXY brought has its original destination as its local address. What is set
 * of a listener, accepted sockets have too.
 */
#include "proxy/listener_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "proxy/proxy_impl.h"

/* system calls: accept4 getsockname setsockopt openat close */

#define BACKLOG        1024
#define ACCEPTS_A_TURN 64
#define PAUSE_MS       100

static int set_option(int descriptor, int level, int option)
{
	int on = 1;

	return setsockopt(descriptor, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int prepare(int descriptor, const struct ip_endpoint *endpoint, bool is_transparent)
{
	bool is_v6 = endpoint->address.family == 6;
	int error = set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);

	if (error == 0)
		error = set_option(descriptor, SOL_SOCKET, SO_REUSEPORT);
	if (error == 0)
		error = set_option(descriptor, IPPROTO_TCP, TCP_NODELAY);
	if (error == 0 && is_v6)
		error = set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
	if (error == 0 && is_transparent)
		error = is_v6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_TRANSPARENT)
			      : set_option(descriptor, IPPROTO_IP, IP_TRANSPARENT);
	return error;
}

static void reset(int descriptor)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(descriptor);
}

/* accept4(): the descriptor and where it comes from, or negative errno. */
static int accept_one(const struct proxy_listener *listener, int flags, struct ip_endpoint *source)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	int descriptor = accept4(listener->descriptor, (struct sockaddr *)&peer, &size, flags);

	if (descriptor < 0)
		return -errno;
	if (ip_from_sockaddr(&peer, source) == 0)
		return descriptor;
	close(descriptor);
	return -ECONNABORTED;
}

static bool find_destination(const struct proxy_listener *listener, int descriptor,
			     struct ip_endpoint *destination)
{
	struct sockaddr_storage local;
	socklen_t local_size = sizeof(local);

	*destination = (struct ip_endpoint){.port = 0};
	if (!listener->is_transparent)
		return true;
	return getsockname(descriptor, (struct sockaddr *)&local, &local_size) == 0 &&
	       ip_from_sockaddr(&local, destination) == 0;
}

static void refuse(struct proxy *proxy, const struct proxy_listener *listener,
		   const struct ip_endpoint *source, const struct ip_endpoint *destination,
		   const char *detail)
{
	struct event event = {
		.kind = EVENT_VERDICT,
		.source = *source,
		.destination = *destination,
		.protocol = EVENT_TCP,
		.action = RULE_DENY,
		.reason = REASON_SESSIONS_FULL,
		.path = listener->is_transparent ? "proxy" : "explicit",
		.detail = detail,
	};

	proxy->figures.full++;
	proxy_count(proxy, RULE_DENY);
	events_emit(proxy->events, &event);
}

static void serve(struct proxy_listener *listener, int descriptor, const struct ip_endpoint *source)
{
	struct proxy *proxy = listener->proxy;
	struct ip_endpoint destination;

	proxy->figures.accepted++;
	if (!find_destination(listener, descriptor, &destination)) { /* reset meanwhile */
		close(descriptor);
		return;
	}

	struct session *session = session_table_take(proxy->table);

	if (!session) {
		refuse(proxy, listener, source, &destination, NULL);
		reset(descriptor);
		return;
	}
	session->proxy = proxy;
	session_begin(session, descriptor, source, &destination, !listener->is_transparent);
}

static void keep_reserve(struct proxy *proxy)
{
	proxy->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* There are no descriptors left: the reserve makes room to accept one connection and reset it.
   Negative errno: not even that, or (-EAGAIN) nobody waits. */
static int refuse_by_reserve(struct proxy_listener *listener)
{
	struct proxy *proxy = listener->proxy;
	struct ip_endpoint source, destination;

	if (proxy->reserve < 0) /* another worker was quicker the last time */
		keep_reserve(proxy);
	if (proxy->reserve < 0)
		return -EMFILE;
	close(take_descriptor(proxy->reserve));

	int descriptor = accept_one(listener, SOCK_CLOEXEC, &source);
	int error = descriptor < 0 ? descriptor : 0;

	if (descriptor >= 0) {
		proxy->figures.accepted++;
		if (find_destination(listener, descriptor, &destination))
			refuse(proxy, listener, &source, &destination, "no descriptors are left");
		reset(descriptor);
	}
	keep_reserve(proxy);
	return error;
}

static void end_pause(struct loop_timer *timer)
{
	struct proxy_listener *listener = loop_owner(timer, struct proxy_listener, pause);

	(void)loop_watch_change(listener->proxy->loop, &listener->watch, EPOLLIN);
}

/* The backlog would wake us again and again. */
static void pause_listener(struct proxy_listener *listener)
{
	struct loop *loop = listener->proxy->loop;

	if (loop_timer_start(loop, &listener->pause, PAUSE_MS, end_pause) == 0)
		(void)loop_watch_change(loop, &listener->watch, 0);
}

static bool is_lack(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static void ready(struct loop_watch *watch, uint32_t events)
{
	struct proxy_listener *listener = loop_owner(watch, struct proxy_listener, watch);

	(void)events;
	for (unsigned int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct ip_endpoint source;
		int error = accept_one(listener, SOCK_NONBLOCK | SOCK_CLOEXEC, &source);

		if (error >= 0) {
			serve(listener, error, &source);
			continue;
		}
		if (error == -EMFILE || error == -ENFILE)
			error = refuse_by_reserve(listener);
		if (error == 0 || error == -ECONNABORTED || error == -EINTR)
			continue;
		if (is_lack(error))
			pause_listener(listener);
		return;
	}
}

int proxy_listener_open(struct proxy_listener *listener, struct proxy *proxy,
			const struct ip_endpoint *endpoint, bool is_transparent)
{
	struct sockaddr_storage address;
	socklen_t size = ip_to_sockaddr(endpoint, &address);
	cleanup(close_descriptor) int descriptor =
		socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int error;

	if (descriptor < 0)
		return -errno;
	error = prepare(descriptor, endpoint, is_transparent);
	if (error < 0)
		return error;
	if (bind(descriptor, (struct sockaddr *)&address, size) < 0 ||
	    listen(descriptor, BACKLOG) < 0)
		return -errno;
	error = loop_watch_add(proxy->loop, &listener->watch, descriptor, EPOLLIN, ready);
	if (error < 0)
		return error;
	listener->proxy = proxy;
	listener->is_transparent = is_transparent;
	listener->descriptor = take_descriptor(descriptor);
	return 0;
}

void proxy_listener_close(struct proxy_listener *listener)
{
	loop_timer_stop(listener->proxy->loop, &listener->pause);
	loop_watch_remove(listener->proxy->loop, &listener->watch);
	close(listener->descriptor);
}
