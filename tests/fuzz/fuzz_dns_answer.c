/*
 * An upstream's answer: what parses can be adapted unless data that we do not learn from is broken,
 * and what was adapted parses again to the same records, with lower TTLs and without ECH.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dns/message.h"

#define AGE 7
#define CAP 300

static void check(int condition)
{
	if (!condition)
		abort();
}

static void same_record(const struct dns_record *a, const struct dns_record *b)
{
	check(strcmp(a->owner.text, b->owner.text) == 0 && a->type == b->type);
	check(strcmp(a->target.text, b->target.text) == 0);
	check(ip_equal(&a->address, &b->address));
	check(a->hint_count == b->hint_count);
	check(memcmp(a->hints, b->hints, sizeof(a->hints)) == 0);
	check(!b->has_ech);
	check(b->ttl <= CAP && b->ttl <= a->ttl);
}

/* Records that declare ECH mandatory are left out, so `after` may lack some of `before`. */
static void same_records(const struct dns_answer *before, const struct dns_answer *after)
{
	size_t next = 0;

	for (size_t i = 0; i < before->record_count; i++) {
		const struct dns_record *record = &before->records[i];

		if (next < after->record_count &&
		    after->record_count - next == before->record_count - i)
			same_record(record, &after->records[next++]);
		else if (record->type != DNS_TYPE_SVCB && record->type != DNS_TYPE_HTTPS)
			same_record(record, &after->records[next++]);
		else
			return; /* which one was left out cannot be told from here */
	}
	check(next == after->record_count);
}

static void adapt(const uint8_t *data, size_t size, const struct dns_answer *before, size_t limit)
{
	static uint8_t client[512], buffer[DNS_MESSAGE_MAX];
	static struct dns_record records[DNS_ANSWERS_MAX];
	struct dns_query query;
	struct dns_answer after;
	int length = dns_query_build(42, before->question.name.text, before->question.type, true,
				     client, sizeof(client));

	check(length > 0);
	if (before->question.class != 1)
		return;
	check(dns_query_parse(client, (size_t)length, &query) == 0);
	memcpy(buffer, data, size);
	length = dns_answer_adapt(buffer, size, sizeof(buffer), client, &query, AGE, CAP, limit);
	check(length > 0 || length == -EBADMSG);
	if (length < 0)
		return;
	check((size_t)length <= limit);
	check(dns_answer_parse(buffer, (size_t)length, records, DNS_ANSWERS_MAX, &after) == 0);
	check(after.id == 42 && after.code == before->code);
	check(strcmp(after.question.name.text, before->question.name.text) == 0);
	if (!after.truncated)
		same_records(before, &after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_record records[DNS_ANSWERS_MAX];
	struct dns_answer answer;

	if (dns_answer_parse(data, size, records, DNS_ANSWERS_MAX, &answer) < 0)
		return 0;
	adapt(data, size, &answer, DNS_MESSAGE_MAX);
	adapt(data, size, &answer, DNS_UDP_PLAIN);
	return 0;
}
