/*
 * The fixed table of questions under way. Of those that ask the same, one leads: it has the
 * exchange with the upstreams, and the others follow it. One question on its way is one chance to
 * forge its answer; a thousand of the same would be a thousand (RFC 5452 section 5).
 *
 * Those who share an answer may be different sources. None can poison it for another: the question
 * is made of name, type and flags alone, so no byte of a client's message (spelling, options,
 * client subnet) reaches the upstream to be answered in its own way; what comes back is held to the
 * question before anyone hears of it; and each asker's name is judged, guarded and learned by
 * itself. A forger gains no more by it than by the cache. Workers have a table each: the same
 * question may be under way once a worker, type and set of flags.
 */
#pragma once

#include <sys/queue.h>

#include "base/hash.h"
#include "resolve/exchange_impl.h"
#include "resolve/resolver_impl.h"

LIST_HEAD(pending_list, pending);

struct pending {
	struct exchange exchange; /* a leader's */
	struct resolver *resolver;
	struct resolver_ask *ask; /* NULL: free, or a leader that only its followers need */
	struct pending *next_free;
	struct pending *leader;        /* NULL: none */
	struct pending_list followers; /* a leader's */
	/* A leader's bucket, the followers it stands among, or those that wait to be learned. */
	LIST_ENTRY(pending) in_list;
	struct name name;
	uint16_t type;
	unsigned int flags; /* ASK_* */
};

struct pending_table {
	struct pending *all;
	struct pending *first_free;
	struct pending_list *leaders; /* by name; bucket_mask + 1 of them */
	size_t bucket_mask;
	struct hash_key key;
	size_t capacity, used;
	size_t touched; /* those from here on were never used */
};

int pending_table_init(struct pending_table *table, size_t capacity); /* -ENOMEM */
void pending_table_done(struct pending_table *table); /* cancels what is under way */

struct pending *pending_take(struct pending_table *table); /* NULL: full */
void pending_give_back(struct pending_table *table, struct pending *pending);

/* Makes the filled-in `pending` follow one that asks the same, or lead. True: it leads, and the
   exchange is the caller's to start. */
bool pending_join(struct pending_table *table, struct pending *pending);
/* A leader's exchange is over: it leads no more, and its followers are the caller's (`list` stays
   where it is until they have been given back). */
void pending_part(struct pending *leader, struct pending_list *list);
/* Nobody waits for `pending` any longer. Cancels the exchange that nobody else waits for. */
void pending_cancel(struct pending_table *table, struct pending *pending);
