#include "inspector_world.h"

#define NAME "mcr.microsoft.com"

static uint8_t s_hello[HELLO_FILE_MAX];
static size_t s_length;

static int set_up(void **state)
{
	(void)state;
	begin(8);
	s_length = load_hello("openssl_tls13", s_hello);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

static uint32_t send_hello(void)
{
	return send_segment(0, s_hello, s_length);
}

static void assert_reset(uint32_t offset)
{
	struct ip_endpoint client = the_client(5000), server = the_server();

	assert_int_equal(s_world.resets, 1);
	assert_true(ip_equal(&s_world.reset.source, &client.address));
	assert_true(ip_equal(&s_world.reset.destination, &server.address));
	assert_int_equal(s_world.reset.source_port, client.port);
	assert_int_equal(s_world.reset.destination_port, server.port);
	assert_int_equal(s_world.reset.sequence, START + offset);
	assert_int_equal(s_world.reset.acknowledgement, 0x01020304);
	assert_int_equal(s_world.reset.flags, PACKET_TCP_RST | PACKET_TCP_ACK);
}

/* ------------------------------------------------------------------- the first hello */

static void an_allowed_name_at_its_address_is_released_with_its_number(void **state)
{
	(void)state;
	pin(NAME);
	uint32_t id = send_hello();
	assert_confirmed(id, NAME);
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
	assert_string_equal(s_world.event.rule, "team/rule");
	assert_int_equal(s_world.lookups + s_world.resets, 0);
	struct inspector_figures figures = inspector_figures(s_world.inspector);
	assert_int_equal(figures.allowed, 1);
	assert_int_equal(figures.packets, 1);
	assert_int_equal(figures.denied + figures.full, 0);
	const struct policy *policy = policy_slot_enter(s_world.slot);
	assert_int_equal(policy_hits(policy, policy_rule_at(policy, 0)), 1);
	policy_slot_leave(s_world.slot);
}

static void a_hello_in_pieces_leaves_together_and_its_last_packet_confirms(void **state)
{
	(void)state;
	pin(NAME);
	uint32_t third = send_segment(200, s_hello + 200, s_length - 200);
	uint32_t first = send_segment(0, s_hello, 100);
	assert_held(third);
	assert_held(first);
	uint32_t second = send_segment(100, s_hello + 100, 100);
	assert_int_equal(mark_state(s_world.marks[third]), MARK_HELLO);
	assert_int_equal(mark_state(s_world.marks[first]), MARK_HELLO);
	assert_confirmed(second, NAME);
	assert_int_equal(s_world.order[2], second);
}

static void a_packet_after_the_release_is_a_repetition(void **state)
{
	static const uint8_t change_cipher[] = {20, 3, 3, 0, 1, 1};

	(void)state;
	pin(NAME);
	send_hello();
	uint32_t again = send_hello();
	uint32_t more = send_segment((uint32_t)s_length, change_cipher, sizeof(change_cipher));
	assert_mark(again, mark_make(MARK_REPEAT, number_of(NAME)));
	assert_mark(more, mark_make(MARK_REPEAT, number_of(NAME)));
	assert_int_equal(s_world.events, 1);
}

static void a_hello_that_leaves_in_parts_confirms_once(void **state)
{
	/* the second packet ends inside a handshake record behind the hello */
	uint8_t more[HELLO_FILE_MAX];

	(void)state;
	pin(NAME);
	memcpy(more, s_hello, s_length);
	memcpy(more + s_length, s_hello, s_length);
	uint32_t first = send_segment(0, more, 100);
	uint32_t second = send_segment(100, more + 100, s_length - 100 + 20);
	assert_confirmed(first, NAME);
	assert_held(second);
	uint32_t third = send_segment((uint32_t)s_length + 20, more + s_length + 20, s_length - 20);
	assert_mark(second, mark_make(MARK_REPEAT, number_of(NAME)));
	assert_mark(third, mark_make(MARK_REPEAT, number_of(NAME)));
}

static void a_name_that_no_rule_allows_is_denied_and_its_packets_do_not_leave(void **state)
{
	(void)state;
	policy_slot_swap(s_world.slot, write_policy("*.example.com"));
	pin(NAME);
	uint32_t first = send_segment(0, s_hello, 100);
	uint32_t second = send_segment(100, s_hello + 100, s_length - 100);
	assert_dropped(first);
	assert_denied_with(second);
	assert_event(RULE_DENY, REASON_NO_RULE, NAME);
	assert_reset(0);
	assert_int_equal(flows_held(), 0);
}

static void an_encrypted_hello_whose_outer_name_is_denied_has_its_own_reason(void **state)
{
	(void)state;
	policy_slot_swap(s_world.slot, write_policy("*.example.com"));
	s_length = load_hello("grease_ech", s_hello);
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_ENCRYPTED_HELLO, "eastus.data.mcr.microsoft.com");
}

static void a_hello_without_a_name_is_denied(void **state)
{
	(void)state;
	s_length = load_hello("openssl_no_name", s_hello);
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_NO_NAME, "");
}

static uint32_t number_of_kind(enum admission_kind kind, const char *name)
{
	uint32_t number;

	assert_int_equal(admissions_number(s_world.admissions, kind, name, &number), 0);
	return number;
}

static void a_hello_without_a_name_is_released_where_a_rule_says_so_of_the_address(void **state)
{
	(void)state;
	policy_slot_swap(s_world.slot, write_policy(NAME " no_sni"));
	pin(NAME);
	s_length = load_hello("openssl_no_name", s_hello);
	uint32_t id = send_hello();
	assert_mark(id, mark_make(MARK_CONFIRM, number_of_kind(ADMISSION_NAMELESS, NAME)));
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
	assert_int_equal(s_world.event.name_origin, NAME_FROM_PIN);
	assert_string_equal(s_world.event.rule, "team/rule");
}

static void a_hello_without_a_name_is_denied_where_the_address_is_another_name_s(void **state)
{
	static const char *const rules[] = {
		"packages.microsoft.com no_sni", /* not answered with this address */
		"*.microsoft.com no_sni",        /* a wildcard names nothing */
		NAME,                            /* the default */
	};

	(void)state;
	pin(NAME);
	s_length = load_hello("openssl_no_name", s_hello);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		policy_slot_swap(s_world.slot, write_policy(rules[i]));
		assert_denied_with(send_hello());
		assert_event(RULE_DENY, REASON_NO_NAME, "");
	}
	assert_int_equal(s_world.lookups, 0);
}

static void a_name_that_may_be_left_out_is_judged_when_it_is_there(void **state)
{
	(void)state;
	policy_slot_swap(s_world.slot, write_policy("packages.microsoft.com no_sni"));
	pin("packages.microsoft.com");
	assert_denied_with(send_hello()); /* mcr */
	assert_event(RULE_DENY, REASON_NO_RULE, NAME);
}

static void an_encrypted_hello_is_released_by_its_outer_name_and_told(void **state)
{
	(void)state;
	pin("eastus.data.mcr.microsoft.com");
	s_length = load_hello("grease_ech", s_hello);
	uint32_t id = send_hello();
	assert_mark(id, mark_make(MARK_CONFIRM, number_of_kind(ADMISSION_OUTER,
							       "eastus.data.mcr.microsoft.com")));
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, "eastus.data.mcr.microsoft.com");
	assert_true(s_world.event.has_encrypted_hello);
}

static void an_encrypted_hello_is_denied_by_a_rule_that_refuses_it(void **state)
{
	(void)state;
	policy_slot_swap(s_world.slot, write_policy("*.microsoft.com no_ech"));
	pin("eastus.data.mcr.microsoft.com");
	s_length = load_hello("grease_ech", s_hello);
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_ENCRYPTED_HELLO, "eastus.data.mcr.microsoft.com");
	assert_true(s_world.event.has_encrypted_hello);
	s_length = load_hello("openssl_tls13", s_hello);
	pin(NAME);
	assert_confirmed(send_hello(), NAME); /* without one the rule allows it */
	assert_false(s_world.event.has_encrypted_hello);
}

static void a_name_without_a_canonical_form_is_denied(void **state)
{
	(void)state;
	uint8_t *name = memmem(s_hello, s_length, NAME, strlen(NAME));
	assert_non_null(name);
	name[3] = '/';
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_NAME_INVALID, "");
	assert_non_null(s_world.event.detail);
}

static void what_is_not_tls_is_denied_at_its_first_byte(void **state)
{
	(void)state;
	pin(NAME);
	assert_denied_with(send_segment(0, (const uint8_t *)"G", 1));
	assert_event(RULE_DENY, REASON_NOT_TLS, "");
	assert_reset(0);
}

static void
a_hello_with_more_handshake_in_its_record_is_denied_and_never_called_allowed(void **state)
{
	(void)state;
	pin(NAME);
	s_hello[4]++;
	s_hello[s_length] = 0;
	s_length++;
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_HELLO_MALFORMED, "");
	assert_int_equal(s_world.events, 1);
}

static void what_stands_behind_an_allowed_hello_may_deny_the_whole(void **state)
{
	(void)state;
	pin(NAME);
	memcpy(s_hello + s_length, "GET / HTTP/1.1", 14);
	uint32_t first = send_segment(0, s_hello, s_length - 10);
	uint32_t second = send_segment((uint32_t)s_length - 10, s_hello + s_length - 10, 24);
	assert_dropped(first);
	assert_denied_with(second);
	assert_event(RULE_DENY, REASON_NOT_TLS, NAME);
	assert_int_equal(s_world.events, 1); /* not "allowed" first */
	assert_reset(0);                     /* the server has none of it */
	assert_int_equal(inspector_figures(s_world.inspector).allowed, 0);
}

static void no_number_left_for_the_admission_denies(void **state)
{
	(void)state;
	pin(NAME);
	for (int i = 0; i < 100; i++) {
		char name[32];
		uint32_t number;

		snprintf(name, sizeof(name), "n%d.example.com", i);
		admissions_number(s_world.admissions, ADMISSION_NAME, name, &number);
	}
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_FLOWS_FULL, NAME);
}

/* ------------------------------------------------------------------- lookups */

static void an_unknown_destination_is_looked_up_and_then_released(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	assert_held(id);
	assert_int_equal(s_world.lookups, 1);
	assert_string_equal(s_world.sought.text, NAME);
	assert_int_equal(s_world.events, 0);
	uint32_t again = send_hello();
	assert_held(again);
	assert_int_equal(s_world.lookups, 1);
	pin(NAME);
	finish_lookup(0, REASON_RULE_ALLOWS);
	assert_int_equal(mark_state(s_world.marks[id]), MARK_HELLO);
	assert_confirmed(again, NAME);
	assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
}

static void a_lookup_that_is_answered_at_once_is_the_same(void **state)
{
	(void)state;
	s_world.play = LOOKUP_AT_ONCE;
	uint32_t id = send_hello();
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_NAME_ADDRESS_MISMATCH, NAME);
	assert_int_equal(flows_held(), 0);
}

static void a_name_that_is_not_at_this_address_is_denied(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	finish_lookup(0, REASON_RULE_ALLOWS);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_NAME_ADDRESS_MISMATCH, NAME);
	assert_reset(0);
}

static void a_lookup_that_fails_denies(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	finish_lookup(-ETIMEDOUT, REASON_RULE_ALLOWS);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_LOOKUP_FAILED, NAME);
}

static void a_name_that_leads_to_a_special_address_is_denied_for_that(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	finish_lookup(-EACCES, REASON_SPECIAL_ADDRESS);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_SPECIAL_ADDRESS, NAME);
}

static void a_pin_at_an_address_that_a_reload_no_longer_allows_is_denied(void **state)
{
	(void)state;
	s_world.server_is_private = true; /* listed when it was pinned */
	pin(NAME);
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_PRIVATE_ADDRESS, NAME);
}

static void too_many_lookups_deny(void **state)
{
	(void)state;
	s_world.play = LOOKUP_FULL;
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_LOOKUP_FAILED, NAME);
	assert_int_equal(flows_held(), 0);
}

static void a_policy_that_changes_during_a_lookup_is_the_one_that_counts(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	pin(NAME);
	policy_slot_swap(s_world.slot, write_policy("*.example.com"));
	finish_lookup(0, REASON_RULE_ALLOWS);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_NO_RULE, NAME);
}

static void a_lookup_that_takes_too_long_is_cancelled(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	pass_time(4999);
	assert_held(id);
	pass_time(1);
	assert_denied_with(id);
	assert_event(RULE_DENY, REASON_LOOKUP_FAILED, NAME);
	assert_int_equal(s_world.cancels, 1);
}

static void a_differing_repetition_during_a_lookup_cancels_it(void **state)
{
	(void)state;
	uint32_t id = send_hello();
	s_hello[50] ^= 1;
	uint32_t other = send_hello();
	assert_dropped(id);
	assert_denied_with(other);
	assert_event(RULE_DENY, REASON_HELLO_OVERLAP, "");
	assert_int_equal(s_world.cancels, 1);
}

static void an_inspector_that_is_freed_cancels_its_lookups(void **state)
{
	(void)state;
	send_hello();
	inspector_free(s_world.inspector);
	assert_int_equal(s_world.cancels, 1);
	s_world.inspector = NULL;
}

/* ------------------------------------------------------------------- after the release */

static void a_differing_repetition_of_a_released_hello_is_denied(void **state)
{
	(void)state;
	pin(NAME);
	send_hello();
	s_hello[60] ^= 1;
	assert_denied_with(send_segment(60, s_hello + 60, 1));
	assert_event(RULE_DENY, REASON_HELLO_OVERLAP, NAME);
	assert_reset((uint32_t)s_length);
}

static void a_second_hello_with_another_name_is_denied(void **state)
{
	uint8_t second[HELLO_FILE_MAX];

	(void)state;
	pin(NAME);
	send_hello();
	size_t length = load_hello("gnutls", second);
	uint32_t first = send_segment((uint32_t)s_length, second, 10);
	assert_held(first);
	uint32_t rest = send_segment((uint32_t)s_length + 10, second + 10, length - 10);
	assert_dropped(first);
	assert_denied_with(rest);
	assert_event(RULE_DENY, REASON_NAME_MISMATCH, NAME);
	assert_reset((uint32_t)s_length);
}

/* Otherwise: the server keeps the first half of one hello, we forget it, and the second half of
 * another allowed one completes a third, which nobody judged. The ruleset refuses the connection
 * when it is in CONFIRM and gets a packet marked HELLO or CONFIRM. */
static void a_forgotten_connection_cannot_pretend_to_go_on(void **state)
{
	(void)state;
	pin(NAME);
	assert_confirmed(send_hello(), NAME);
	pass_time(59999);
	assert_int_equal(flows_held(), 1);
	pass_time(1);
	assert_int_equal(flows_held(), 0);
	uint32_t half = send_segment(0, s_hello, 100);
	uint32_t rest = send_segment(100, s_hello + 100, s_length - 100);
	assert_int_equal(mark_state(s_world.marks[half]), MARK_HELLO);
	assert_confirmed(rest, NAME);
}

/* ------------------------------------------------------------------- connections */

/* A hello may contain another, in its padding. The tail of the first, sent as the beginning of a
 * second connection whose sequence numbers fit, would be a hello that nobody judged. */
static void a_connection_does_not_continue_the_bytes_of_the_one_before_it(void **state)
{
	(void)state;
	pin(NAME);
	uint32_t old = send_segment(0, s_hello, 100);
	uint32_t tail = send_odd(START + 100, 0, s_hello + 100, s_length - 100, (struct odd){0});
	assert_dropped(old);
	assert_denied_with(tail);
	assert_event(RULE_DENY, REASON_NOT_TLS, "");
	assert_int_equal(flows_held(), 0);
}

static void a_new_connection_ends_the_lookup_of_the_one_before_it(void **state)
{
	(void)state;
	uint32_t old = send_hello();
	uint32_t new = send_odd(START + 100, 0, s_hello, 10, (struct odd){0});
	assert_dropped(old);
	assert_held(new);
	assert_int_equal(s_world.cancels, 1);
	assert_int_equal(s_world.resets, 0); /* the number of the old one is nobody's any more */
	assert_int_equal(flows_held(), 1);
}

static void a_new_connection_is_judged_though_the_old_one_was_released(void **state)
{
	(void)state;
	pin(NAME);
	send_hello();
	policy_slot_swap(s_world.slot, write_policy("*.example.com"));
	assert_denied_with(send_odd(START + 1, 0, s_hello, s_length, (struct odd){0}));
	assert_event(RULE_DENY, REASON_NO_RULE, NAME);
}

/* ------------------------------------------------------------------- odd packets */

static void a_packet_whose_first_sequence_number_is_unknown_is_denied(void **state)
{
	(void)state;
	pin(NAME);
	assert_denied_with(send_odd(START, 0, s_hello, s_length, (struct odd){.no_number = true}));
	assert_event(RULE_DENY, REASON_INTERNAL, "");
	assert_int_equal(flows_held(), 0);
	assert_int_equal(inspector_figures(s_world.inspector).full, 0);
}

/* Its mark would be the number that the client chose, and a chain reads marks behind the queue. */
static void a_packet_without_payload_is_dropped(void **state)
{
	(void)state;
	assert_dropped(send_segment(0, s_hello, 0));
	assert_int_equal(flows_held(), 0);
}

static void a_syn_with_payload_is_dropped(void **state)
{
	(void)state;
	pin(NAME);
	assert_dropped(
		send_odd(START, 0, s_hello, s_length, (struct odd){.flags = PACKET_TCP_SYN}));
}

static void a_truncated_copy_is_dropped(void **state)
{
	(void)state;
	pin(NAME);
	assert_dropped(send_odd(START, 0, s_hello, s_length, (struct odd){.truncated = true}));
}

static void what_is_not_tcp_is_dropped(void **state)
{
	(void)state;
	assert_dropped(send_odd(START, 0, s_hello, s_length, (struct odd){.protocol = 17}));
}

static void an_urgent_byte_is_denied(void **state)
{
	(void)state;
	pin(NAME);
	assert_denied_with(
		send_odd(START, 0, s_hello, s_length, (struct odd){.flags = PACKET_TCP_URG}));
	assert_event(RULE_DENY, REASON_HELLO_MALFORMED, "");
}

static void bytes_before_the_start_are_dropped(void **state)
{
	(void)state;
	pin(NAME);
	assert_dropped(send_segment((uint32_t)-1, s_hello, s_length));
	assert_dropped(send_segment((uint32_t)-2000, s_hello, s_length));
	assert_confirmed(send_hello(), NAME);
}

/* ------------------------------------------------------------------- limits */

static void a_hello_that_is_not_whole_in_time_is_denied(void **state)
{
	(void)state;
	uint32_t first = send_segment(0, s_hello, 10);
	pass_time(4000);
	uint32_t second = send_segment(10, s_hello + 10, 10); /* more of it buys no time */
	pass_time(1000);
	assert_dropped(first);
	assert_denied_with(second);
	assert_event(RULE_DENY, REASON_HELLO_TIMEOUT, "");
	assert_int_equal(flows_held(), 0);
}

static void a_second_hello_that_is_not_whole_in_time_is_denied(void **state)
{
	(void)state;
	pin(NAME);
	send_hello();
	pass_time(20000);
	uint32_t first = send_segment((uint32_t)s_length, s_hello, 10);
	pass_time(4000);
	assert_held(first);
	uint32_t second = send_segment((uint32_t)s_length + 10, s_hello + 10, 10);
	pass_time(1000);
	assert_dropped(first);
	assert_denied_with(second);
	assert_event(RULE_DENY, REASON_HELLO_TIMEOUT, NAME);
	assert_reset((uint32_t)s_length);
}

static void a_full_table_denies_new_flows_only(void **state)
{
	(void)state;
	pin(NAME);
	for (uint16_t i = 0; i < 8; i++)
		assert_held(send_odd(START, 0, s_hello, 10,
				     (struct odd){.client_port = (uint16_t)(6000 + i)}));
	assert_denied_with(send_hello());
	assert_event(RULE_DENY, REASON_FLOWS_FULL, "");
	assert_int_equal(inspector_figures(s_world.inspector).full, 1);
	assert_confirmed(
		send_odd(START, 10, s_hello + 10, s_length - 10, (struct odd){.client_port = 6003}),
		NAME);
	assert_confirmed(send_hello(), NAME); /* in the place of the released one */
}

/* Fills the pool of held packets, 64 here, with the pieces of another hello. */
static void fill_pool(void)
{
	for (uint32_t i = 0; i < 64; i++)
		assert_held(send_odd(START, i, s_hello + i, 1, (struct odd){.client_port = 6000}));
}

static void a_packet_for_which_the_pool_has_no_room_is_dropped_and_may_come_again(void **state)
{
	(void)state;
	pin(NAME);
	fill_pool();
	assert_dropped(send_hello());
	assert_int_equal(inspector_figures(s_world.inspector).full, 1);
	assert_int_equal(s_world.events, 0);
	send_odd(START + 7, 0, (const uint8_t *)"x", 1, (struct odd){.client_port = 6000});
	assert_confirmed(send_hello(), NAME);
}

static void a_denied_packet_for_which_the_pool_has_no_room_ends_its_flow(void **state)
{
	(void)state;
	fill_pool();
	assert_int_equal(flows_held(), 1);
	assert_denied_with(send_segment(0, (const uint8_t *)"GET", 3));
	assert_event(RULE_DENY, REASON_NOT_TLS, "");
	assert_int_equal(flows_held(), 1);
}

static void no_packet_stays_behind_a_denied_or_expired_flow(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		fill_pool();
		pass_time(5000);
		assert_int_equal(flows_held(), 0);
		assert_int_equal(s_world.verdicts, s_world.next_id - 1);
	}
}

#define unit(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit(an_allowed_name_at_its_address_is_released_with_its_number),
		unit(a_hello_in_pieces_leaves_together_and_its_last_packet_confirms),
		unit(a_packet_after_the_release_is_a_repetition),
		unit(a_hello_that_leaves_in_parts_confirms_once),
		unit(a_name_that_no_rule_allows_is_denied_and_its_packets_do_not_leave),
		unit(an_encrypted_hello_whose_outer_name_is_denied_has_its_own_reason),
		unit(a_hello_without_a_name_is_denied),
		unit(a_hello_without_a_name_is_released_where_a_rule_says_so_of_the_address),
		unit(a_hello_without_a_name_is_denied_where_the_address_is_another_name_s),
		unit(a_name_that_may_be_left_out_is_judged_when_it_is_there),
		unit(an_encrypted_hello_is_released_by_its_outer_name_and_told),
		unit(an_encrypted_hello_is_denied_by_a_rule_that_refuses_it),
		unit(a_name_without_a_canonical_form_is_denied),
		unit(what_is_not_tls_is_denied_at_its_first_byte),
		unit(a_hello_with_more_handshake_in_its_record_is_denied_and_never_called_allowed),
		unit(what_stands_behind_an_allowed_hello_may_deny_the_whole),
		unit(no_number_left_for_the_admission_denies),
		unit(an_unknown_destination_is_looked_up_and_then_released),
		unit(a_lookup_that_is_answered_at_once_is_the_same),
		unit(a_name_that_is_not_at_this_address_is_denied),
		unit(a_lookup_that_fails_denies),
		unit(a_name_that_leads_to_a_special_address_is_denied_for_that),
		unit(a_pin_at_an_address_that_a_reload_no_longer_allows_is_denied),
		unit(too_many_lookups_deny),
		unit(a_policy_that_changes_during_a_lookup_is_the_one_that_counts),
		unit(a_lookup_that_takes_too_long_is_cancelled),
		unit(a_differing_repetition_during_a_lookup_cancels_it),
		unit(an_inspector_that_is_freed_cancels_its_lookups),
		unit(a_differing_repetition_of_a_released_hello_is_denied),
		unit(a_second_hello_with_another_name_is_denied),
		unit(a_forgotten_connection_cannot_pretend_to_go_on),
		unit(a_connection_does_not_continue_the_bytes_of_the_one_before_it),
		unit(a_new_connection_ends_the_lookup_of_the_one_before_it),
		unit(a_new_connection_is_judged_though_the_old_one_was_released),
		unit(a_packet_whose_first_sequence_number_is_unknown_is_denied),
		unit(a_packet_without_payload_is_dropped),
		unit(a_syn_with_payload_is_dropped),
		unit(a_truncated_copy_is_dropped),
		unit(what_is_not_tcp_is_dropped),
		unit(an_urgent_byte_is_denied),
		unit(bytes_before_the_start_are_dropped),
		unit(a_hello_that_is_not_whole_in_time_is_denied),
		unit(a_second_hello_that_is_not_whole_in_time_is_denied),
		unit(a_full_table_denies_new_flows_only),
		unit(a_packet_for_which_the_pool_has_no_room_is_dropped_and_may_come_again),
		unit(a_denied_packet_for_which_the_pool_has_no_room_ends_its_flow),
		unit(no_packet_stays_behind_a_denied_or_expired_flow),
	};

	policy_slot_register_thread();
	int failed = cmocka_run_group_tests_name("inspect/inspector", tests, NULL, NULL);
	policy_slot_unregister_thread();
	return failed;
}
