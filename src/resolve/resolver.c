/*
 * A question takes this way:
 *
 *   ask ─► cache ──hit──────────────────────────────────────┐
 *            └─miss─► budget ──► exchange with upstreams ───┤   (one for all that ask the same:
 *                     └─used up─► done                      │    pending_impl.h)
 *                                                           ▼
 *              read the chain ─► guard ─► keep in the cache ─► learn ─► done
 *
 * Order is the point. Nothing is kept or learned before the guard has seen every address, and
 * nobody hears of an answer before its addresses are learned. A cached answer is read, guarded and
 * learned anew each time it is used: the policy may have changed and pins may have expired since.
 *
 * While a reload is under way, the learner may be unable to learn (-EAGAIN). Nobody waits for it in
 * the call: the question is put aside, and taken up again from the cache every few milliseconds.
 * The first that still cannot be learned stands for all that wait.
 *
 * An answer that the guard refuses is refused whole and not kept, so the name works again as soon
 * as its answer is right.
 *
 * Memory: pending questions, cache, lookups and TCP rooms are allocated at start; a full table
 * refuses (-ENOSPC) and counts.
 */
#include "resolve/resolver.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "resolve/answer_impl.h"
#include "resolve/cache_impl.h"
#include "resolve/name_budget.h"
#include "resolve/pending_impl.h"
#include "resolve/resolver_impl.h"

#define DEFAULT_CACHE_CAPACITY   10000
#define DEFAULT_PENDING_CAPACITY 4096
#define DEFAULT_TTL_CAP          3600
#define LEARN_AGAIN_MS           2

struct resolver {
	struct loop *loop;
	struct policy_slot *slot;
	struct learner learner;
	struct name_budget *budget; /* NULL: none */
	struct upstreams upstreams;
	uint32_t ttl_cap;
	struct exchange_room *room;
	struct cache *cache;
	struct lookups *lookups;
	struct pending_table pending;
	struct pending_list waiting; /* to be learned; empty: the timer does not run */
	struct loop_timer learn_again;
	uint64_t cache_hits, refused_answers, malformed, full;
};

DEFINE_CLEANUP(free_resolver, struct resolver *, resolver_free);

struct resolver *resolver_new(struct loop *loop, const struct resolver_settings *settings,
			      struct policy_slot *slot, const struct learner *learner)
{
	cleanup(free_resolver) struct resolver *resolver = calloc(1, sizeof(*resolver));
	size_t capacity =
		settings->pending_capacity ? settings->pending_capacity : DEFAULT_PENDING_CAPACITY;

	if (!resolver || pending_table_init(&resolver->pending, capacity) < 0)
		return NULL;
	resolver->loop = loop;
	resolver->slot = slot;
	resolver->learner = *learner;
	resolver->budget = settings->budget;
	resolver_set_upstreams(resolver, settings);
	resolver->room = exchange_room_new(loop, &resolver->upstreams);
	resolver->cache = cache_new(settings->cache_capacity ? settings->cache_capacity
							     : DEFAULT_CACHE_CAPACITY);
	resolver->lookups = lookups_new(loop, resolver, capacity);
	if (!resolver->room || !resolver->cache || !resolver->lookups)
		return NULL;
	return take_pointer(resolver);
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	loop_timer_stop(resolver->loop, &resolver->learn_again);
	pending_table_done(&resolver->pending);
	lookups_free(resolver->lookups);
	exchange_room_free(resolver->room);
	cache_free(resolver->cache);
	free(resolver);
}

void resolver_set_upstreams(struct resolver *resolver, const struct resolver_settings *settings)
{
	upstreams_set(&resolver->upstreams, settings);
	resolver->ttl_cap = settings->ttl_cap ? settings->ttl_cap : DEFAULT_TTL_CAP;
}

uint32_t resolver_ttl_cap(const struct resolver *resolver)
{
	return resolver->ttl_cap;
}

struct lookups *resolver_lookups(struct resolver *resolver)
{
	return resolver->lookups;
}

/* ----------------------------------------------------------- from answer to done */

static struct cache_key key_of(const struct pending *pending)
{
	return (struct cache_key){.name = &pending->name,
				  .type = pending->type,
				  .dnssec_ok = pending->flags & ASK_DNSSEC_OK};
}

/* Gives the place back first: `done` may ask again, or free whatever it owns. */
static void hand_over_to_one(struct pending *pending, const struct resolver_answer *answer)
{
	struct resolver_ask *ask = pending->ask;

	pending_give_back(&pending->resolver->pending, pending);
	if (!ask)
		return; /* went away; its followers did not */
	ask->pending = NULL;
	ask->done(ask, answer);
}

/* What is `done` may cancel others of the list, which then leave it. */
static void hand_over(struct pending *pending, const struct resolver_answer *answer)
{
	struct pending_list followers;
	struct pending *follower;

	pending_part(pending, &followers);
	hand_over_to_one(pending, answer);
	while ((follower = LIST_FIRST(&followers))) {
		LIST_REMOVE(follower, in_list);
		hand_over_to_one(follower, answer);
	}
}

static void take_up(struct loop_timer *timer);

static void wait_to_be_learned(struct pending *pending)
{
	struct resolver *resolver = pending->resolver;

	if (!pending->ask) { /* went away; its followers did not */
		pending_give_back(&resolver->pending, pending);
		return;
	}
	pending->leader = NULL;
	LIST_INSERT_HEAD(&resolver->waiting, pending, in_list);
}

/* Puts the question and all that follow it aside. -ENOMEM: there is no timer. */
static int put_aside(struct pending *pending, bool cached)
{
	struct resolver *resolver = pending->resolver;
	struct pending_list followers = LIST_HEAD_INITIALIZER(followers);
	struct pending *follower;

	if (LIST_EMPTY(&resolver->waiting) &&
	    loop_timer_start(resolver->loop, &resolver->learn_again, LEARN_AGAIN_MS, take_up) < 0)
		return -ENOMEM;
	if (!cached)
		pending_part(pending, &followers);
	wait_to_be_learned(pending);
	while ((follower = LIST_FIRST(&followers))) {
		LIST_REMOVE(follower, in_list);
		wait_to_be_learned(follower);
	}
	return 0;
}

static int learn(const struct pending *pending, const struct answer_facts *facts)
{
	const struct learner *learner = &pending->resolver->learner;

	if (!(pending->flags & ASK_LEARN) || facts->count == 0)
		return 0;
	return learner->learn(learner->context, &pending->name, facts->addresses, facts->count);
}

/* Fills what makes the answer unusable. False: unusable. */
static bool admit(struct pending *pending, const struct dns_answer *parsed, bool cached,
		  struct answer_facts *facts, struct resolver_answer *answer)
{
	struct resolver *resolver = pending->resolver;
	struct cache_key key = key_of(pending);

	if (answer_read(parsed, answer->age, resolver->ttl_cap, facts) < 0) {
		resolver->malformed++;
		answer->status = -EPROTO;
		answer->reason = REASON_LOOKUP_FAILED;
		return false;
	}
	if (pending->flags & ASK_LEARN)
		answer_guard(parsed, resolver->slot, facts);
	if (facts->reason != REASON_RULE_ALLOWS) {
		resolver->refused_answers++;
		answer->status = -EACCES;
		answer->reason = facts->reason;
		answer->refused = facts->refused;
		return false;
	}
	if (!cached)
		cache_put(resolver->cache, &key, answer->message, answer->length, facts->keep,
			  loop_now_ms(resolver->loop));
	return true;
}

static void use(struct pending *pending, const struct dns_answer *parsed, bool cached,
		struct resolver_answer *answer)
{
	struct answer_facts facts;
	int error;

	answer->code = (enum dns_code)parsed->code;
	if (admit(pending, parsed, cached, &facts, answer)) {
		error = learn(pending, &facts);
		if (error == -EAGAIN && (error = put_aside(pending, cached)) == 0)
			return;
		answer->status = error;
		answer->reason = REASON_RULE_ALLOWS;
		if (error < 0)
			answer->reason = error == -ENOSPC ? REASON_PINS_FULL : REASON_INTERNAL;
		answer->addresses = facts.addresses;
		answer->count = error < 0 ? 0 : facts.count;
	}
	if (cached)
		hand_over_to_one(pending, answer);
	else
		hand_over(pending, answer);
	answer->addresses = NULL; /* they were for the callbacks */
	answer->count = 0;
}

static void take_result(struct exchange *exchange, const struct exchange_result *result)
{
	struct pending *pending = loop_owner(exchange, struct pending, exchange);
	struct resolver_answer answer = {.status = result->status,
					 .code = result->code,
					 .reason = REASON_LOOKUP_FAILED,
					 .message = result->message,
					 .length = result->length};

	if (result->status == 0)
		use(pending, result->answer, false, &answer);
	else
		hand_over(pending, &answer);
}

/* True: answered. */
static bool answer_from_cache(struct pending *pending)
{
	struct resolver *resolver = pending->resolver;
	struct cache_key key = key_of(pending);
	struct cache_view view;
	struct dns_answer parsed;
	struct resolver_answer answer = {0};

	if (!cache_find(resolver->cache, &key, loop_now_ms(resolver->loop), &view))
		return false;
	if (dns_answer_parse(view.message, view.length, exchange_room_records(resolver->room),
			     DNS_ANSWERS_MAX, &parsed) < 0)
		return false; /* not to be: it was parsed when it came */
	resolver->cache_hits++;
	answer.message = view.message;
	answer.length = view.length;
	answer.age = view.age;
	use(pending, &parsed, true, &answer);
	return true;
}

/* A name that a rule spells out, and one that nobody of the inside chose, costs nothing. */
static bool is_within_budget(struct pending *pending)
{
	struct resolver *resolver = pending->resolver;
	struct name_budget_ask ask = {&pending->ask->source, &pending->name, pending->type, 0};

	if (!resolver->budget || ask.source->family == 0)
		return true;
	ask.open_length = policy_open_length(policy_slot_enter(resolver->slot), &pending->name);
	policy_slot_leave(resolver->slot);
	return ask.open_length == 0 ||
	       name_budget_pay(resolver->budget, &ask, loop_now_ms(resolver->loop));
}

static void ask_upstream(struct pending *pending)
{
	struct resolver *resolver = pending->resolver;

	if (pending_join(&resolver->pending, pending))
		exchange_start(&pending->exchange, resolver->room, &pending->name, pending->type,
			       pending->flags & ASK_DNSSEC_OK, take_result);
}

/* Those that were put aside: their answers are in the cache, but for those that it does not keep.
 */
static void take_up(struct loop_timer *timer)
{
	struct resolver *resolver = loop_owner(timer, struct resolver, learn_again);
	struct pending_list due = LIST_HEAD_INITIALIZER(due);
	struct pending *pending;

	while ((pending = LIST_FIRST(&resolver->waiting))) {
		LIST_REMOVE(pending, in_list);
		LIST_INSERT_HEAD(&due, pending, in_list); /* the last becomes the first */
	}
	while ((pending = LIST_FIRST(&due))) {
		LIST_REMOVE(pending, in_list);
		if (!LIST_EMPTY(&resolver->waiting)) /* one before could not be learned */
			wait_to_be_learned(pending);
		else if (!answer_from_cache(pending))
			ask_upstream(pending);
	}
}

int resolver_ask(struct resolver *resolver, const struct name *name, uint16_t type,
		 unsigned int flags, struct resolver_ask *ask,
		 void (*done)(struct resolver_ask *ask, const struct resolver_answer *answer))
{
	static const struct resolver_answer beyond_budget = {.status = -EDQUOT,
							     .reason = REASON_DNS_BUDGET};
	struct pending *pending = pending_take(&resolver->pending);

	if (!pending) {
		resolver->full++;
		return -ENOSPC;
	}
	ask->done = done;
	ask->pending = pending;
	pending->ask = ask;
	pending->resolver = resolver;
	pending->name = *name;
	pending->type = type;
	pending->flags = flags;
	if (!(flags & ASK_FRESH) && answer_from_cache(pending))
		return 0;
	if (!is_within_budget(pending)) {
		hand_over_to_one(pending, &beyond_budget);
		return 0;
	}
	ask_upstream(pending);
	return 0;
}

void resolver_ask_cancel(struct resolver *resolver, struct resolver_ask *ask)
{
	if (!ask->pending)
		return;
	pending_cancel(&resolver->pending, ask->pending);
	ask->pending = NULL;
}

struct resolver_figures resolver_figures(const struct resolver *resolver)
{
	struct exchange_counts counts = exchange_room_counts(resolver->room);

	return (struct resolver_figures){
		.asked = counts.asked,
		.cache_hits = resolver->cache_hits,
		.timeouts = counts.timeouts,
		.refused_answers = resolver->refused_answers,
		.malformed = counts.malformed + resolver->malformed,
		.full = counts.full + resolver->full,
		.cache_held = cache_held(resolver->cache),
		.pending = resolver->pending.used,
	};
}
