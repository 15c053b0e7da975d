/*
 * The parts of the DNS proxy: datagrams (dns_udp.c) and TCP clients (dns_client_tcp.c) hand whole
 * messages to dns_request.c, which judges, asks and answers by the route that they came.
 */
#pragma once

#include <sys/queue.h>

#include "proto/dns/message.h"
#include "resolve/dns_proxy.h"
#include "resolve/dns_socket_impl.h"
#include "resolve/resolver_impl.h"

#define DNS_QUERY_MAX 4096                    /* of a client's message; queries are far shorter */
#define DNS_HEAD_MAX  (12 + DNS_NAME_MAX + 4) /* header and question of a message */

struct dns_udp_listener;
struct dns_client;

/* Where a message came from and how its answer goes back. One of listener and client is set. */
struct dns_route {
	struct dns_datagram ends; /* source and destination also for TCP */
	struct dns_udp_listener *listener;
	struct dns_client *client;
};

/* An allowed query while its answer is being found. */
struct dns_request {
	struct resolver_ask ask;
	struct dns_proxy *proxy;
	struct dns_route route;
	struct dns_query query;
	struct name name;
	uint8_t head[DNS_HEAD_MAX];        /* of the client's message */
	LIST_ENTRY(dns_request) under_way; /* in the client's list, or the proxy's for UDP */
	struct dns_request *next_free;
};
LIST_HEAD(dns_request_list, dns_request);

struct dns_udp_listener {
	struct dns_proxy *proxy;
	struct loop_watch watch;
	struct ip_endpoint endpoint;
	struct dns_outbox *outbox; /* answers of this turn */
};

struct dns_tcp_listener {
	struct dns_proxy *proxy;
	struct loop_watch watch;
	struct loop_timer pause; /* runs while there are no descriptors */
};

#define DNS_LISTENERS_MAX                                                                          \
	(sizeof(((struct dns_proxy_settings *)NULL)->listen) / sizeof(struct ip_endpoint))

struct dns_proxy {
	struct loop *loop;
	struct resolver *resolver;
	struct policy_slot *slot;
	struct events *events;
	struct dns_proxy_settings settings;
	struct dns_proxy_figures figures;
	struct dns_udp_listener udp[DNS_LISTENERS_MAX];
	struct dns_tcp_listener tcp[DNS_LISTENERS_MAX];
	struct dns_client *clients;
	struct dns_client *first_free_client;
	size_t clients_touched; /* those from here on were never used */
	struct dns_request *requests;
	struct dns_request *first_free_request;
	size_t requests_touched;
	struct dns_request_list datagrams_under_way;
	struct loop_task turn_end;
	struct event_lines lines; /* of this turn */
	struct dns_inbox *inbox;
	uint8_t reply[DNS_MESSAGE_MAX];
};

/* dns_proxy.c: lines and answers of this turn go out at its end. */
void dns_proxy_send_at_end(struct dns_proxy *proxy);

/* dns_request.c */

/* One whole message of a client. Answers at once or later, or not at all (no query). */
void dns_request_take(struct dns_proxy *proxy, const struct dns_route *route,
		      const uint8_t *message, size_t length);
/* Without answers. */
void dns_requests_cancel(struct dns_proxy *proxy, struct dns_request_list *list);

/* dns_udp.c; negative errno. */
int dns_udp_start(struct dns_proxy *proxy, struct dns_udp_listener *listener,
		  const struct ip_endpoint *endpoint);
void dns_udp_stop(struct dns_udp_listener *listener);
/* At the end of the turn, or when the outbox is full. */
void dns_udp_send(const struct dns_route *route, const uint8_t *message, size_t length);
void dns_udp_send_waiting(struct dns_udp_listener *listener);

/* dns_tcp.c */
int dns_tcp_start(struct dns_proxy *proxy, struct dns_tcp_listener *listener,
		  const struct ip_endpoint *endpoint);
void dns_tcp_stop(struct dns_tcp_listener *listener);

/* dns_client_tcp.c */
int dns_clients_init(struct dns_proxy *proxy); /* -ENOMEM */
void dns_clients_done(struct dns_proxy *proxy);
/* Takes over the descriptor; a full table closes it. */
void dns_client_admit(struct dns_proxy *proxy, int descriptor, const struct sockaddr_storage *peer);
struct dns_request_list *dns_client_requests(struct dns_client *client);
/* Sends or queues. The client may be gone afterwards. */
void dns_client_send(struct dns_client *client, const uint8_t *message, size_t length);
