/*
 * The guard on addresses: what no name may lead to, whatever a rule or a DNS answer says. Fails
 * closed: what is no address at all is special. The gateway's own addresses have no exception.
 *
 * And the guard on sources: nobody but the protected ones, and the host itself, gets anything.
 */
#include <string.h>

#include "policy/policy_impl.h"
#include "policy/prefixes_impl.h"

static bool is_own(const struct rule_set *set, const struct ip_address *address)
{
	struct ip_address hidden;
	bool disguised = ip_unmap(address, &hidden);

	for (size_t i = 0; i < set->own_address_count; i++)
		if (ip_equal(&set->own_addresses[i], address) ||
		    (disguised && ip_equal(&set->own_addresses[i], &hidden)))
			return true;
	return false;
}

static bool is_listed_private(const struct rule_set *set, const struct ip_address *address)
{
	struct ip_address hidden;

	return prefixes_contain(set->private_destinations, set->private_destination_count,
				address) ||
	       (ip_unmap(address, &hidden) &&
		prefixes_contain(set->private_destinations, set->private_destination_count,
				 &hidden));
}

enum reason policy_check_address(const struct policy *policy, const struct ip_address *address)
{
	const struct rule_set *set = &policy->set;

	if ((address->family != 4 && address->family != 6) || is_own(set, address))
		return REASON_SPECIAL_ADDRESS;
	switch (ip_classify(address)) {
	case IP_CLASS_PUBLIC:
		return REASON_RULE_ALLOWS;
	case IP_CLASS_PRIVATE:
		return is_listed_private(set, address) ? REASON_RULE_ALLOWS
						       : REASON_PRIVATE_ADDRESS;
	case IP_CLASS_SPECIAL:
		break;
	}
	return prefixes_contain(set->special_exceptions, set->special_exception_count, address)
		       ? REASON_RULE_ALLOWS
		       : REASON_SPECIAL_ADDRESS;
}

static bool is_loopback(const struct ip_address *address)
{
	static const uint8_t v6[16] = {[15] = 1};

	return address->family == 4 ? address->bytes[0] == 127
				    : memcmp(address->bytes, v6, sizeof(v6)) == 0;
}

bool policy_protects(const struct policy *policy, const struct ip_address *source)
{
	const struct rule_set *set = &policy->set;

	return set->protected_source_count == 0 || is_loopback(source) ||
	       prefixes_contain(set->protected_sources, set->protected_source_count, source);
}

struct verdict policy_judge_and_guard(const struct policy *policy, const struct policy_facts *facts)
{
	struct verdict verdict = policy_judge(policy, facts);
	enum reason reason;

	if (verdict.action == RULE_DENY || verdict.rule->kind == RULE_NETWORK ||
	    !facts->destination.family)
		return verdict;
	reason = policy_check_address(policy, &facts->destination);
	if (reason != REASON_RULE_ALLOWS)
		verdict = (struct verdict){RULE_DENY, reason, verdict.rule};
	return verdict;
}
