/* The listener for DNS over TCP; its clients are in dns_client_tcp.c. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resolve/dns_proxy_impl.h"

/* system calls: accept4 close */

#define PAUSE_MS       100 /* of a listener that got no descriptor */
#define ACCEPTS_A_TURN 16

static void end_pause(struct loop_timer *timer)
{
	struct dns_tcp_listener *listener = loop_owner(timer, struct dns_tcp_listener, pause);

	(void)loop_watch_change(listener->proxy->loop, &listener->watch, EPOLLIN);
}

/* Out of descriptors the backlog would wake us again and again. */
static void pause_listener(struct dns_tcp_listener *listener)
{
	struct loop *loop = listener->proxy->loop;

	listener->proxy->figures.full++;
	if (loop_timer_start(loop, &listener->pause, PAUSE_MS, end_pause) == 0)
		(void)loop_watch_change(loop, &listener->watch, 0);
}

static void tcp_ready(struct loop_watch *watch, uint32_t events)
{
	struct dns_tcp_listener *listener = loop_owner(watch, struct dns_tcp_listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof(peer);
		int descriptor = accept4(watch->descriptor, (struct sockaddr *)&peer, &length,
					 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (descriptor < 0 && errno == EAGAIN)
			return;
		if (descriptor < 0 &&
		    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			pause_listener(listener);
			return;
		}
		if (descriptor >= 0)
			dns_client_admit(listener->proxy, descriptor, &peer);
	}
}

int dns_tcp_start(struct dns_proxy *proxy, struct dns_tcp_listener *listener,
		  const struct ip_endpoint *endpoint)
{
	int descriptor = dns_socket_open(endpoint, SOCK_STREAM, proxy->settings.transparent);
	int error;

	if (descriptor < 0)
		return descriptor;
	listener->proxy = proxy;
	error = loop_watch_add(proxy->loop, &listener->watch, descriptor, EPOLLIN, tcp_ready);
	if (error < 0)
		close(descriptor);
	return error;
}

void dns_tcp_stop(struct dns_tcp_listener *listener)
{
	if (!listener->watch.active)
		return;
	loop_timer_stop(listener->proxy->loop, &listener->pause);
	loop_watch_remove(listener->proxy->loop, &listener->watch);
	close(listener->watch.descriptor);
}
