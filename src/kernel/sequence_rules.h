/*
 * The rules that remember and forget where a client's stream begins, and accept an answer that says
 * the same of it once more (ruleset.c, "The first sequence number"). nft 1.0 cannot write a map
 * update whose key is longer than 16 bytes, so they are put here, by netlink, into chains that
 * transactions leave alone.
 */
#pragma once

#define SEQUENCE_REMEMBER_CHAIN "remember"
#define SEQUENCE_FORGET_CHAIN   "forget"
#define SEQUENCE_COMPARE_CHAIN  "compare"

/* Fills these chains (empties them first), in one step. Negative errno. */
int sequence_rules_install(void);
