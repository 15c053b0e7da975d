/*
 * Timed elements in the table's sets, in small netlink batches, each acknowledged before the call
 * returns. One a thread.
 */
#pragma once

#include "base/ip.h"

struct kernel_sets;

struct kernel_sets *kernel_sets_open(void); /* NULL: errno */
void kernel_sets_close(struct kernel_sets *sets);

struct kernel_element {
	uint32_t number; /* 0: pinned_v4/_v6; else names_<number>_v4/_v6 */
	struct ip_address address;
	uint64_t timeout_ms; /* from now; replaces what the element had */
};

#define KERNEL_SETS_PUT_MAX 256 /* elements a call */

/* All or nothing. -ENOENT: no such set (the ruleset changed); -ENFILE: a set is full; -E2BIG: more
 * than KERNEL_SETS_PUT_MAX; -EINVAL: no timeout, no address; other negative errno. */
int kernel_sets_put(struct kernel_sets *sets, const struct kernel_element *elements, size_t count);
