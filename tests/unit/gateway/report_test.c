/* What the kernel tells, played by the test → lines of the log. */
#include "world.h"

#include <netinet/in.h>

#include "kernel/mark.h"
#include "proto/packet/packet.h"

static void write_rules(struct rule_set *set)
{
	write_collection(set, "by-name", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "time", "from:* fqdn:time.example udp port:123");
	write_rule(set, "subnet", "from:* to:203.0.113.0/24 tcp port:*");
	write_collection(set, "never", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(set, "evil", "from:* https:443 pattern:evil.example");
	write_collection(set, "by-hello", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(set, "web", "from:* https:443 pattern:*.example");
}

static void (*s_logged)(void *context, const struct packet_log_entry *entry);
static void (*s_ended)(void *context, const struct conntrack_flow *flow);
static void *s_context;
static int s_closed;
static bool s_refuse_log, s_refuse_ends;

struct packet_log *packet_log_open(struct loop *loop, uint16_t group,
				   void (*function)(void *context,
						    const struct packet_log_entry *entry),
				   void *context)
{
	(void)loop;
	assert_int_equal(group, RULESET_LOG_GROUP);
	s_logged = function;
	s_context = context;
	errno = EPERM;
	return s_refuse_log ? NULL : (struct packet_log *)(void *)&s_logged;
}

void packet_log_close(struct packet_log *log)
{
	assert_ptr_equal(log, (struct packet_log *)(void *)&s_logged);
	s_closed++;
}

struct conntrack_events *conntrack_events_open(struct loop *loop,
					       void (*ended)(void *context,
							     const struct conntrack_flow *flow),
					       void *context)
{
	(void)loop;
	assert_ptr_equal(context, s_context);
	s_ended = ended;
	errno = ENOBUFS;
	return s_refuse_ends ? NULL : (struct conntrack_events *)(void *)&s_ended;
}

void conntrack_events_close(struct conntrack_events *events)
{
	assert_ptr_equal(events, (struct conntrack_events *)(void *)&s_ended);
	s_closed++;
}

static int open_reporter(void **state)
{
	struct world *world;

	make_world(state, write_rules);
	world = *state;
	number_rules(world); /* time 1, subnet 2 */
	s_refuse_log = s_refuse_ends = false;
	return reporter_open(&world->gateway.reporter, &world->gateway);
}

static int close_reporter(void **state)
{
	struct world *world = *state;

	s_closed = 0;
	reporter_close(&world->gateway.reporter);
	assert_int_equal(s_closed, 2);
	return end_world(state);
}

static void log_segment(const char *prefix, const char *destination, uint16_t port)
{
	struct packet_segment segment = {.flags = PACKET_TCP_SYN};
	uint8_t packet[PACKET_SEGMENT_MAX];
	struct packet_log_entry entry = {.prefix = prefix, .bytes = packet};

	segment.source.address = write_address(strchr(destination, ':') ? "fd42::5" : "10.42.0.5");
	segment.source.port = 40000;
	segment.destination.address = write_address(destination);
	segment.destination.port = port;
	entry.length = packet_build_segment(&segment, packet, sizeof(packet));
	s_logged(s_context, &entry);
}

static uint64_t hits_of(struct world *world, const char *label)
{
	const struct policy *policy = policy_slot_enter(world->gateway.slot);
	uint64_t hits = policy_hits(policy, policy_rule_find(policy, label));

	policy_slot_leave(world->gateway.slot);
	return hits;
}

/* ----------------------------------------------------------------- logged packets */

static void each_kernel_refusal_has_its_reason(void **state)
{
	static const struct {
		const char *prefix, *reason;
	} cases[] = {
		{"no-rule", "no_rule"},           {"source", "source_not_protected"},
		{"special", "special_address"},   {"other-resolver", "dns_other_resolver"},
		{"dns-over-tls", "dns_over_tls"}, {"quic", "quic"},
		{"syn-data", "syn_data"},         {"invalid", "invalid_packet"},
		{"gateway-down", "gateway_down"}, {"what is this", "internal"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[200];

		log_segment(cases[i].prefix, "198.51.100.1", (uint16_t)(1000 + i));
		snprintf(words, sizeof(words),
			 "\"event\":\"verdict\",\"source\":\"10.42.0.5:40000\",\"destination\":"
			 "\"198.51.100.1:%zu\",\"protocol\":\"tcp\",\"action\":\"deny\",\"reason\":"
			 "\"%s\",\"path\":\"kernel\"}",
			 1000 + i, cases[i].reason);
		assert_logged(*state, words);
	}
}

static void a_network_rules_new_flow_is_told_with_the_rule_and_counted(void **state)
{
	log_segment("A2", "203.0.113.9", 22);
	assert_logged(*state, "\"destination\":\"203.0.113.9:22\",\"protocol\":\"tcp\",\"action\":"
			      "\"allow\",\"rule\":\"by-name/subnet\",\"reason\":\"rule_allows\","
			      "\"path\":\"network\"");
	assert_int_equal(hits_of(*state, "by-name/subnet"), 1);
	assert_int_equal(hits_of(*state, "by-name/time"), 0);
}

static void a_denying_rule_is_told_as_such(void **state)
{
	log_segment("D2", "2001:db8::9", 22);
	assert_logged(*state,
		      "\"source\":\"[fd42::5]:40000\",\"destination\":\"[2001:db8::9]:22\","
		      "\"protocol\":\"tcp\",\"action\":\"deny\",\"rule\":\"by-name/subnet\","
		      "\"reason\":\"rule_denies\",\"path\":\"network\"");
}

static void a_rule_by_name_tells_the_name_behind_the_address(void **state)
{
	pin_for(*state, "other.example", "198.51.100.7", MINUTE_MS);
	pin_for(*state, "time.example", "198.51.100.7", MINUTE_MS);
	log_segment("A1", "198.51.100.7", 123);
	assert_logged(*state, "\"name\":\"time.example\",\"name_from\":\"pin\"");
}

static void a_name_of_another_rule_is_not_told(void **state)
{
	pin_for(*state, "other.example", "198.51.100.7", MINUTE_MS);
	log_segment("A1", "198.51.100.7", 123);
	assert_logged(*state, "\"destination\":\"198.51.100.7:123\",\"protocol\"");
}

static void a_number_that_means_nothing_or_a_name_gives_no_rule(void **state)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "A%u", number_of(*state, ADMISSION_NAME, "x.example"));
	log_segment(prefix, "198.51.100.1", 1);
	log_segment("A999", "198.51.100.1", 2);
	assert_logged(*state,
		      "198.51.100.1:1\",\"protocol\":\"tcp\",\"action\":\"allow\",\"reason\"");
	assert_logged(*state,
		      "198.51.100.1:2\",\"protocol\":\"tcp\",\"action\":\"allow\",\"reason\"");
}

static void a_rule_that_a_reload_took_away_is_still_named(void **state)
{
	number_of(*state, ADMISSION_RULE, "old/rule"); /* number 3 */
	log_segment("A3", "198.51.100.1", 1);
	assert_logged(*state, "\"rule\":\"old/rule\"");
}

static void a_packet_that_cannot_be_read_is_told_all_the_same(void **state)
{
	uint8_t bytes[3] = {0x45, 0, 0};
	struct packet_log_entry entry = {"no-rule", bytes, sizeof(bytes)};

	s_logged(s_context, &entry);
	assert_logged(*state, "\"event\":\"verdict\",\"protocol\":\"other\",\"action\":\"deny\","
			      "\"reason\":\"no_rule\"");
}

/* --------------------------------------------------------------------- ended flows */

static void end_flow(uint8_t protocol, uint16_t port, uint32_t mark)
{
	struct conntrack_flow *flow = add_flow(protocol, "10.42.0.5", "198.51.100.7", port, mark);

	flow->bytes_out = 11;
	flow->bytes_in = 22;
	flow->duration_ms = 33;
	s_ended(s_context, flow);
}

static void the_end_of_an_inspected_flow_tells_name_rule_bytes_and_time(void **state)
{
	uint32_t number = number_of(*state, ADMISSION_NAME, "x.example");

	end_flow(IPPROTO_TCP, 443, mark_make(MARK_INSPECTED, number));
	assert_logged(*state,
		      "\"event\":\"end\",\"source\":\"10.42.0.5:40000\",\"destination\":"
		      "\"198.51.100.7:443\",\"name\":\"x.example\",\"name_from\":\"sni\","
		      "\"protocol\":\"https\",\"action\":\"allow\",\"rule\":\"by-hello/web\","
		      "\"reason\":\"rule_allows\",\"path\":\"inspect\",\"bytes_out\":11,"
		      "\"bytes_in\":22,\"duration_ms\":33}");
}

static void the_end_of_a_flow_tells_how_its_hello_gave_the_name(void **state)
{
	uint32_t nameless = number_of(*state, ADMISSION_NAMELESS, "x.example");
	uint32_t outer = number_of(*state, ADMISSION_OUTER, "x.example");

	end_flow(IPPROTO_TCP, 443, mark_make(MARK_INSPECTED, nameless));
	assert_logged(*state, "\"name\":\"x.example\",\"name_from\":\"pin\",\"protocol\":"
			      "\"https\",\"action\":\"allow\"");
	end_flow(IPPROTO_TCP, 443, mark_make(MARK_INSPECTED, outer));
	assert_logged(*state, "\"name\":\"x.example\",\"name_from\":\"sni\",\"ech\":true,"
			      "\"protocol\":\"https\",\"action\":\"allow\",\"rule\":"
			      "\"by-hello/web\"");
}

static void a_name_that_is_denied_by_now_ends_without_a_rule(void **state)
{
	uint32_t number = number_of(*state, ADMISSION_NAME, "evil.example");

	end_flow(IPPROTO_TCP, 443, mark_make(MARK_CONFIRM, number));
	assert_logged(*state, "\"name\":\"evil.example\",\"name_from\":\"sni\",\"protocol\":"
			      "\"https\",\"action\":\"allow\",\"reason\"");
}

static void the_end_of_a_network_rules_flow_tells_the_rule(void **state)
{
	end_flow(IPPROTO_UDP, 123, mark_make(MARK_NETWORK, 1));
	end_flow(IPPROTO_ICMP, 0, mark_make(MARK_NETWORK, 2));
	end_flow(IPPROTO_GRE, 0, mark_make(MARK_NETWORK, 2));
	assert_logged(*state,
		      "\"protocol\":\"udp\",\"action\":\"allow\",\"rule\":\"by-name/time\"");
	assert_logged(*state, "\"protocol\":\"icmp\",\"action\":\"allow\",\"rule\":\"by-name/sub");
	assert_logged(*state, "\"protocol\":\"other\",\"action\":\"allow\",\"rule\":\"by-name/sub");
}

static void flows_that_were_never_admitted_end_in_silence(void **state)
{
	end_flow(IPPROTO_TCP, 443, mark_make(MARK_DENIED, 1));
	end_flow(IPPROTO_TCP, 443, mark_make(MARK_HELLO, 0));
	end_flow(IPPROTO_TCP, 443, mark_make(MARK_PROXIED, 0));
	end_flow(IPPROTO_TCP, 443, mark_make(MARK_INSPECTED, 999));
	assert_nothing_logged(*state);
}

static void a_report_that_cannot_be_opened_leaves_nothing_open(void **state)
{
	struct world *world = *state;
	struct reporter reporter = {0};

	s_refuse_log = true;
	assert_int_equal(reporter_open(&reporter, &world->gateway), -EPERM);
	s_closed = 0;
	reporter_close(&reporter);
	assert_int_equal(s_closed, 0);
	s_refuse_log = false;
	s_refuse_ends = true;
	assert_int_equal(reporter_open(&reporter, &world->gateway), -ENOBUFS);
	reporter_close(&reporter);
	assert_int_equal(s_closed, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_reporter, close_reporter)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_kernel_refusal_has_its_reason),
		TEST(a_network_rules_new_flow_is_told_with_the_rule_and_counted),
		TEST(a_denying_rule_is_told_as_such),
		TEST(a_rule_by_name_tells_the_name_behind_the_address),
		TEST(a_name_of_another_rule_is_not_told),
		TEST(a_number_that_means_nothing_or_a_name_gives_no_rule),
		TEST(a_rule_that_a_reload_took_away_is_still_named),
		TEST(a_packet_that_cannot_be_read_is_told_all_the_same),
		TEST(the_end_of_an_inspected_flow_tells_name_rule_bytes_and_time),
		TEST(the_end_of_a_flow_tells_how_its_hello_gave_the_name),
		TEST(a_name_that_is_denied_by_now_ends_without_a_rule),
		TEST(the_end_of_a_network_rules_flow_tells_the_rule),
		TEST(flows_that_were_never_admitted_end_in_silence),
		TEST(a_report_that_cannot_be_opened_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
