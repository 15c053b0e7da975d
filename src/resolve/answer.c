#include "resolve/answer_impl.h"

#include <string.h>

#include "resolve/chain_impl.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t least_ttl(const struct dns_answer *answer)
{
	uint32_t ttl = UINT32_MAX;

	for (size_t i = 0; i < answer->record_count; i++)
		ttl = least(ttl, answer->records[i].ttl);
	return ttl;
}

/* RFC 2308: a negative answer without a SOA is not kept. */
static uint32_t time_to_keep(const struct dns_answer *answer, const struct chain *chain,
			     uint32_t ttl_cap)
{
	uint32_t ttl = least(least_ttl(answer), ttl_cap);

	if (answer->code == DNS_CODE_NOERROR && chain_has_answer(answer, chain))
		return ttl;
	if (answer->negative_ttl == UINT32_MAX)
		return 0;
	return least(ttl, least(answer->negative_ttl, NEGATIVE_TTL_CAP));
}

static void take_age_off(struct answer_facts *facts, uint32_t age)
{
	for (size_t i = 0; i < facts->count; i++) {
		uint32_t *ttl = &facts->addresses[i].ttl;

		*ttl = *ttl > age ? *ttl - age : 0;
	}
}

int answer_read(const struct dns_answer *answer, uint32_t age, uint32_t ttl_cap,
		struct answer_facts *ret_facts)
{
	struct chain chain;
	int error = chain_read(answer, &chain);

	if (error < 0)
		return error;
	ret_facts->reason = REASON_RULE_ALLOWS;
	ret_facts->refused = (struct ip_address){0};
	ret_facts->keep = time_to_keep(answer, &chain, ttl_cap);
	ret_facts->count = 0;
	if (answer->code == DNS_CODE_NOERROR)
		ret_facts->count = chain_addresses(answer, &chain, ret_facts->addresses,
						   RESOLVER_ADDRESSES_MAX);
	take_age_off(ret_facts, age);
	return 0;
}

/* False: refused. */
static bool check(const struct policy *policy, const struct ip_address *address,
		  struct answer_facts *facts)
{
	facts->reason = policy_check_address(policy, address);
	if (facts->reason == REASON_RULE_ALLOWS)
		return true;
	facts->refused = *address;
	return false;
}

static bool check_record(const struct policy *policy, const struct dns_record *record,
			 struct answer_facts *facts)
{
	if (record->address.family != 0 && !check(policy, &record->address, facts))
		return false;
	for (size_t i = 0; i < record->hint_count; i++)
		if (!check(policy, &record->hints[i], facts))
			return false;
	return true;
}

void answer_guard(const struct dns_answer *answer, struct policy_slot *slot,
		  struct answer_facts *facts)
{
	const struct policy *policy = policy_slot_enter(slot);

	for (size_t i = 0; i < answer->record_count; i++)
		if (!check_record(policy, &answer->records[i], facts))
			break;
	policy_slot_leave(slot);
}
