/*
 * The policy in force: one pointer under RCU. Readers pay no lock and no shared write; a swap
 * exchanges the pointer, then waits for every reader that may still see the old policy, then frees
 * it. Writers queue behind a mutex.
 *
 * The generation rises after the new pointer is visible. A reader that wants to keep a verdict
 * reads the generation first and judges then: it may have judged by a newer policy than its
 * generation says (and judges once too often), never by an older one.
 */
#include "policy/slot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <urcu/urcu-memb.h>

#include "base/assertion.h"

struct policy_slot {
	struct policy *current;
	_Atomic uint64_t generation;
	pthread_mutex_t writers;
};

struct policy_slot *policy_slot_new(struct policy *first)
{
	struct policy_slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	invariant(pthread_mutex_init(&slot->writers, NULL) == 0);
	slot->current = first;
	return slot;
}

void policy_slot_free(struct policy_slot *slot)
{
	if (!slot)
		return;
	policy_free(slot->current);
	pthread_mutex_destroy(&slot->writers);
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
	return rcu_dereference(slot->current);
}

void policy_slot_leave(struct policy_slot *slot)
{
	(void)slot; /* one grace period serves all slots; the argument pairs with enter */
	urcu_memb_read_unlock();
}

void policy_slot_swap(struct policy_slot *slot, struct policy *next)
{
	invariant(!urcu_memb_read_ongoing()); /* it would wait for itself */
	pthread_mutex_lock(&slot->writers);
	struct policy *previous = rcu_xchg_pointer(&slot->current, next);

	atomic_fetch_add_explicit(&slot->generation, 1, memory_order_release);
	urcu_memb_synchronize_rcu();
	pthread_mutex_unlock(&slot->writers);
	policy_free(previous);
}

uint64_t policy_slot_generation(const struct policy_slot *slot)
{
	return atomic_load_explicit(&slot->generation, memory_order_acquire);
}
