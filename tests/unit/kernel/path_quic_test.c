/*
 * The path of QUIC's packets through the real table, in the world of path_world.h.
 */
#include "path_world.h"

#include <netinet/udp.h>

/* Here a first byte of 0x80 or more is a long header, another a short one */

#define LONG_HEADER  0xc3
#define SHORT_HEADER 0x43
#define DATAGRAM     1200

static void start_afresh_with_quic(void)
{
	start_afresh();
	s_world.with_quic = true;
	apply(false);
	s_world.with_quic = false;
	pin(SERVER_V4);
	pin("2001:db8:2::2");
}

static int dial_quic(const char *where)
{
	struct ip_endpoint to = endpoint(where);
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&to, &storage);
	struct timeval patience = {0, 200000};
	int connection = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(connection, (struct sockaddr *)&storage, size) < 0)
		_exit(254);
	return connection;
}

/* 0, or why no answer came. */
static int try_datagram(int connection, uint8_t first, uint8_t second)
{
	uint8_t datagram[DATAGRAM] = {first, second}, answer[DATAGRAM];

	if (send(connection, datagram, sizeof(datagram), 0) < 0 ||
	    recv(connection, answer, sizeof(answer), 0) < 0)
		return errno;
	return memcmp(datagram, answer, sizeof(datagram)) == 0 ? 0 : 253;
}

static void expect_echo(int connection, uint8_t first)
{
	int error = try_datagram(connection, first, 0);

	if (error)
		_exit(error);
}

static void talk_quic_to(const char *where)
{
	int connection = dial_quic(where);

	expect_echo(connection, LONG_HEADER);
	for (int i = 0; i < 5; i++)
		expect_echo(connection, SHORT_HEADER);
	expect_echo(connection, LONG_HEADER);
}

static void talk_quic(void)
{
	talk_quic_to(SERVER_V4 ":443");
}

static void talk_quic_v6(void)
{
	talk_quic_to(SERVER_V6 ":443");
}

static void only_the_long_headers_of_an_inspected_quic_flow_are_queued(void **state)
{
	static void (*const clients[])(void) = {talk_quic, talk_quic_v6};

	(void)state;
	for (size_t i = 0; i < COUNT(clients); i++) {
		start_afresh_with_quic();
		assert_int_equal(in_node(clients[i]), 0);
		assert_int_equal(s_world.packets, 2);
		find_flows();
		assert_int_equal(s_world.flows, 1);
		assert_int_equal(s_world.flow.mark, mark_make(MARK_INSPECTED, NUMBER));
	}
}

static void a_quic_flow_is_made_once(void **state)
{
	(void)state;
	start_afresh_with_quic();
	s_world.always_first = true; /* for the second long header too */
	assert_int_equal(in_node(talk_quic), EAGAIN);
	assert_int_equal(s_world.packets, 2);
}

static void a_denied_quic_flow_is_refused_and_leaves_no_trace(void **state)
{
	(void)state;
	start_afresh_with_quic();
	s_world.verdict = MARK_DENIED;
	assert_int_equal(in_node(talk_quic), ECONNREFUSED);
	find_flows();
	assert_int_equal(s_world.flows, 0);
}

static void without_the_queue_rule_no_quic_leaves(void **state)
{
	(void)state;
	start_afresh();
	s_world.with_quic = true;
	apply(true); /* makes the queue chain anew, empty */
	s_world.with_quic = false;
	pin(SERVER_V4);
	assert_int_equal(in_node(talk_quic), EAGAIN);
	assert_int_equal(s_world.packets, 0);
}

static void begin_dtls(void)
{
	int connection = dial_quic(SERVER_V4 ":443");

	expect_echo(connection, LONG_HEADER);
	_exit(try_datagram(connection, 0x16, 0xfe));
}

static void a_handshake_of_dtls_does_not_leave_in_a_quic_flow(void **state)
{
	(void)state;
	start_afresh_with_quic();
	assert_int_equal(in_node(begin_dtls), EAGAIN);
}

/* Four datagrams that the node's kernel hands to its link as one packet; the third begins with this
 * byte and the next, the others with a short header.
 */
static void send_merged(int connection, uint16_t size, uint8_t first, uint8_t second)
{
	uint8_t datagrams[4 * DATAGRAM] = {0};
	int segment = size;

	for (size_t i = 0; i < 4; i++)
		datagrams[i * size] = SHORT_HEADER;
	datagrams[2 * (size_t)size] = first;
	datagrams[2 * (size_t)size + 1] = second;
	if (setsockopt(connection, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0 ||
	    send(connection, datagrams, 4 * (size_t)size, 0) < 0)
		_exit(252);
	usleep(50000);
}

static void send_small_ones_merged(void)
{
	int connection = dial_quic(SERVER_V4 ":443");

	expect_echo(connection, LONG_HEADER);
	send_merged(connection, 500, SHORT_HEADER, 0);
}

static void send_merged_with_long_header(void)
{
	int connection = dial_quic(SERVER_V4 ":443");

	expect_echo(connection, LONG_HEADER);
	send_merged(connection, DATAGRAM, LONG_HEADER, 0);
}

static void send_merged_with_dtls(void)
{
	int connection = dial_quic(SERVER_V4 ":443");

	expect_echo(connection, LONG_HEADER);
	send_merged(connection, DATAGRAM, 0x16, 0xfe);
}

static void begin_merged(void)
{
	send_merged(dial_quic(SERVER_V4 ":443"), DATAGRAM, LONG_HEADER, 0);
}

static void merged_datagrams_that_may_hide_an_initial_are_queued_one_by_one(void **state)
{
	(void)state;
	start_afresh_with_quic();
	assert_int_equal(count_leaving(IPPROTO_UDP, send_small_ones_merged), 2); /* one packet */
	assert_int_equal(s_world.packets, 1);
	assert_int_equal(count_leaving(IPPROTO_UDP, send_merged_with_long_header), 5);
	assert_int_equal(s_world.packets, 5);
	s_world.always_first = true; /* a long header that has no release of its own */
	assert_int_equal(count_leaving(IPPROTO_UDP, send_merged_with_long_header), 4);
	s_world.always_first = false;
	assert_int_equal(count_leaving(IPPROTO_UDP, send_merged_with_dtls), 4);
	start_afresh_with_quic();
	s_world.verdict = MARK_DENIED; /* some kernels drop what they take apart of a new flow */
	assert_int_equal(count_leaving(IPPROTO_UDP, begin_merged), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_long_headers_of_an_inspected_quic_flow_are_queued),
		cmocka_unit_test(a_quic_flow_is_made_once),
		cmocka_unit_test(a_denied_quic_flow_is_refused_and_leaves_no_trace),
		cmocka_unit_test(without_the_queue_rule_no_quic_leaves),
		cmocka_unit_test(a_handshake_of_dtls_does_not_leave_in_a_quic_flow),
		cmocka_unit_test(merged_datagrams_that_may_hide_an_initial_are_queued_one_by_one),
	};

	return cmocka_run_group_tests(tests, build_world, tear_down);
}
