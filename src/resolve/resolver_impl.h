/*
 * The resolver from inside the folder: any question, the answer as it came. dns_proxy.c relays
 * these; lookup.c makes addresses of them.
 */
#pragma once

#include "proto/dns/message.h"
#include "resolve/resolver.h"

enum ask_flags {
	ASK_LEARN = 1,     /* the name is allowed: guard the answer, learn its addresses */
	ASK_FRESH = 2,     /* do not look into the cache */
	ASK_DNSSEC_OK = 4, /* the asker wants signatures (DO) */
};

struct resolver_answer {
	int status; /* 0: a message to relay; -EREMOTEIO: upstreams gave error codes only, see
		       `code`; -ETIMEDOUT; -EPROTO; -EACCES: the guard refused it, see reason;
		       -EDQUOT: beyond the source's budget of names; other: learning failed */
	enum dns_code code;
	enum reason reason;        /* why not; REASON_RULE_ALLOWS with status 0 */
	struct ip_address refused; /* with -EACCES */
	const uint8_t *message;    /* valid until the next call into the resolver */
	size_t length;
	uint32_t age;                            /* seconds it lay in the cache */
	const struct learned_address *addresses; /* ASK_LEARN: learned; valid during the callback */
	size_t count;
};

/* One question under way, embedded in its asker. */
struct resolver_ask {
	struct ip_address source; /* set by the asker: whose budget pays; family 0: nobody's */
	void (*done)(struct resolver_ask *ask, const struct resolver_answer *answer);
	struct pending *pending; /* private; NULL: not under way */
};

/* `done` is called exactly once, before this returns or later, unless cancelled; what was learned
   is live by then. -ENOSPC: too many questions under way (done is not called). */
int resolver_ask(struct resolver *resolver, const struct name *name, uint16_t type,
		 unsigned int flags, struct resolver_ask *ask,
		 void (*done)(struct resolver_ask *ask, const struct resolver_answer *answer));
void resolver_ask_cancel(struct resolver *resolver, struct resolver_ask *ask); /* fine when over */

uint32_t resolver_ttl_cap(const struct resolver *resolver);

/* lookup.c: the pool of lookups, a part of the resolver. */
struct lookups;
struct lookups *lookups_new(struct loop *loop, struct resolver *resolver, size_t capacity);
void lookups_free(struct lookups *lookups);
struct lookups *resolver_lookups(struct resolver *resolver);
