#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "inspect/vouch_impl.h"
#include "kernel/conntrack.h"
#include "kernel/mark.h"
#include "proto/packet/packet.h"

/* The sender and the kernel's table, played. */
static struct {
	struct loop *loop;
	struct vouching vouching;
	struct stream stream;
	uint8_t bytes[STREAM_CAPACITY];
	struct loop_timer end;
	uint32_t mark; /* of the connection; 0: it is gone */
	struct {
		enum packet_sending sending;
		struct packet packet;
		uint8_t bytes[PACKET_SEGMENT_MAX];
	} sent[16];
	size_t sent_count;
} s_world;

int packet_sender_send(struct packet_sender *sender, enum packet_sending sending,
		       const struct ip_address *destination, const uint8_t *packet, size_t length)
{
	size_t at = s_world.sent_count++;

	(void)sender;
	assert_in_range(at, 0, 15);
	s_world.sent[at].sending = sending;
	memcpy(s_world.sent[at].bytes, packet, length);
	assert_int_equal(packet_parse(s_world.sent[at].bytes, length, &s_world.sent[at].packet), 0);
	assert_true(ip_equal(destination, &s_world.sent[at].packet.destination));
	return 0;
}

int conntrack_find(const struct conntrack_flow *tuple, struct conntrack_flow *ret_flow)
{
	assert_int_equal(tuple->source.port, 40000);
	assert_int_equal(tuple->destination.port, 443);
	if (s_world.mark == 0)
		return -ENOENT;
	*ret_flow = *tuple;
	ret_flow->mark = s_world.mark;
	return 0;
}

static int start(void **state)
{
	struct ip_endpoint client, server;

	(void)state;
	memset(&s_world, 0, sizeof(s_world));
	s_world.loop = loop_new();
	s_world.mark = MARK_CONFIRM | 7;
	stream_init(&s_world.stream, s_world.bytes);
	assert_int_equal(ip_endpoint_parse("10.1.0.4:40000", 0, &client), 0);
	assert_int_equal(ip_endpoint_parse("203.0.113.10:443", 0, &server), 0);
	vouch_init(&s_world.vouching, s_world.loop, (struct packet_sender *)&s_world,
		   &s_world.stream, &client, &server, 0xfffffff0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	vouch_stop(&s_world.vouching);
	loop_free(s_world.loop);
	return 0;
}

static void time_is_up(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(s_world.loop);
}

static void pass_milliseconds(uint64_t milliseconds)
{
	loop_timer_start(s_world.loop, &s_world.end, milliseconds, time_is_up);
	loop_run(s_world.loop);
}

static void hold(uint32_t offset, const char *text)
{
	assert_int_equal(stream_put(&s_world.stream, offset, (const uint8_t *)text, strlen(text)),
			 STREAM_TAKEN);
	vouch_held(&s_world.vouching, 5000);
}

static void assert_acknowledged(size_t index, uint32_t bytes)
{
	assert_int_equal(s_world.sent[index].sending, PACKET_SENDING_UNTRACKED);
	assert_int_equal(s_world.sent[index].packet.source_port, 443);
	assert_int_equal(s_world.sent[index].packet.flags, PACKET_TCP_ACK);
	assert_int_equal(s_world.sent[index].packet.sequence, 5000);
	assert_int_equal(s_world.sent[index].packet.acknowledgement, 0xfffffff0 + bytes);
	assert_int_equal(s_world.sent[index].packet.payload_length, 0);
}

static void a_hello_whole_within_the_pause_is_never_vouched_for(void **state)
{
	(void)state;
	hold(0, "ab");
	hold(2, "cd");
	vouch_sent(&s_world.vouching, 4);
	pass_milliseconds(80);
	assert_int_equal(s_world.sent_count, 0);
}

static void the_fourth_held_packet_is_acknowledged_at_once(void **state)
{
	(void)state;
	hold(0, "a");
	hold(1, "b");
	hold(2, "c");
	assert_int_equal(s_world.sent_count, 0);
	hold(3, "d");
	assert_int_equal(s_world.sent_count, 1);
	assert_acknowledged(0, 4);
}

static void a_single_piece_is_acknowledged_after_a_pause_and_once_only(void **state)
{
	(void)state;
	hold(0, "abc");
	pass_milliseconds(120);
	assert_int_equal(s_world.sent_count, 1);
	assert_acknowledged(0, 3);
}

static void bytes_behind_a_gap_are_not_acknowledged(void **state)
{
	(void)state;
	hold(4, "e");
	hold(6, "g");
	hold(8, "i");
	hold(10, "k");
	assert_int_equal(s_world.sent_count, 0);
	hold(0, "abcd");
	assert_int_equal(s_world.sent_count, 1);
	assert_acknowledged(0, 5);
}

static void vouch_for_ten_bytes(void)
{
	hold(0, "0123");
	hold(4, "4");
	hold(5, "5");
	hold(6, "6");
	assert_int_equal(s_world.sent_count, 1);
	hold(7, "789");
	s_world.sent_count = 0;
	vouch_sent(&s_world.vouching, 10);
}

static void vouched_bytes_are_repeated_while_the_server_has_not_answered(void **state)
{
	(void)state;
	vouch_for_ten_bytes();
	pass_milliseconds(330);
	assert_int_equal(s_world.sent_count, 1);
	assert_int_equal(s_world.sent[0].sending, PACKET_SENDING_IN_FLOW);
	assert_int_equal(s_world.sent[0].packet.source_port, 40000);
	assert_int_equal(s_world.sent[0].packet.sequence, 0xfffffff0);
	assert_int_equal(s_world.sent[0].packet.payload_length, 7);
	assert_memory_equal(s_world.sent[0].packet.payload, "0123456", 7);
}

static void nothing_is_repeated_once_the_server_has_answered(void **state)
{
	(void)state;
	vouch_for_ten_bytes();
	s_world.mark = MARK_INSPECTED | 7;
	pass_milliseconds(330);
	assert_int_equal(s_world.sent_count, 0);
}

static void nothing_is_repeated_for_a_connection_that_is_gone(void **state)
{
	(void)state;
	vouch_for_ten_bytes();
	s_world.mark = 0;
	pass_milliseconds(330);
	assert_int_equal(s_world.sent_count, 0);
}

static void a_stopped_flow_sends_nothing(void **state)
{
	(void)state;
	hold(0, "abc");
	vouch_stop(&s_world.vouching);
	pass_milliseconds(80);
	assert_int_equal(s_world.sent_count, 0);
}

static void a_flow_without_a_loop_is_left_alone(void **state)
{
	struct vouching none = {.loop = NULL};

	(void)state;
	vouch_held(&none, 1);
	vouch_sent(&none, 1);
	vouch_stop(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_whole_within_the_pause_is_never_vouched_for),
		cmocka_unit_test(the_fourth_held_packet_is_acknowledged_at_once),
		cmocka_unit_test(a_single_piece_is_acknowledged_after_a_pause_and_once_only),
		cmocka_unit_test(bytes_behind_a_gap_are_not_acknowledged),
		cmocka_unit_test(vouched_bytes_are_repeated_while_the_server_has_not_answered),
		cmocka_unit_test(nothing_is_repeated_once_the_server_has_answered),
		cmocka_unit_test(nothing_is_repeated_for_a_connection_that_is_gone),
		cmocka_unit_test(a_stopped_flow_sends_nothing),
		cmocka_unit_test(a_flow_without_a_loop_is_left_alone),
	};
	struct CMUnitTest with_world[sizeof(tests) / sizeof(tests[0])];

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		with_world[i] = tests[i];
		with_world[i].setup_func = start;
		with_world[i].teardown_func = end;
	}
	return cmocka_run_group_tests_name("vouch", with_world, NULL, NULL);
}
