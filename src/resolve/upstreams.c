/*
 * Failover. The order of the configuration is the order of preference. An upstream that did not
 * answer is put back for a few seconds: it is asked only when every other one has failed too, so
 * one dead upstream costs one question its timeout, not every question. Any answer, also an error
 * code, lifts that.
 */
#include "resolve/upstreams_impl.h"

#include <string.h>

#include "base/assertion.h"

#define DEFAULT_TIMEOUT_MS 1500
#define DEFAULT_TRIES      4

void upstreams_set(struct upstreams *upstreams, const struct resolver_settings *settings)
{
	invariant(settings->upstream_count <= RESOLVER_UPSTREAMS_MAX);
	memcpy(upstreams->endpoints, settings->upstreams, sizeof(upstreams->endpoints));
	memset(upstreams->put_back_until_ms, 0, sizeof(upstreams->put_back_until_ms));
	upstreams->count = settings->upstream_count;
	upstreams->timeout_ms = settings->timeout_ms ? settings->timeout_ms : DEFAULT_TIMEOUT_MS;
	upstreams->tries = settings->tries ? settings->tries : DEFAULT_TRIES;
	upstreams->generation++;
}

void upstreams_begin(const struct upstreams *upstreams, struct upstream_turn *ret_turn)
{
	memcpy(ret_turn->endpoints, upstreams->endpoints, sizeof(ret_turn->endpoints));
	ret_turn->count = (uint32_t)upstreams->count;
	ret_turn->tried = 0;
	ret_turn->tries_left = upstreams->tries;
	ret_turn->current = 0;
	ret_turn->timeout_ms = upstreams->timeout_ms;
	ret_turn->generation = upstreams->generation;
}

bool upstreams_all_tried(const struct upstream_turn *turn)
{
	return turn->tried == (1u << turn->count) - 1;
}

static bool put_back(const struct upstreams *upstreams, const struct upstream_turn *turn,
		     uint32_t index, uint64_t now_ms)
{
	return turn->generation == upstreams->generation &&
	       upstreams->put_back_until_ms[index] > now_ms;
}

/* -1: every upstream of the wanted standing was tried in this round. */
static int find_untried(const struct upstreams *upstreams, const struct upstream_turn *turn,
			bool even_put_back, uint64_t now_ms)
{
	for (uint32_t i = 0; i < turn->count; i++)
		if (!(turn->tried & 1u << i) &&
		    (even_put_back || !put_back(upstreams, turn, i, now_ms)))
			return (int)i;
	return -1;
}

bool upstreams_next(const struct upstreams *upstreams, struct upstream_turn *turn, uint64_t now_ms)
{
	int index;

	if (turn->tries_left == 0 || turn->count == 0)
		return false;
	if (upstreams_all_tried(turn))
		turn->tried = 0;
	index = find_untried(upstreams, turn, false, now_ms);
	if (index < 0)
		index = find_untried(upstreams, turn, true, now_ms);
	invariant(index >= 0); /* a round that is over was begun anew above */
	turn->current = (uint32_t)index;
	turn->tried |= 1u << index;
	turn->tries_left--;
	return true;
}

void upstreams_failed(struct upstreams *upstreams, const struct upstream_turn *turn,
		      uint64_t now_ms)
{
	if (turn->generation == upstreams->generation)
		upstreams->put_back_until_ms[turn->current] = now_ms + UPSTREAM_PUT_BACK_MS;
}

void upstreams_worked(struct upstreams *upstreams, const struct upstream_turn *turn)
{
	if (turn->generation == upstreams->generation)
		upstreams->put_back_until_ms[turn->current] = 0;
}
