/* A client's query: what parses can be replied to, and the reply carries the same question. */
#include <stdlib.h>
#include <string.h>

#include "proto/dns/message.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

static void reply(const uint8_t *data, const struct dns_query *query)
{
	uint8_t buffer[1024];
	struct dns_record record;
	struct dns_answer answer;
	int length = dns_reply_build(data, query, DNS_CODE_REFUSED, DNS_EDE_PROHIBITED, "why",
				     buffer, sizeof(buffer));

	check(length > 0);
	check(dns_answer_parse(buffer, (size_t)length, &record, 1, &answer) == 0);
	check(answer.id == query->id && answer.code == DNS_CODE_REFUSED);
	check(strcmp(answer.question.name.text, query->question.name.text) == 0);
	check(answer.question.type == query->question.type);
}

/* Presentation form leads back to the same name. */
static void ask_again(const struct dns_query *query)
{
	uint8_t buffer[512];
	struct dns_query again;
	int length = dns_query_build(query->id, query->question.name.text, query->question.type,
				     query->dnssec_ok, buffer, sizeof(buffer));

	check(length > 0);
	check(dns_query_parse(buffer, (size_t)length, &again) == 0);
	check(strcmp(again.question.name.text, query->question.name.text) == 0);
	check(again.dnssec_ok == query->dnssec_ok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_query query;

	if (dns_query_parse(data, size, &query) < 0)
		return 0;
	check(query.question.name.length == strlen(query.question.name.text));
	check(query.edns_size >= DNS_UDP_PLAIN);
	reply(data, &query);
	ask_again(&query);
	return 0;
}
