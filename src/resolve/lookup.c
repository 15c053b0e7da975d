/*
 * A lookup is two questions, A and AAAA, asked at once. It succeeds when one of them brings
 * addresses, and then waits only a moment for the other (the "resolution delay" of RFC 8305 section
 * 3 in spirit): a resolver that never answers AAAA must not hold up every new connection. The
 * latecomer still finishes by itself, and is kept and learned. A refresh has time and waits for
 * both.
 *
 *   owner set:   under way; cancelling stops both questions
 *   owner NULL:  delivered; the slot lives on until the second question is over
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/resolver_impl.h"

#define LATECOMER_MS  100
#define FAMILIES      2
#define ADDRESSES_MAX (FAMILIES * RESOLVER_ADDRESSES_MAX)

struct lookup_slot {
	struct resolver_lookup *owner;
	struct resolver_ask asks[FAMILIES];
	struct lookups *lookups;
	struct loop_timer latecomer;
	struct lookup_slot *next_free;
	unsigned int outstanding;
	bool patient; /* waits for both */
	int status;   /* the worst so far; of use when there are no addresses */
	enum reason reason;
	size_t count;
	struct learned_address addresses[ADDRESSES_MAX];
};

struct lookups {
	struct loop *loop;
	struct resolver *resolver;
	struct lookup_slot *all;
	struct lookup_slot *first_free;
	size_t capacity, touched;
};

struct lookups *lookups_new(struct loop *loop, struct resolver *resolver, size_t capacity)
{
	struct lookups *lookups = calloc(1, sizeof(*lookups));

	if (!lookups)
		return NULL;
	lookups->loop = loop;
	lookups->resolver = resolver;
	lookups->capacity = capacity;
	lookups->all = calloc(capacity, sizeof(*lookups->all));
	if (!lookups->all) {
		free(lookups);
		return NULL;
	}
	return lookups;
}

/* The questions themselves are over: the resolver has put an end to them. */
void lookups_free(struct lookups *lookups)
{
	if (!lookups)
		return;
	for (size_t i = 0; i < lookups->touched; i++)
		loop_timer_stop(lookups->loop, &lookups->all[i].latecomer);
	free(lookups->all);
	free(lookups);
}

static struct lookup_slot *take_slot(struct lookups *lookups)
{
	struct lookup_slot *slot = lookups->first_free;

	if (slot)
		lookups->first_free = slot->next_free;
	else if (lookups->touched < lookups->capacity)
		slot = &lookups->all[lookups->touched++];
	return slot;
}

static void give_slot_back(struct lookup_slot *slot)
{
	struct lookups *lookups = slot->lookups;

	loop_timer_stop(lookups->loop, &slot->latecomer);
	slot->owner = NULL;
	slot->next_free = lookups->first_free;
	lookups->first_free = slot;
}

/* Calls the owner, last of all: it may free itself or start another lookup in this very slot. */
static void deliver(struct lookup_slot *slot)
{
	struct learned_address addresses[ADDRESSES_MAX];
	struct resolver_lookup *owner = slot->owner;
	struct resolver_result result = {.addresses = addresses, .count = slot->count};

	memcpy(addresses, slot->addresses, slot->count * sizeof(*addresses));
	result.status = slot->count > 0 ? 0 : slot->status;
	result.reason = slot->count > 0 ? REASON_RULE_ALLOWS : slot->reason;
	slot->owner = NULL;
	owner->state = NULL;
	if (slot->outstanding == 0)
		give_slot_back(slot);
	owner->done(owner, &result);
}

static void stop_waiting(struct loop_timer *timer)
{
	deliver(loop_owner(timer, struct lookup_slot, latecomer));
}

/* What says most comes first: a refusal, a failure of ours, upstreams that do not work, and only
   then that there is nothing. */
static unsigned int weight(int status)
{
	switch (status) {
	case 0:
		return 0;
	case -ENOENT:
		return 1;
	case -ETIMEDOUT:
		return 2;
	case -EPROTO:
		return 3;
	case -EACCES:
	case -EDQUOT:
		return 5;
	default:
		return 4;
	}
}

static void merge(struct lookup_slot *slot, const struct resolver_answer *answer)
{
	int status = answer->status;
	enum reason reason = answer->reason;

	if (status == 0 && answer->count == 0) {
		status = -ENOENT;
		reason = REASON_LOOKUP_FAILED;
	}
	if (status == -EREMOTEIO)
		status = -ETIMEDOUT;
	if (weight(status) > weight(slot->status)) {
		slot->status = status;
		slot->reason = reason;
	}
	for (size_t i = 0; i < answer->count; i++)
		slot->addresses[slot->count++] = answer->addresses[i];
}

static void one_answered(struct lookup_slot *slot, const struct resolver_answer *answer)
{
	slot->outstanding--;
	if (!slot->owner) {
		if (slot->outstanding == 0)
			give_slot_back(slot);
		return;
	}
	merge(slot, answer);
	if (slot->outstanding == 0)
		deliver(slot);
	else if (slot->count > 0 && !slot->patient)
		/* Without memory for the timer it waits for the other's own end. */
		(void)loop_timer_start(slot->lookups->loop, &slot->latecomer, LATECOMER_MS,
				       stop_waiting);
}

static void a_answered(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	one_answered(loop_owner(ask, struct lookup_slot, asks[0]), answer);
}

static void aaaa_answered(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	one_answered(loop_owner(ask, struct lookup_slot, asks[1]), answer);
}

static void abandon(struct lookup_slot *slot)
{
	for (size_t i = 0; i < FAMILIES; i++)
		resolver_ask_cancel(slot->lookups->resolver, &slot->asks[i]);
	give_slot_back(slot);
}

static int start(struct resolver *resolver, const struct name *name, unsigned int flags,
		 struct resolver_lookup *lookup,
		 void (*done)(struct resolver_lookup *lookup, const struct resolver_result *result))
{
	struct lookups *lookups = resolver_lookups(resolver);
	struct lookup_slot *slot = take_slot(lookups);

	if (!slot)
		return -ENOSPC;
	*slot = (struct lookup_slot){.owner = lookup,
				     .lookups = lookups,
				     .outstanding = FAMILIES,
				     .patient = flags & ASK_FRESH};
	slot->asks[0].source = slot->asks[1].source = lookup->source;
	lookup->done = done;
	lookup->state = slot;
	if (resolver_ask(resolver, name, DNS_TYPE_A, flags, &slot->asks[0], a_answered) < 0 ||
	    resolver_ask(resolver, name, DNS_TYPE_AAAA, flags, &slot->asks[1], aaaa_answered) < 0) {
		lookup->state = NULL;
		abandon(slot);
		return -ENOSPC;
	}
	return 0;
}

int resolver_lookup(struct resolver *resolver, const struct name *name,
		    struct resolver_lookup *lookup,
		    void (*done)(struct resolver_lookup *lookup,
				 const struct resolver_result *result))
{
	return start(resolver, name, ASK_LEARN, lookup, done);
}

int resolver_refresh(struct resolver *resolver, const struct name *name,
		     struct resolver_lookup *lookup,
		     void (*done)(struct resolver_lookup *lookup,
				  const struct resolver_result *result))
{
	return start(resolver, name, ASK_LEARN | ASK_FRESH, lookup, done);
}

void resolver_cancel(struct resolver *resolver, struct resolver_lookup *lookup)
{
	struct lookup_slot *slot = lookup->state;

	(void)resolver;
	if (!slot)
		return;
	lookup->state = NULL;
	abandon(slot);
}
