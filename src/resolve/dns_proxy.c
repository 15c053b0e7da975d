/*
 * Life of the DNS proxy: its sockets and tables. What it does with a message is told in
 * dns_request.c.
 */
#include "resolve/dns_proxy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "resolve/dns_proxy_impl.h"

#define DEFAULT_QUERY_CAPACITY 4096

DEFINE_CLEANUP(free_proxy, struct dns_proxy *, dns_proxy_free);

static int make_tables(struct dns_proxy *proxy)
{
	if (proxy->settings.query_capacity == 0)
		proxy->settings.query_capacity = DEFAULT_QUERY_CAPACITY;
	proxy->requests = calloc(proxy->settings.query_capacity, sizeof(*proxy->requests));
	proxy->inbox = dns_inbox_new(DNS_QUERY_MAX);
	if (!proxy->requests || !proxy->inbox)
		return -ENOMEM;
	return dns_clients_init(proxy);
}

/* The log is never behind what a client knows. */
static void send_waiting(struct loop_task *task)
{
	struct dns_proxy *proxy = loop_owner(task, struct dns_proxy, turn_end);

	events_write(proxy->events, &proxy->lines);
	for (size_t i = 0; i < proxy->settings.listen_count; i++)
		dns_udp_send_waiting(&proxy->udp[i]);
}

void dns_proxy_send_at_end(struct dns_proxy *proxy)
{
	loop_task_schedule(proxy->loop, &proxy->turn_end, send_waiting);
}

static int start_listeners(struct dns_proxy *proxy)
{
	for (size_t i = 0; i < proxy->settings.listen_count; i++) {
		const struct ip_endpoint *endpoint = &proxy->settings.listen[i];
		int error = dns_udp_start(proxy, &proxy->udp[i], endpoint);

		if (error == 0)
			error = dns_tcp_start(proxy, &proxy->tcp[i], endpoint);
		if (error < 0)
			return error;
	}
	return 0;
}

struct dns_proxy *dns_proxy_new(struct loop *loop, struct resolver *resolver,
				struct policy_slot *slot, struct events *events,
				const struct dns_proxy_settings *settings)
{
	cleanup(free_proxy) struct dns_proxy *proxy = calloc(1, sizeof(*proxy));
	int error;

	invariant(settings->listen_count <= DNS_LISTENERS_MAX);
	if (!proxy)
		return NULL;
	proxy->loop = loop;
	proxy->resolver = resolver;
	proxy->slot = slot;
	proxy->events = events;
	proxy->settings = *settings;
	LIST_INIT(&proxy->datagrams_under_way);
	error = make_tables(proxy);
	if (error == 0)
		error = start_listeners(proxy);
	if (error < 0) {
		dns_proxy_free(take_pointer(proxy));
		errno = -error;
		return NULL;
	}
	return take_pointer(proxy);
}

void dns_proxy_free(struct dns_proxy *proxy)
{
	if (!proxy)
		return;
	if (proxy->turn_end.scheduled) {
		loop_task_cancel(proxy->loop, &proxy->turn_end);
		send_waiting(&proxy->turn_end);
	}
	for (size_t i = 0; i < DNS_LISTENERS_MAX; i++) {
		dns_udp_stop(&proxy->udp[i]);
		dns_tcp_stop(&proxy->tcp[i]);
	}
	dns_requests_cancel(proxy, &proxy->datagrams_under_way);
	dns_clients_done(proxy);
	dns_inbox_free(proxy->inbox);
	free(proxy->requests);
	free(proxy);
}

struct dns_proxy_figures dns_proxy_figures(const struct dns_proxy *proxy)
{
	return proxy->figures;
}
