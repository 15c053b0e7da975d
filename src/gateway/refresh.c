/*
 * The refresher asks for every exact name of the policy by itself: names of network rules need
 * addresses without a client's query, and the API server's address must follow its name.
 *
 * Each name has a timer: after an answer it waits for the answer's TTL, but no longer than
 * REFRESH_MAX_MS (as Azure Firewall) and no shorter than REFRESH_MIN_MS; after a failure RETRY_MS.
 * First questions are spread over the first seconds. An address that answers no longer carry ends
 * with its pin.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assertion.h"

#define REFRESH_MAX_MS 15000
#define REFRESH_MIN_MS 1000
#define RETRY_MS       5000
#define SPREAD         50  /* names a batch at the start, */
#define SPREAD_MS      100 /* and the time between batches */

struct refresh {
	struct refresher *refresher;
	struct name name;
	struct loop_timer timer;
	struct resolver_lookup lookup;
	bool asking;
};

static void ask(struct loop_timer *timer);

static void wait_for(struct refresh *refresh, uint64_t after_ms)
{
	(void)loop_timer_start(refresh->refresher->gateway->loop, &refresh->timer, after_ms, ask);
}

static uint64_t milliseconds_until_next(const struct resolver_result *result)
{
	uint64_t least = REFRESH_MAX_MS;

	for (size_t i = 0; i < result->count; i++)
		if ((uint64_t)result->addresses[i].ttl * 1000 < least)
			least = (uint64_t)result->addresses[i].ttl * 1000;
	return least < REFRESH_MIN_MS ? REFRESH_MIN_MS : least;
}

static void answered(struct resolver_lookup *lookup, const struct resolver_result *result)
{
	struct refresh *refresh = loop_owner(lookup, struct refresh, lookup);

	refresh->asking = false;
	wait_for(refresh, result->status < 0 ? RETRY_MS : milliseconds_until_next(result));
}

static void ask(struct loop_timer *timer)
{
	struct refresh *refresh = loop_owner(timer, struct refresh, timer);

	refresh->asking = true;
	if (resolver_refresh(refresh->refresher->resolver, &refresh->name, &refresh->lookup,
			     answered) < 0) {
		refresh->asking = false;
		wait_for(refresh, RETRY_MS);
	}
}

static void stop_all(struct refresher *refresher)
{
	for (size_t i = 0; i < refresher->count; i++) {
		struct refresh *refresh = &refresher->names[i];

		loop_timer_stop(refresher->gateway->loop, &refresh->timer);
		if (refresh->asking)
			resolver_cancel(refresher->resolver, &refresh->lookup);
	}
	free(refresher->names);
	refresher->names = NULL;
	refresher->count = 0;
}

int refresher_renew(struct refresher *refresher)
{
	struct gateway *gateway = refresher->gateway;
	const struct policy *policy = policy_slot_enter(gateway->slot);
	size_t count = policy_exact_name_count(policy);
	struct refresh *names = calloc(count + 1, sizeof(*names));
	struct policy_name_walk walk = {0};

	for (size_t i = 0; names && i < count; i++) {
		names[i].refresher = refresher;
		invariant(policy_next_exact_name(policy, &walk, &names[i].name));
	}
	policy_slot_leave(gateway->slot);
	if (!names)
		return -ENOMEM;
	stop_all(refresher);
	refresher->names = names;
	refresher->count = count;
	for (size_t i = 0; i < count; i++)
		wait_for(&names[i], i / SPREAD * SPREAD_MS);
	return 0;
}

int refresher_open(struct refresher *refresher, struct gateway *gateway)
{
	struct resolver_settings settings = gateway_resolver_settings(gateway->config);
	struct learner learner = learning_learner(&refresher->learning);
	int error;

	refresher->gateway = gateway;
	error = learning_open(&refresher->learning, gateway);
	if (error < 0)
		return error;
	refresher->resolver = resolver_new(gateway->loop, &settings, gateway->slot, &learner);
	if (!refresher->resolver)
		return -errno;
	return refresher_renew(refresher);
}

void refresher_close(struct refresher *refresher)
{
	if (!refresher->gateway)
		return;
	stop_all(refresher);
	resolver_free(refresher->resolver);
	learning_close(&refresher->learning);
}
