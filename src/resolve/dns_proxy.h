/*
 * The DNS server for the inside, one a worker (SO_REUSEPORT): UDP and TCP through one code path.
 * Judges the question, asks through the resolver, answers when the pins are live. With `intercept`,
 * queries that the kernel redirected (TPROXY) are answered from the address they were sent to.
 */
#pragma once

#include "observe/event.h"
#include "resolve/resolver.h"

enum dns_denied_answer {
	DNS_DENIED_REFUSED,  /* with an Extended DNS Error */
	DNS_DENIED_NXDOMAIN, /* for musl's search lists */
};

struct dns_proxy_settings {
	struct ip_endpoint listen[8];
	size_t listen_count;
	bool transparent; /* sockets take redirected queries (IP_TRANSPARENT, needs CAP_NET_ADMIN)
			   */
	enum dns_denied_answer denied_answer;
	bool resolve_any;       /* names that no rule allows are answered too, but never learned */
	size_t client_capacity; /* TCP clients at once; 0: 512 */
	size_t query_capacity;  /* queries under way; 0: 4,096 */
};

struct dns_proxy;

/* Opens its sockets. NULL: errno says why (an address in use, no permission). */
struct dns_proxy *dns_proxy_new(struct loop *loop, struct resolver *resolver,
				struct policy_slot *slot, struct events *events,
				const struct dns_proxy_settings *settings);
void dns_proxy_free(struct dns_proxy *proxy);

struct dns_proxy_figures {
	uint64_t queries_udp, queries_tcp, answered, refused, failed, malformed, full;
};
struct dns_proxy_figures dns_proxy_figures(const struct dns_proxy *proxy);
