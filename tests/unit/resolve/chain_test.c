#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resolve/chain_impl.h"

static struct dns_record s_records[64];
static struct dns_answer s_answer;
static struct learned_address s_addresses[RESOLVER_ADDRESSES_MAX];

static struct dns_name named(const char *text)
{
	struct dns_name name = {.length = (uint16_t)strlen(text)};

	memcpy(name.text, text, name.length + 1u);
	return name;
}

static void ask(const char *name, uint16_t type)
{
	memset(s_records, 0, sizeof(s_records));
	s_answer = (struct dns_answer){
		.question = {.name = named(name), .type = type, .class = 1},
		.records = s_records,
	};
}

static struct dns_record *add(const char *owner, uint16_t type, uint32_t ttl)
{
	struct dns_record *record = &s_records[s_answer.record_count++];

	record->owner = named(owner);
	record->type = type;
	record->ttl = ttl;
	return record;
}

static void add_cname(const char *owner, uint32_t ttl, const char *target)
{
	add(owner, DNS_TYPE_CNAME, ttl)->target = named(target);
}

static void add_a(const char *owner, uint32_t ttl, uint32_t address)
{
	add(owner, DNS_TYPE_A, ttl)->address = ip_from_v4(address);
}

static size_t learn(void)
{
	struct chain chain;

	assert_int_equal(chain_read(&s_answer, &chain), 0);
	return chain_addresses(&s_answer, &chain, s_addresses, RESOLVER_ADDRESSES_MAX);
}

static void assert_learned(size_t index, uint32_t address, uint32_t ttl)
{
	struct ip_address expected = ip_from_v4(address);

	assert_true(ip_equal(&s_addresses[index].address, &expected));
	assert_int_equal(s_addresses[index].ttl, ttl);
}

static void addresses_of_the_question_are_learned_with_their_ttl(void **state)
{
	(void)state;
	ask("a.example", DNS_TYPE_A);
	add_a("a.example", 60, 0x14000001);
	add_a("a.example", 61, 0x14000002);
	assert_int_equal(learn(), 2);
	assert_learned(0, 0x14000001, 60);
	assert_learned(1, 0x14000002, 61);
}

/* The shape of a storage account behind traffic manager and front door. */
static void a_chain_of_seven_links_is_followed_and_its_least_ttl_counts(void **state)
{
	static const char *const names[] = {"q.example",       "a.one.example",  "b.two.example",
					    "c.three.example", "d.four.example", "e.five.example",
					    "f.six.example",   "g.seven.example"};
	struct chain chain;

	(void)state;
	ask(names[0], DNS_TYPE_A);
	for (int i = 0; i < 7; i++)
		add_cname(names[i], i == 4 ? 17 : 300, names[i + 1]);
	add_a(names[7], 60, 0x14000001);
	assert_int_equal(learn(), 1);
	assert_learned(0, 0x14000001, 17);
	assert_int_equal(chain_read(&s_answer, &chain), 0);
	assert_int_equal(chain.links, 7);
	assert_true(chain_has_answer(&s_answer, &chain));
}

static void the_order_of_records_does_not_matter(void **state)
{
	(void)state;
	ask("q.example", DNS_TYPE_A);
	add_a("c.example", 50, 0x14000001);
	add_cname("b.example", 40, "c.example");
	add_cname("q.example", 30, "b.example");
	assert_int_equal(learn(), 1);
	assert_learned(0, 0x14000001, 30);
}

static void records_off_the_chain_are_never_learned(void **state)
{
	(void)state;
	ask("q.example", DNS_TYPE_A);
	add_cname("q.example", 30, "b.example");
	add_a("b.example", 40, 0x14000001);
	add_a("evil.example", 40, 0x14000002);
	add_a("q.example", 40, 0x14000003); /* beside a CNAME: not at the end */
	add_cname("x.example", 40, "y.example");
	add_a("y.example", 40, 0x14000004);
	assert_int_equal(learn(), 1);
	assert_learned(0, 0x14000001, 30);
}

static void a_chain_that_breaks_off_gives_nothing(void **state)
{
	struct chain chain;

	(void)state;
	ask("q.example", DNS_TYPE_A);
	add_cname("q.example", 30, "b.example");
	add_a("c.example", 40, 0x14000001);
	assert_int_equal(learn(), 0);
	assert_int_equal(chain_read(&s_answer, &chain), 0);
	assert_string_equal(chain.end->text, "b.example");
	assert_false(chain_has_answer(&s_answer, &chain));
}

static void a_loop_is_refused(void **state)
{
	struct chain chain = {.links = 99};

	(void)state;
	ask("q.example", DNS_TYPE_A);
	add_cname("q.example", 30, "b.example");
	add_cname("b.example", 30, "q.example");
	add_a("q.example", 40, 0x14000001);
	assert_int_equal(chain_read(&s_answer, &chain), -ELOOP);
	assert_int_equal(chain.links, 99);
	ask("q.example", DNS_TYPE_A);
	add_cname("q.example", 30, "q.example");
	assert_int_equal(chain_read(&s_answer, &chain), -ELOOP);
}

static void build_chain(int links)
{
	char owner[32], target[32];

	ask("n0.example", DNS_TYPE_A);
	for (int i = 0; i < links; i++) {
		snprintf(owner, sizeof(owner), "n%d.example", i);
		snprintf(target, sizeof(target), "n%d.example", i + 1);
		add_cname(owner, 30, target);
	}
	snprintf(target, sizeof(target), "n%d.example", links);
	add_a(target, 30, 0x14000001);
}

static void sixteen_links_are_followed_and_seventeen_are_refused(void **state)
{
	struct chain chain;

	(void)state;
	build_chain(16);
	assert_int_equal(learn(), 1);
	build_chain(17);
	assert_int_equal(chain_read(&s_answer, &chain), -ELOOP);
}

static void two_different_cnames_of_one_name_are_refused_and_a_repeated_one_is_not(void **state)
{
	struct chain chain;

	(void)state;
	ask("q.example", DNS_TYPE_A);
	add_cname("q.example", 30, "b.example");
	add_cname("q.example", 30, "b.example");
	add_a("b.example", 30, 0x14000001);
	assert_int_equal(learn(), 1);
	add_cname("q.example", 30, "c.example");
	assert_int_equal(chain_read(&s_answer, &chain), -ENOTUNIQ);
}

static void only_records_of_the_asked_type_are_learned(void **state)
{
	(void)state;
	ask("q.example", DNS_TYPE_AAAA);
	add_a("q.example", 30, 0x14000001);
	assert_int_equal(learn(), 0);
	ask("q.example", DNS_TYPE_CNAME);
	add_cname("q.example", 30, "b.example");
	add_a("b.example", 30, 0x14000001);
	assert_int_equal(learn(), 0);
}

static void hints_of_https_records_are_learned(void **state)
{
	struct dns_record *record;

	(void)state;
	ask("q.example", DNS_TYPE_HTTPS);
	add_cname("q.example", 30, "b.example");
	record = add("b.example", DNS_TYPE_HTTPS, 40);
	record->hints[0] = ip_from_v4(0x14000001);
	record->hints[1] = ip_from_v4(0x14000002);
	record->hint_count = 2;
	record = add("other.example", DNS_TYPE_HTTPS, 40);
	record->hints[0] = ip_from_v4(0x14000003);
	record->hint_count = 1;
	assert_int_equal(learn(), 2);
	assert_learned(0, 0x14000001, 30);
	assert_learned(1, 0x14000002, 30);
}

static void a_ttl_is_clamped_to_a_day_and_a_repeated_address_has_the_lesser(void **state)
{
	(void)state;
	ask("q.example", DNS_TYPE_A);
	add_a("q.example", 0x7fffffff, 0x14000001);
	add_a("q.example", 90000, 0x14000002);
	add_a("q.example", 5, 0x14000002);
	assert_int_equal(learn(), 2);
	assert_learned(0, 0x14000001, 86400);
	assert_learned(1, 0x14000002, 5);
}

static void addresses_beyond_the_capacity_are_left_out(void **state)
{
	struct chain chain;

	(void)state;
	ask("q.example", DNS_TYPE_A);
	for (uint32_t i = 0; i < 10; i++)
		add_a("q.example", 30, 0x14000001 + i);
	assert_int_equal(chain_read(&s_answer, &chain), 0);
	assert_int_equal(chain_addresses(&s_answer, &chain, s_addresses, 4), 4);
	assert_learned(3, 0x14000004, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_question_are_learned_with_their_ttl),
		cmocka_unit_test(a_chain_of_seven_links_is_followed_and_its_least_ttl_counts),
		cmocka_unit_test(the_order_of_records_does_not_matter),
		cmocka_unit_test(records_off_the_chain_are_never_learned),
		cmocka_unit_test(a_chain_that_breaks_off_gives_nothing),
		cmocka_unit_test(a_loop_is_refused),
		cmocka_unit_test(sixteen_links_are_followed_and_seventeen_are_refused),
		cmocka_unit_test(
			two_different_cnames_of_one_name_are_refused_and_a_repeated_one_is_not),
		cmocka_unit_test(only_records_of_the_asked_type_are_learned),
		cmocka_unit_test(hints_of_https_records_are_learned),
		cmocka_unit_test(a_ttl_is_clamped_to_a_day_and_a_repeated_address_has_the_lesser),
		cmocka_unit_test(addresses_beyond_the_capacity_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
