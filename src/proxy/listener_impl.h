/* Listening sockets: transparent ones (TPROXY) and those of the explicit proxy. */
#pragma once

#include "base/ip.h"
#include "loop/loop.h"

struct proxy;

struct proxy_listener {
	struct loop_watch watch;
	struct loop_timer pause;
	struct proxy *proxy;
	int descriptor;
	bool is_transparent;
};

/* Negative errno. */
int proxy_listener_open(struct proxy_listener *listener, struct proxy *proxy,
			const struct ip_endpoint *endpoint, bool is_transparent);
void proxy_listener_close(struct proxy_listener *listener);
