/*
 * Where the policy in force stands: read by every worker, swapped by a reload between two packets
 * (liburcu, memory-barrier flavour). Each reading thread must be registered.
 *
 *     const struct policy *policy = policy_slot_enter(slot);
 *     … short, never across a return to the event loop …
 *     policy_slot_leave(slot);
 */
#pragma once

#include "policy/policy.h"

struct policy_slot;

struct policy_slot *policy_slot_new(struct policy *first); /* takes over; NULL: no memory */
void policy_slot_free(struct policy_slot *slot);           /* frees the policy in force too */

void policy_slot_register_thread(void);
void policy_slot_unregister_thread(void);

const struct policy *policy_slot_enter(struct policy_slot *slot);
void policy_slot_leave(struct policy_slot *slot);

/* Puts `next` in force and returns the old one, which readers may still use: see
   policy_slot_retire(). One thread at a time. */
struct policy *policy_slot_exchange(struct policy_slot *slot, struct policy *next);
/* Waits until no reader uses the old policy, frees it: milliseconds for a big one. */
void policy_slot_retire(struct policy_slot *slot, struct policy *old);
/* Both. */
void policy_slot_swap(struct policy_slot *slot, struct policy *next);

/* Counts swaps: a reader that kept a verdict knows when to judge again. */
uint64_t policy_slot_generation(const struct policy_slot *slot);
