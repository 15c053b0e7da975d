/* Whether the ruleset in the kernel is still the one that was put there. */
#pragma once

#include <stdint.h>

/*
 * A number that changes when a chain of table RULESET_TABLE, or one of its rules, is added or taken
 * away, by whomever; 0: there is no such table. Elements of sets do not count. Negative errno:
 * nobody knows.
 */
int ruleset_fingerprint(uint64_t *ret_fingerprint);
