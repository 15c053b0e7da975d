/*
 * The path of packets through the real table, in the world of path_world.h.
 */
#include "path_world.h"

static void talk_v4(void)
{
	int connection = dial(SERVER_V4 ":443");

	exchange(connection, HELLO_PLAIN);
	for (int i = 0; i < 5; i++)
		exchange(connection, 'x');
}

static void talk_v6(void)
{
	int connection = dial(SERVER_V6 ":443");

	exchange(connection, HELLO_PLAIN);
	for (int i = 0; i < 5; i++)
		exchange(connection, 'x');
}

static void only_the_hello_of_an_inspected_flow_is_queued(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(in_node(talk_v4), 0);
	assert_int_equal(s_world.packets, 1);
	find_flows();
	assert_int_equal(s_world.flows, 1);
	assert_int_equal(s_world.flow.mark, mark_make(MARK_INSPECTED, NUMBER));
	assert_int_equal(s_world.flow.protocol, IPPROTO_TCP);
	assert_int_equal(s_world.flow.destination.port, 443);
	assert_true(s_world.flow.bytes_out > 1800);
	assert_true(s_world.flow.bytes_in > 1500);
	struct ip_address masked = address("192.0.2.1");
	assert_true(ip_equal(&s_world.flow.reply_destination.address, &masked));
}

static void send_a_long_hello(void)
{
	static char hello[20000];
	int connection = dial(SERVER_V4 ":443");

	memset(hello, HELLO_PLAIN, sizeof(hello));
	if (send(connection, hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello))
		_exit(254);
	if (recv(connection, hello, sizeof(hello), 0) <= 0)
		_exit(errno);
}

/* The node's link takes many segments as one packet. The first window of ten is sent before any is
   released; once the server has answered, what follows is not queued. */
static void a_long_hello_is_queued_in_segments(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(in_node(send_a_long_hello), 0);
	assert_true(s_world.packets >= 5);
}

static void the_same_holds_for_ipv6(void **state)
{
	(void)state;
	start_afresh();
	pin("2001:db8:2::2");
	assert_int_equal(in_node(talk_v6), 0);
	assert_int_equal(s_world.packets, 1);
	find_flows();
	assert_int_equal(s_world.flows, 1);
	assert_int_equal(s_world.flow.mark, mark_make(MARK_INSPECTED, NUMBER));
}

static void one_interface_may_be_both_sides(void **state)
{
	static const char *const both[] = {"inside0", "outside0"};

	(void)state;
	start_afresh();
	apply_with(both, 2, false);
	pin(SERVER_V4);
	assert_int_equal(in_node(talk_v4), 0);
	assert_int_equal(s_world.packets, 1);
	find_flows();
	assert_int_equal(s_world.flow.mark, mark_make(MARK_INSPECTED, NUMBER));
}

static void talk_twice(void)
{
	int connection = dial(SERVER_V4 ":443");

	exchange(connection, HELLO_RETRY);
	exchange(connection, HELLO_PLAIN);
	exchange(connection, 'x');
}

static void a_retry_request_brings_the_second_hello_to_the_queue(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(in_node(talk_twice), 0);
	assert_int_equal(s_world.packets, 2);
}

static void a_connection_in_confirm_takes_no_second_first_release(void **state)
{
	(void)state;
	start_afresh();
	s_world.always_first = true;
	pin(SERVER_V4);
	assert_int_not_equal(in_node(talk_twice), 0);
	assert_in_range(s_world.packets, 2, 100);
}

static void talk_late(void)
{
	exchange(dial(SERVER_V4 ":443"), HELLO_LATE);
}

static void divert_server(struct loop_timer *timer)
{
	(void)timer;
	run("ip route add " SERVER_V4 "/32 dev inside0");
}

static void an_answer_from_the_wrong_side_confirms_nothing(void **state)
{
	struct loop_timer timer = {0};

	(void)state;
	start_afresh();
	s_world.without_snat = true; /* masquerade ends a flow whose route changes */
	apply(false);
	s_world.without_snat = false;
	pin(SERVER_V4);
	assert_int_equal(loop_timer_start(s_world.loop, &timer, LATE_MS / 2, divert_server), 0);
	(void)in_node(talk_late);
	run("ip route del " SERVER_V4 "/32 dev inside0");
	find_flows();
	assert_int_equal(s_world.flows, 1);
	assert_int_equal(s_world.flow.mark, mark_make(MARK_CONFIRM, NUMBER));
}

/* Raw packets of the node: whole IPv4 packets, as a pod with CAP_NET_RAW may send them. */
static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void write_ip(uint8_t packet[20], uint8_t protocol, const struct ip_endpoint *from,
		     const struct ip_endpoint *to, size_t payload)
{
	memset(packet, 0, 20);
	packet[0] = 0x45;
	put_16(packet + 2, (uint16_t)(20 + payload));
	packet[8] = 64;
	packet[9] = protocol;
	memcpy(packet + 12, from->address.bytes, 4);
	memcpy(packet + 16, to->address.bytes, 4);
	put_16(packet + 10, checksum(packet, 20));
}

static void send_raw(const struct ip_endpoint *to, const uint8_t *packet, size_t length)
{
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(to, &storage);
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (sendto(raw, packet, length, 0, (struct sockaddr *)&storage, size) < 0)
		_exit(254);
	close(raw);
}

/* An ICMP error from `from` to `to` about a packet of `about` between the two ends. */
static void send_icmp_error(uint8_t type, const struct ip_endpoint *from,
			    const struct ip_endpoint *to, uint8_t about,
			    const struct ip_endpoint *about_from,
			    const struct ip_endpoint *about_to)
{
	uint8_t packet[20 + 8 + 20 + 8] = {0};
	uint8_t *icmp = packet + 20, *inner = icmp + 8;

	write_ip(packet, IPPROTO_ICMP, from, to, sizeof(packet) - 20);
	icmp[0] = type;
	icmp[1] = 1;
	if (type == ICMP_REDIRECT)
		memcpy(icmp + 4, address("10.1.0.2").bytes, 4);
	write_ip(inner, about, about_from, about_to, 8);
	put_16(inner + 20, about_from->port);
	put_16(inner + 22, about_to->port);
	put_16(icmp + 2, checksum(icmp, sizeof(packet) - 20));
	send_raw(to, packet, sizeof(packet));
}

static void complain_before_the_hello(void)
{
	struct ip_endpoint server = endpoint(SERVER_V4 ":443"), self;
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	int connection = dial(SERVER_V4 ":443");

	if (getsockname(connection, (struct sockaddr *)&storage, &size) < 0 ||
	    ip_from_sockaddr(&storage, &self) < 0)
		_exit(254);
	send_icmp_error(ICMP_UNREACHABLE, &self, &server, IPPROTO_TCP, &server, &self);
	usleep(50000);
}

static void complain_behind_the_hello(void)
{
	struct ip_endpoint server = endpoint(SERVER_V4 ":443"), self;
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	int connection = dial(SERVER_V4 ":443");

	exchange(connection, HELLO_PLAIN);
	if (getsockname(connection, (struct sockaddr *)&storage, &size) < 0 ||
	    ip_from_sockaddr(&storage, &self) < 0)
		_exit(254);
	send_icmp_error(ICMP_UNREACHABLE, &self, &server, IPPROTO_TCP, &server, &self);
	usleep(50000);
}

static void an_icmp_error_carries_nothing_out_before_the_hello_is_judged(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(count_leaving(IPPROTO_ICMP, complain_before_the_hello), 0);
	assert_int_equal(count_leaving(IPPROTO_ICMP, complain_behind_the_hello), 1);
}

/* What the gateway asks outside may be answered from there only. */
static struct ip_endpoint s_asking;

static void answer_in_the_upstreams_name(void)
{
	struct ip_endpoint upstream = endpoint(SERVER_V4 ":53");
	uint8_t packet[20 + 8 + 4] = {0};

	write_ip(packet, IPPROTO_UDP, &upstream, &s_asking, 12);
	put_16(packet + 20, upstream.port);
	put_16(packet + 22, s_asking.port);
	put_16(packet + 24, 12);
	memcpy(packet + 28, "evil", 4);
	send_raw(&s_asking, packet, sizeof(packet));
	usleep(50000);
}

static void an_answer_to_the_gateway_itself_cannot_be_forged_inside(void **state)
{
	struct ip_endpoint upstream = endpoint(SERVER_V4 ":53");
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&upstream, &storage);
	int asking = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char byte;

	(void)state;
	start_afresh();
	assert_int_equal(connect(asking, (struct sockaddr *)&storage, size), 0);
	assert_int_equal(send(asking, "ask", 3, 0), 3);
	size = sizeof(storage);
	assert_int_equal(getsockname(asking, (struct sockaddr *)&storage, &size), 0);
	assert_int_equal(ip_from_sockaddr(&storage, &s_asking), 0);
	(void)recv(asking, &byte, 1, 0); /* clears the error: nobody listens there */
	assert_int_equal(in_node(answer_in_the_upstreams_name), 0);
	ssize_t got = recv(asking, &byte, 1, 0);
	assert_true(got < 0);
	close(asking);
}

/* STRANGER is protected, but routed outside; what is behind INNER_SERVER answers for it. */
#define STRANGER     "10.1.0.77"
#define INNER_SERVER "203.0.113.9"

static void send_datagram(const struct ip_endpoint *from, const struct ip_endpoint *to)
{
	uint8_t packet[20 + 8 + 4] = {0};

	write_ip(packet, IPPROTO_UDP, from, to, 12);
	put_16(packet + 20, from->port);
	put_16(packet + 22, to->port);
	put_16(packet + 24, 12);
	send_raw(to, packet, sizeof(packet));
	usleep(50000);
}

static void answer_a_stranger_s_question(void)
{
	struct ip_endpoint stranger = endpoint(STRANGER ":4000"),
			   server = endpoint(INNER_SERVER ":123");

	send_datagram(&stranger, &server);
	send_datagram(&server, &stranger);
}

static void an_answer_from_inside_stays_inside(void **state)
{
	(void)state;
	start_afresh();
	s_world.without_snat = true;
	apply(false);
	s_world.without_snat = false;
	run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.inside0.rp_filter=0 "
	    "net.ipv4.neigh.inside0.proxy_delay=0");
	run("ip route add " INNER_SERVER "/32 via 10.1.0.2 && "
	    "ip route add " STRANGER "/32 via " SERVER_V4 " && "
	    "ip neigh add proxy " STRANGER " dev inside0");
	assert_int_equal(count_leaving(IPPROTO_UDP, answer_a_stranger_s_question), 0);
	find_flows();
	assert_int_equal(s_world.flows, 1); /* the question itself is allowed */
	run("ip route del " INNER_SERVER "/32; ip route del " STRANGER "/32; "
	    "ip neigh del proxy " STRANGER " dev inside0");
}

static void redirect(void)
{
	struct ip_endpoint gateway = endpoint("10.1.0.1:53"), server = endpoint(SERVER_V4 ":53");

	send_icmp_error(ICMP_REDIRECT, &server, &gateway, IPPROTO_UDP, &gateway, &server);
	usleep(50000);
}

static void a_redirect_from_inside_does_not_reach_the_gateway(void **state)
{
	int raw = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	uint8_t packet[256];
	ssize_t got;

	(void)state;
	start_afresh();
	assert_int_equal(in_node(redirect), 0);
	while ((got = recv(raw, packet, sizeof(packet), 0)) > 0)
		assert_false(got > 20 && packet[20] == ICMP_REDIRECT);
	close(raw);
}

static void a_denied_hello_resets_the_client(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	s_world.verdict = MARK_DENIED;
	assert_int_equal(in_node(talk_v4), ECONNRESET);
	find_flows();
	assert_int_equal(s_world.flow.mark, mark_make(MARK_DENIED, NUMBER));
}

static void without_the_queue_rule_a_hello_goes_nowhere(void **state)
{
	(void)state;
	start_afresh();
	apply(true); /* makes the queue chain anew, empty */
	pin(SERVER_V4);
	assert_int_equal(in_node(talk_v4), EAGAIN);
	assert_int_equal(s_world.packets, 0);
}

static void a_reload_leaves_queue_and_pins(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	apply(false);
	assert_int_equal(in_node(talk_v4), 0);
	assert_int_equal(s_world.packets, 1);
}

static void without_proxy_or_pin_a_connection_is_refused_and_logged(void **state)
{
	(void)state;
	start_afresh();
	assert_int_equal(in_node(talk_v4), ECONNREFUSED);
	assert_true(was_logged("no-rule "));
	find_flows();
	assert_int_equal(s_world.flows, 0);
}

static void knock_web(void)
{
	exchange(dial(SERVER_V4 ":8080"), HELLO_PLAIN);
}

static void knock_secret(void)
{
	(void)dial(SERVER_V4 ":8081");
}

static void network_rules_allow_and_deny_with_their_number(void **state)
{
	(void)state;
	start_afresh();
	assert_int_equal(in_node(knock_web), 0);
	assert_true(was_logged("A9 "));
	assert_int_equal(s_world.packets, 0);
	find_flows();
	assert_int_equal(s_world.flow.mark, mark_make(MARK_NETWORK, 9));
	assert_int_equal(in_node(knock_secret), ECONNREFUSED);
	assert_true(was_logged("D10 "));
}

/* The server echoes what looks like a passive answer of FTP, which announces port 8081 of its own.
 */
static void announce_secret(void)
{
	static const char *const lines[] = {"hello\r\n",
					    "227 Entering Passive Mode (192,0,2,2,31,145)\r\n"};
	int connection = dial(SERVER_V4 ":8080");
	char bytes[100];

	exchange(connection, HELLO_PLAIN);
	for (size_t i = 0; i < COUNT(lines); i++)
		if (send(connection, lines[i], strlen(lines[i]), 0) < 0 ||
		    recv(connection, bytes, sizeof(bytes), 0) != (ssize_t)strlen(lines[i]))
			_exit(254);
	(void)dial(SERVER_V4 ":8081");
}

static void a_connection_that_a_helper_expects_is_judged_like_any_other(void **state)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	(void)state;
	start_afresh();
	if (nft_apply("table inet helpers {\n"
		      "	ct helper ftp { type \"ftp\" protocol tcp; }\n"
		      "	chain prerouting {\n"
		      "		type filter hook prerouting priority -160;\n"
		      "		tcp dport 8080 ct helper set \"ftp\"\n"
		      "	}\n"
		      "}\n",
		      &words) != 0)
		skip_because("the kernel has no connection tracking helper for FTP");
	int result = in_node(announce_secret);
	run("nft delete table inet helpers");
	assert_int_equal(result, ECONNREFUSED);
	assert_true(was_logged("D10 "));
}

static void knock_udp(const char *where)
{
	struct ip_endpoint to = endpoint(where);
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&to, &storage);
	struct timeval patience = {1, 0};
	int connection = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;

	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(connection, (struct sockaddr *)&storage, size) < 0 ||
	    send(connection, "x", 1, 0) < 0)
		_exit(254);
	_exit(recv(connection, &byte, 1, 0) < 0 ? errno : 0);
}

static void knock_quic(void)
{
	knock_udp(SERVER_V4 ":443");
}

static void knock_resolver(void)
{
	knock_udp(SERVER_V4 ":53");
}

static void knock_time(void)
{
	knock_udp(SERVER_V4 ":123");
}

static void knock_metadata(void)
{
	knock_udp("169.254.169.254:123");
}

static void knock_platform(void)
{
	knock_udp("168.63.129.16:123");
}

static void knock_disguised_metadata(void)
{
	knock_udp("[64:ff9b::169.254.169.254]:123");
}

static void no_rule_leads_to_a_special_address(void **state)
{
	static void (*const knocks[])(void) = {knock_metadata, knock_platform,
					       knock_disguised_metadata};

	(void)state;
	start_afresh();
	run("ip route add default via " SERVER_V4 " && ip route add default via 2001:db8:2::2");
	(void)in_node(knock_time);
	assert_true(was_logged("A11 "));
	for (size_t i = 0; i < COUNT(knocks); i++) {
		assert_int_not_equal(in_node(knocks[i]), 0);
		assert_true(was_logged("special "));
		assert_false(was_logged("A11 "));
	}
	run("ip route del default && ip -6 route del default");
}

static void knock_dns_over_tls(void)
{
	(void)dial(SERVER_V4 ":853");
}

static void knock_with_another_source(void)
{
	if (system("ip addr add 10.77.0.1/32 dev lo && "
		   "ip route replace default via 10.1.0.1 src 10.77.0.1") != 0)
		_exit(254);
	(void)dial(SERVER_V4 ":443");
}

static void each_kind_of_denial_has_its_prefix(void **state)
{
	(void)state;
	start_afresh();
	assert_int_equal(in_node(knock_quic), ECONNREFUSED);
	assert_true(was_logged("quic "));
	assert_int_not_equal(in_node(knock_resolver), 0);
	assert_true(was_logged("other-resolver "));
	assert_int_equal(in_node(knock_dns_over_tls), ECONNREFUSED);
	assert_true(was_logged("dns-over-tls "));
	(void)in_node(knock_with_another_source);
	run("nsenter --net=/proc/%d/ns/net ip route replace default via 10.1.0.1", s_world.node);
	assert_true(was_logged("source "));
}

static void fast_open(void)
{
	struct ip_endpoint to = endpoint(SERVER_V4 ":443");
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&to, &storage);
	int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* 0x405: client, no cookie needed, in either direction */
	if (system("echo 0x405 > /proc/sys/net/ipv4/tcp_fastopen") != 0)
		_exit(254);
	if (sendto(connection, "HHHHHHHHHH", 10, MSG_FASTOPEN | MSG_DONTWAIT,
		   (struct sockaddr *)&storage, size) < 0 &&
	    errno != EINPROGRESS)
		_exit(errno);
	usleep(300000);
}

static void data_in_a_syn_is_dropped(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	(void)in_node(fast_open);
	assert_true(was_logged("syn-data "));
	assert_int_equal(s_world.packets, 0);
}

static void talk_through_death(void)
{
	int connection = dial(SERVER_V4 ":443");

	exchange(connection, HELLO_PLAIN);
	usleep(300000);
	exchange(connection, 'x');
}

static void stop_sign(struct loop_timer *timer)
{
	(void)timer;
	life_sign_stop(s_world.sign);
	s_world.sign = NULL;
}

static void without_the_life_sign_only_running_flows_go_on(void **state)
{
	struct loop_timer timer = {0};

	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(loop_timer_start(s_world.loop, &timer, 150, stop_sign), 0);
	assert_int_equal(in_node(talk_through_death), 0);
	assert_null(s_world.sign);
	int result = in_node(talk_v4);
	assert_true(result == EAGAIN || result == EINPROGRESS || result == ETIMEDOUT);
	assert_true(was_logged("gateway-down "));
	start_sign();
	assert_int_equal(in_node(talk_v4), 0);
}

static void flush_ruleset(struct loop_timer *timer)
{
	(void)timer;
	run("nft flush ruleset");
}

static void put_ruleset_back(struct loop_timer *timer)
{
	(void)timer;
	apply(true);
	install_queue();
}

static void talk_through_a_gap(void)
{
	int connection = dial(SERVER_V4 ":443");

	exchange(connection, HELLO_PLAIN);
	usleep(150000);
	exchange(connection, 'x'); /* sent again by TCP until it gets through */
}

static void talk_to_web(void)
{
	int connection = dial(SERVER_V4 ":8080");

	exchange(connection, HELLO_PLAIN);
}

static void assert_nothing_passes(void (*client)(void))
{
	int result = in_node(client);

	assert_true(result == EAGAIN || result == EINPROGRESS || result == ETIMEDOUT);
}

static void when_somebody_flushes_the_ruleset_nothing_gets_out(void **state)
{
	(void)state;
	start_afresh();
	run("nft flush ruleset");
	run("nft list table inet sallyport_alive >/dev/null");
	assert_nothing_passes(talk_v4);
	assert_nothing_passes(talk_v6);
	assert_nothing_passes(talk_to_web);
	apply(true);
	install_queue();
	run("nft flush table inet " RULESET_TABLE);
	assert_nothing_passes(talk_v4);
	assert_nothing_passes(talk_to_web);
	apply(true);
	run("nft flush chain inet " RULESET_TABLE " forward");
	assert_nothing_passes(talk_to_web);
	run("! nft delete table inet sallyport_alive 2>/dev/null");
	start_afresh();
	assert_int_equal(in_node(talk_to_web), 0);
}

static void a_running_flow_waits_until_the_ruleset_is_put_back(void **state)
{
	struct loop_timer flush = {0}, put_back = {0};

	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(loop_timer_start(s_world.loop, &flush, 80, flush_ruleset), 0);
	assert_int_equal(loop_timer_start(s_world.loop, &put_back, 400, put_ruleset_back), 0);
	assert_int_equal(in_node(talk_through_a_gap), 0);
	assert_int_equal(s_world.packets, 1);
}

static uint64_t fingerprint(void)
{
	uint64_t found = 1;

	assert_int_equal(ruleset_fingerprint(&found), 0);
	return found;
}

static void the_fingerprint_changes_with_chains_and_rules_and_not_with_elements(void **state)
{
	uint64_t before;

	(void)state;
	start_afresh();
	before = fingerprint();
	pin(SERVER_V4);
	assert_true(before != 0 && fingerprint() == before);
	run("nft add rule inet " RULESET_TABLE " network_rules accept");
	assert_true(fingerprint() != before);
	start_afresh();
	before = fingerprint();
	run("nft flush chain inet " RULESET_TABLE " " RULESET_QUEUE_CHAIN);
	assert_true(fingerprint() != before);
	run("nft flush ruleset");
	assert_true(fingerprint() == 0);
}

static void cut_flow(struct loop_timer *timer)
{
	(void)timer;
	find_flows();
	assert_int_equal(s_world.flows, 1);
	struct conntrack_flow found;
	assert_int_equal(conntrack_find(&s_world.flow, &found), 0);
	assert_int_equal(found.mark, s_world.flow.mark);
	assert_int_equal(conntrack_set_mark(&s_world.flow, mark_make(MARK_DENIED, NUMBER)), 0);
	assert_int_equal(conntrack_find(&s_world.flow, &found), 0);
	assert_int_equal(found.mark, mark_make(MARK_DENIED, NUMBER));
	found.source.port++;
	assert_int_equal(conntrack_find(&found, &found), -ENOENT);
}

static void a_running_flow_can_be_cut(void **state)
{
	struct loop_timer timer = {0};

	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(loop_timer_start(s_world.loop, &timer, 150, cut_flow), 0);
	assert_int_equal(in_node(talk_through_death), ECONNRESET);
}

static void only_listen(void)
{
	int connection = dial(SERVER_V4 ":443");
	char byte;

	exchange(connection, HELLO_FLOOD);
	while (recv(connection, &byte, 1, 0) > 0)
		;
	_exit(errno);
}

static int connections_of_server(void)
{
	char command[128];
	int count = 0;

	snprintf(command, sizeof(command),
		 "nsenter --net=/proc/%d/ns/net ss -Htn state established", s_world.server);
	FILE *list = popen(command, "re");
	assert_non_null(list);
	for (int c = getc(list); c != EOF; c = getc(list))
		count += c == '\n';
	assert_int_equal(pclose(list), 0);
	return count;
}

static void a_cut_flow_that_only_receives_is_reset_on_both_sides(void **state)
{
	struct loop_timer timer = {0};
	int before;

	(void)state;
	start_afresh();
	before = connections_of_server(); /* other tests leave some that nobody has closed */
	pin(SERVER_V4);
	assert_int_equal(loop_timer_start(s_world.loop, &timer, 150, cut_flow), 0);
	assert_int_equal(in_node(only_listen), ECONNRESET);
	for (int tries = 0; connections_of_server() > before && tries < 20; tries++)
		run_loop_for(100);
	assert_true(connections_of_server() <= before);
}

static void the_end_of_a_flow_is_told_with_its_figures(void **state)
{
	(void)state;
	start_afresh();
	pin(SERVER_V4);
	assert_int_equal(in_node(talk_v4), 0);
	forget_flows();
	run_loop_for(50);
	assert_int_equal(s_world.ended, 1);
	assert_int_equal(s_world.last_ended.mark, mark_make(MARK_INSPECTED, NUMBER));
	assert_true(s_world.last_ended.bytes_out > 1800);
	assert_int_equal(s_world.last_ended.destination.port, 443);
	assert_int_equal(conntrack_set_mark(&s_world.last_ended, MARK_DENIED), -ENOENT);
	assert_int_equal(conntrack_events_lost(s_world.events), 0);
	assert_int_equal(packet_log_lost(s_world.log), 0);
	assert_int_equal(queue_figures(s_world.queue).lost, 0);
	assert_true(queue_figures(s_world.queue).packets > 0);
}

static void an_unpinned_destination_reaches_the_proxy(void **state)
{
	struct sockaddr_storage local;
	socklen_t size = sizeof(local);
	struct ip_endpoint seen, wanted = endpoint(SERVER_V4 ":443");
	int listener;

	(void)state;
	start_afresh();
	listener = listen_on("127.0.0.1:15001", true);
	pid_t proxy = fork();
	if (proxy == 0) {
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (getsockname(connection, (struct sockaddr *)&local, &size) < 0 ||
		    ip_from_sockaddr(&local, &seen) != 0)
			_exit(1);
		answer(connection);
		_exit(ip_endpoint_equal(&seen, &wanted) ? 0 : 2);
	}
	assert_int_equal(in_node(talk_v4), 0);
	int status;
	assert_int_equal(waitpid(proxy, &status, 0), proxy);
	assert_int_equal(WEXITSTATUS(status), 0);
	close(listener);
	find_flows();
	assert_int_equal(s_world.flows, 1);
	assert_int_equal(mark_state(s_world.flow.mark), MARK_PROXIED);
	assert_int_equal(s_world.packets, 0);
}

static void a_queue_has_one_reader(void **state)
{
	(void)state;
	start_afresh();
	errno = 0;
	assert_null(queue_open(s_world.loop, 3, 16, packet_queued, NULL));
	assert_int_equal(errno, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_hello_of_an_inspected_flow_is_queued),
		cmocka_unit_test(a_long_hello_is_queued_in_segments),
		cmocka_unit_test(the_same_holds_for_ipv6),
		cmocka_unit_test(one_interface_may_be_both_sides),
		cmocka_unit_test(a_retry_request_brings_the_second_hello_to_the_queue),
		cmocka_unit_test(a_connection_in_confirm_takes_no_second_first_release),
		cmocka_unit_test(an_answer_from_the_wrong_side_confirms_nothing),
		cmocka_unit_test(an_icmp_error_carries_nothing_out_before_the_hello_is_judged),
		cmocka_unit_test(an_answer_to_the_gateway_itself_cannot_be_forged_inside),
		cmocka_unit_test(an_answer_from_inside_stays_inside),
		cmocka_unit_test(a_redirect_from_inside_does_not_reach_the_gateway),
		cmocka_unit_test(no_rule_leads_to_a_special_address),
		cmocka_unit_test(a_denied_hello_resets_the_client),
		cmocka_unit_test(without_the_queue_rule_a_hello_goes_nowhere),
		cmocka_unit_test(a_reload_leaves_queue_and_pins),
		cmocka_unit_test(without_proxy_or_pin_a_connection_is_refused_and_logged),
		cmocka_unit_test(network_rules_allow_and_deny_with_their_number),
		cmocka_unit_test(a_connection_that_a_helper_expects_is_judged_like_any_other),
		cmocka_unit_test(each_kind_of_denial_has_its_prefix),
		cmocka_unit_test(data_in_a_syn_is_dropped),
		cmocka_unit_test(without_the_life_sign_only_running_flows_go_on),
		cmocka_unit_test(when_somebody_flushes_the_ruleset_nothing_gets_out),
		cmocka_unit_test(a_running_flow_waits_until_the_ruleset_is_put_back),
		cmocka_unit_test(
			the_fingerprint_changes_with_chains_and_rules_and_not_with_elements),
		cmocka_unit_test(a_running_flow_can_be_cut),
		cmocka_unit_test(a_cut_flow_that_only_receives_is_reset_on_both_sides),
		cmocka_unit_test(the_end_of_a_flow_is_told_with_its_figures),
		cmocka_unit_test(an_unpinned_destination_reaches_the_proxy),
		cmocka_unit_test(a_queue_has_one_reader),
	};

	return cmocka_run_group_tests(tests, build_world, tear_down);
}
