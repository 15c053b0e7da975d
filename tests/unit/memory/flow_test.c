/*
 * Judging packets takes no memory at all: what flows need is there since the start. So there is
 * nothing that could fail, and a flood of connections makes the process no larger.
 */
#include "../inspect/inspector_world.h"

#include "failing_malloc.h"

#define NAME "mcr.microsoft.com"

static uint8_t s_hello[HELLO_FILE_MAX];

static int judge_flows(void *context, struct harvest *harvest)
{
	size_t length;

	(void)context;
	memory_fails(false);
	length = load_hello("openssl_tls13", s_hello);
	begin(8);
	pin(NAME);
	memory_fails(true);
	send_segment(200, s_hello + 200, length - 200);
	send_segment(0, s_hello, 200);
	for (uint16_t port = 1; port < 20; port++) /* more than there is room for */
		send_odd(START, 0, s_hello, 100, (struct odd){.client_port = port});
	pass_time(6000);
	send_odd(START, 0, s_hello, length, (struct odd){.client_port = 7000});
	harvest_bytes(harvest, s_world.marks, s_world.next_id * sizeof(*s_world.marks));
	memory_fails(false);
	end();
	memory_fails(true);
	return 0;
}

static void a_flow_takes_no_memory_from_its_first_packet_to_its_last(void **state)
{
	(void)state;
	assert_int_equal(memory_count(judge_flows, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_takes_no_memory_from_its_first_packet_to_its_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
