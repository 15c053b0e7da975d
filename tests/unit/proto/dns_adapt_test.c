#include "dns_builder.h"

#include <errno.h>
#include <stdio.h>

#define FLAGS (RESPONSE | RD | RA)
#define LARGE 65535

static struct builder s_client, s_answer, s_expected;
static struct dns_query s_query;
static uint8_t s_buffer[70000];
static size_t s_length;
static struct dns_record s_records[DNS_ANSWERS_MAX];
static struct dns_answer s_parsed;

static void client_asks(const char *name, unsigned int type, bool edns)
{
	start(&s_client, RD | CD, 0, 0, edns);
	s_client.bytes[0] = 0xbe;
	question(&s_client, name, type);
	if (edns)
		opt_record(&s_client, 4096, 0x8000);
	assert_int_equal(parse_query(&s_client, &s_query), 0);
}

static void upstream_answers(const char *name, unsigned int type, unsigned int answers,
			     unsigned int authority, unsigned int additional)
{
	start(&s_answer, FLAGS, answers, authority, additional);
	question(&s_answer, name, type);
}

static int adapt(uint32_t age, uint32_t cap, size_t limit)
{
	memcpy(s_buffer, s_answer.bytes, s_answer.length);
	int result = dns_answer_adapt(s_buffer, s_answer.length, sizeof(s_buffer), s_client.bytes,
				      &s_query, age, cap, limit);

	s_length = result < 0 ? 0 : (size_t)result;
	return result < 0 ? result : 0;
}

static void reads_back(size_t records)
{
	assert_int_equal(
		dns_answer_parse(s_buffer, s_length, s_records, DNS_ANSWERS_MAX, &s_parsed), 0);
	assert_int_equal(s_parsed.record_count, records);
}

static void is_refused(void)
{
	assert_int_equal(adapt(0, 3600, LARGE), -EBADMSG);
	assert_memory_equal(s_buffer, s_answer.bytes, s_answer.length);
}

static void put_svcb(struct builder *builder, unsigned int type, bool ech, bool needs_ech)
{
	put_pointer(builder, 12);
	size_t begin = open_record(builder, type, 100);
	put16(builder, 1);
	put_name(builder, "");
	if (needs_ech)
		parameter(builder, 0, "\0\5", 2);
	parameter(builder, 1, "\2h2", 3);
	if (ech)
		parameter(builder, 5, "secret", 6);
	parameter(builder, 6, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	close_record(builder, begin);
}

static void an_answer_becomes_the_clients(void **state)
{
	(void)state;
	client_asks("wWw.eXample", DNS_TYPE_A, false);
	upstream_answers("www.example", DNS_TYPE_A, 1, 0, 1);
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, DNS_TYPE_A, 300);
	put32(&s_answer, 0x01020304);
	close_record(&s_answer, begin);
	opt_record(&s_answer, 4096, 0);
	assert_int_equal(adapt(100, 3600, 512), 0);

	start(&s_expected, FLAGS | CD, 1, 0, 0);
	s_expected.bytes[0] = 0xbe;
	question(&s_expected, "wWw.eXample", DNS_TYPE_A);
	put_pointer(&s_expected, 12);
	begin = open_record(&s_expected, DNS_TYPE_A, 200);
	put32(&s_expected, 0x01020304);
	close_record(&s_expected, begin);
	assert_int_equal(s_length, s_expected.length);
	assert_memory_equal(s_buffer, s_expected.bytes, s_length);
}

static void edns_is_ours_and_there_when_the_client_spoke_it(void **state)
{
	static const char opt[] = "\0\0\51\4\xd0\0\0\x80\0\0";

	(void)state;
	client_asks("a", DNS_TYPE_A, true);
	upstream_answers("a", DNS_TYPE_A, 0, 0, 0);
	assert_int_equal(adapt(0, 3600, 512), 0);
	assert_int_equal(s_length, 12 + 7 + 11);
	assert_int_equal(s_buffer[11], 1);
	assert_memory_equal(s_buffer + 19, opt, sizeof(opt));
	s_query.dnssec_ok = false;
	assert_int_equal(adapt(0, 3600, 512), 0);
	assert_int_equal(s_buffer[26], 0);
}

static void an_upstream_opt_is_taken_out_wherever_it_stands(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 0, 0, 2);
	opt_record(&s_answer, 4096, 0);
	a_record(&s_answer, "behind.opt", 1, 2);
	assert_int_equal(adapt(0, 3600, 512), 0);
	assert_int_equal(s_buffer[11], 1);
	reads_back(0);
	assert_int_equal(s_length, 12 + 7 + 12 + 14);
}

static void ttls_age_to_zero_and_are_capped(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 4, 0, 0);
	a_record(&s_answer, "a", 5, 1);
	a_record(&s_answer, "a", 15, 2);
	a_record(&s_answer, "a", 100000, 3);
	a_record(&s_answer, "a", 0xffffffffu, 4);
	assert_int_equal(adapt(10, 60, 512), 0);
	reads_back(4);
	assert_int_equal(s_records[0].ttl, 0);
	assert_int_equal(s_records[1].ttl, 5);
	assert_int_equal(s_records[2].ttl, 60);
	assert_int_equal(s_records[3].ttl, 0);
}

static void ech_is_taken_out_and_names_behind_it_stay_whole(void **state)
{
	(void)state;
	client_asks("a.example", DNS_TYPE_HTTPS, true);
	upstream_answers("a.example", DNS_TYPE_HTTPS, 3, 0, 0);
	s_answer.bytes[3] |= AD;
	put_svcb(&s_answer, DNS_TYPE_HTTPS, true, false);
	put_svcb(&s_answer, DNS_TYPE_SVCB, true, false);
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, DNS_TYPE_CNAME, 10);
	put_labels(&s_answer, "x");
	put_pointer(&s_answer, 12);
	close_record(&s_answer, begin);
	assert_int_equal(adapt(0, 3600, 512), 0);
	reads_back(3);
	assert_false(s_parsed.flags & AD);
	for (size_t i = 0; i < 2; i++) {
		assert_false(s_records[i].has_ech);
		assert_int_equal(s_records[i].hint_count, 1);
		assert_string_equal(s_records[i].target.text, ".");
	}
	assert_string_equal(s_records[2].target.text, "x.a.example");
	assert_int_equal(s_length, s_answer.length - 2 * 10 + 11);
	assert_null(memmem(s_buffer, s_length, "secret", 6));
}

static void what_is_not_changed_stays_authentic(void **state)
{
	(void)state;
	client_asks("a.example", DNS_TYPE_HTTPS, false);
	upstream_answers("a.example", DNS_TYPE_HTTPS, 1, 0, 0);
	s_answer.bytes[3] |= AD;
	put_svcb(&s_answer, DNS_TYPE_HTTPS, false, false);
	assert_int_equal(adapt(0, 3600, 512), 0);
	reads_back(1);
	assert_true(s_parsed.flags & AD);
	assert_int_equal(s_length, s_answer.length);
}

struct service_parameter {
	unsigned int key;
	const char *value;
	size_t length;
};

static const struct service_parameter s_parameters[] = {
	{1, "\2h2", 3},      /* alpn */
	{3, "\1\273", 2},    /* port */
	{4, "\24\0\0\5", 4}, /* ipv4hint */
	{5, "secret", 6},    /* ech */
	{6, "\46\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 16},
};

#define PARAMETERS (sizeof(s_parameters) / sizeof(*s_parameters))

static void put_parameters(const size_t *order, size_t count)
{
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, DNS_TYPE_HTTPS, 100);
	put16(&s_answer, 1);
	put_name(&s_answer, "svc.example");
	for (size_t i = 0; i < count; i++)
		parameter(&s_answer, s_parameters[order[i]].key, s_parameters[order[i]].value,
			  s_parameters[order[i]].length);
	close_record(&s_answer, begin);
}

/* Keys ascend in a sound record (RFC 9460 section 2.2); 1: sound. */
static size_t check_order(const size_t *order, size_t count)
{
	size_t hints = 0;
	bool sound = true;

	for (size_t i = 0; i < count; i++) {
		hints += s_parameters[order[i]].key == 4 || s_parameters[order[i]].key == 6;
		sound &= i == 0 || order[i] > order[i - 1];
	}
	upstream_answers("a.example", DNS_TYPE_HTTPS, 1, 0, 0);
	put_parameters(order, count);
	if (!sound) {
		is_refused();
		return 0;
	}
	assert_int_equal(adapt(0, 3600, LARGE), 0);
	reads_back(1);
	assert_false(s_records[0].has_ech);
	assert_int_equal(s_records[0].hint_count, hints);
	assert_null(memmem(s_buffer, s_length, "secret", 6));
	return 1;
}

/* All orders of all subsets that begin with order[0 .. count]. */
static size_t check_orders(size_t *order, size_t count)
{
	size_t sound = check_order(order, count);

	for (size_t next = 0; next < PARAMETERS; next++) {
		bool there = false;

		for (size_t i = 0; i < count; i++)
			there |= order[i] == next;
		if (there)
			continue;
		order[count] = next;
		sound += check_orders(order, count + 1);
	}
	return sound;
}

static void ech_is_taken_out_beside_any_other_parameters_in_any_order(void **state)
{
	size_t order[PARAMETERS];

	(void)state;
	client_asks("a.example", DNS_TYPE_HTTPS, false);
	assert_int_equal(check_orders(order, 0), 1u << PARAMETERS);
}

static void a_record_that_demands_ech_is_left_out(void **state)
{
	(void)state;
	client_asks("a.example", DNS_TYPE_HTTPS, false);
	upstream_answers("a.example", DNS_TYPE_HTTPS, 2, 0, 0);
	s_answer.bytes[3] |= AD;
	put_svcb(&s_answer, DNS_TYPE_HTTPS, true, true);
	put_svcb(&s_answer, DNS_TYPE_HTTPS, false, false);
	assert_int_equal(adapt(0, 3600, 512), 0);
	reads_back(1);
	assert_false(s_records[0].has_ech);
	assert_false(s_parsed.flags & AD);
}

static void ech_in_the_additional_section_is_taken_out_too(void **state)
{
	(void)state;
	client_asks("a.example", DNS_TYPE_A, false);
	upstream_answers("a.example", DNS_TYPE_A, 0, 0, 1);
	put_svcb(&s_answer, DNS_TYPE_HTTPS, true, false);
	assert_int_equal(adapt(0, 3600, 512), 0);
	assert_null(memmem(s_buffer, s_length, "secret", 6));
}

/* Each type with names in its RDATA, compressed, after a record that shrinks. */
static void put_named(unsigned int type, size_t fixed, size_t strings, size_t names, size_t rest)
{
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, type, 1);
	for (size_t i = 0; i < fixed; i++)
		put8(&s_answer, 0xee);
	for (size_t i = 0; i < strings; i++)
		put(&s_answer, "\2hi", 3);
	for (size_t i = 0; i < names; i++) {
		put_labels(&s_answer, "n");
		put_pointer(&s_answer, 12);
	}
	for (size_t i = 0; i < rest; i++)
		put8(&s_answer, 0xdd);
	close_record(&s_answer, begin);
}

static const struct {
	unsigned int type;
	uint8_t fixed, strings, names, rest;
	bool compressed;
} s_named[] = {
	{2, 0, 0, 1, 0, true},   {5, 0, 0, 1, 0, true},   {6, 0, 0, 2, 20, true},
	{12, 0, 0, 1, 0, true},  {14, 0, 0, 2, 0, true},  {15, 2, 0, 1, 0, true},
	{17, 0, 0, 2, 0, false}, {18, 2, 0, 1, 0, false}, {24, 18, 0, 1, 9, false},
	{26, 2, 0, 2, 0, false}, {30, 0, 0, 1, 3, false}, {33, 6, 0, 1, 0, false},
	{35, 4, 3, 1, 0, false}, {39, 0, 0, 1, 0, false},
};

static void names_in_data_are_moved_with_care(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(s_named) / sizeof(s_named[0]); i++) {
		client_asks("zone.example", DNS_TYPE_ANY, false);
		upstream_answers("zone.example", DNS_TYPE_ANY, 2, 0, 0);
		put_svcb(&s_answer, DNS_TYPE_HTTPS, true, false);
		put_named(s_named[i].type, s_named[i].fixed, s_named[i].strings, s_named[i].names,
			  s_named[i].rest);
		assert_int_equal(adapt(0, 3600, LARGE), 0);
		reads_back(2);

		/* "n.zone.example" in full, then (if allowed) a pointer for the second. */
		size_t one = s_named[i].compressed ? 4 : 16, more = s_named[i].compressed ? 2 : 16;
		size_t length = s_named[i].fixed + 3u * s_named[i].strings + one +
				(s_named[i].names > 1 ? more : 0) + s_named[i].rest;

		assert_int_equal(s_buffer[s_length - length - 1], length);
		assert_int_equal(s_buffer[s_length - length - 9], s_named[i].type);
		assert_memory_equal(
			s_buffer + s_length - length + s_named[i].fixed + 3u * s_named[i].strings,
			s_named[i].compressed ? "\1n\xc0\14" : "\1n\4zone\7example", one);
	}
}

static void unknown_data_is_moved_untouched(void **state)
{
	static const uint8_t data[] = {0xc0, 12, 1, 'x', 0xc0, 0, 0xff, 0};

	(void)state;
	client_asks("zone.example", DNS_TYPE_ANY, false);
	upstream_answers("zone.example", DNS_TYPE_ANY, 3, 0, 0);
	put_svcb(&s_answer, DNS_TYPE_HTTPS, true, false);
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, 65280, 1);
	put(&s_answer, data, sizeof(data));
	close_record(&s_answer, begin);
	put_pointer(&s_answer, 12);
	close_record(&s_answer, open_record(&s_answer, 10, 1));
	assert_int_equal(adapt(0, 3600, LARGE), 0);
	reads_back(3);
	assert_memory_equal(s_buffer + s_length - 12 - sizeof(data), data, sizeof(data));
}

static void a_pointer_into_foreign_data_loses_its_meaning_nowhere(void **state)
{
	(void)state;
	/* The second owner points into the ECH bytes of the first record, which are cut out. */
	client_asks("a.example", DNS_TYPE_HTTPS, false);
	upstream_answers("a.example", DNS_TYPE_HTTPS, 2, 0, 0);
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, DNS_TYPE_HTTPS, 100);
	put16(&s_answer, 1);
	put_name(&s_answer, "");
	parameter(&s_answer, 5, "\4evil\0", 6);
	close_record(&s_answer, begin);
	put_pointer(&s_answer, s_answer.length - 6);
	begin = open_record(&s_answer, DNS_TYPE_A, 10);
	put32(&s_answer, 1);
	close_record(&s_answer, begin);
	assert_int_equal(adapt(0, 3600, LARGE), 0);
	reads_back(2);
	assert_string_equal(s_records[1].owner.text, "evil");
}

static void too_long_an_answer_is_cut_to_its_question(void **state)
{
	(void)state;
	client_asks("Many.example", DNS_TYPE_A, true);
	upstream_answers("many.example", DNS_TYPE_A, 100, 1, 1);
	for (uint32_t i = 0; i < 101; i++)
		a_record(&s_answer, "many.example", 1, i);
	opt_record(&s_answer, 4096, 0);
	assert_int_equal(adapt(0, 3600, 12 + 18 + 101 * 16 + 11), 0);
	reads_back(100);
	assert_false(s_parsed.truncated);
	assert_int_equal(s_length, 12 + 18 + 101 * 16 + 11);
	assert_int_equal(adapt(0, 3600, 12 + 18 + 101 * 16 + 10), 0);
	reads_back(0);
	assert_true(s_parsed.truncated);
	assert_int_equal(s_length, 12 + 18 + 11);
	assert_memory_equal(s_buffer + 4, "\0\1\0\0\0\0\0\1\4Many", 13);
}

static void a_truncated_answer_stays_truncated(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 2, 0, 0);
	s_answer.bytes[2] |= TC >> 8;
	a_record(&s_answer, "a", 1, 1);
	put8(&s_answer, 1);
	assert_int_equal(adapt(0, 3600, LARGE), 0);
	reads_back(0);
	assert_true(s_parsed.truncated);
	assert_int_equal(s_length, 12 + 7);
}

static void what_does_not_fit_the_limit_or_the_room_is_refused(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, true);
	upstream_answers("a", DNS_TYPE_A, 0, 0, 0);
	assert_int_equal(adapt(0, 3600, 29), -ENOBUFS);
	memcpy(s_buffer, s_answer.bytes, s_answer.length);
	assert_int_equal(dns_answer_adapt(s_buffer, s_answer.length, 29, s_client.bytes, &s_query,
					  0, 3600, 512),
			 -ENOBUFS);
	assert_int_equal(dns_answer_adapt(s_buffer, s_answer.length, 30, s_client.bytes, &s_query,
					  0, 3600, 512),
			 30);
}

static void the_answer_to_another_question_is_refused(void **state)
{
	(void)state;
	client_asks("a.example", DNS_TYPE_A, false);
	upstream_answers("b.example", DNS_TYPE_A, 0, 0, 0);
	is_refused();
	upstream_answers("aa.example", DNS_TYPE_A, 0, 0, 0);
	is_refused();
	upstream_answers("a.example", DNS_TYPE_AAAA, 0, 0, 0);
	is_refused();
	client_asks("a.example", DNS_TYPE_HTTPS, false); /* 65 is 'A', 97 is 'a' */
	upstream_answers("a.example", 97, 0, 0, 0);
	is_refused();
}

static void what_is_not_an_answer_is_refused(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 0, 0, 0);
	s_answer.bytes[2] = 1;
	is_refused();
	s_answer.bytes[2] = 0x90;
	is_refused();
	upstream_answers("a", DNS_TYPE_A, 0, 0, 0);
	s_answer.bytes[5] = 0;
	is_refused();
	s_answer.length = 11;
	is_refused();
}

static void broken_records_are_refused(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 1, 0, 0); /* none there */
	is_refused();
	put_pointer(&s_answer, 12);
	size_t begin = open_record(&s_answer, DNS_TYPE_NS, 1);
	put_labels(&s_answer, "x"); /* no end */
	close_record(&s_answer, begin);
	is_refused();
	upstream_answers("a", DNS_TYPE_A, 1, 0, 0);
	put_pointer(&s_answer, 12);
	begin = open_record(&s_answer, 33, 1);
	put(&s_answer, "12345", 5); /* SRV without even its numbers */
	close_record(&s_answer, begin);
	is_refused();
	upstream_answers("a", DNS_TYPE_A, 1, 0, 0);
	put_pointer(&s_answer, 12);
	begin = open_record(&s_answer, DNS_TYPE_HTTPS, 1);
	put(&s_answer, "\0\1\0\0", 4);
	close_record(&s_answer, begin);
	is_refused();
	upstream_answers("a", DNS_TYPE_A, 1, 0, 0);
	opt_record(&s_answer, 512, 0);
	is_refused();
	upstream_answers("a", DNS_TYPE_A, 0, 0, 2);
	opt_record(&s_answer, 512, 0);
	opt_record(&s_answer, 512, 0);
	is_refused();
	upstream_answers("a", DNS_TYPE_A, 0, 0, 0);
	put8(&s_answer, 0); /* trailing */
	is_refused();
}

static void an_extended_code_becomes_servfail(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 0, 0, 1);
	opt_record(&s_answer, 512, 0x01000000);
	assert_int_equal(adapt(0, 3600, 512), 0);
	assert_int_equal(s_buffer[3] & 15, DNS_CODE_SERVFAIL);
}

static void a_full_sized_answer_compresses_and_reads_back(void **state)
{
	(void)state;
	client_asks("a.example", DNS_TYPE_A, false);
	upstream_answers("a.example", DNS_TYPE_A, 200, 0, 2000);
	for (uint32_t i = 0; i < 2200; i++) {
		char owner[32];

		snprintf(owner, sizeof(owner), "h%u.a.example", i % 500);
		a_record(&s_answer, owner, 1, i);
	}
	assert_true(s_answer.length <= 65535);
	assert_int_equal(adapt(0, 3600, LARGE), 0);
	reads_back(200);
	assert_string_equal(s_records[199].owner.text, "h199.a.example");
	assert_true(s_length < s_answer.length * 3 / 4);
}

/* Two labels of the same FNV-1a hash: the second must not become a pointer to the first. */
static void names_whose_hashes_clash_stay_apart(void **state)
{
	(void)state;
	client_asks("a", DNS_TYPE_A, false);
	upstream_answers("a", DNS_TYPE_A, 3, 0, 0);
	a_record(&s_answer, "otx1kzdqr", 1, 1);
	a_record(&s_answer, "x0nkm2dg9", 1, 2);
	a_record(&s_answer, "x0nkm2dg9", 1, 3);
	assert_int_equal(adapt(0, 3600, LARGE), 0);
	reads_back(3);
	assert_string_equal(s_records[0].owner.text, "otx1kzdqr");
	assert_string_equal(s_records[1].owner.text, "x0nkm2dg9");
	assert_string_equal(s_records[2].owner.text, "x0nkm2dg9");
	assert_int_equal(s_length, s_answer.length - 9); /* the third is a pointer */
}

static void every_limit_gives_a_sound_answer_or_none(void **state)
{
	(void)state;
	client_asks("zone.example", DNS_TYPE_ANY, true);
	upstream_answers("zone.example", DNS_TYPE_ANY, 4, 0, 0);
	put_svcb(&s_answer, DNS_TYPE_HTTPS, true, false);
	put_named(6, 0, 0, 2, 20);
	put_named(35, 4, 3, 1, 0);
	a_record(&s_answer, "other.name", 1, 1);
	for (size_t limit = 0; limit < s_answer.length + 40; limit++) {
		if (limit < 12 + 18 + 11) {
			assert_int_equal(adapt(0, 3600, limit), -ENOBUFS);
			continue;
		}
		assert_int_equal(adapt(0, 3600, limit), 0);
		assert_true(s_length <= limit);
		reads_back(s_buffer[2] & TC >> 8 ? 0 : 4);
	}
	assert_false(s_parsed.truncated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_becomes_the_clients),
		cmocka_unit_test(edns_is_ours_and_there_when_the_client_spoke_it),
		cmocka_unit_test(an_upstream_opt_is_taken_out_wherever_it_stands),
		cmocka_unit_test(ttls_age_to_zero_and_are_capped),
		cmocka_unit_test(ech_is_taken_out_and_names_behind_it_stay_whole),
		cmocka_unit_test(what_is_not_changed_stays_authentic),
		cmocka_unit_test(ech_is_taken_out_beside_any_other_parameters_in_any_order),
		cmocka_unit_test(a_record_that_demands_ech_is_left_out),
		cmocka_unit_test(ech_in_the_additional_section_is_taken_out_too),
		cmocka_unit_test(names_in_data_are_moved_with_care),
		cmocka_unit_test(unknown_data_is_moved_untouched),
		cmocka_unit_test(a_pointer_into_foreign_data_loses_its_meaning_nowhere),
		cmocka_unit_test(too_long_an_answer_is_cut_to_its_question),
		cmocka_unit_test(a_truncated_answer_stays_truncated),
		cmocka_unit_test(what_does_not_fit_the_limit_or_the_room_is_refused),
		cmocka_unit_test(the_answer_to_another_question_is_refused),
		cmocka_unit_test(what_is_not_an_answer_is_refused),
		cmocka_unit_test(broken_records_are_refused),
		cmocka_unit_test(an_extended_code_becomes_servfail),
		cmocka_unit_test(a_full_sized_answer_compresses_and_reads_back),
		cmocka_unit_test(names_whose_hashes_clash_stay_apart),
		cmocka_unit_test(every_limit_gives_a_sound_answer_or_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
