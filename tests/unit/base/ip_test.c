#include "base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ip_address address_of(const char *text)
{
	struct ip_address address;

	if (ip_parse(text, &address) < 0)
		fail_msg("'%s' is no address", text);
	return address;
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix prefix;

	if (ip_prefix_parse(text, &prefix) < 0)
		fail_msg("'%s' is no prefix", text);
	return prefix;
}

static void an_address_is_parsed_and_printed(void **state)
{
	static const struct {
		const char *text, *printed;
		uint8_t family;
	} cases[] = {
		{"0.0.0.0", "0.0.0.0", 4},
		{"255.255.255.255", "255.255.255.255", 4},
		{"::", "::", 6},
		{"2001:DB8:0:0::1", "2001:db8::1", 6},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4", 6},
	};
	char text[IP_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_address address = address_of(cases[i].text);

		assert_int_equal(address.family, cases[i].family);
		assert_string_equal(ip_format(&address, text), cases[i].printed);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const cases[] = {
		"",           "1.2.3",    "1.2.3.4.5", "256.1.1.1", "01.2.3.4",
		"0x7f.0.0.1", "1.2.3.4 ", " 1.2.3.4",  "1.2.3.4/8", "::1%lo",
		":::",        "1::2::3",  "[::1]",     "a.b",
	};
	struct ip_address address = {.family = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ip_parse(cases[i], &address) != -EINVAL)
			fail_msg("'%s' is taken", cases[i]);
	assert_int_equal(address.family, 77);
}

static void no_address_is_printed_as_a_dash(void **state)
{
	struct ip_address none = {0};
	char text[IP_TEXT_SIZE];

	(void)state;
	assert_string_equal(ip_format(&none, text), "-");
}

static void a_prefix_is_parsed_and_printed(void **state)
{
	static const char *const cases[][2] = {
		{"10.0.0.0/8", "10.0.0.0/8"},       {"0.0.0.0/0", "0.0.0.0/0"},
		{"1.2.3.4", "1.2.3.4/32"},          {"1.2.3.4/32", "1.2.3.4/32"},
		{"1.2.3.252/30", "1.2.3.252/30"},   {"::/0", "::/0"},
		{"2001:db8::/33", "2001:db8::/33"}, {"::1", "::1/128"},
	};
	char text[IP_PREFIX_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_prefix prefix = prefix_of(cases[i][0]);

		assert_string_equal(ip_prefix_format(&prefix, text), cases[i][1]);
	}
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/08",
		"10.0.0.0/-1",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8",
		"::/129",
		"::/x",
		"10.0.0/8",
		"10.0.0.0/99999999999999999999",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
	};
	struct ip_prefix prefix = {.length = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ip_prefix_parse(cases[i], &prefix) != -EINVAL)
			fail_msg("'%s' is taken", cases[i]);
	assert_int_equal(prefix.length, 77);
}

static void a_prefix_with_host_bits_is_told_apart(void **state)
{
	struct ip_prefix prefix = {.length = 77};

	(void)state;
	assert_int_equal(ip_prefix_parse("10.0.0.1/8", &prefix), -EDOM);
	assert_int_equal(ip_prefix_parse("10.128.0.0/8", &prefix), -EDOM);
	assert_int_equal(ip_prefix_parse("1.2.3.4/31", &prefix), 0);
	assert_int_equal(ip_prefix_parse("1.2.3.5/31", &prefix), -EDOM);
	assert_int_equal(ip_prefix_parse("::1/0", &prefix), -EDOM);
	assert_int_equal(prefix.length, 31);
}

static void an_endpoint_is_parsed_and_printed(void **state)
{
	static const struct {
		const char *text;
		uint16_t default_port;
		const char *printed;
	} cases[] = {
		{"1.2.3.4:53", 0, "1.2.3.4:53"},
		{"1.2.3.4", 53, "1.2.3.4:53"},
		{"1.2.3.4:65535", 9, "1.2.3.4:65535"},
		{"[::1]:1", 0, "[::1]:1"},
		{"[::1]", 53, "[::1]:53"},
		{"::1", 53, "[::1]:53"},
	};
	char text[IP_ENDPOINT_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_endpoint endpoint;

		if (ip_endpoint_parse(cases[i].text, cases[i].default_port, &endpoint) < 0)
			fail_msg("'%s' is no endpoint", cases[i].text);
		assert_string_equal(ip_endpoint_format(&endpoint, text), cases[i].printed);
	}
}

static void what_is_no_endpoint_is_refused(void **state)
{
	static const char *const cases[] = {
		"",          ":53",
		"1.2.3.4",   "1.2.3.4:",
		"1.2.3.4:0", "1.2.3.4:65536",
		"1.2.3.4:x", "[::1]",
		"[::1]:",    "[::1",
		"[::1]53",   "[1.2.3.4]:53",
		"[1.2.3.4]", "::1",
		"a.b:53",    "1.2.3.4:053",
		"[]:53",     "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	struct ip_endpoint endpoint = {.port = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ip_endpoint_parse(cases[i], 0, &endpoint) != -EINVAL)
			fail_msg("'%s' is taken", cases[i]);
	assert_int_equal(ip_endpoint_parse("[1.2.3.4]", 53, &endpoint), -EINVAL);
	assert_int_equal(endpoint.port, 77);
}

static void addresses_are_made_of_numbers_and_bytes(void **state)
{
	static const uint8_t v6_bytes[16] = {[0] = 0x20, [1] = 0x01, [15] = 9};
	struct ip_address v4 = ip_from_v4(0x01020304), v6 = ip_from_bytes(6, v6_bytes);
	struct ip_address expected_v4 = address_of("1.2.3.4"), expected_v6 = address_of("2001::9");

	(void)state;
	assert_memory_equal(&v4, &expected_v4, sizeof(v4));
	assert_memory_equal(&v6, &expected_v6, sizeof(v6));
	assert_int_equal(ip_size(&v4), 4);
	assert_int_equal(ip_size(&v6), 16);
}

static void addresses_are_ordered_v4_first(void **state)
{
	struct ip_address low = address_of("1.2.3.4"), high = address_of("1.2.4.0"),
			  v6 = address_of("::"), v6_high = address_of("::1");

	(void)state;
	assert_true(ip_compare(&low, &high) < 0);
	assert_true(ip_compare(&high, &low) > 0);
	assert_true(ip_compare(&high, &v6) < 0);
	assert_true(ip_compare(&v6, &low) > 0);
	assert_true(ip_compare(&v6, &v6_high) < 0);
	assert_true(ip_equal(&low, &low));
	assert_false(ip_equal(&low, &high));
	assert_false(ip_equal(&low, &v6));
}

static void endpoints_are_equal_when_address_and_port_are(void **state)
{
	struct ip_endpoint a = {.address = address_of("1.2.3.4"), .port = 1}, port = a, host = a;

	(void)state;
	port.port = 2;
	host.address = address_of("1.2.3.5");
	assert_true(ip_endpoint_equal(&a, &a));
	assert_false(ip_endpoint_equal(&a, &port));
	assert_false(ip_endpoint_equal(&a, &host));
}

static void a_prefix_contains_exactly_its_addresses(void **state)
{
	static const struct {
		const char *prefix, *address;
		bool contains;
	} cases[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"172.16.0.0/12", "172.31.255.255", true},
		{"172.16.0.0/12", "172.32.0.0", false},
		{"1.2.3.4/32", "1.2.3.4", true},
		{"1.2.3.4/32", "1.2.3.5", false},
		{"0.0.0.0/0", "8.8.8.8", true},
		{"0.0.0.0/0", "::", false},
		{"::/0", "ffff::", true},
		{"::/0", "0.0.0.0", false},
		{"2001:db8::/33", "2001:db8:7fff::", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"::1/128", "::1", true},
		{"::1/128", "::2", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_prefix prefix = prefix_of(cases[i].prefix);
		struct ip_address address = address_of(cases[i].address);

		if (ip_prefix_contains(&prefix, &address) != cases[i].contains)
			fail_msg("%s in %s", cases[i].address, cases[i].prefix);
	}
}

static void the_v4_address_inside_a_v6_address_is_found(void **state)
{
	static const char *const cases[][2] = {
		{"::ffff:1.2.3.4", "1.2.3.4"},
		{"64:ff9b::1.2.3.4", "1.2.3.4"},
		{"2002:102:304::", "1.2.3.4"},
		{"2002:102:304:ffff::1", "1.2.3.4"},
	};
	static const char *const without[] = {
		"1.2.3.4", "::1.2.3.4", "2003::", "64:ff9b:0:1::", "2001:db8::1", "::fffe:1.2.3.4"};
	struct ip_address v4;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_address address = address_of(cases[i][0]);
		struct ip_address expected = address_of(cases[i][1]);

		assert_true(ip_unmap(&address, &v4));
		assert_true(ip_equal(&v4, &expected));
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		struct ip_address address = address_of(without[i]);

		assert_false(ip_unmap(&address, &v4));
	}
}

static bool is_listed_special(const struct ip_address *address)
{
	struct ip_prefix prefixes[IP_SPECIAL_MAX];
	size_t count = ip_special_prefixes(prefixes);

	for (size_t i = 0; i < count; i++)
		if (ip_prefix_contains(&prefixes[i], address))
			return true;
	return false;
}

static void each_address_has_its_class_in_every_disguise(void **state)
{
	static const struct {
		const char *address;
		enum ip_class class;
	} cases[] = {
		{"8.8.8.8", IP_CLASS_PUBLIC},
		{"168.63.129.15", IP_CLASS_PUBLIC},
		{"168.63.129.16", IP_CLASS_SPECIAL},
		{"168.63.129.17", IP_CLASS_PUBLIC},
		{"169.254.169.254", IP_CLASS_SPECIAL},
		{"169.253.255.255", IP_CLASS_PUBLIC},
		{"127.0.0.1", IP_CLASS_SPECIAL},
		{"127.255.255.255", IP_CLASS_SPECIAL},
		{"0.0.0.0", IP_CLASS_SPECIAL},
		{"0.1.2.3", IP_CLASS_SPECIAL},
		{"224.0.0.1", IP_CLASS_SPECIAL},
		{"239.255.255.255", IP_CLASS_SPECIAL},
		{"240.0.0.1", IP_CLASS_SPECIAL},
		{"255.255.255.255", IP_CLASS_SPECIAL},
		{"223.255.255.255", IP_CLASS_PUBLIC},
		{"10.1.2.3", IP_CLASS_PRIVATE},
		{"172.16.0.1", IP_CLASS_PRIVATE},
		{"172.15.255.255", IP_CLASS_PUBLIC},
		{"172.32.0.0", IP_CLASS_PUBLIC},
		{"192.168.1.1", IP_CLASS_PRIVATE},
		{"100.64.0.1", IP_CLASS_PRIVATE},
		{"100.128.0.0", IP_CLASS_PUBLIC},
		{"::", IP_CLASS_SPECIAL},
		{"::1", IP_CLASS_SPECIAL},
		{"::8.8.8.8", IP_CLASS_SPECIAL},
		{"fe80::1", IP_CLASS_SPECIAL},
		{"febf::1", IP_CLASS_SPECIAL},
		{"fec0::1", IP_CLASS_SPECIAL},
		{"ff02::1", IP_CLASS_SPECIAL},
		{"fc00::1", IP_CLASS_PRIVATE},
		{"fdff::1", IP_CLASS_PRIVATE},
		{"fbff::1", IP_CLASS_PUBLIC},
		{"2603:1000::1", IP_CLASS_PUBLIC},
		{"::ffff:8.8.8.8", IP_CLASS_SPECIAL},
		{"::ffff:10.0.0.1", IP_CLASS_SPECIAL},
		{"64:ff9b::8.8.8.8", IP_CLASS_PUBLIC},
		{"64:ff9b::10.0.0.1", IP_CLASS_PRIVATE},
		{"64:ff9b::169.254.169.254", IP_CLASS_SPECIAL},
		{"64:ff9b::168.63.129.16", IP_CLASS_SPECIAL},
		{"2002:7f00:1::", IP_CLASS_SPECIAL},
		{"2002:a00:1::", IP_CLASS_PRIVATE},
		{"2002:808:808::1", IP_CLASS_PUBLIC},
		/* NAT64 of local use, wherever it puts the IPv4 address */
		{"64:ff9b:1::169.254.169.254", IP_CLASS_SPECIAL},
		{"64:ff9b:1:a9fe:a9:fe00::", IP_CLASS_SPECIAL},
		{"64:ff9b:1:ffff:ffff:ffff:8.8.8.8", IP_CLASS_SPECIAL},
		{"64:ff9b:2::1", IP_CLASS_PUBLIC},
		/* Teredo, and all that the registry of protocols has */
		{"2001:0:a9fe:a9fe::1", IP_CLASS_SPECIAL},
		{"2001:0:4136:e378:8000:63bf:5601:5601", IP_CLASS_SPECIAL},
		{"2001:1ff:ffff::1", IP_CLASS_SPECIAL},
		{"2001:200::1", IP_CLASS_PUBLIC},
		/* SIIT */
		{"::ffff:0:169.254.169.254", IP_CLASS_SPECIAL},
		{"::ffff:0:8.8.8.8", IP_CLASS_SPECIAL},
		{"::fffe:0:8.8.8.8", IP_CLASS_PUBLIC},
		{"192.0.0.192", IP_CLASS_SPECIAL},
		{"64:ff9b::192.0.0.170", IP_CLASS_SPECIAL},
		{"192.0.1.0", IP_CLASS_PUBLIC},
		{"100::1", IP_CLASS_SPECIAL},
		{"100:0:0:1::1", IP_CLASS_PUBLIC},
		{"5f00::1", IP_CLASS_SPECIAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_address address = address_of(cases[i].address);

		if (ip_classify(&address) != cases[i].class ||
		    is_listed_special(&address) != (cases[i].class == IP_CLASS_SPECIAL))
			fail_msg("%s", cases[i].address);
	}
}

static void an_endpoint_survives_its_socket_address(void **state)
{
	static const char *const cases[] = {"1.2.3.4:53", "[2001:db8::1]:443"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage socket_address;
		struct ip_endpoint endpoint, back;
		socklen_t length;

		assert_int_equal(ip_endpoint_parse(cases[i], 0, &endpoint), 0);
		length = ip_to_sockaddr(&endpoint, &socket_address);
		assert_int_equal(length, endpoint.address.family == 4
						 ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6));
		assert_int_equal(ip_from_sockaddr(&socket_address, &back), 0);
		assert_true(ip_endpoint_equal(&endpoint, &back));
	}
}

static void a_mapped_socket_address_is_v4(void **state)
{
	struct ip_endpoint mapped = {.address = address_of("::ffff:1.2.3.4"), .port = 9}, back;
	struct ip_address v4 = address_of("1.2.3.4");
	struct sockaddr_storage socket_address;

	(void)state;
	ip_to_sockaddr(&mapped, &socket_address);
	assert_int_equal(ip_from_sockaddr(&socket_address, &back), 0);
	assert_true(ip_equal(&back.address, &v4));
	assert_int_equal(back.port, 9);
}

static void another_family_is_refused(void **state)
{
	struct sockaddr_storage socket_address = {.ss_family = AF_UNIX};
	struct ip_endpoint endpoint = {.port = 77};

	(void)state;
	assert_int_equal(ip_from_sockaddr(&socket_address, &endpoint), -EAFNOSUPPORT);
	assert_int_equal(endpoint.port, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_parsed_and_printed),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(no_address_is_printed_as_a_dash),
		cmocka_unit_test(a_prefix_is_parsed_and_printed),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(a_prefix_with_host_bits_is_told_apart),
		cmocka_unit_test(an_endpoint_is_parsed_and_printed),
		cmocka_unit_test(what_is_no_endpoint_is_refused),
		cmocka_unit_test(addresses_are_made_of_numbers_and_bytes),
		cmocka_unit_test(addresses_are_ordered_v4_first),
		cmocka_unit_test(endpoints_are_equal_when_address_and_port_are),
		cmocka_unit_test(a_prefix_contains_exactly_its_addresses),
		cmocka_unit_test(the_v4_address_inside_a_v6_address_is_found),
		cmocka_unit_test(each_address_has_its_class_in_every_disguise),
		cmocka_unit_test(an_endpoint_survives_its_socket_address),
		cmocka_unit_test(a_mapped_socket_address_is_v4),
		cmocka_unit_test(another_family_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
