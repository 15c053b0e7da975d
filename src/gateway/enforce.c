/*
 * The ruleset as a whole: put into the kernel at the start, and put back when somebody else took it
 * away or changed it. A restart of nftables.service does that, and whoever types `nft flush
 * ruleset`. Until it is back the life sign's guard lets nothing out (life_sign.c); the marks of
 * running flows are the connection table's, so these go on where they were.
 *
 * The process must not end over a ruleset that cannot be put back: the guard would end with it.
 */
#include "gateway/gateway_impl.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/fingerprint.h"
#include "kernel/queue.h"
#include "kernel/sequence_rules.h"

static int apply(struct gateway *gateway, struct text *error)
{
	const struct policy *policy = policy_slot_enter(gateway->slot);
	int result;

	pthread_rwlock_wrlock(&gateway->applied.lock);
	result = gateway_apply(gateway, gateway->config, policy, true, error);
	pthread_rwlock_unlock(&gateway->applied.lock);
	policy_slot_leave(gateway->slot);
	return result;
}

int gateway_put_ruleset(struct gateway *gateway, struct text *error)
{
	int result = apply(gateway, error);

	if (result < 0)
		return result;
	result = sequence_rules_install();
	if (result < 0) {
		text_addf(error, "cannot install the rules that watch handshakes: %s",
			  strerror(-result));
		return result;
	}
	result = queue_rule_install(GATEWAY_QUEUE_FIRST, (uint16_t)gateway->worker_count);
	if (result < 0)
		text_addf(error, "cannot install the packet queue's rule: %s", strerror(-result));
	else
		gateway_remember_ruleset(gateway);
	return result;
}

/* One that cannot be read counts as changed. */
void gateway_remember_ruleset(struct gateway *gateway)
{
	if (ruleset_fingerprint(&gateway->applied.fingerprint) < 0)
		gateway->applied.fingerprint = 0;
}

static bool is_in_place(const struct gateway *gateway)
{
	uint64_t found;

	if (ruleset_fingerprint(&found) < 0)
		return true; /* asked again soon */
	return found != 0 && found == gateway->applied.fingerprint;
}

void gateway_check_ruleset(struct gateway *gateway)
{
	cleanup(text_free) struct text error = TEXT_EMPTY;

	if (is_in_place(gateway))
		return;
	if (!gateway->ruleset_is_missing)
		log_error("the ruleset in the kernel is not the one that was put there (nft flush "
			  "ruleset? a restart of nftables.service?); it is put back");
	if (gateway_put_ruleset(gateway, &error) == 0) {
		gateway->ruleset_is_missing = false;
		gateway->restored_rulesets++;
		log_info("the ruleset is back");
	} else if (!gateway->ruleset_is_missing) {
		gateway->ruleset_is_missing = true;
		log_error("cannot put the ruleset back, nothing is let out meanwhile; it is tried "
			  "again and again: %s",
			  text_string(&error));
	}
}
