/*
 * Reading the chain of CNAMEs in one answer: from the question's name, only while connected. Pure.
 */
#pragma once

#include "proto/dns/message.h"
#include "resolve/resolver.h"

#define CHAIN_LINKS_MAX 16    /* Azure's own chains have seven */
#define CHAIN_TTL_CLAMP 86400 /* seconds; nothing is learned for longer */

struct chain {
	const struct dns_name *end; /* where the records of the asked type stand; in the answer */
	uint32_t ttl;               /* the least of the links; UINT32_MAX: there are none */
	unsigned int links;
};

/* -ELOOP: the chain comes back to itself or is longer than CHAIN_LINKS_MAX; -ENOTUNIQ: one name
   has two different CNAMEs, so what it leads to is anyone's guess. */
int chain_read(const struct dns_answer *answer, struct chain *ret_chain);

/* Does the end of the chain hold a record of the asked type? */
bool chain_has_answer(const struct dns_answer *answer, const struct chain *chain);

/*
 * The addresses at the end of the chain that answer the question: A for A, AAAA for AAAA, the hints
 * for SVCB and HTTPS. Each once, with the least TTL along its way. Off-chain records never.
 * Returns how many were written; what does not fit is left out.
 */
size_t chain_addresses(const struct dns_answer *answer, const struct chain *chain,
		       struct learned_address *addresses, size_t capacity);
