#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "resolve/dns_proxy_impl.h"

static void take_datagram(struct dns_udp_listener *listener, int index)
{
	struct dns_proxy *proxy = listener->proxy;
	struct dns_route route = {.listener = listener};
	struct dns_datagram *ends = &route.ends;
	const uint8_t *message;
	size_t length;

	if (!dns_inbox_read(proxy->inbox, index, &message, &length, ends))
		return;
	if (ends->destination.address.family == 0)
		ends->destination.address = listener->endpoint.address;
	if (ends->destination.port == 0)
		ends->destination.port = listener->endpoint.port;
	proxy->figures.queries_udp++;
	if (ends->cut)
		proxy->figures.malformed++;
	else
		dns_request_take(proxy, &route, message, length);
}

/* One batch a turn: then others have their turn. */
static void udp_ready(struct loop_watch *watch, uint32_t events)
{
	struct dns_udp_listener *listener = loop_owner(watch, struct dns_udp_listener, watch);
	int count = dns_inbox_fill(listener->proxy->inbox, watch->descriptor);

	(void)events;
	for (int i = 0; i < count; i++)
		take_datagram(listener, i);
}

int dns_udp_start(struct dns_proxy *proxy, struct dns_udp_listener *listener,
		  const struct ip_endpoint *endpoint)
{
	cleanup(close_descriptor) int descriptor =
		dns_socket_open(endpoint, SOCK_DGRAM, proxy->settings.transparent);
	int error;

	if (descriptor < 0)
		return descriptor;
	listener->proxy = proxy;
	listener->endpoint = *endpoint;
	listener->outbox = dns_outbox_new(DNS_UDP_OWN);
	if (!listener->outbox)
		return -ENOMEM;
	error = loop_watch_add(proxy->loop, &listener->watch, descriptor, EPOLLIN, udp_ready);
	if (error < 0)
		return error;
	take_descriptor(descriptor);
	return 0;
}

void dns_udp_stop(struct dns_udp_listener *listener)
{
	dns_outbox_free(listener->outbox);
	if (!listener->watch.active)
		return;
	loop_watch_remove(listener->proxy->loop, &listener->watch);
	close(listener->watch.descriptor);
}

void dns_udp_send_waiting(struct dns_udp_listener *listener)
{
	listener->proxy->figures.failed +=
		dns_outbox_send(listener->outbox, listener->watch.descriptor);
}

/* A query that was redirected from another port is answered from there. */
void dns_udp_send(const struct dns_route *route, const uint8_t *message, size_t length)
{
	struct dns_udp_listener *listener = route->listener;
	struct dns_proxy *proxy = listener->proxy;

	if (route->ends.destination.port != listener->endpoint.port) {
		proxy->figures.failed += dns_socket_send_from(&route->ends, message, length) < 0;
		return;
	}
	if (!dns_outbox_add(listener->outbox, &route->ends, message, length)) {
		dns_udp_send_waiting(listener);
		(void)dns_outbox_add(listener->outbox, &route->ends, message, length);
	}
	dns_proxy_send_at_end(proxy);
}
