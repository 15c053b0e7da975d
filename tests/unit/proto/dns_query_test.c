#include "dns_builder.h"

#include <errno.h>

static struct builder s_builder;
static struct dns_query s_query;

static void plain_query(unsigned int flags, unsigned int additional)
{
	start(&s_builder, flags, 0, 0, additional);
	question(&s_builder, "Example.COM", DNS_TYPE_AAAA);
}

static void is_malformed(void)
{
	struct dns_query before;

	memset(&s_query, 0x5a, sizeof(s_query));
	before = s_query;
	assert_int_equal(parse_query(&s_builder, &s_query), -EBADMSG);
	assert_memory_equal(&before, &s_query, sizeof(before));
}

static void a_plain_query_is_understood(void **state)
{
	(void)state;
	plain_query(RD | CD, 0);
	assert_int_equal(parse_query(&s_builder, &s_query), 0);
	assert_int_equal(s_query.id, 0x1234);
	assert_int_equal(s_query.flags, RD | CD);
	assert_string_equal(s_query.question.name.text, "example.com");
	assert_int_equal(s_query.question.type, DNS_TYPE_AAAA);
	assert_int_equal(s_query.question.class, 1);
	assert_int_equal(s_query.question.wire_length, 17);
	assert_false(s_query.has_edns);
	assert_false(s_query.dnssec_ok);
	assert_int_equal(s_query.edns_size, 512);
}

static void edns_gives_size_and_dnssec_ok(void **state)
{
	(void)state;
	plain_query(RD, 1);
	opt_record(&s_builder, 4096, 0x8000);
	assert_int_equal(parse_query(&s_builder, &s_query), 0);
	assert_true(s_query.has_edns);
	assert_true(s_query.dnssec_ok);
	assert_int_equal(s_query.edns_size, 4096);
}

static void an_offer_below_512_counts_as_512(void **state)
{
	(void)state;
	plain_query(RD, 1);
	opt_record(&s_builder, 100, 0);
	assert_int_equal(parse_query(&s_builder, &s_query), 0);
	assert_int_equal(s_query.edns_size, 512);
	assert_false(s_query.dnssec_ok);
}

static void options_and_other_additional_records_are_passed_over(void **state)
{
	(void)state;
	plain_query(RD, 2);
	put8(&s_builder, 0);
	size_t begin = open_record(&s_builder, DNS_TYPE_OPT, 0);
	put(&s_builder, "\0\12\0\3abc\0\13\0\0", 11); /* two options, one empty */
	close_record(&s_builder, begin);
	put_pointer(&s_builder, 12);
	begin = open_record(&s_builder, 250, 0); /* TSIG */
	put(&s_builder, "key", 3);
	close_record(&s_builder, begin);
	assert_int_equal(parse_query(&s_builder, &s_query), 0);
	assert_true(s_query.has_edns);
}

static void broken_options_are_malformed(void **state)
{
	(void)state;
	plain_query(RD, 1);
	put8(&s_builder, 0);
	size_t begin = open_record(&s_builder, DNS_TYPE_OPT, 0);
	put(&s_builder, "\0\12\0\4abc", 7);
	close_record(&s_builder, begin);
	is_malformed();
}

static void a_second_opt_or_one_with_an_owner_is_malformed(void **state)
{
	(void)state;
	plain_query(RD, 2);
	opt_record(&s_builder, 4096, 0);
	opt_record(&s_builder, 4096, 0);
	is_malformed();
	plain_query(RD, 1);
	put_name(&s_builder, "x");
	close_record(&s_builder, open_record(&s_builder, DNS_TYPE_OPT, 0));
	is_malformed();
}

static void a_response_is_malformed(void **state)
{
	(void)state;
	plain_query(RESPONSE, 0);
	is_malformed();
}

static void another_opcode_is_told_apart(void **state)
{
	(void)state;
	plain_query(0x2800, 0); /* UPDATE */
	assert_int_equal(parse_query(&s_builder, &s_query), -EOPNOTSUPP);
}

static void the_question_count_must_be_one(void **state)
{
	(void)state;
	plain_query(RD, 0);
	s_builder.bytes[5] = 0;
	is_malformed();
	s_builder.bytes[5] = 2;
	is_malformed();
	s_builder.length = 12;
	s_builder.bytes[5] = 0;
	is_malformed();
}

static void answers_or_authority_in_a_query_are_malformed(void **state)
{
	(void)state;
	start(&s_builder, RD, 1, 0, 0);
	question(&s_builder, "a", 1);
	a_record(&s_builder, "a", 1, 1);
	is_malformed();
	start(&s_builder, RD, 0, 1, 0);
	question(&s_builder, "a", 1);
	a_record(&s_builder, "a", 1, 1);
	is_malformed();
}

static void a_compressed_question_is_malformed(void **state)
{
	(void)state;
	start(&s_builder, RD, 0, 0, 0);
	put_pointer(&s_builder, 0);
	put32(&s_builder, 0x00010001);
	is_malformed();
}

static void trailing_bytes_are_malformed(void **state)
{
	(void)state;
	plain_query(RD, 0);
	put8(&s_builder, 0);
	is_malformed();
}

static void a_query_cut_anywhere_is_malformed(void **state)
{
	(void)state;
	plain_query(RD, 1);
	opt_record(&s_builder, 1232, 0);
	for (size_t whole = s_builder.length, length = 0; length < whole; length++) {
		s_builder.length = length;
		is_malformed();
	}
}

static void a_message_longer_than_65535_bytes_is_malformed(void **state)
{
	(void)state;
	plain_query(RD, 1);
	put8(&s_builder, 0);
	put16(&s_builder, 99);
	put16(&s_builder, 1);
	put32(&s_builder, 0);
	put16(&s_builder, (unsigned int)(65535 - s_builder.length - 2));
	s_builder.length = 65535;
	assert_int_equal(parse_query(&s_builder, &s_query), 0);
	s_builder.length++;
	is_malformed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_query_is_understood),
		cmocka_unit_test(edns_gives_size_and_dnssec_ok),
		cmocka_unit_test(an_offer_below_512_counts_as_512),
		cmocka_unit_test(options_and_other_additional_records_are_passed_over),
		cmocka_unit_test(broken_options_are_malformed),
		cmocka_unit_test(a_second_opt_or_one_with_an_owner_is_malformed),
		cmocka_unit_test(a_response_is_malformed),
		cmocka_unit_test(another_opcode_is_told_apart),
		cmocka_unit_test(the_question_count_must_be_one),
		cmocka_unit_test(answers_or_authority_in_a_query_are_malformed),
		cmocka_unit_test(a_compressed_question_is_malformed),
		cmocka_unit_test(trailing_bytes_are_malformed),
		cmocka_unit_test(a_query_cut_anywhere_is_malformed),
		cmocka_unit_test(a_message_longer_than_65535_bytes_is_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
