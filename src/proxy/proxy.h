/*
 * Proxied flows, one proxy a worker: plain HTTP (every request judged) and TLS to destinations that
 * are not pinned (hello read, name resolved by us, dialled, spliced), arriving through TPROXY; and
 * the explicit HTTP proxy.
 */
#pragma once

#include "observe/event.h"
#include "resolve/resolver.h"

struct proxy_settings {
	bool transparent; /* listen on 127.0.0.1 and ::1 at transparent_port with IP_TRANSPARENT */
	uint16_t transparent_port;
	struct ip_endpoint explicit_listen[4]; /* the explicit HTTP proxy */
	size_t explicit_count;
	size_t session_capacity;     /* 0: 4,096 */
	uint32_t head_timeout_ms;    /* 0: 5,000: hello or request head */
	uint32_t connect_timeout_ms; /* 0: 10,000 over all addresses */
	uint32_t idle_timeout_ms;    /* 0: 240,000 */
};

struct proxy;

/* NULL: errno (address in use, no permission). */
struct proxy *proxy_new(struct loop *loop, const struct proxy_settings *settings,
			struct policy_slot *slot, struct resolver *resolver, struct events *events);
void proxy_free(struct proxy *proxy); /* cuts all sessions */

/* Judges every session again after a swap of the policy; those no longer allowed are cut. In the
 * loop's thread. */
void proxy_judge_again(struct proxy *proxy);

struct proxy_figures {
	size_t session_capacity, sessions;
	uint64_t accepted, allowed, denied, full;
	uint64_t bytes_out, bytes_in;
};
struct proxy_figures proxy_figures(const struct proxy *proxy);
