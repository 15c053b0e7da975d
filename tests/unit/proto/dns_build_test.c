#include "dns_builder.h"

#include <errno.h>

static struct builder s_builder;
static struct dns_query s_query;
static uint8_t s_buffer[1024];

static void a_query_of_ours_reads_back(void **state)
{
	(void)state;
	int length = dns_query_build(77, "mcr.microsoft.com", DNS_TYPE_A, true, s_buffer,
				     sizeof(s_buffer));

	assert_int_equal(length, 12 + 19 + 4 + 11);
	assert_int_equal(dns_query_parse(s_buffer, (size_t)length, &s_query), 0);
	assert_int_equal(s_query.id, 77);
	assert_int_equal(s_query.flags, RD);
	assert_string_equal(s_query.question.name.text, "mcr.microsoft.com");
	assert_int_equal(s_query.question.type, DNS_TYPE_A);
	assert_int_equal(s_query.question.class, 1);
	assert_true(s_query.has_edns);
	assert_int_equal(s_query.edns_size, DNS_UDP_OWN);
	assert_true(s_query.dnssec_ok);
}

static void a_query_for_no_name_or_without_room_is_refused(void **state)
{
	char label[80];

	(void)state;
	memset(label, 'a', sizeof(label));
	label[79] = '\0';
	assert_int_equal(dns_query_build(1, label, 1, false, s_buffer, sizeof(s_buffer)),
			 -ENAMETOOLONG);
	assert_int_equal(dns_query_build(1, "a..b", 1, false, s_buffer, sizeof(s_buffer)), -EINVAL);
	for (size_t size = 0; size < 30; size++)
		assert_int_equal(dns_query_build(1, "a", 1, false, s_buffer, size), -ENOBUFS);
	assert_int_equal(dns_query_build(1, "a", 1, false, s_buffer, 30), 30);
}

static void query_from_client(unsigned int additional)
{
	start(&s_builder, RD | CD | AD, 0, 0, additional);
	question(&s_builder, "EviL.example", DNS_TYPE_A);
	if (additional)
		opt_record(&s_builder, 4096, 0x8000);
	assert_int_equal(parse_query(&s_builder, &s_query), 0);
}

static void a_reply_echoes_the_question_as_spelled(void **state)
{
	(void)state;
	query_from_client(0);
	int length = dns_reply_build(s_builder.bytes, &s_query, DNS_CODE_REFUSED,
				     DNS_EDE_PROHIBITED, "no rule", s_buffer, sizeof(s_buffer));

	assert_int_equal(length, s_builder.length); /* no EDNS in, none out */
	assert_memory_equal(s_buffer, "\x12\x34\x81\x95\0\1\0\0\0\0\0\0", 12);
	assert_memory_equal(s_buffer + 12, s_builder.bytes + 12, s_builder.length - 12);
}

static void a_reply_with_edns_says_why(void **state)
{
	static const char tail[] = "\0\0\51\4\xd0\0\0\x80\0\0\15\0\17\0\11\0\22no rule";

	(void)state;
	query_from_client(1);
	int length = dns_reply_build(s_builder.bytes, &s_query, DNS_CODE_NXDOMAIN,
				     DNS_EDE_PROHIBITED, "no rule", s_buffer, sizeof(s_buffer));

	assert_int_equal(length, 12 + 18 + 11 + 4 + 2 + 7);
	assert_int_equal(s_buffer[11], 1);
	assert_memory_equal(s_buffer + 30, tail, sizeof(tail) - 1);
	length = dns_reply_build(s_builder.bytes, &s_query, DNS_CODE_SERVFAIL, DNS_EDE_OTHER, NULL,
				 s_buffer, sizeof(s_buffer));
	assert_int_equal(length, 12 + 18 + 11 + 4 + 2);
	length = dns_reply_build(s_builder.bytes, &s_query, DNS_CODE_SERVFAIL, DNS_EDE_NONE, "x",
				 s_buffer, sizeof(s_buffer));
	assert_int_equal(length, 12 + 18 + 11);
}

static void a_reply_without_room_is_refused(void **state)
{
	(void)state;
	query_from_client(1);
	for (size_t size = 0; size < 54; size++)
		assert_int_equal(dns_reply_build(s_builder.bytes, &s_query, DNS_CODE_REFUSED,
						 DNS_EDE_BLOCKED, "no rule", s_buffer, size),
				 -ENOBUFS);
	assert_int_equal(dns_reply_build(s_builder.bytes, &s_query, DNS_CODE_REFUSED,
					 DNS_EDE_BLOCKED, "no rule", s_buffer, 54),
			 54);
}

static void a_reply_without_a_question_is_a_header(void **state)
{
	const struct dns_query query = {.id = 0xabcd, .flags = 0x2800};

	(void)state;
	assert_int_equal(dns_reply_build(NULL, &query, DNS_CODE_NOTIMP, DNS_EDE_NONE, NULL,
					 s_buffer, sizeof(s_buffer)),
			 12);
	assert_memory_equal(s_buffer, "\xab\xcd\xa8\x84\0\0\0\0\0\0\0\0", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_of_ours_reads_back),
		cmocka_unit_test(a_query_for_no_name_or_without_room_is_refused),
		cmocka_unit_test(a_reply_echoes_the_question_as_spelled),
		cmocka_unit_test(a_reply_with_edns_says_why),
		cmocka_unit_test(a_reply_without_room_is_refused),
		cmocka_unit_test(a_reply_without_a_question_is_a_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
