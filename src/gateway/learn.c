/*
 * Learning: an answer's addresses become pins and elements of the kernel's sets before the answer
 * is used.
 *
 * A pin lives for max(TTL + grace, stale_after) from the moment it was last seen. The kernel's
 * element for it has the same end. Names that are asked for all the time would move that end at
 * every answer; an end is moved only when the new one is later by more than 1/16 of the lifetime.
 *
 * An address stands in the pinned set until the last of its names expires (the inspector then looks
 * at the name itself); in the set of a network rule until the last of that rule's own names does.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <string.h>

#include "base/assertion.h"
#include "base/clock.h"

#define RULES_OF_A_NAME                                                                            \
	64 /* network rules that name the same FQDN; more are refused, not forgotten */
#define TTL_MAX 86400u

struct batch {
	struct kernel_element elements[RESOLVER_ADDRESSES_MAX + 1];
	size_t count;
	int error;
};

static void flush(struct batch *batch, struct learning *learning)
{
	if (batch->count > 0 && batch->error == 0)
		batch->error = kernel_sets_put(learning->sets, batch->elements, batch->count);
	batch->count = 0;
}

static void add(struct batch *batch, struct learning *learning, uint32_t number,
		const struct ip_address *address, uint64_t timeout_ms)
{
	batch->elements[batch->count++] = (struct kernel_element){number, *address, timeout_ms};
	if (batch->count == RESOLVER_ADDRESSES_MAX)
		flush(batch, learning);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The last end of an address among the names of one rule. */
static uint64_t end_for_rule(const struct pins *pins, const struct rule *rule,
			     const struct ip_address *address, uint64_t now)
{
	uint64_t end = 0;

	for (size_t i = 0; i < rule->fqdn_count; i++)
		end = later(end, pins_expiry(pins, &rule->fqdns[i], address, now));
	return end;
}

struct lesson {
	const struct policy *policy;
	bool inspects;
	uint32_t positions[RULES_OF_A_NAME];
	size_t position_count;
	uint64_t now;
};

/* Puts one address, whose pin is already there, into the kernel's sets. */
static void put_in_kernel(struct learning *learning, const struct lesson *lesson,
			  const struct ip_address *address, struct batch *batch)
{
	const struct gateway *gateway = learning->gateway;

	if (lesson->inspects)
		add(batch, learning, 0, address,
		    pins_expiry(gateway->pins, NULL, address, lesson->now) - lesson->now);
	for (size_t i = 0; i < lesson->position_count; i++) {
		uint32_t position = lesson->positions[i];
		const struct rule *rule = policy_rule_at(lesson->policy, position)->rule;

		add(batch, learning, gateway->applied.numbers[position], address,
		    end_for_rule(gateway->pins, rule, address, lesson->now) - lesson->now);
	}
}

/* Is the pin's end so near that it is worth moving? */
static bool worth_moving(uint64_t end, uint64_t new_end, uint64_t now)
{
	return end == 0 || new_end > end + (new_end - now) / 16;
}

static int learn_address(struct learning *learning, const struct lesson *lesson,
			 const struct name *name, const struct learned_address *learned,
			 struct batch *batch)
{
	struct gateway *gateway = learning->gateway;
	uint64_t ttl_ms = (uint64_t)(learned->ttl < TTL_MAX ? learned->ttl : TTL_MAX) * 1000;
	uint64_t end = lesson->now + later(ttl_ms + atomic_load(&gateway->grace_ms),
					   atomic_load(&gateway->lifetime_ms));
	uint64_t previous;
	enum pin_news news;
	int error;

	if (!worth_moving(pins_expiry(gateway->pins, name, &learned->address, lesson->now), end,
			  lesson->now))
		return 0;
	error = pins_learn(gateway->pins, name, &learned->address, lesson->now, end, &news,
			   &previous);
	if (error == 0 && learning->sets)
		put_in_kernel(learning, lesson, &learned->address, batch);
	return error;
}

/* The kernel refused: what was just pinned must not count as live. */
static void forget(struct gateway *gateway, const struct name *name,
		   const struct learned_address *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pins_forget(gateway->pins, name, &addresses[i].address);
}

static int learn_under_lock(struct learning *learning, const struct name *name,
			    const struct learned_address *addresses, size_t count)
{
	struct gateway *gateway = learning->gateway;
	struct lesson lesson = {.now = clock_steady_ms()};
	struct batch batch = {.count = 0};
	int error = 0;

	lesson.policy = policy_slot_enter(gateway->slot);
	lesson.inspects = policy_inspects_name(lesson.policy, name);
	lesson.position_count = policy_network_rules_of_name(lesson.policy, name, lesson.positions,
							     RULES_OF_A_NAME);
	if (lesson.position_count > RULES_OF_A_NAME)
		error = -ENOSPC;
	for (size_t i = 0; i < count && error == 0; i++)
		error = learn_address(learning, &lesson, name, &addresses[i], &batch);
	if (learning->sets)
		flush(&batch, learning);
	policy_slot_leave(gateway->slot);
	if (error == 0)
		error = batch.error;
	if (error < 0)
		forget(gateway, name, addresses, count);
	return error;
}

static int learn(void *context, const struct name *name, const struct learned_address *addresses,
		 size_t count)
{
	struct learning *learning = context;
	int error;

	pthread_rwlock_rdlock(&learning->gateway->applied.lock);
	error = learn_under_lock(learning, name, addresses, count);
	pthread_rwlock_unlock(&learning->gateway->applied.lock);
	return error;
}

int learning_open(struct learning *learning, struct gateway *gateway)
{
	learning->gateway = gateway;
	if (!gateway->applied.in_kernel)
		return 0;
	learning->sets = kernel_sets_open();
	return learning->sets ? 0 : -errno;
}

void learning_close(struct learning *learning)
{
	if (learning->sets)
		kernel_sets_close(learning->sets);
	learning->sets = NULL;
}

struct learner learning_learner(struct learning *learning)
{
	return (struct learner){.context = learning, .learn = learn};
}
