/* host[:port], as in Host, in an absolute target and in CONNECT. */
#pragma once

#include "proto/http/head.h"

struct http_authority {
	struct http_slice host; /* never empty; an IPv6 literal with its brackets */
	uint16_t port;          /* 0: not given */
};

/*
 * The host is [A-Za-z0-9._-]+ (names and IPv4 literals alike) or an IPv6 literal in brackets, the
 * port 1..65535 without leading zeros. False: anything else, userinfo and an empty port included.
 */
bool http_authority_read(const struct http_slice *text, struct http_authority *ret_authority);

/* Hosts in any case; a port not given is `default_port`. */
bool http_authority_equal(const struct http_authority *a, const struct http_authority *b,
			  uint16_t default_port);
