#include "config/sections_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads the text as a resolv.conf; the nameservers found, separated by spaces. */
static void expect_nameservers(const char *text, const char *expected)
{
	char path[] = "/tmp/sallyport-resolv-XXXXXX", endpoint[IP_ENDPOINT_TEXT_SIZE];
	struct ip_endpoint upstreams[3];
	char joined[300] = "";
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
	close(descriptor);
	size_t count = config_read_resolv_conf(path, upstreams, 3);
	unlink(path);
	for (size_t i = 0; i < count; i++) {
		strcat(joined, i ? " " : "");
		strcat(joined, ip_endpoint_format(&upstreams[i], endpoint));
	}
	assert_string_equal(joined, expected);
}

static void nameservers_are_read_in_order(void **state)
{
	(void)state;
	expect_nameservers("search a.example\nnameserver 10.0.0.1\n\tnameserver  fd00::1 # x\r\n",
			   "10.0.0.1:53 [fd00::1]:53");
}

static void what_is_no_plain_address_is_passed_over(void **state)
{
	(void)state;
	expect_nameservers("", "");
	expect_nameservers("nameserver\nnameserver fe80::1%eth0\n#nameserver 10.0.0.1\n;x\n"
			   "nameserver dns.example\nnameserver 10.0.0.2",
			   "10.0.0.2:53");
}

static void no_more_are_taken_than_there_is_room_for(void **state)
{
	(void)state;
	expect_nameservers("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"
			   "nameserver 10.0.0.4\n",
			   "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53");
}

static void an_absent_file_names_nobody(void **state)
{
	struct ip_endpoint upstreams[1];

	(void)state;
	assert_int_equal(config_read_resolv_conf("/nowhere/resolv.conf", upstreams, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nameservers_are_read_in_order),
		cmocka_unit_test(what_is_no_plain_address_is_passed_over),
		cmocka_unit_test(no_more_are_taken_than_there_is_room_for),
		cmocka_unit_test(an_absent_file_names_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
