/* The upstream resolvers: which one a question goes to next. Pure: the time is an argument. */
#pragma once

#include "resolve/resolver.h"

#define UPSTREAM_PUT_BACK_MS 5000 /* how long one that failed comes last */

struct upstreams {
	struct ip_endpoint endpoints[RESOLVER_UPSTREAMS_MAX];
	uint64_t put_back_until_ms[RESOLVER_UPSTREAMS_MAX]; /* 0: in good standing */
	size_t count;
	uint32_t timeout_ms; /* of one try */
	uint32_t tries;      /* of one question, over all upstreams */
	uint64_t generation; /* counts changes of the list */
};

/* One question's way through the upstreams. Keeps its own copy of the list, so that a question
   under way finishes with the upstreams that it started with. */
struct upstream_turn {
	struct ip_endpoint endpoints[RESOLVER_UPSTREAMS_MAX];
	uint32_t count;
	uint32_t tried; /* bits of this round; a new round starts when all were tried */
	uint32_t tries_left;
	uint32_t current;
	uint32_t timeout_ms;
	uint64_t generation;
};

/* Takes over the list and the defaults of the settings; forgets who was put back. */
void upstreams_set(struct upstreams *upstreams, const struct resolver_settings *settings);

void upstreams_begin(const struct upstreams *upstreams, struct upstream_turn *ret_turn);

/* Chooses `current`: the first in order that this round has not tried and that is not put back;
   then one that is put back; then a new round. False: no tries are left. */
bool upstreams_next(const struct upstreams *upstreams, struct upstream_turn *turn, uint64_t now_ms);

/* Has this round asked every upstream? */
bool upstreams_all_tried(const struct upstream_turn *turn);

static inline const struct ip_endpoint *upstreams_current(const struct upstream_turn *turn)
{
	return &turn->endpoints[turn->current];
}

/* What became of the current try. After a change of the list both do nothing. */
void upstreams_failed(struct upstreams *upstreams, const struct upstream_turn *turn,
		      uint64_t now_ms);
void upstreams_worked(struct upstreams *upstreams, const struct upstream_turn *turn);
