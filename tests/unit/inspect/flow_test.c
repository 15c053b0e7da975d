#include "inspect/flow_impl.h"

#include "../proto/hellos.h"

static uint8_t s_stream[STREAM_CAPACITY];
static struct hello_reader s_reader;

struct bytes {
	uint8_t bytes[2 * STREAM_CAPACITY];
	size_t length;
};

static struct flow fresh(void)
{
	struct flow flow;

	memset(&flow, 0xa5, sizeof(flow));
	flow_init(&flow, s_stream);
	return flow;
}

static enum flow_step take(struct flow *flow, const struct bytes *bytes, size_t from, size_t to)
{
	return flow_take(flow, (int64_t)from, bytes->bytes + from, to - from, false, &s_reader);
}

static struct name the_name(void)
{
	struct name name;

	assert_int_equal(name_from_wire(s_reader.hello.server_name,
					s_reader.hello.server_name_length, &name),
			 NAME_OK);
	return name;
}

static enum flow_step release(struct flow *flow)
{
	struct name name = the_name();

	return flow_release(flow, &name, &s_reader);
}

static struct bytes load(const char *file)
{
	struct bytes bytes;

	bytes.length = load_hello(file, bytes.bytes);
	return bytes;
}

static void add(struct bytes *bytes, const void *more, size_t length)
{
	memcpy(bytes->bytes + bytes->length, more, length);
	bytes->length += length;
}

static void add_record(struct bytes *bytes, uint8_t type, const void *body, size_t length)
{
	uint8_t header[] = {type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length};

	add(bytes, header, sizeof(header));
	add(bytes, body, length);
}

static void add_filled_record(struct bytes *bytes, uint8_t type, size_t length)
{
	static uint8_t body[17000];

	memset(body, type, sizeof(body));
	add_record(bytes, type, body, length);
}

/* A flow whose hello `first` was released, and has what stands behind it in `bytes` to come. */
static struct flow released(struct bytes *bytes, const char *first)
{
	struct flow flow = fresh();

	*bytes = load(first);
	assert_int_equal(take(&flow, bytes, 0, bytes->length), FLOW_STEP_JUDGE);
	assert_int_equal(release(&flow), FLOW_STEP_PASS);
	assert_int_equal(flow.approved, bytes->length);
	return flow;
}

static void assert_denied(struct flow *flow, enum flow_step step, enum reason reason)
{
	assert_int_equal(step, FLOW_STEP_DENY);
	assert_int_equal(flow->state, FLOW_STATE_DENIED);
	assert_string_equal(reason_text(flow->reason), reason_text(reason));
}

/* ------------------------------------------------------------------- the first hello */

enum order {
	ORDER_KEPT,
	ORDER_REVERSED,
	ORDER_FIRST_TWICE,
	ORDER_LAST_TWICE,
	ORDER_WHOLE_AGAIN, /* the first part, then a repetition of everything */
	ORDERS
};

static enum flow_step take_in_order(struct flow *flow, const struct bytes *bytes, size_t cut,
				    enum order order)
{
	enum flow_step step;

	switch (order) {
	case ORDER_REVERSED:
		assert_int_equal(take(flow, bytes, cut, bytes->length), FLOW_STEP_HOLD);
		return take(flow, bytes, 0, cut);
	case ORDER_LAST_TWICE:
		assert_int_equal(take(flow, bytes, cut, bytes->length), FLOW_STEP_HOLD);
		assert_int_equal(take(flow, bytes, cut, bytes->length), FLOW_STEP_HOLD);
		return take(flow, bytes, 0, cut);
	case ORDER_FIRST_TWICE:
		assert_int_equal(take(flow, bytes, 0, cut), FLOW_STEP_HOLD);
		break;
	case ORDER_WHOLE_AGAIN:
		assert_int_equal(take(flow, bytes, 0, cut), FLOW_STEP_HOLD);
		return take(flow, bytes, 0, bytes->length);
	default:
		break;
	}
	step = take(flow, bytes, 0, cut);
	assert_int_equal(step, FLOW_STEP_HOLD);
	return take(flow, bytes, cut, bytes->length);
}

static void assert_judged_then_released(struct flow *flow, enum flow_step step,
					const struct recorded_hello *recorded, size_t end)
{
	assert_int_equal(step, FLOW_STEP_JUDGE);
	assert_int_equal(flow->approved, 0);
	assert_int_equal(flow->hello_end, end);
	assert_facts(&s_reader.hello, recorded);
	if (!recorded->server_name)
		return;
	assert_int_equal(release(flow), FLOW_STEP_PASS);
	assert_int_equal(flow->state, FLOW_STATE_CONFIRM);
	assert_int_equal(flow->approved, end);
	assert_string_equal(flow->name.text, recorded->server_name);
}

static void a_hello_cut_anywhere_into_two_segments_is_judged_when_it_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		struct bytes bytes = load(recorded_hellos[i].file);

		for (size_t cut = 1; cut < bytes.length; cut++)
			for (int order = 0; order < ORDERS; order++) {
				struct flow flow = fresh();
				enum flow_step step =
					take_in_order(&flow, &bytes, cut, (enum order)order);

				assert_judged_then_released(&flow, step, &recorded_hellos[i],
							    bytes.length);
			}
	}
}

static void a_hello_over_several_records_is_judged_when_it_is_whole(void **state)
{
	(void)state;
	for (size_t size = 1; size < 400; size += size < 4 ? 1 : 37) {
		struct bytes one = load("curl_alpn"), many = {.length = 0};
		struct flow flow = fresh();
		size_t half;

		for (size_t at = 5; at < one.length; at += size)
			add_record(&many, 22, one.bytes + at,
				   one.length - at < size ? one.length - at : size);
		half = many.length / 2;
		assert_int_equal(take(&flow, &many, half, many.length), FLOW_STEP_HOLD);
		assert_judged_then_released(&flow, take(&flow, &many, 0, half), &recorded_hellos[5],
					    many.length);
	}
}

static void a_hello_in_single_bytes_from_the_last_to_the_first_joins_up(void **state)
{
	struct bytes bytes = load("openssl_tls12");
	struct flow flow = fresh();

	(void)state;
	for (size_t at = bytes.length - 1; at > 0; at--)
		assert_int_equal(take(&flow, &bytes, at, at + 1), FLOW_STEP_HOLD);
	assert_int_equal(take(&flow, &bytes, 0, 1), FLOW_STEP_JUDGE);
}

static void a_repetition_that_differs_in_any_byte_denies(void **state)
{
	struct bytes bytes = load("openssl_tls13");

	(void)state;
	for (size_t at = 0; at < bytes.length; at++) {
		struct flow flow = fresh();
		uint8_t other = bytes.bytes[at] ^ 0x20;

		assert_int_equal(take(&flow, &bytes, 1, bytes.length), FLOW_STEP_HOLD);
		if (at == 0)
			continue;
		assert_denied(&flow, flow_take(&flow, (int64_t)at, &other, 1, false, &s_reader),
			      REASON_HELLO_OVERLAP);
		assert_denied(&flow, take(&flow, &bytes, 0, 1), REASON_HELLO_OVERLAP);
	}
}

static void an_urgent_segment_denies(void **state)
{
	struct bytes bytes = load("openssl_tls13");
	struct flow flow = fresh();

	(void)state;
	assert_denied(&flow, flow_take(&flow, 0, bytes.bytes, bytes.length, true, &s_reader),
		      REASON_HELLO_MALFORMED);
}

static void a_segment_that_begins_before_the_start_is_dropped_and_forgotten(void **state)
{
	struct bytes bytes = load("openssl_tls13");
	struct flow flow = fresh();

	(void)state;
	assert_int_equal(flow_take(&flow, -1, bytes.bytes, bytes.length, false, &s_reader),
			 FLOW_STEP_DROP);
	assert_int_equal(flow_take(&flow, INT32_MIN, bytes.bytes, 1, false, &s_reader),
			 FLOW_STEP_DROP);
	assert_int_equal(take(&flow, &bytes, 0, bytes.length), FLOW_STEP_JUDGE);
}

static void a_segment_beyond_the_capacity_is_dropped(void **state)
{
	static struct bytes bytes;
	struct flow flow = fresh();

	(void)state;
	assert_int_equal(take(&flow, &bytes, STREAM_CAPACITY - 1, STREAM_CAPACITY + 1),
			 FLOW_STEP_DROP);
	assert_int_equal(take(&flow, &bytes, STREAM_CAPACITY - 1, STREAM_CAPACITY), FLOW_STEP_HOLD);
}

static void what_is_not_tls_denies_at_its_first_byte(void **state)
{
	struct bytes bytes = {.bytes = "GET / HTTP/1.1\r\n", .length = 16};
	struct flow flow = fresh();

	(void)state;
	assert_int_equal(take(&flow, &bytes, 1, 16), FLOW_STEP_HOLD);
	assert_denied(&flow, take(&flow, &bytes, 0, 1), REASON_NOT_TLS);
}

static void a_hello_that_says_it_is_too_long_denies_at_its_header(void **state)
{
	struct bytes bytes = {.bytes = {22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfd}, .length = 9};
	struct flow flow = fresh();

	(void)state;
	assert_int_equal(take(&flow, &bytes, 0, 8), FLOW_STEP_HOLD);
	assert_denied(&flow, take(&flow, &bytes, 8, 9), REASON_HELLO_TOO_LONG);
}

static void handshake_bytes_behind_the_hello_in_its_record_deny(void **state)
{
	struct bytes bytes = load("openssl_tls13");
	struct flow flow = fresh();

	(void)state;
	bytes.bytes[4]++; /* the record is one byte longer than the hello, and the byte not yet
			     there */
	assert_denied(&flow, take(&flow, &bytes, 0, bytes.length), REASON_HELLO_MALFORMED);
}

/* The ruleset looks for a ServerHello's beginning, and a server repeats the session id. */
static void a_session_id_that_looks_like_an_answer_denies(void **state)
{
	static const uint8_t answer[] = {22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3};
	static const size_t fixed[] = {0, 1, 5, 6, 9, 10};

	(void)state;
	for (size_t at = 0; at <= 32 - sizeof(answer); at++) {
		struct bytes bytes = load("openssl_tls13");
		struct flow flow = fresh();
		uint8_t *session_id = bytes.bytes + 5 + 39;

		assert_int_equal(session_id[-1], 32);
		memset(session_id, 0, 32);
		memcpy(session_id + at, answer, sizeof(answer));
		assert_denied(&flow, take(&flow, &bytes, 0, bytes.length), REASON_HELLO_MALFORMED);
		for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
			flow = fresh();
			session_id[at + fixed[i]] ^= 0x80;
			assert_int_equal(take(&flow, &bytes, 0, bytes.length), FLOW_STEP_JUDGE);
			session_id[at + fixed[i]] ^= 0x80;
		}
	}
}

static void a_denied_flow_stays_denied(void **state)
{
	struct bytes bytes = load("openssl_tls13");
	struct flow flow = fresh();

	(void)state;
	assert_denied(&flow, flow_deny(&flow, REASON_NO_RULE), REASON_NO_RULE);
	assert_denied(&flow, take(&flow, &bytes, 0, bytes.length), REASON_NO_RULE);
}

static void nothing_is_approved_while_a_lookup_is_under_way(void **state)
{
	struct bytes bytes = load("openssl_tls13");
	struct flow flow = fresh();
	struct name name;

	(void)state;
	add_filled_record(&bytes, 23, 100);
	assert_int_equal(take(&flow, &bytes, 0, bytes.length - 50), FLOW_STEP_JUDGE);
	name = the_name();
	flow.state = FLOW_STATE_LOOKUP;
	assert_int_equal(take(&flow, &bytes, bytes.length - 50, bytes.length), FLOW_STEP_HOLD);
	assert_int_equal(flow.approved, 0);
	memset(&s_reader, 0, sizeof(s_reader)); /* another flow used it meanwhile */
	assert_int_equal(flow_release(&flow, &name, &s_reader), FLOW_STEP_PASS);
	assert_int_equal(flow.approved, bytes.length);
}

/* ------------------------------------------------------------------- behind the hello */

static void early_data_behind_the_hello_passes_at_every_cut(void **state)
{
	struct bytes bytes = load("openssl_early_data");
	size_t hello = bytes.length;

	(void)state;
	add_record(&bytes, 20, "\1", 1);
	add_filled_record(&bytes, 23, 300);
	add_filled_record(&bytes, 23, 1);
	add_record(&bytes, 21, "\1\0", 2);
	for (size_t cut = hello; cut <= bytes.length; cut++) {
		struct flow flow = fresh();

		assert_int_equal(take(&flow, &bytes, 0, cut), FLOW_STEP_JUDGE);
		assert_int_equal(release(&flow), FLOW_STEP_PASS);
		assert_int_equal(flow.approved,
				 cut); /* also inside a header: no packet stays behind */
		if (cut < bytes.length)
			assert_int_equal(take(&flow, &bytes, cut, bytes.length), FLOW_STEP_PASS);
		assert_int_equal(flow.approved, bytes.length);
	}
}

static void early_data_behind_a_gap_waits(void **state)
{
	struct bytes bytes;
	struct flow flow = released(&bytes, "openssl_early_data");
	size_t hello = bytes.length;

	(void)state;
	add_filled_record(&bytes, 23, 300);
	assert_int_equal(take(&flow, &bytes, hello + 10, bytes.length), FLOW_STEP_PASS);
	assert_int_equal(flow.approved, hello);
	assert_int_equal(take(&flow, &bytes, hello, hello + 10), FLOW_STEP_PASS);
	assert_int_equal(flow.approved, bytes.length);
}

static void an_unknown_record_type_behind_the_hello_denies(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct bytes bytes;
		struct flow flow = released(&bytes, "openssl_tls13");
		size_t hello = bytes.length;
		enum flow_step step;

		add_filled_record(&bytes, (uint8_t)type, 2);
		step = take(&flow, &bytes, hello, hello + 1);
		if (type >= 20 && type <= 23) {
			assert_int_equal(step, FLOW_STEP_PASS);
			assert_int_equal(flow.approved, type == 22 ? hello : hello + 1);
		} else {
			assert_denied(&flow, step, REASON_NOT_TLS);
		}
	}
}

static void a_record_that_is_too_long_denies_behind_the_hello(void **state)
{
	struct bytes bytes;
	struct flow flow = released(&bytes, "openssl_tls13");
	size_t hello = bytes.length;

	(void)state;
	add_filled_record(&bytes, 23, 16384 + 256);
	assert_int_equal(take(&flow, &bytes, hello, bytes.length), FLOW_STEP_PASS);
	assert_int_equal(flow.approved, bytes.length);
	hello = bytes.length;
	add_filled_record(&bytes, 23, 16384 + 257);
	assert_denied(&flow, take(&flow, &bytes, hello, hello + 5), REASON_NOT_TLS);
}

static void a_repetition_of_released_bytes_passes_when_it_is_the_same(void **state)
{
	struct bytes bytes;
	struct flow flow = released(&bytes, "post_quantum");
	uint8_t other;

	(void)state;
	assert_int_equal(take(&flow, &bytes, 0, bytes.length), FLOW_STEP_PASS);
	assert_int_equal(take(&flow, &bytes, 1000, 1200), FLOW_STEP_PASS);
	for (size_t at = 0; at < bytes.length; at++) {
		struct flow copy = flow;

		other = bytes.bytes[at] ^ 1;
		assert_denied(&copy, flow_take(&copy, (int64_t)at, &other, 1, false, &s_reader),
			      REASON_HELLO_OVERLAP);
	}
}

/* ------------------------------------------------------------------- HelloRetryRequest */

/* The first hello was released under the second one's name. */
static struct flow retried(struct bytes *bytes, struct bytes *second)
{
	struct flow flow = released(bytes, "openssl_tls13");
	struct flow other = fresh();
	static uint8_t scratch[STREAM_CAPACITY];

	*second = load("retry_second");
	flow_init(&other, scratch);
	assert_int_equal(
		flow_take(&other, 0, second->bytes + 6, second->length - 6, false, &s_reader),
		FLOW_STEP_JUDGE);
	flow.name = the_name();
	return flow;
}

static void a_second_hello_of_the_same_name_passes_at_every_cut(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < 274; cut++) {
		struct bytes bytes, second;
		struct flow flow = retried(&bytes, &second);
		size_t hello = bytes.length;

		add(&bytes, second.bytes, second.length);
		assert_int_equal(take(&flow, &bytes, hello, hello + cut), FLOW_STEP_PASS);
		assert_int_equal(flow.approved, hello + (cut < 6 ? cut : 6));
		assert_int_equal(take(&flow, &bytes, hello + cut, bytes.length), FLOW_STEP_PASS);
		assert_int_equal(flow.approved, bytes.length);
	}
}

static void a_second_hello_of_another_name_denies_and_is_not_approved(void **state)
{
	struct bytes bytes, second;
	struct flow flow = released(&bytes, "openssl_tls13");
	size_t hello = bytes.length;

	(void)state;
	second = load("gnutls");
	add_record(&bytes, 20, "\1", 1);
	add(&bytes, second.bytes, second.length);
	assert_denied(&flow, take(&flow, &bytes, hello, bytes.length), REASON_NAME_MISMATCH);
	assert_int_equal(flow.approved, hello + 6);
}

static void a_second_hello_without_a_name_denies(void **state)
{
	struct bytes bytes, second;
	struct flow flow = released(&bytes, "openssl_tls13");
	size_t hello = bytes.length;

	(void)state;
	second = load("openssl_no_name");
	add(&bytes, second.bytes, second.length);
	assert_denied(&flow, take(&flow, &bytes, hello, bytes.length), REASON_NAME_MISMATCH);
	assert_int_equal(flow.approved, hello);
}

static void when_the_first_hello_left_its_name_out_so_must_the_second(void **state)
{
	static const char *const seconds[] = {"openssl_no_name", "openssl_tls13"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes bytes = load("openssl_no_name"), second = load(seconds[i]);
		struct flow flow = fresh();
		struct name name = {17, "mcr.microsoft.com"}; /* of its address */
		size_t hello = bytes.length;
		enum flow_step step;

		assert_int_equal(take(&flow, &bytes, 0, hello), FLOW_STEP_JUDGE);
		assert_true(flow.nameless);
		assert_int_equal(flow_release(&flow, &name, &s_reader), FLOW_STEP_PASS);
		add(&bytes, second.bytes, second.length);
		step = take(&flow, &bytes, hello, bytes.length);
		if (i == 0)
			assert_int_equal(step, FLOW_STEP_PASS);
		else
			assert_denied(&flow, step, REASON_NAME_MISMATCH);
		assert_int_equal(flow.approved, i == 0 ? bytes.length : hello);
	}
}

static void an_encrypted_hello_that_only_the_second_hello_carries_denies(void **state)
{
	static const char *const firsts[] = {"grease_ech", "post_quantum"}; /* of one name */

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes bytes, second = load("grease_ech");
		struct flow flow = released(&bytes, firsts[i]);
		size_t hello = bytes.length;
		enum flow_step step;

		add(&bytes, second.bytes, second.length);
		step = take(&flow, &bytes, hello, bytes.length);
		if (i == 0)
			assert_int_equal(step, FLOW_STEP_PASS);
		else
			assert_denied(&flow, step, REASON_ENCRYPTED_HELLO);
		assert_int_equal(flow.approved, i == 0 ? bytes.length : hello);
	}
}

static void a_second_hello_whose_name_has_no_canonical_form_denies(void **state)
{
	struct bytes bytes, second;
	struct flow flow = released(&bytes, "openssl_tls13");
	size_t hello = bytes.length;
	uint8_t *name;

	(void)state;
	second = load("openssl_tls13");
	name = memmem(second.bytes, second.length, "mcr.", 4);
	assert_non_null(name);
	name[1] = 0;
	add(&bytes, second.bytes, second.length);
	assert_denied(&flow, take(&flow, &bytes, hello, bytes.length), REASON_NAME_MISMATCH);
}

static void another_handshake_message_behind_the_hello_denies(void **state)
{
	struct bytes bytes;
	struct flow flow = released(&bytes, "openssl_tls13");
	size_t hello = bytes.length;

	(void)state;
	add_filled_record(&bytes, 22, 20); /* type 22 is no hello */
	assert_denied(&flow, take(&flow, &bytes, hello, bytes.length), REASON_HELLO_MALFORMED);
	assert_int_equal(flow.approved, hello);
}

static void a_second_hello_in_the_first_ones_packet_is_looked_at_before_either_leaves(void **state)
{
	struct bytes bytes = load("openssl_tls13"), second = load("gnutls");
	struct flow flow = fresh();

	(void)state;
	add(&bytes, second.bytes, second.length);
	assert_int_equal(take(&flow, &bytes, 0, bytes.length), FLOW_STEP_JUDGE);
	assert_denied(&flow, release(&flow), REASON_NAME_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_cut_anywhere_into_two_segments_is_judged_when_it_is_whole),
		cmocka_unit_test(a_hello_over_several_records_is_judged_when_it_is_whole),
		cmocka_unit_test(a_hello_in_single_bytes_from_the_last_to_the_first_joins_up),
		cmocka_unit_test(a_repetition_that_differs_in_any_byte_denies),
		cmocka_unit_test(an_urgent_segment_denies),
		cmocka_unit_test(a_segment_that_begins_before_the_start_is_dropped_and_forgotten),
		cmocka_unit_test(a_segment_beyond_the_capacity_is_dropped),
		cmocka_unit_test(what_is_not_tls_denies_at_its_first_byte),
		cmocka_unit_test(a_hello_that_says_it_is_too_long_denies_at_its_header),
		cmocka_unit_test(handshake_bytes_behind_the_hello_in_its_record_deny),
		cmocka_unit_test(a_session_id_that_looks_like_an_answer_denies),
		cmocka_unit_test(a_denied_flow_stays_denied),
		cmocka_unit_test(nothing_is_approved_while_a_lookup_is_under_way),
		cmocka_unit_test(early_data_behind_the_hello_passes_at_every_cut),
		cmocka_unit_test(early_data_behind_a_gap_waits),
		cmocka_unit_test(an_unknown_record_type_behind_the_hello_denies),
		cmocka_unit_test(a_record_that_is_too_long_denies_behind_the_hello),
		cmocka_unit_test(a_repetition_of_released_bytes_passes_when_it_is_the_same),
		cmocka_unit_test(a_second_hello_of_the_same_name_passes_at_every_cut),
		cmocka_unit_test(a_second_hello_of_another_name_denies_and_is_not_approved),
		cmocka_unit_test(a_second_hello_without_a_name_denies),
		cmocka_unit_test(when_the_first_hello_left_its_name_out_so_must_the_second),
		cmocka_unit_test(an_encrypted_hello_that_only_the_second_hello_carries_denies),
		cmocka_unit_test(a_second_hello_whose_name_has_no_canonical_form_denies),
		cmocka_unit_test(another_handshake_message_behind_the_hello_denies),
		cmocka_unit_test(
			a_second_hello_in_the_first_ones_packet_is_looked_at_before_either_leaves),
	};

	return cmocka_run_group_tests_name("inspect/flow", tests, NULL, NULL);
}
