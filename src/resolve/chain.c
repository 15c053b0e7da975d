/*
 * An answer may hold any records in any order. Only those count that hang on the question: the
 * question's name, the target of its CNAME, that one's target … and, at the end, the addresses.
 * Whatever else an upstream (or who poisoned it) put in is relayed but means nothing to us.
 *
 * Each link is searched in the whole answer, so the order of records does not matter; the number of
 * links is bounded, so a loop ends the reading.
 */
#include "resolve/chain_impl.h"

#include <errno.h>
#include <string.h>

static bool same_name(const struct dns_name *a, const struct dns_name *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* 1: found; 0: there is none; -ENOTUNIQ. */
static int find_link(const struct dns_answer *answer, const struct dns_name *owner,
		     const struct dns_record **ret_link)
{
	const struct dns_record *found = NULL;

	for (size_t i = 0; i < answer->record_count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->type != DNS_TYPE_CNAME || !same_name(&record->owner, owner))
			continue;
		if (found && !same_name(&found->target, &record->target))
			return -ENOTUNIQ;
		found = record;
	}
	if (found)
		*ret_link = found;
	return found ? 1 : 0;
}

int chain_read(const struct dns_answer *answer, struct chain *ret_chain)
{
	struct chain chain = {.end = &answer->question.name, .ttl = UINT32_MAX};
	const struct dns_record *link = NULL;
	int found = 0;

	/* Who asks for the CNAME itself wants no chain. */
	while (answer->question.type != DNS_TYPE_CNAME &&
	       (found = find_link(answer, chain.end, &link)) > 0) {
		if (++chain.links > CHAIN_LINKS_MAX)
			return -ELOOP;
		chain.end = &link->target;
		chain.ttl = least(chain.ttl, link->ttl);
	}
	if (found < 0)
		return found;
	*ret_chain = chain;
	return 0;
}

static bool answers(const struct dns_answer *answer, const struct chain *chain,
		    const struct dns_record *record)
{
	return record->type == answer->question.type && same_name(&record->owner, chain->end);
}

bool chain_has_answer(const struct dns_answer *answer, const struct chain *chain)
{
	for (size_t i = 0; i < answer->record_count; i++)
		if (answers(answer, chain, &answer->records[i]))
			return true;
	return false;
}

struct collection {
	struct learned_address *addresses;
	size_t count, capacity;
};

static void collect(struct collection *collection, const struct ip_address *address, uint32_t ttl)
{
	for (size_t i = 0; i < collection->count; i++) {
		struct learned_address *known = &collection->addresses[i];

		if (ip_equal(&known->address, address)) {
			known->ttl = least(known->ttl, ttl);
			return;
		}
	}
	if (collection->count < collection->capacity)
		collection->addresses[collection->count++] =
			(struct learned_address){.address = *address, .ttl = ttl};
}

size_t chain_addresses(const struct dns_answer *answer, const struct chain *chain,
		       struct learned_address *addresses, size_t capacity)
{
	struct collection collection = {.addresses = addresses, .capacity = capacity};

	for (size_t i = 0; i < answer->record_count; i++) {
		const struct dns_record *record = &answer->records[i];
		uint32_t ttl = least(least(record->ttl, chain->ttl), CHAIN_TTL_CLAMP);

		if (!answers(answer, chain, record))
			continue;
		if (record->address.family != 0)
			collect(&collection, &record->address, ttl);
		for (size_t j = 0; j < record->hint_count; j++)
			collect(&collection, &record->hints[j], ttl);
	}
	return collection.count;
}
