/*
 * The policy in force: one pointer under RCU. Readers pay no lock and no shared write; a swap
 * exchanges the pointer, then waits for every reader that may still see the old policy, then frees
 * it. There is one writer, the thread that reloads.
 *
 * The generation rises after the new pointer is visible. A reader that wants to keep a verdict
 * reads the generation first and judges then: it may have judged by a newer policy than its
 * generation says (and judges once too often), never by an older one.
 *
 * ThreadSanitizer does not see inside liburcu. It is told the one thing that liburcu promises: what
 * a reader did before it left happens before the end of a wait that began while it was inside.
 */
#include "policy/slot.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <urcu/urcu-memb.h>

#include "base/assertion.h"
#include "base/sanitizers.h"

#if SANITIZER_THREAD
#include <sanitizer/tsan_interface.h>
#define READER_LEAVES(slot) __tsan_release(slot)
#define READERS_LEFT(slot)  __tsan_acquire(slot)
#else
#define READER_LEAVES(slot) ((void)(slot))
#define READERS_LEFT(slot)  ((void)(slot))
#endif

struct policy_slot {
	struct policy *_Atomic current;
	_Atomic uint64_t generation;
};

struct policy_slot *policy_slot_new(struct policy *first)
{
	struct policy_slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	atomic_init(&slot->current, first);
	return slot;
}

void policy_slot_free(struct policy_slot *slot)
{
	if (!slot)
		return;
	policy_free(atomic_load_explicit(&slot->current, memory_order_relaxed));
	free(slot);
}

void policy_slot_register_thread(void)
{
	urcu_memb_register_thread();
}

void policy_slot_unregister_thread(void)
{
	urcu_memb_unregister_thread();
}

const struct policy *policy_slot_enter(struct policy_slot *slot)
{
	urcu_memb_read_lock();
	return atomic_load_explicit(&slot->current, memory_order_acquire);
}

void policy_slot_leave(struct policy_slot *slot)
{
	READER_LEAVES(slot); /* one grace period serves all slots; the argument pairs with enter */
	urcu_memb_read_unlock();
}

struct policy *policy_slot_exchange(struct policy_slot *slot, struct policy *next)
{
	struct policy *previous =
		atomic_exchange_explicit(&slot->current, next, memory_order_acq_rel);

	atomic_fetch_add_explicit(&slot->generation, 1, memory_order_release);
	return previous;
}

void policy_slot_retire(struct policy_slot *slot, struct policy *old)
{
	invariant(!urcu_memb_read_ongoing()); /* it would wait for itself */
	urcu_memb_synchronize_rcu();
	READERS_LEFT(slot);
	policy_free(old);
}

void policy_slot_swap(struct policy_slot *slot, struct policy *next)
{
	policy_slot_retire(slot, policy_slot_exchange(slot, next));
}

uint64_t policy_slot_generation(const struct policy_slot *slot)
{
	return atomic_load_explicit(&slot->generation, memory_order_acquire);
}
