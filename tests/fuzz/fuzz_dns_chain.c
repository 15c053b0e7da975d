/*
 * What is learned of an answer: every address stands in a record of the asked type whose owner can
 * be reached from the question by aliases, with no TTL above any record's on the way; and no such
 * address is forgotten. Reached is found here by spreading over all records until nothing is added,
 * which is not how chain.c walks.
 */
#include <stdlib.h>
#include <string.h>

#include "resolve/answer_impl.h"
#include "resolve/chain_impl.h"

#define TTL_CAP 3600

static void check(int condition)
{
	if (!condition)
		abort();
}

static bool same(const struct dns_name *a, const struct dns_name *b)
{
	return strcmp(a->text, b->text) == 0;
}

/* reached[i]: the owner of record i hangs on the question. */
static void spread(const struct dns_answer *answer, bool *reached)
{
	bool grown = true;

	for (size_t i = 0; i < answer->record_count; i++)
		reached[i] = same(&answer->records[i].owner, &answer->question.name);
	while (grown && answer->question.type != DNS_TYPE_CNAME) {
		grown = false;
		for (size_t i = 0; i < answer->record_count; i++)
			for (size_t j = 0; j < answer->record_count && !reached[i]; j++)
				if (reached[j] && answer->records[j].type == DNS_TYPE_CNAME &&
				    same(&answer->records[j].target, &answer->records[i].owner))
					grown = reached[i] = true;
	}
}

static bool holds(const struct dns_record *record, const struct ip_address *address)
{
	bool found = record->address.family != 0 && ip_equal(&record->address, address);

	for (size_t i = 0; i < record->hint_count; i++)
		found |= ip_equal(&record->hints[i], address);
	return found;
}

static void check_learned(const struct dns_answer *answer, const bool *reached,
			  const struct learned_address *learned)
{
	bool justified = false;

	for (size_t i = 0; i < answer->record_count; i++) {
		const struct dns_record *record = &answer->records[i];

		justified |= reached[i] && record->type == answer->question.type &&
			     holds(record, &learned->address) && learned->ttl <= record->ttl;
	}
	check(justified && learned->ttl <= CHAIN_TTL_CLAMP);
}

/* An address at the end of the chain that was left out, though there was room. */
static void check_forgotten(const struct dns_answer *answer, const bool *reached,
			    const struct answer_facts *facts)
{
	struct chain chain;

	check(chain_read(answer, &chain) == 0);
	for (size_t i = 0; i < answer->record_count; i++) {
		const struct dns_record *record = &answer->records[i];
		bool found = false;

		if (!reached[i] || record->type != answer->question.type ||
		    record->address.family == 0 || !same(&record->owner, chain.end))
			continue;
		for (size_t j = 0; j < facts->count; j++)
			found |= ip_equal(&facts->addresses[j].address, &record->address);
		check(found);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_record records[DNS_ANSWERS_MAX];
	static bool reached[DNS_ANSWERS_MAX];
	struct dns_answer answer;
	struct answer_facts facts;

	if (dns_answer_parse(data, size, records, DNS_ANSWERS_MAX, &answer) < 0 ||
	    answer_read(&answer, 0, TTL_CAP, &facts) < 0)
		return 0;
	spread(&answer, reached);
	check(facts.keep <= TTL_CAP);
	check(answer.code == DNS_CODE_NOERROR || facts.count == 0);
	for (size_t i = 0; i < facts.count; i++)
		check_learned(&answer, reached, &facts.addresses[i]);
	if (answer.code == DNS_CODE_NOERROR && facts.count < RESOLVER_ADDRESSES_MAX)
		check_forgotten(&answer, reached, &facts);
	return 0;
}
