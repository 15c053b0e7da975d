/*
 * Reads messages from standard input, each behind its length in two bytes, and prints a line for
 * each: "refused", or the id, the code, "truncated" or "whole" and the question, and then for each
 * record of the answer that addresses are learned from: owner, type, TTL and address or target.
 * Fields are separated by spaces, records by semicolons.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/dns/message.h"

static void print_record(const struct dns_record *record)
{
	char address[IP_TEXT_SIZE];
	const char *data;

	switch (record->type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
		data = ip_format(&record->address, address);
		break;
	case DNS_TYPE_CNAME:
		data = record->target.text;
		break;
	default:
		return;
	}
	printf(";%s %u %u %s", record->owner.text, record->type, record->ttl, data);
}

static void print_answer(const uint8_t *message, size_t length)
{
	static struct dns_record records[DNS_ANSWERS_MAX];
	struct dns_answer answer;

	if (dns_answer_parse(message, length, records, DNS_ANSWERS_MAX, &answer) < 0) {
		puts("refused");
		return;
	}
	printf("%u %u %s %s %u %u", answer.id, answer.code,
	       answer.truncated ? "truncated" : "whole", answer.question.name.text,
	       answer.question.type, answer.question.class);
	for (size_t i = 0; i < answer.record_count; i++)
		print_record(&answer.records[i]);
	putchar('\n');
}

int main(void)
{
	uint8_t size[2];

	while (fread(size, 1, 2, stdin) == 2) {
		size_t length = (size_t)(size[0] << 8 | size[1]);
		uint8_t *message = malloc(length ? length : 1); /* its own, for the sanitizer */

		if (!message || fread(message, 1, length, stdin) != length) {
			free(message);
			return 2;
		}
		print_answer(message, length);
		free(message);
	}
	return 0;
}
