/*
 * What an answer means to us: which addresses may be learned, whether it may be used at all, how
 * long it may be kept. No I/O; reads the policy in force.
 */
#pragma once

#include "policy/slot.h"
#include "proto/dns/message.h"
#include "resolve/resolver.h"

#define NEGATIVE_TTL_CAP 1800 /* seconds (RFC 2308 section 5 asks for a cap of hours) */

struct answer_facts {
	enum reason reason;        /* REASON_RULE_ALLOWS: the guard lets all addresses pass */
	struct ip_address refused; /* else: the first that it does not let pass */
	struct learned_address addresses[RESOLVER_ADDRESSES_MAX];
	size_t count;
	uint32_t keep; /* seconds in the cache; 0: not */
};

/*
 * An answer with NOERROR or NXDOMAIN. `age`: seconds since it came (taken off the TTLs learned).
 * Negative errno: it contradicts itself (chain_read) and must not be used.
 */
int answer_read(const struct dns_answer *answer, uint32_t age, uint32_t ttl_cap,
		struct answer_facts *ret_facts);

/* Holds every address of the answer, on the chain or off it, against the guard. */
void answer_guard(const struct dns_answer *answer, struct policy_slot *slot,
		  struct answer_facts *facts);
