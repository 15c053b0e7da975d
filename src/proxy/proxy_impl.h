/* The proxy of one worker, as its parts see it. */
#pragma once

#include "proxy/listener_impl.h"
#include "proxy/proxy.h"
#include "proxy/session_table_impl.h"

#define PROXY_LISTENERS_MAX 6 /* two transparent, four explicit */

struct proxy {
	struct loop *loop;
	struct proxy_settings settings; /* defaults filled in */
	struct policy_slot *slot;
	struct resolver *resolver;
	struct events *events;
	struct session_table *table;
	struct pipe_pool *pipes;
	struct proxy_listener listeners[PROXY_LISTENERS_MAX];
	size_t listener_count;
	int reserve; /* a descriptor to give up when there are no more; -1: given up */
	struct proxy_figures figures;
};

/* A verdict was written. */
static inline void proxy_count(struct proxy *proxy, enum rule_action action)
{
	if (action == RULE_ALLOW)
		proxy->figures.allowed++;
	else
		proxy->figures.denied++;
}
