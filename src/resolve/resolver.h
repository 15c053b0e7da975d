/*
 * Our own side of DNS, one a worker: questions to the upstreams (UDP, then TCP when truncated),
 * failover, and a cache that honours TTLs. What is learned is handed to the learner before anyone
 * hears of it.
 */
#pragma once

#include "base/ip.h"
#include "loop/loop.h"
#include "name/name.h"
#include "policy/slot.h"

#define RESOLVER_UPSTREAMS_MAX 15
/* Of one name in one answer; more are relayed but not learned. */
#define RESOLVER_ADDRESSES_MAX 64

struct learned_address {
	struct ip_address address;
	uint32_t ttl; /* seconds: the least along the CNAME chain */
};

/* Makes addresses live (name table and kernel sets) before the answer goes out. */
struct learner {
	void *context;
	/* Negative errno: the answer must not be used. -EAGAIN: not at this moment; the resolver
	   tries again until it gets another result, and the answer waits. Called in the resolver's
	   thread; may take the time of one netlink round trip. */
	int (*learn)(void *context, const struct name *name,
		     const struct learned_address *addresses, size_t count);
};

struct name_budget;

struct resolver_settings {
	struct ip_endpoint upstreams[RESOLVER_UPSTREAMS_MAX];
	size_t upstream_count;
	uint32_t timeout_ms;     /* of one try; 0: 1500 */
	uint32_t tries;          /* over all upstreams; 0: 4 */
	size_t cache_capacity;   /* answers, of at most 1,232 bytes each; 0: 10,000 */
	size_t pending_capacity; /* questions under way; 0: 4,096 */
	uint32_t ttl_cap; /* seconds; 0: 3,600 for positive (negative answers: 1,800 at most) */
	struct name_budget *budget; /* for sources' new names, borrowed; NULL: no limit */
};

struct resolver;

/* The slot's guard decides which addresses are refused. Settings and learner are copied. NULL: out
   of memory. */
struct resolver *resolver_new(struct loop *loop, const struct resolver_settings *settings,
			      struct policy_slot *slot, const struct learner *learner);
void resolver_free(struct resolver *resolver); /* pending callbacks are not called; after the DNS
						  proxy that uses it */

struct resolver_result {
	int status; /* 0; -ENOENT: no such name or no address; -ETIMEDOUT: no upstream answered, or
		       with error codes only; -EACCES: refused by the guard, see reason; -EPROTO:
		       malformed answers only; -EDQUOT: beyond the source's budget of names;
		       other: learning failed */
	enum reason reason; /* why not, for the log */
	const struct learned_address
		*addresses; /* usable ones, both families; valid during the callback */
	size_t count;
};

/* A lookup under way, embedded in its owner. */
struct resolver_lookup {
	/* Set by the owner: who chose the name, and pays for it. Family 0: we ourselves. */
	struct ip_address source;
	void (*done)(struct resolver_lookup *lookup, const struct resolver_result *result);
	void *state; /* private */
};

/*
 * Finds and learns A and AAAA of `name` (from the cache when fresh). When one family has addresses,
 * the other is waited for a moment only (it is learned all the same). `done` is called later or
 * before this returns; exactly once unless cancelled. -ENOSPC: too many questions under way (done
 * is not called).
 */
int resolver_lookup(struct resolver *resolver, const struct name *name,
		    struct resolver_lookup *lookup,
		    void (*done)(struct resolver_lookup *lookup,
				 const struct resolver_result *result));
/* The same, but asks upstream even when the cache is fresh, and waits for both families (the
   refresher). */
int resolver_refresh(struct resolver *resolver, const struct name *name,
		     struct resolver_lookup *lookup,
		     void (*done)(struct resolver_lookup *lookup,
				  const struct resolver_result *result));
void resolver_cancel(struct resolver *resolver, struct resolver_lookup *lookup);

/* New upstreams after a reload; questions under way finish with the old. */
void resolver_set_upstreams(struct resolver *resolver, const struct resolver_settings *settings);

struct resolver_figures {
	uint64_t asked, cache_hits, timeouts, refused_answers, malformed, full;
	size_t cache_held, pending;
};
struct resolver_figures resolver_figures(const struct resolver *resolver);
