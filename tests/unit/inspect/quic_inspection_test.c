#include "inspector_world.h"

#include "../proto/initials.h"

#define NAME          "mcr.microsoft.com"
#define RECORD_HEADER 5

static uint8_t s_hello[HELLO_FILE_MAX];
static size_t s_length;

static void allow(const char *words)
{
	struct rule_set set = {0};
	struct policy *policy;
	char *detail = NULL;

	write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "rule", words);
	assert_int_equal(policy_compile(&set, &policy, &detail), 0);
	policy_slot_swap(s_world.slot, policy);
}

static void take_hello_of(const char *file)
{
	uint8_t record[HELLO_FILE_MAX];

	s_length = load_hello(file, record) - RECORD_HEADER;
	memcpy(s_hello, record + RECORD_HEADER, s_length);
}

static int set_up(void **state)
{
	(void)state;
	begin(4);
	allow("from:10.0.0.0/8 https:443 quic pattern:*.microsoft.com");
	take_hello_of("openssl_tls13");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

static uint32_t send_as(uint32_t mark, uint16_t client_port, const struct initial *datagram)
{
	uint8_t bytes[PACKET_DATAGRAM_MAX];
	struct ip_endpoint client = the_client(client_port), server = the_server();
	struct queue_packet packet = {.id = s_world.next_id++, .mark = mark, .bytes = bytes};

	packet.length =
		packet_build_datagram(&client, &server, datagram->bytes, datagram->length, bytes);
	s_world.received(s_world.context, &packet);
	return packet.id;
}

static uint32_t send_held(const struct initial *datagram)
{
	return send_as(mark_make(MARK_HELLO, 0), 5000, datagram);
}

static uint32_t send_later(const struct initial *datagram)
{
	return send_as(mark_make(MARK_INSPECTED, 77), 5000, datagram);
}

static struct initial piece(size_t begin, size_t end, uint64_t number)
{
	return write_initial("original", begin, s_hello + begin, end - begin,
			     (struct initial_options){.number = number, .size = 1200});
}

static uint32_t send_hello(void)
{
	struct initial datagram = piece(0, s_length, 0);

	return send_held(&datagram);
}

static uint32_t send_another(const char *destination)
{
	struct initial datagram =
		write_initial(destination, 0, s_hello, s_length, (struct initial_options){0});

	return send_later(&datagram);
}

static uint32_t number_of_kind(enum admission_kind kind, const char *name)
{
	uint32_t number;

	assert_int_equal(admissions_number(s_world.admissions, kind, name, &number), 0);
	return number;
}

#define assert_repeated(id, name) assert_mark(id, mark_make(MARK_REPEAT, number_of(name)))

/* ------------------------------------------------------------------- the first hello */

static void an_allowed_name_at_its_address_is_released_with_its_number(void **state)
{
	(void)state;
	pin(NAME);
	uint32_t id = send_hello();
	assert_confirmed(id, NAME);
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
	assert_int_equal(s_world.event.protocol, EVENT_QUIC);
	assert_int_equal(s_world.lookups + s_world.resets + s_world.datagrams, 0);
	assert_int_equal(inspector_figures(s_world.inspector).allowed, 1);
}

static void the_pieces_of_a_hello_but_the_first_are_sent_in_the_flow(void **state)
{
	struct initial pieces[] = {piece(150, s_length, 2), piece(0, 100, 0), piece(100, 150, 1)};
	uint32_t ids[3];

	(void)state;
	pin(NAME);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(s_world.datagrams, 0);
		ids[i] = send_held(&pieces[i]);
	}
	assert_confirmed(ids[0], NAME);
	assert_dropped(ids[1]);
	assert_dropped(ids[2]);
	assert_int_equal(s_world.datagrams, 2);
	assert_int_equal(s_world.datagram_length, pieces[2].length);
	assert_memory_equal(s_world.datagram, pieces[2].bytes, pieces[2].length);
	assert_int_equal(s_world.datagram_at, 3); /* all verdicts were there before */
}

static void a_datagram_that_came_while_the_first_one_waited_is_sent_in_the_flow(void **state)
{
	struct initial again = piece(0, s_length, 1);

	(void)state;
	pin(NAME);
	send_hello();
	assert_dropped(send_held(&again));
	assert_int_equal(s_world.datagrams, 1);
	assert_repeated(send_later(&again), NAME);
	assert_int_equal(s_world.events, 1);
}

static void a_name_that_no_rule_allows_is_denied(void **state)
{
	struct initial first = piece(0, 100, 0), last = piece(100, s_length, 1);

	(void)state;
	allow("from:10.0.0.0/8 https:443 quic pattern:*.example.com");
	pin(NAME);
	uint32_t ids[] = {send_held(&first), send_held(&last)};
	assert_denied_with(ids[0]);
	assert_dropped(ids[1]);
	assert_event(RULE_DENY, REASON_NO_RULE, NAME);
	assert_int_equal(s_world.resets + s_world.datagrams, 0);
	assert_int_equal(flows_held(), 0);
}

static void a_rule_that_does_not_inspect_quic_denies_it(void **state)
{
	(void)state;
	allow("from:10.0.0.0/8 https:443 pattern:*.microsoft.com");
	pin(NAME);
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_QUIC, NAME);
	assert_string_equal(s_world.event.rule, "team/rule");
}

static void an_address_that_was_not_answered_for_the_name_is_looked_up_once(void **state)
{
	(void)state;
	pin("other.microsoft.com");
	uint32_t id = send_hello();
	assert_held(id);
	finish_lookup(0, REASON_RULE_ALLOWS);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_NAME_ADDRESS_MISMATCH, NAME);
	id = send_hello();
	assert_held(id);
	pin(NAME);
	finish_lookup(0, REASON_RULE_ALLOWS);
	assert_confirmed(id, NAME);
}

static void what_is_not_quic_is_denied(void **state)
{
	struct initial datagram = {.length = 0};

	(void)state;
	add_initial(&datagram, "\x40 short", 7);
	assert_denied_with(send_held(&datagram));
	assert_event(RULE_DENY, REASON_NOT_TLS, "");
}

static void half_a_hello_times_out(void **state)
{
	struct initial first = piece(0, 100, 0), second = piece(100, 120, 1);

	(void)state;
	uint32_t id = send_held(&first);
	assert_dropped(send_held(&second));
	pass_time(4900);
	assert_held(id);
	pass_time(200);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_HELLO_TIMEOUT, "");
	assert_int_equal(flows_held(), 0);
}

static void a_tcp_flow_of_the_same_addresses_and_ports_is_another(void **state)
{
	uint8_t record[HELLO_FILE_MAX];
	size_t length = load_hello("openssl_tls13", record);
	struct initial first = piece(0, 100, 0);

	(void)state;
	pin(NAME);
	assert_held(send_held(&first));
	assert_confirmed(send_segment(0, record, length), NAME);
	assert_int_equal(flows_held(), 2);
}

static void a_browser_s_flight_leaves_together_when_it_is_whole(void **state)
{
	struct initial first = load_initial("chromium-1"), second = load_initial("chromium-2");

	(void)state;
	pin(NAME);
	uint32_t ids[] = {send_held(&second), send_held(&first)};
	assert_mark(ids[0], mark_make(MARK_CONFIRM, number_of_kind(ADMISSION_OUTER, NAME)));
	assert_dropped(ids[1]);
	assert_int_equal(s_world.datagrams, 1);
	assert_int_equal(s_world.datagram_length, first.length);
	assert_memory_equal(s_world.datagram, first.bytes, first.length);
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
	assert_true(s_world.event.has_encrypted_hello);
}

/* ------------------------------------------------------------------- without a name */

static void a_hello_without_a_name_is_released_where_a_rule_says_so_of_the_address(void **state)
{
	(void)state;
	allow("from:10.0.0.0/8 https:443 quic no_sni pattern:" NAME);
	pin(NAME);
	take_hello_of("openssl_no_name");
	assert_mark(send_hello(),
		    mark_make(MARK_CONFIRM, number_of_kind(ADMISSION_NAMELESS, NAME)));
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
	assert_int_equal(s_world.event.name_origin, NAME_FROM_PIN);
	assert_int_equal(s_world.event.protocol, EVENT_QUIC);
}

static void a_hello_without_a_name_is_denied_where_no_rule_says_so(void **state)
{
	static const struct {
		const char *rule;
		enum reason reason;
	} cases[] = {
		{"quic pattern:" NAME, REASON_NO_NAME},
		{"quic no_sni pattern:*.microsoft.com", REASON_NO_NAME},
		{"quic no_sni pattern:packages.microsoft.com", REASON_NO_NAME}, /* elsewhere */
		{"no_sni pattern:" NAME, REASON_QUIC},                          /* over TCP alone */
	};

	(void)state;
	pin(NAME);
	take_hello_of("openssl_no_name");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[200];

		snprintf(words, sizeof(words), "from:10.0.0.0/8 https:443 %s", cases[i].rule);
		allow(words);
		assert_denied_with(send_hello());
		assert_event(RULE_DENY, cases[i].reason, "");
	}
	assert_int_equal(s_world.lookups, 0);
}

static void a_second_connection_neither_adds_a_name_nor_leaves_it_out(void **state)
{
	static const char *const hellos[] = {"openssl_no_name", "openssl_tls13"};

	for (size_t i = 0; i < 2; i++) {
		end();
		set_up(state);
		allow("from:10.0.0.0/8 https:443 quic no_sni pattern:" NAME);
		pin(NAME);
		take_hello_of(hellos[i]);
		send_hello();
		assert_int_equal(s_world.event.action, RULE_ALLOW);
		take_hello_of(hellos[!i]);
		assert_denied_with(send_another("another1"));
		assert_event(RULE_DENY, REASON_NAME_MISMATCH, NAME);
	}
}

/* ------------------------------------------------------------------- with an encrypted hello */

#define OUTER "eastus.data.mcr.microsoft.com"

static void an_encrypted_hello_is_released_by_its_outer_name_and_told(void **state)
{
	(void)state;
	pin(OUTER);
	take_hello_of("grease_ech");
	assert_mark(send_hello(), mark_make(MARK_CONFIRM, number_of_kind(ADMISSION_OUTER, OUTER)));
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, OUTER);
	assert_true(s_world.event.has_encrypted_hello);
}

static void an_encrypted_hello_is_denied_where_no_rule_takes_it(void **state)
{
	static const char *const rules[] = {
		"from:10.0.0.0/8 https:443 quic no_ech pattern:*.microsoft.com",
		"from:10.0.0.0/8 https:443 quic pattern:*.example.com",
	};

	(void)state;
	pin(OUTER);
	take_hello_of("grease_ech");
	for (size_t i = 0; i < 2; i++) {
		allow(rules[i]);
		assert_denied_with(send_hello());
		assert_event(RULE_DENY, REASON_ENCRYPTED_HELLO, OUTER);
		assert_true(s_world.event.has_encrypted_hello);
	}
	allow(rules[0]);
	pin(NAME);
	take_hello_of("openssl_tls13");
	assert_confirmed(send_hello(), NAME); /* without one it is allowed */
}

static void a_second_connection_does_not_add_an_encrypted_hello(void **state)
{
	(void)state;
	allow("from:10.0.0.0/8 https:443 quic no_ech pattern:*.microsoft.com");
	pin(OUTER);
	take_hello_of("curl_alpn"); /* the same name */
	assert_confirmed(send_hello(), OUTER);
	assert_repeated(send_another("another1"), OUTER);
	take_hello_of("grease_ech");
	assert_denied_with(send_another("another2"));
	assert_event(RULE_DENY, REASON_ENCRYPTED_HELLO, OUTER);
	assert_int_equal(s_world.datagrams, 0);
}

/* ------------------------------------------------------------------- after the release */

static void a_second_connection_must_carry_the_same_name(void **state)
{
	uint8_t record[HELLO_FILE_MAX];
	size_t length = load_hello("gnutls", record) - RECORD_HEADER;
	struct initial same =
		write_initial("another1", 0, s_hello, s_length, (struct initial_options){0});
	struct initial other = write_initial("another2", 0, record + RECORD_HEADER, length,
					     (struct initial_options){0});

	(void)state;
	pin(NAME);
	send_hello();
	assert_repeated(send_later(&same), NAME);
	assert_denied_with(send_later(&other));
	assert_event(RULE_DENY, REASON_NAME_MISMATCH, NAME);
	assert_int_equal(s_world.datagrams, 0);
}

static void a_second_hello_in_pieces_waits_and_then_leaves_together(void **state)
{
	struct initial first = write_initial("another1", 0, s_hello, 100,
					     (struct initial_options){.token = "retry"});
	struct initial last =
		write_initial("another1", 100, s_hello + 100, s_length - 100,
			      (struct initial_options){.token = "retry", .number = 1});

	(void)state;
	pin(NAME);
	send_hello();
	assert_dropped(send_later(&first));
	assert_int_equal(s_world.datagrams, 0);
	assert_repeated(send_later(&last), NAME);
	assert_int_equal(s_world.datagrams, 1);
	assert_memory_equal(s_world.datagram, first.bytes, first.length);
}

static void a_second_hello_has_its_time_too(void **state)
{
	struct initial first =
		write_initial("another1", 0, s_hello, 100, (struct initial_options){0});

	(void)state;
	pin(NAME);
	send_hello();
	pass_time(10000);
	send_later(&first);
	pass_time(4900);
	assert_int_equal(flows_held(), 1);
	pass_time(200);
	assert_event(RULE_DENY, REASON_HELLO_TIMEOUT, NAME);
	assert_int_equal(s_world.datagrams, 0);
}

static void a_forgotten_flow_takes_nothing_that_could_begin_a_connection(void **state)
{
	static const char handshake[] = "\xe3\0\0\0\x01\x08server's\0\x05"
					"abcde";
	struct initial harmless = {.length = 0}, hello = piece(0, s_length, 0);

	(void)state;
	pin(NAME);
	send_hello();
	pass_time(20000);
	assert_int_equal(flows_held(), 0);
	add_initial(&harmless, handshake, sizeof(handshake) - 1);
	assert_mark(send_later(&harmless), mark_make(MARK_REPEAT, 77));
	assert_dropped(send_later(&hello));
	assert_event(RULE_DENY, REASON_QUIC_LATE_HELLO, "");
	add_initial(&harmless, hello.bytes, hello.length);
	assert_dropped(send_later(&harmless));
	assert_int_equal(flows_held(), 0);
}

/* ------------------------------------------------------------------- limits */

static void a_flow_that_has_no_room_is_denied(void **state)
{
	struct initial first = piece(0, 100, 0);

	(void)state;
	for (uint16_t port = 5000; port < 5004; port++)
		assert_held(send_as(mark_make(MARK_HELLO, 0), port, &first));
	assert_denied_with(send_as(mark_make(MARK_HELLO, 0), 5004, &first));
	assert_event(RULE_DENY, REASON_FLOWS_FULL, "");
	assert_int_equal(inspector_figures(s_world.inspector).full, 1);
}

static void a_flow_that_was_just_released_makes_no_room_yet(void **state)
{
	struct initial hello = piece(0, s_length, 0);

	(void)state;
	pin(NAME);
	for (uint16_t port = 5000; port < 5004; port++)
		send_as(mark_make(MARK_HELLO, 0), port, &hello);
	assert_denied_with(send_as(mark_make(MARK_HELLO, 0), 5004, &hello));
	s_world.now_ms += 1000;
	assert_confirmed(send_as(mark_make(MARK_HELLO, 0), 5004, &hello), NAME);
}

static void copies_are_bounded_and_what_is_beyond_is_dropped(void **state)
{
	struct initial datagram = piece(0, 100, 0);

	(void)state;
	send_held(&datagram);
	for (unsigned int i = 0; i < 20; i++)
		assert_dropped(send_held(&datagram));
	assert_int_equal(inspector_figures(s_world.inspector).full, 20 - 2 * 4);
	assert_int_equal(s_world.datagrams, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_allowed_name_at_its_address_is_released_with_its_number, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_pieces_of_a_hello_but_the_first_are_sent_in_the_flow, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_datagram_that_came_while_the_first_one_waited_is_sent_in_the_flow, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_name_that_no_rule_allows_is_denied, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_rule_that_does_not_inspect_quic_denies_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			an_address_that_was_not_answered_for_the_name_is_looked_up_once, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_quic_is_denied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_a_hello_times_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_tcp_flow_of_the_same_addresses_and_ports_is_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_browser_s_flight_leaves_together_when_it_is_whole,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_hello_without_a_name_is_released_where_a_rule_says_so_of_the_address,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_hello_without_a_name_is_denied_where_no_rule_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_second_connection_neither_adds_a_name_nor_leaves_it_out, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_encrypted_hello_is_released_by_its_outer_name_and_told, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(an_encrypted_hello_is_denied_where_no_rule_takes_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_connection_does_not_add_an_encrypted_hello,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_connection_must_carry_the_same_name,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_second_hello_in_pieces_waits_and_then_leaves_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_hello_has_its_time_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_forgotten_flow_takes_nothing_that_could_begin_a_connection, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_flow_that_has_no_room_is_denied, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_flow_that_was_just_released_makes_no_room_yet,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(copies_are_bounded_and_what_is_beyond_is_dropped,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
