/*
 * Lists of prefixes, made fast to search: sorted, and prefixes inside other ones dropped, so that
 * those left are disjoint and at most one can hold an address.
 */
#pragma once

#include "base/ip.h"

/* A family of 4 or 6, a length that fits it, host bits zero. */
bool prefix_is_valid(const struct ip_prefix *prefix);

/* In place; all must be valid. */
void prefixes_tidy(struct ip_prefix *prefixes, size_t *count);

/* Of a tidy list. An address of no family is in no prefix. */
bool prefixes_contain(const struct ip_prefix *prefixes, size_t count,
		      const struct ip_address *address);
