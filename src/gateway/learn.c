/*
 * Learning: an answer's addresses become pins and elements of the kernel's sets before the answer
 * is used.
 *
 * A pin lives for max(TTL + grace, stale_after) from the moment it was last seen. The kernel's
 * element for it has the same end. Names that are asked for all the time would move that end at
 * every answer; an end is moved only when the new one is later by more than 1/16 of the lifetime.
 *
 * All or nothing, for each answer (RESOLVER_ADDRESSES_MAX at a time, should there be more): what
 * cannot be put into the kernel is unlearned again, and an address that was known before keeps the
 * end that it had. The guard on addresses is asked here once more, since the policy may have
 * changed while the answer was on its way.
 *
 * An answer whose pins are all there, and need not be moved, is used at once: what is pinned is in
 * the kernel, and a reload takes it along. Only what must be written needs the lock, and while a
 * reload has it the answer waits (-EAGAIN), never the worker.
 *
 * Limit: learners do not wait for each other. For the some 50 us between a pin and its elements,
 * another worker with an answer for the same name and address takes them for live; a client that
 * connected within that time would be proxied or refused, never let through.
 *
 * An address stands in the pinned set until the last of its names expires (the inspector then looks
 * at the name itself); in the set of a network rule until the last of that rule's own names does.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <string.h>

#include "base/assertion.h"
#include "base/clock.h"

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
	const struct name *name;
	const struct policy *policy;
	bool inspects;
	uint32_t positions[GATEWAY_RULES_OF_A_NAME];
	size_t position_count;
	uint64_t now;
	struct {
		const struct ip_address *address;
		uint64_t previous_ms; /* the end that it had before; 0: it was not known */
	} learned[RESOLVER_ADDRESSES_MAX];
	size_t learned_count;
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

/* When a pin that is learned now shall end; 0: the one that is there will do. */
static uint64_t new_end(const struct gateway *gateway, const struct name *name,
			const struct learned_address *learned, uint64_t now)
{
	uint64_t ttl_ms =
		(uint64_t)(learned->ttl < GATEWAY_TTL_MAX ? learned->ttl : GATEWAY_TTL_MAX) * 1000;
	uint64_t end = now + later(ttl_ms + atomic_load(&gateway->grace_ms),
				   atomic_load(&gateway->lifetime_ms));

	return worth_moving(pins_expiry(gateway->pins, name, &learned->address, now), end, now)
		       ? end
		       : 0;
}

static int learn_address(struct learning *learning, struct lesson *lesson,
			 const struct learned_address *learned, struct batch *batch)
{
	struct gateway *gateway = learning->gateway;
	uint64_t end, previous;
	enum pin_news news;
	int error;

	if (policy_check_address(lesson->policy, &learned->address) != REASON_RULE_ALLOWS)
		return -EACCES;
	end = new_end(gateway, lesson->name, learned, lesson->now);
	if (end == 0)
		return 0;
	error = pins_learn(gateway->pins, lesson->name, &learned->address, lesson->now, end, &news,
			   &previous);
	if (error < 0)
		return error;
	lesson->learned[lesson->learned_count].address = &learned->address;
	lesson->learned[lesson->learned_count++].previous_ms = news == PIN_NEW ? 0 : previous;
	if (learning->sets)
		put_in_kernel(learning, lesson, &learned->address, batch);
	return 0;
}

/* What was just pinned must not count as live. */
static void unlearn(struct gateway *gateway, const struct lesson *lesson)
{
	for (size_t i = 0; i < lesson->learned_count; i++) {
		const struct ip_address *address = lesson->learned[i].address;
		uint64_t previous = lesson->learned[i].previous_ms, before;
		enum pin_news news;

		pins_forget(gateway->pins, lesson->name, address);
		if (previous > lesson->now)
			(void)pins_learn(gateway->pins, lesson->name, address, lesson->now,
					 previous, &news, &before);
	}
}

static int learn_some(struct learning *learning, struct lesson *lesson,
		      const struct learned_address *addresses, size_t count)
{
	struct batch batch = {.count = 0};
	int error = 0;

	invariant(count <= RESOLVER_ADDRESSES_MAX);
	lesson->learned_count = 0;
	for (size_t i = 0; i < count && error == 0; i++)
		error = learn_address(learning, lesson, &addresses[i], &batch);
	if (learning->sets && error == 0)
		flush(&batch, learning);
	if (error == 0)
		error = batch.error;
	if (error < 0)
		unlearn(learning->gateway, lesson);
	return error;
}

static int learn_under_lock(struct learning *learning, const struct name *name,
			    const struct learned_address *addresses, size_t count)
{
	struct gateway *gateway = learning->gateway;
	struct lesson lesson = {.name = name, .now = clock_steady_ms()};
	int error = 0;

	lesson.policy = policy_slot_enter(gateway->slot);
	lesson.inspects = policy_inspects_name(lesson.policy, name);
	lesson.position_count = policy_network_rules_of_name(lesson.policy, name, lesson.positions,
							     GATEWAY_RULES_OF_A_NAME);
	invariant(!learning->sets || lesson.position_count <= GATEWAY_RULES_OF_A_NAME);
	for (size_t done = 0; done < count && error == 0; done += RESOLVER_ADDRESSES_MAX) {
		size_t rest = count - done;

		error = learn_some(learning, &lesson, addresses + done,
				   rest < RESOLVER_ADDRESSES_MAX ? rest : RESOLVER_ADDRESSES_MAX);
	}
	policy_slot_leave(gateway->slot);
	return error;
}

/* Is there nothing to write? */
static bool is_learned(const struct gateway *gateway, const struct name *name,
		       const struct learned_address *addresses, size_t count)
{
	const struct policy *policy = policy_slot_enter(gateway->slot);
	uint64_t now = clock_steady_ms();
	bool learned = true;

	for (size_t i = 0; i < count && learned; i++)
		learned =
			policy_check_address(policy, &addresses[i].address) == REASON_RULE_ALLOWS &&
			new_end(gateway, name, &addresses[i], now) == 0;
	policy_slot_leave(gateway->slot);
	return learned;
}

static int learn(void *context, const struct name *name, const struct learned_address *addresses,
		 size_t count)
{
	struct learning *learning = context;
	int error;

	if (is_learned(learning->gateway, name, addresses, count))
		return 0;
	if (pthread_rwlock_tryrdlock(&learning->gateway->applied.lock) != 0)
		return -EAGAIN; /* a reload has it */
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
