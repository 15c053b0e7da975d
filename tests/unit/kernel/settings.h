/* Settings and rules that several tests of the ruleset share. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "kernel/ruleset.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline struct ip_prefix prefix(const char *text)
{
	struct ip_prefix parsed;

	if (ip_prefix_parse(text, &parsed) != 0)
		abort();
	return parsed;
}

static inline struct ip_address address(const char *text)
{
	struct ip_address parsed;

	if (ip_parse(text, &parsed) != 0)
		abort();
	return parsed;
}

static inline struct ip_endpoint endpoint(const char *text)
{
	struct ip_endpoint parsed;

	if (ip_endpoint_parse(text, 0, &parsed) != 0)
		abort();
	return parsed;
}
