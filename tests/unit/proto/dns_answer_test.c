#include "dns_builder.h"

#include <errno.h>

#define FLAGS (RESPONSE | RD | RA)

static struct builder s_builder;
static struct dns_record s_records[DNS_ANSWERS_MAX];
static struct dns_answer s_answer;

static void answer_to(const char *name, unsigned int type, unsigned int answers,
		      unsigned int authority, unsigned int additional)
{
	start(&s_builder, FLAGS, answers, authority, additional);
	question(&s_builder, name, type);
}

static void is_understood(size_t records)
{
	assert_int_equal(parse_answer(&s_builder, s_records, DNS_ANSWERS_MAX, &s_answer), 0);
	assert_int_equal(s_answer.record_count, records);
}

static void is_malformed(void)
{
	struct dns_answer before;

	memset(&s_answer, 0x5a, sizeof(s_answer));
	before = s_answer;
	assert_int_equal(parse_answer(&s_builder, s_records, DNS_ANSWERS_MAX, &s_answer), -EBADMSG);
	assert_memory_equal(&before, &s_answer, sizeof(before));
}

static void is_address(const struct ip_address *address, const char *text)
{
	char formatted[IP_TEXT_SIZE];

	assert_string_equal(ip_format(address, formatted), text);
}

static void a_chain_ends_in_addresses(void **state)
{
	(void)state;
	answer_to("Www.Example.com", DNS_TYPE_A, 3, 0, 1);
	put_pointer(&s_builder, 12);
	size_t begin = open_record(&s_builder, DNS_TYPE_CNAME, 300);
	put_labels(&s_builder, "EDGE");
	put_pointer(&s_builder, 16);
	close_record(&s_builder, begin);
	put_pointer(&s_builder, begin);
	begin = open_record(&s_builder, DNS_TYPE_A, 60);
	put32(&s_builder, 0x01020304);
	close_record(&s_builder, begin);
	put_pointer(&s_builder, begin - 12);
	begin = open_record(&s_builder, DNS_TYPE_AAAA, 0x80000001u);
	put(&s_builder, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	close_record(&s_builder, begin);
	opt_record(&s_builder, 1232, 0);
	is_understood(3);
	assert_int_equal(s_answer.id, 0x1234);
	assert_int_equal(s_answer.flags, FLAGS);
	assert_int_equal(s_answer.code, DNS_CODE_NOERROR);
	assert_false(s_answer.truncated);
	assert_string_equal(s_answer.question.name.text, "www.example.com");
	assert_int_equal(s_answer.negative_ttl, UINT32_MAX);
	assert_ptr_equal(s_answer.records, s_records);
	assert_string_equal(s_records[0].owner.text, "www.example.com");
	assert_string_equal(s_records[0].target.text, "edge.example.com");
	assert_int_equal(s_records[0].ttl, 300);
	assert_string_equal(s_records[1].owner.text, "edge.example.com");
	is_address(&s_records[1].address, "1.2.3.4");
	assert_int_equal(s_records[1].ttl, 60);
	assert_int_equal(s_records[2].type, DNS_TYPE_AAAA);
	is_address(&s_records[2].address, "2001:db8::1");
	assert_int_equal(s_records[2].ttl, 0);
}

static void addresses_of_another_size_are_malformed(void **state)
{
	static const struct {
		unsigned int type;
		size_t length;
	} wrong[] = {{DNS_TYPE_A, 3},     {DNS_TYPE_A, 5},     {DNS_TYPE_A, 16},
		     {DNS_TYPE_AAAA, 15}, {DNS_TYPE_AAAA, 17}, {DNS_TYPE_AAAA, 4}};
	static const uint8_t zeros[17];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		answer_to("a", wrong[i].type, 1, 0, 0);
		put_pointer(&s_builder, 12);
		size_t begin = open_record(&s_builder, wrong[i].type, 1);
		put(&s_builder, zeros, wrong[i].length);
		close_record(&s_builder, begin);
		is_malformed();
	}
}

static void a_target_must_fill_its_record(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		answer_to("a", DNS_TYPE_CNAME, 1, 0, 0);
		put_pointer(&s_builder, 12);
		size_t begin = open_record(&s_builder, DNS_TYPE_CNAME, 1);
		if (extra)
			put_name(&s_builder, "b");
		put8(&s_builder, extra ? 7 : 1); /* one byte too many, or a name cut off */
		close_record(&s_builder, begin);
		is_malformed();
	}
}

static void other_types_and_classes_are_not_looked_into(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_ANY, 2, 0, 0);
	put_pointer(&s_builder, 12);
	size_t begin = open_record(&s_builder, 16, 77);
	put(&s_builder, "\3txt", 4);
	close_record(&s_builder, begin);
	a_record(&s_builder, "a", 1, 1);
	s_builder.bytes[s_builder.length - 11] = 3; /* class CH */
	is_understood(1);
	assert_int_equal(s_records[0].type, 16);
	assert_int_equal(s_records[0].ttl, 77);
	assert_string_equal(s_records[0].owner.text, "a");
	assert_int_equal(s_records[0].address.family, 0);
}

static void more_records_than_room_is_told(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_A, 3, 0, 0);
	for (uint32_t i = 0; i < 3; i++)
		a_record(&s_builder, "a", 1, i);
	assert_int_equal(parse_answer(&s_builder, s_records, 2, &s_answer), -E2BIG);
	assert_int_equal(parse_answer(&s_builder, s_records, 3, &s_answer), 0);
}

static void put_soa(uint32_t ttl, uint32_t minimum)
{
	put_name(&s_builder, "zone");
	size_t begin = open_record(&s_builder, DNS_TYPE_SOA, ttl);
	put_name(&s_builder, "ns.zone");
	put_name(&s_builder, "admin.zone");
	for (int i = 0; i < 4; i++)
		put32(&s_builder, 1);
	put32(&s_builder, minimum);
	close_record(&s_builder, begin);
}

static void a_negative_answer_holds_for_the_lesser_of_ttl_and_minimum(void **state)
{
	(void)state;
	answer_to("x.zone", DNS_TYPE_A, 0, 2, 0);
	s_builder.bytes[3] |= DNS_CODE_NXDOMAIN;
	put_soa(900, 60);
	put_soa(5, 5); /* a second one does not count */
	is_understood(0);
	assert_int_equal(s_answer.code, DNS_CODE_NXDOMAIN);
	assert_int_equal(s_answer.negative_ttl, 60);
	answer_to("x.zone", DNS_TYPE_A, 0, 1, 0);
	put_soa(30, 600);
	is_understood(0);
	assert_int_equal(s_answer.negative_ttl, 30);
}

static void a_broken_soa_is_malformed(void **state)
{
	(void)state;
	answer_to("x.zone", DNS_TYPE_A, 0, 1, 0);
	put_name(&s_builder, "zone");
	size_t begin = open_record(&s_builder, DNS_TYPE_SOA, 1);
	put_name(&s_builder, "ns.zone");
	close_record(&s_builder, begin);
	is_malformed();
	answer_to("x.zone", DNS_TYPE_A, 0, 1, 0);
	put_soa(1, 1);
	put8(&s_builder, 0); /* a byte after MINIMUM */
	s_builder.bytes[s_builder.length - 43]++;
	is_malformed();
}

static void an_opt_record_outside_the_additional_section_is_malformed(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_A, 1, 0, 0);
	opt_record(&s_builder, 1232, 0);
	is_malformed();
	answer_to("a", DNS_TYPE_A, 0, 1, 0);
	opt_record(&s_builder, 1232, 0);
	is_malformed();
	answer_to("a", DNS_TYPE_A, 0, 0, 2);
	opt_record(&s_builder, 1232, 0);
	opt_record(&s_builder, 1232, 0);
	is_malformed();
}

static void an_extended_code_reads_as_servfail(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_A, 0, 0, 1);
	opt_record(&s_builder, 1232, 0x01000000); /* BADVERS: 16, whose low bits say NOERROR */
	is_understood(0);
	assert_int_equal(s_answer.code, DNS_CODE_SERVFAIL);
}

static void a_truncated_answer_gives_its_question_only(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_A, 2, 0, 0);
	s_builder.bytes[2] |= TC >> 8;
	a_record(&s_builder, "a", 1, 1);
	put8(&s_builder, 1); /* cut in the second record */
	is_understood(0);
	assert_true(s_answer.truncated);
	assert_string_equal(s_answer.question.name.text, "a");
}

static void a_query_another_opcode_and_trailing_bytes_are_malformed(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_A, 0, 0, 0);
	s_builder.bytes[2] = 0;
	is_malformed();
	s_builder.bytes[2] = 0xa0;
	is_malformed();
	answer_to("a", DNS_TYPE_A, 0, 0, 0);
	put8(&s_builder, 0);
	is_malformed();
	answer_to("a", DNS_TYPE_A, 0, 0, 0);
	s_builder.bytes[5] = 0;
	is_malformed();
}

static void an_answer_cut_anywhere_is_malformed(void **state)
{
	(void)state;
	answer_to("a", DNS_TYPE_A, 1, 1, 1);
	a_record(&s_builder, "a", 1, 1);
	put_soa(1, 1);
	opt_record(&s_builder, 1232, 0);
	is_understood(1);
	for (size_t whole = s_builder.length, length = 0; length < whole; length++) {
		s_builder.length = length;
		is_malformed();
	}
}

/* An HTTPS record that holds what `fill` puts after the target. */
static void https_record(unsigned int priority, const char *target,
			 void (*fill)(struct builder *builder))
{
	answer_to("svc.example", DNS_TYPE_HTTPS, 1, 0, 0);
	put_pointer(&s_builder, 12);
	size_t begin = open_record(&s_builder, DNS_TYPE_HTTPS, 60);
	put16(&s_builder, priority);
	put_name(&s_builder, target);
	fill(&s_builder);
	close_record(&s_builder, begin);
}

static void usual_parameters(struct builder *builder)
{
	parameter(builder, 1, "\2h2", 3);
	parameter(builder, 4, "\1\2\3\4\5\6\7\10", 8);
	parameter(builder, 5, "echconfig", 9);
	parameter(builder, 6, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

static void service_hints_are_read(void **state)
{
	(void)state;
	https_record(1, "Alt.example", usual_parameters);
	is_understood(1);
	assert_string_equal(s_records[0].target.text, "alt.example");
	assert_true(s_records[0].has_ech);
	assert_int_equal(s_records[0].hint_count, 3);
	is_address(&s_records[0].hints[0], "1.2.3.4");
	is_address(&s_records[0].hints[1], "5.6.7.8");
	is_address(&s_records[0].hints[2], "2001:db8::2");
}

static void an_alias_has_a_target_and_no_hints(void **state)
{
	(void)state;
	https_record(0, "pool.example", usual_parameters);
	is_understood(1);
	assert_string_equal(s_records[0].target.text, "pool.example");
	assert_int_equal(s_records[0].hint_count, 0);
}

static void ten_hints(struct builder *builder)
{
	static const uint8_t addresses[40] = {1};

	parameter(builder, 4, addresses, 40);
	parameter(builder, 6, addresses, 32);
}

static void only_eight_hints_are_learned(void **state)
{
	(void)state;
	https_record(1, "", ten_hints);
	is_understood(1);
	assert_string_equal(s_records[0].target.text, ".");
	assert_int_equal(s_records[0].hint_count, 8);
	assert_false(s_records[0].has_ech);
}

static void sound_mandatory(struct builder *builder)
{
	parameter(builder, 0, "\0\1\0\4", 4);
	parameter(builder, 1, "\2h2", 3);
	parameter(builder, 4, "\1\2\3\4", 4);
}

static void a_list_of_mandatory_keys_is_accepted(void **state)
{
	(void)state;
	https_record(1, "", sound_mandatory);
	is_understood(1);
}

static void disordered(struct builder *builder)
{
	parameter(builder, 4, "\1\2\3\4", 4);
	parameter(builder, 1, "\2h2", 3);
}

static void doubled(struct builder *builder)
{
	parameter(builder, 5, "x", 1);
	parameter(builder, 5, "x", 1);
}

static void empty_v4(struct builder *builder)
{
	parameter(builder, 4, "", 0);
}

static void odd_v4(struct builder *builder)
{
	parameter(builder, 4, "12345", 5);
}

static void empty_v6(struct builder *builder)
{
	parameter(builder, 6, "", 0);
}

static void odd_v6(struct builder *builder)
{
	parameter(builder, 6, "1234567890abcde", 15);
}

static void empty_mandatory(struct builder *builder)
{
	parameter(builder, 0, "", 0);
}

static void odd_mandatory(struct builder *builder)
{
	parameter(builder, 0, "\0\1\0", 3);
}

static void unordered_mandatory(struct builder *builder)
{
	parameter(builder, 0, "\0\4\0\1", 4);
}

static void mandatory_itself(struct builder *builder)
{
	parameter(builder, 0, "\0\0", 2);
}

static void cut_value(struct builder *builder)
{
	put32(builder, 0x00010005);
	put(builder, "abc", 3);
}

static void cut_key(struct builder *builder)
{
	put8(builder, 0);
}

static void unsound_parameters_are_malformed(void **state)
{
	void (*const fills[])(struct builder *) = {
		disordered,
		doubled,
		empty_v4,
		odd_v4,
		empty_v6,
		odd_v6,
		empty_mandatory,
		odd_mandatory,
		cut_value,
		cut_key,
		unordered_mandatory,
		mandatory_itself,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		https_record(1, "", fills[i]);
		is_malformed();
	}
}

static void a_compressed_or_missing_service_target_is_malformed(void **state)
{
	(void)state;
	for (int compressed = 0; compressed < 2; compressed++) {
		answer_to("svc.example", DNS_TYPE_SVCB, 1, 0, 0);
		put_pointer(&s_builder, 12);
		size_t begin = open_record(&s_builder, DNS_TYPE_SVCB, 60);
		put16(&s_builder, 1);
		if (compressed)
			put_pointer(&s_builder, 12);
		close_record(&s_builder, begin);
		is_malformed();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_ends_in_addresses),
		cmocka_unit_test(addresses_of_another_size_are_malformed),
		cmocka_unit_test(a_target_must_fill_its_record),
		cmocka_unit_test(other_types_and_classes_are_not_looked_into),
		cmocka_unit_test(more_records_than_room_is_told),
		cmocka_unit_test(a_negative_answer_holds_for_the_lesser_of_ttl_and_minimum),
		cmocka_unit_test(a_broken_soa_is_malformed),
		cmocka_unit_test(an_opt_record_outside_the_additional_section_is_malformed),
		cmocka_unit_test(an_extended_code_reads_as_servfail),
		cmocka_unit_test(a_truncated_answer_gives_its_question_only),
		cmocka_unit_test(a_query_another_opcode_and_trailing_bytes_are_malformed),
		cmocka_unit_test(an_answer_cut_anywhere_is_malformed),
		cmocka_unit_test(service_hints_are_read),
		cmocka_unit_test(an_alias_has_a_target_and_no_hints),
		cmocka_unit_test(only_eight_hints_are_learned),
		cmocka_unit_test(a_list_of_mandatory_keys_is_accepted),
		cmocka_unit_test(unsound_parameters_are_malformed),
		cmocka_unit_test(a_compressed_or_missing_service_target_is_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
