#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resolve/dns_proxy_impl.h"

#define DATAGRAMS_A_TURN 64 /* then others have their turn */

static void take_datagram(struct dns_udp_listener *listener, struct dns_datagram *datagram,
			  size_t length)
{
	struct dns_proxy *proxy = listener->proxy;
	struct dns_route route = {.listener = listener};

	if (datagram->destination.address.family == 0)
		datagram->destination.address = listener->endpoint.address;
	if (datagram->destination.port == 0)
		datagram->destination.port = listener->endpoint.port;
	route.ends = *datagram;
	proxy->figures.queries_udp++;
	if (datagram->cut)
		proxy->figures.malformed++;
	else
		dns_request_take(proxy, &route, proxy->received, length);
}

static void udp_ready(struct loop_watch *watch, uint32_t events)
{
	struct dns_udp_listener *listener = loop_owner(watch, struct dns_udp_listener, watch);
	struct dns_proxy *proxy = listener->proxy;

	(void)events;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		struct dns_datagram datagram;
		ssize_t length = dns_socket_receive(watch->descriptor, proxy->received,
						    sizeof(proxy->received), &datagram);

		if (length == -EAGAIN)
			return;
		if (length >= 0)
			take_datagram(listener, &datagram, (size_t)length);
	}
}

int dns_udp_start(struct dns_proxy *proxy, struct dns_udp_listener *listener,
		  const struct ip_endpoint *endpoint)
{
	int descriptor = dns_socket_open(endpoint, SOCK_DGRAM, proxy->settings.transparent);
	int error;

	if (descriptor < 0)
		return descriptor;
	listener->proxy = proxy;
	listener->endpoint = *endpoint;
	error = loop_watch_add(proxy->loop, &listener->watch, descriptor, EPOLLIN, udp_ready);
	if (error < 0)
		close(descriptor);
	return error;
}

void dns_udp_stop(struct dns_udp_listener *listener)
{
	if (!listener->watch.active)
		return;
	loop_watch_remove(listener->proxy->loop, &listener->watch);
	close(listener->watch.descriptor);
}

/* A query that was redirected from another port is answered from there. */
void dns_udp_send(const struct dns_route *route, const uint8_t *message, size_t length)
{
	const struct dns_udp_listener *listener = route->listener;
	bool elsewhere = route->ends.destination.port != listener->endpoint.port;
	int error = elsewhere ? dns_socket_send_from(&route->ends, message, length)
			      : dns_socket_send(listener->watch.descriptor, &route->ends, message,
						length);

	if (error < 0)
		listener->proxy->figures.failed++;
}
