/* The shortest list of prefixes that covers the same addresses. */
#pragma once

#include "base/ip.h"

/* Sorts and merges in place; returns the new count. IPv4 stands before IPv6. */
size_t ip_prefixes_collapse(struct ip_prefix *prefixes, size_t count);
