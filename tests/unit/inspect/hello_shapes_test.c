/*
 * Hellos that an honest client does not send, through the whole inspector: whatever two readers
 * could take for two names must not leave, and what all readers take for one name is judged by it.
 */
#include "inspector_world.h"

#define NAME "mcr.microsoft.com"

struct bytes {
	uint8_t bytes[40000];
	size_t length;
};

static struct bytes s_extensions, s_message, s_stream;

static int set_up(void **state)
{
	(void)state;
	begin(8);
	pin(NAME);
	s_extensions.length = s_message.length = s_stream.length = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

/* ------------------------------------------------------------------- building */

static void add(struct bytes *bytes, const void *more, size_t length)
{
	assert_in_range(bytes->length + length, 0, sizeof(bytes->bytes));
	memcpy(bytes->bytes + bytes->length, more, length);
	bytes->length += length;
}

static void add_number(struct bytes *bytes, size_t size, size_t number)
{
	for (size_t i = size; i > 0; i--) {
		uint8_t byte = (uint8_t)(number >> (8 * (i - 1)));

		add(bytes, &byte, 1);
	}
}

static void add_zeros(struct bytes *bytes, size_t count)
{
	static const uint8_t zeros[20000];

	add(bytes, zeros, count);
}

/* One entry of a server_name_list. */
static void add_entry(struct bytes *bytes, uint8_t type, const char *name, size_t length)
{
	add_number(bytes, 1, type);
	add_number(bytes, 2, length);
	add(bytes, name, length);
}

static void add_server_name(const void *list, size_t length)
{
	add_number(&s_extensions, 2, 0);
	add_number(&s_extensions, 2, length + 2);
	add_number(&s_extensions, 2, length);
	add(&s_extensions, list, length);
}

static void add_name(const char *name, size_t length)
{
	struct bytes list = {.length = 0};

	add_entry(&list, 0, name, length);
	add_server_name(list.bytes, list.length);
}

/* The message with what stands in s_extensions. */
static void build_message(void)
{
	size_t body = 2 + 32 + 1 + 4 + 2 + 2 + s_extensions.length;

	s_message.length = 0;
	add_number(&s_message, 1, 1);
	add_number(&s_message, 3, body);
	add_number(&s_message, 2, 0x0303);
	add_zeros(&s_message, 32 + 1);
	add_number(&s_message, 4, 0x00021301);
	add_number(&s_message, 2, 0x0100);
	add_number(&s_message, 2, s_extensions.length);
	add(&s_message, s_extensions.bytes, s_extensions.length);
}

static void add_record(uint8_t type, const uint8_t *bytes, size_t length)
{
	add_number(&s_stream, 1, type);
	add_number(&s_stream, 2, 0x0301);
	add_number(&s_stream, 2, length);
	add(&s_stream, bytes, length);
}

/* The message in records of at most 16,384 bytes. */
static void build_stream(void)
{
	build_message();
	s_stream.length = 0;
	for (size_t at = 0; at < s_message.length; at += 16384)
		add_record(22, s_message.bytes + at,
			   s_message.length - at < 16384 ? s_message.length - at : 16384);
}

static uint32_t send_stream(void)
{
	return send_segment(0, s_stream.bytes, s_stream.length);
}

/* ------------------------------------------------------------------- the name's bytes */

static uint32_t send_name(const char *name, size_t length)
{
	s_extensions.length = 0;
	add_name(name, length);
	build_stream();
	return send_stream();
}

static void a_name_is_judged_in_its_canonical_form(void **state)
{
	static const char *const names[] = {NAME, "MCR.Microsoft.COM", NAME "."};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		end();
		set_up(NULL);
		assert_confirmed(send_name(names[i], strlen(names[i])), NAME);
		assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, NAME);
	}
}

static void what_has_no_canonical_form_is_denied(void **state)
{
#define BYTES(literal)                                                                             \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}
	static const struct {
		const char *bytes;
		size_t length;
	} names[] = {
		BYTES(NAME ".."),
		BYTES("." NAME),
		BYTES("mcr..microsoft.com"),
		BYTES(NAME "\0.evil.example"),
		BYTES("evil.example\0." NAME),
		BYTES("\0" NAME),
		BYTES(NAME "\0"),
		BYTES(NAME " "),
		BYTES(NAME "\n"),
		BYTES("*.microsoft.com"),
		BYTES("mcr\xc2\xad.microsoft.com"),
		BYTES("mcr\xff.microsoft.com"),
		BYTES("evil.example/." NAME),
		BYTES("203.0.113.5"),
		BYTES("203.0.113.5."),
		BYTES("2001:db8::5"),
		BYTES("[2001:db8::5]"),
		BYTES("."),
		BYTES("a123456789-123456789-123456789-123456789-123456789-123456789-1234."
		      "microsoft.com"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_denied_with(send_name(names[i].bytes, names[i].length));
		assert_event(RULE_DENY, REASON_NAME_INVALID, "");
	}
	assert_int_equal(s_world.lookups, 0);
}

static void a_name_has_at_most_253_bytes(void **state)
{
	static const char suffix[] = ".microsoft.com";
	char name[254];

	(void)state;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 ? '.' : 'a';
	memcpy(name + 253 - strlen(suffix), suffix, strlen(suffix));
	assert_held(send_name(name, 253)); /* allowed, not pinned: looked up */
	assert_int_equal(s_world.lookups, 1);
	finish_lookup(-EIO, REASON_LOOKUP_FAILED);
	memset(name, 'a', 2);
	memcpy(name + 254 - strlen(suffix), suffix, strlen(suffix));
	name[254 - strlen(suffix) - 1] = 'b';
	assert_denied_with(send_name(name, 254));
	assert_event(RULE_DENY, REASON_NAME_INVALID, "");
}

/* ------------------------------------------------------------------- several names */

static void assert_malformed(void)
{
	build_stream();
	assert_denied_with(send_stream());
	assert_event(RULE_DENY, REASON_HELLO_MALFORMED, "");
	s_extensions.length = 0;
}

static void a_server_name_comes_once_and_alone(void **state)
{
	static const char *const others[] = {NAME, "evil.example"};
	struct bytes list = {.length = 0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		add_name(NAME, strlen(NAME));
		add_name(others[i], strlen(others[i]));
		assert_malformed();
		list.length = 0;
		add_entry(&list, 0, NAME, strlen(NAME));
		add_entry(&list, 0, others[i], strlen(others[i]));
		add_server_name(list.bytes, list.length);
		assert_malformed();
		list.length = 0;
		add_entry(&list, 1, others[i], strlen(others[i])); /* a type that nobody knows */
		add_entry(&list, 0, NAME, strlen(NAME));
		add_server_name(list.bytes, list.length);
		assert_malformed();
	}
	add_server_name("", 0);
	assert_malformed();
	add_name("", 0);
	assert_malformed();
}

/* ------------------------------------------------------------------- records */

static void build_plain_message(void)
{
	s_extensions.length = s_stream.length = 0;
	add_name(NAME, strlen(NAME));
	build_message();
}

static void a_record_of_another_kind_or_of_nothing_inside_a_hello_is_denied(void **state)
{
	static const struct {
		uint8_t type;
		size_t length;
	} strange[] = {{22, 0}, {20, 1}, {21, 2}, {23, 1}, {23, 0}, {24, 1}, {0, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		for (size_t cut = 1; cut < 60; cut += 7) {
			build_plain_message();
			add_record(22, s_message.bytes, cut);
			add_record(strange[i].type, (const uint8_t *)"\1\0", strange[i].length);
			add_record(22, s_message.bytes + cut, s_message.length - cut);
			assert_denied_with(send_stream());
			assert_event(RULE_DENY, REASON_HELLO_MALFORMED, "");
		}
}

static void a_hello_stands_at_the_very_start(void **state)
{
	static const struct {
		uint8_t type;
		size_t length;
		enum reason reason;
	} before[] = {
		{20, 1, REASON_NOT_TLS},
		{21, 2, REASON_NOT_TLS},
		{23, 2, REASON_NOT_TLS},
		{22, 0, REASON_HELLO_MALFORMED},
	};
	/* SSLv2 (RFC 5246 appendix E.2), which servers of old took for a hello */
	static const uint8_t old[] = {0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10};

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		build_plain_message();
		add_record(before[i].type, (const uint8_t *)"\1\0", before[i].length);
		add_record(22, s_message.bytes, s_message.length);
		assert_denied_with(send_stream());
		assert_event(RULE_DENY, before[i].reason, "");
	}
	s_stream.length = 0;
	add(&s_stream, old, sizeof(old));
	assert_denied_with(send_stream());
	assert_event(RULE_DENY, REASON_NOT_TLS, "");
}

/* With a padding extension, so that the message has `length` bytes. */
static void build_long(size_t length)
{
	size_t fixed;

	build_plain_message();
	fixed = s_message.length + 4;
	add_number(&s_extensions, 2, 21);
	add_number(&s_extensions, 2, length - fixed);
	add_zeros(&s_extensions, length - fixed);
	build_stream();
	assert_int_equal(s_message.length, length);
}

static void a_hello_of_16_kib_leaves_and_one_of_a_byte_more_does_not(void **state)
{
	(void)state;
	build_long(CLIENT_HELLO_MAX);
	assert_confirmed(send_stream(), NAME);
	end();
	set_up(NULL);
	build_long(CLIENT_HELLO_MAX + 1);
	assert_denied_with(send_stream());
	assert_event(RULE_DENY, REASON_HELLO_TOO_LONG, "");
}

static void early_data_leaves_with_its_hello(void **state)
{
	(void)state;
	build_plain_message();
	add_record(22, s_message.bytes, s_message.length);
	add_record(20, (const uint8_t *)"\1", 1);
	add_record(23, s_message.bytes, s_message.length); /* a hello, but nobody reads it as one */
	assert_confirmed(send_stream(), NAME);
}

static void a_second_hello_of_another_name_is_denied_and_does_not_leave(void **state)
{
	size_t first;

	(void)state;
	build_plain_message();
	add_record(22, s_message.bytes, s_message.length);
	first = s_stream.length;
	assert_confirmed(send_stream(), NAME);
	s_extensions.length = 0;
	add_name("www.microsoft.com", 17); /* allowed, but not the first one's */
	build_message();
	add_record(22, s_message.bytes, s_message.length);
	assert_denied_with(
		send_segment((uint32_t)first, s_stream.bytes + first, s_stream.length - first));
	assert_event(RULE_DENY, REASON_NAME_MISMATCH, NAME);
}

/* ------------------------------------------------------------------- pieces */

/* All six orders of three pieces. */
static const uint8_t s_orders[6][3] = {
	{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0},
};

/* The pieces end at `cuts`; `twice`: each comes twice. */
static void check_pieces(const size_t cuts[3], const uint8_t order[3], bool twice)
{
	uint32_t last = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t from = order[i] ? cuts[order[i] - 1] : 0, to = cuts[order[i]];

		if (i > 0)
			assert_held(last);
		last = send_segment((uint32_t)from, s_stream.bytes + from, to - from);
		if (twice && i < 2)
			last = send_segment((uint32_t)from, s_stream.bytes + from, to - from);
	}
	assert_mark(last, mark_make(MARK_CONFIRM, mark_number(s_world.marks[last])));
	for (size_t i = 0; i + 1 < s_world.verdicts; i++)
		assert_int_equal(mark_state(s_world.marks[s_world.order[i]]), MARK_HELLO);
}

static void a_real_hello_in_three_pieces_leaves_in_any_order_once_and_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		const struct recorded_hello *recorded = &recorded_hellos[i];
		size_t step;

		if (!recorded->server_name)
			continue;
		s_stream.length = load_hello(recorded->file, s_stream.bytes);
		step = s_stream.length / 9;
		for (size_t first = 1; first < s_stream.length; first += step)
			for (size_t second = first + 1; second < s_stream.length; second += step)
				for (size_t order = 0; order < 6; order++) {
					size_t cuts[] = {first, second, s_stream.length};

					end();
					begin(8);
					policy_slot_swap(s_world.slot, write_policy("*"));
					pin(recorded->server_name);
					check_pieces(cuts, s_orders[order], order % 2);
					assert_event(RULE_ALLOW, REASON_RULE_ALLOWS,
						     recorded->server_name);
				}
	}
}

/* Every cut into two records, and each such stream in two segments, the last one first. */
static void a_real_hello_over_two_records_and_two_segments_leaves_whole(void **state)
{
	static uint8_t recorded_bytes[HELLO_FILE_MAX];

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		const struct recorded_hello *recorded = &recorded_hellos[i];
		size_t length = load_hello(recorded->file, recorded_bytes);

		for (size_t cut = 1; recorded->server_name && cut < length - 5; cut++) {
			size_t half = 1 + cut * 7 % length;

			s_stream.length = 0;
			add_record(22, recorded_bytes + 5, cut);
			add_record(22, recorded_bytes + 5 + cut, length - 5 - cut);
			end();
			begin(8);
			policy_slot_swap(s_world.slot, write_policy("*"));
			pin(recorded->server_name);
			assert_held(send_segment((uint32_t)half, s_stream.bytes + half,
						 s_stream.length - half));
			send_segment(0, s_stream.bytes, half);
			assert_event(RULE_ALLOW, REASON_RULE_ALLOWS, recorded->server_name);
			assert_int_equal(s_world.verdicts, 2);
		}
	}
}

#define unit(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit(a_name_is_judged_in_its_canonical_form),
		unit(what_has_no_canonical_form_is_denied),
		unit(a_name_has_at_most_253_bytes),
		unit(a_server_name_comes_once_and_alone),
		unit(a_record_of_another_kind_or_of_nothing_inside_a_hello_is_denied),
		unit(a_hello_stands_at_the_very_start),
		unit(a_hello_of_16_kib_leaves_and_one_of_a_byte_more_does_not),
		unit(early_data_leaves_with_its_hello),
		unit(a_second_hello_of_another_name_is_denied_and_does_not_leave),
		unit(a_real_hello_in_three_pieces_leaves_in_any_order_once_and_whole),
		unit(a_real_hello_over_two_records_and_two_segments_leaves_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
