#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "initials.h"
#include "proto/tls/client_hello.h"

static const char s_original[] = "\x83\x94\xc8\xf0\x3e\x51\x57\x08"; /* of both appendices */

static bool take_first(const struct initial *datagram, struct quic_packet *packet)
{
	struct cursor cursor = cursor_over(datagram->bytes, datagram->length);

	return quic_packet_take(&cursor, packet);
}

static bool open_with(const struct quic_packet *packet, const char *original, uint64_t expected,
		      uint8_t *buffer, struct quic_opened *opened)
{
	struct quic_connection_id id = write_connection_id(original);
	struct quic_client_keys keys;

	assert_true(quic_derive_client_keys(packet->version, &id, &keys));
	return quic_open_initial(packet, &keys, expected, buffer, opened);
}

/* ----------------------------------------------------------------- the RFCs' vectors */

static void the_keys_of_the_appendices_are_derived(void **state)
{
	static const struct {
		uint32_t version;
		struct quic_client_keys keys;
	} vectors[] = {
		{QUIC_VERSION_1,
		 {"\x1f\x36\x96\x13\xdd\x76\xd5\x46\x77\x30\xef\xcb\xe3\xb1\xa2\x2d",
		  "\xfa\x04\x4b\x2f\x42\xa3\xfd\x3b\x46\xfb\x25\x5c",
		  "\x9f\x50\x44\x9e\x04\xa0\xe8\x10\x28\x3a\x1e\x99\x33\xad\xed\xd2"}},
		{QUIC_VERSION_2,
		 {"\x8b\x1a\x0b\xc1\x21\x28\x42\x90\xa2\x9e\x09\x71\xb5\xcd\x04\x5d",
		  "\x91\xf7\x3e\x23\x51\xd8\xfa\x91\x66\x0e\x90\x9f",
		  "\x45\xb9\x5e\x15\x23\x5d\x6f\x45\xa6\xb1\x9c\xbc\xb0\x29\x4b\xa9"}},
	};
	struct quic_connection_id id = write_connection_id(s_original);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct quic_client_keys keys;

		assert_true(quic_derive_client_keys(vectors[i].version, &id, &keys));
		assert_memory_equal(&keys, &vectors[i].keys, sizeof(keys));
	}
}

static void check_vector(const char *file, uint32_t version)
{
	struct initial datagram = load_initial(file);
	struct quic_packet packet;
	struct quic_opened opened;
	struct quic_crypto_frame crypto;
	struct client_hello hello;
	uint8_t buffer[INITIAL_MAX];

	assert_int_equal(datagram.length, 1200);
	assert_true(take_first(&datagram, &packet));
	assert_int_equal(packet.kind, QUIC_INITIAL);
	assert_int_equal(packet.version, version);
	assert_int_equal(packet.length, 1200);
	assert_true(open_with(&packet, s_original, 0, buffer, &opened));
	assert_int_equal(opened.number, 2);
	assert_int_equal(opened.length, 1162);
	struct cursor frames = cursor_over(buffer, opened.length);
	assert_int_equal(quic_take_crypto(&frames, &crypto), QUIC_FRAME_CRYPTO);
	assert_int_equal(crypto.offset, 0);
	assert_int_equal(client_hello_parse(crypto.bytes, crypto.length, &hello), CLIENT_HELLO_OK);
	assert_int_equal(hello.server_name_length, 11);
	assert_memory_equal(hello.server_name, "example.com", 11);
	assert_int_equal(quic_take_crypto(&frames, &crypto), QUIC_FRAME_NONE);
}

static void the_packets_of_the_appendices_are_opened(void **state)
{
	(void)state;
	check_vector("rfc9001", QUIC_VERSION_1);
	check_vector("rfc9369", QUIC_VERSION_2);
}

static void a_packet_with_one_bit_changed_is_not_opened(void **state)
{
	struct quic_packet packet;
	struct quic_opened opened;
	uint8_t buffer[INITIAL_MAX];

	(void)state;
	for (size_t i = 0; i < 1200; i++) {
		struct initial datagram = load_initial("rfc9001");

		datagram.bytes[i] ^= 0x04;
		if (take_first(&datagram, &packet) && packet.kind == QUIC_INITIAL)
			assert_false(open_with(&packet, s_original, 0, buffer, &opened));
	}
}

static void other_keys_do_not_open_a_packet(void **state)
{
	struct initial datagram = load_initial("rfc9001");
	struct quic_packet packet;
	struct quic_opened opened;
	uint8_t buffer[INITIAL_MAX];

	(void)state;
	assert_true(take_first(&datagram, &packet));
	assert_false(open_with(&packet, "another!", 0, buffer, &opened));
	packet.version = QUIC_VERSION_2;
	assert_false(open_with(&packet, s_original, 0, buffer, &opened));
}

/* ----------------------------------------------------------------- packet numbers */

static bool opens(uint64_t number, uint32_t written, uint64_t expected)
{
	struct initial datagram =
		write_initial("12345678", 0, "hello", 5,
			      (struct initial_options){.number = number, .written = written});
	struct quic_packet packet;
	struct quic_opened opened;
	uint8_t buffer[INITIAL_MAX];

	assert_true(take_first(&datagram, &packet));
	if (!open_with(&packet, "12345678", expected, buffer, &opened))
		return false;
	assert_int_equal(opened.number, number);
	return true;
}

static void a_shortened_packet_number_is_completed_near_the_expected_one(void **state)
{
	(void)state;
	assert_true(opens(0xfffffffe, 0xfffffffe, 0));
	assert_true(opens(UINT64_C(0x100000001), 1, UINT64_C(0xfffffff0)));
	assert_true(opens(UINT64_C(0xfffffff0), 0xfffffff0, UINT64_C(0x100000001)));
	assert_false(opens(UINT64_C(0x100000001), 1, 0));
}

/* ----------------------------------------------------------------- headers */

static void packets_of_a_datagram_are_taken_one_after_the_other(void **state)
{
	static const uint8_t handshake[] = {0xe1, 0, 0, 0, 1, 2, 'a', 'b', 0, 5, 1, 2, 3, 4, 5};
	struct initial datagram = write_initial("12345678", 0, "hello", 5,
						(struct initial_options){.token = "retry token"});
	size_t first = datagram.length;
	struct quic_packet packet;

	(void)state;
	add_initial(&datagram, handshake, sizeof(handshake));
	add_initial(&datagram, "\x40rest", 5);
	struct cursor cursor = cursor_over(datagram.bytes, datagram.length);
	assert_true(quic_packet_take(&cursor, &packet));
	assert_int_equal(packet.kind, QUIC_INITIAL);
	assert_int_equal(packet.length, first);
	assert_int_equal(packet.destination.length, 8);
	assert_memory_equal(packet.destination.bytes, "12345678", 8);
	assert_true(quic_packet_take(&cursor, &packet));
	assert_int_equal(packet.kind, QUIC_HANDSHAKE);
	assert_int_equal(packet.length, sizeof(handshake));
	assert_int_equal(packet.number_at, 10);
	assert_true(quic_packet_take(&cursor, &packet));
	assert_int_equal(packet.kind, QUIC_SHORT_HEADER);
	assert_int_equal(packet.length, 5);
	assert_int_equal(cursor_left(&cursor), 0);
}

static void the_kind_depends_on_the_version(void **state)
{
	static const struct {
		uint8_t first;
		enum quic_packet_kind version_1, version_2;
	} kinds[] = {
		{0xc0, QUIC_INITIAL, QUIC_RETRY},      {0xd0, QUIC_ZERO_RTT, QUIC_INITIAL},
		{0xe0, QUIC_HANDSHAKE, QUIC_ZERO_RTT}, {0xf0, QUIC_RETRY, QUIC_HANDSHAKE},
		{0x80, QUIC_INITIAL, QUIC_RETRY}, /* the fixed bit means nothing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint8_t bytes[40] = {kinds[i].first, 0, 0, 0, 1};
		struct cursor cursor = cursor_over(bytes, sizeof(bytes));
		struct quic_packet packet;

		assert_true(quic_packet_take(&cursor, &packet));
		assert_int_equal(packet.kind, kinds[i].version_1);
		memcpy(bytes + 1, "\x6b\x33\x43\xcf", 4);
		cursor = cursor_over(bytes, sizeof(bytes));
		assert_true(quic_packet_take(&cursor, &packet));
		assert_int_equal(packet.kind, kinds[i].version_2);
		memcpy(bytes + 1, "\xff\0\0\x1d", 4);
		cursor = cursor_over(bytes, sizeof(bytes));
		assert_true(quic_packet_take(&cursor, &packet));
		assert_int_equal(packet.kind, QUIC_OTHER_VERSION);
		assert_int_equal(packet.length, sizeof(bytes));
	}
}

static void a_header_that_is_cut_or_too_long_is_no_packet(void **state)
{
	struct initial datagram = load_initial("rfc9001");
	struct quic_packet packet = {.length = 7};

	(void)state;
	for (size_t length = 0; length < 1200; length++) {
		uint8_t *exact = malloc(length + 1);
		struct cursor cursor = cursor_over(exact, length);

		memcpy(exact, datagram.bytes, length);
		assert_false(quic_packet_take(&cursor, &packet));
		assert_int_equal(packet.length, 7);
		assert_int_equal(cursor_left(&cursor), length);
		free(exact);
	}
	datagram.bytes[5] = QUIC_CONNECTION_ID_MAX + 1;
	assert_false(take_first(&datagram, &packet));
}

/* ----------------------------------------------------------------- frames */

static enum quic_frame take_only(const void *frames, size_t length,
				 struct quic_crypto_frame *crypto)
{
	struct cursor cursor = cursor_over(frames, length);

	return quic_take_crypto(&cursor, crypto);
}

#define take_literal(frames, crypto) take_only(frames, sizeof(frames) - 1, crypto)

static void frames_that_an_initial_may_carry_are_skipped(void **state)
{
	struct quic_crypto_frame crypto;

	(void)state;
	assert_int_equal(take_literal("\0\0\x01\x02\x05\0\0\x01"
				      "\x03\x41\0\0\x02\x01\x01\x01\x01\x01\x09\x09\x09"
				      "\x1c\0\x06\x03why\x06\x02\x03"
				      "abc",
				      &crypto),
			 QUIC_FRAME_CRYPTO);
	assert_int_equal(crypto.offset, 2);
	assert_int_equal(crypto.length, 3);
	assert_memory_equal(crypto.bytes, "abc", 3);
	assert_int_equal(take_literal("\0\0\0\x01", &crypto), QUIC_FRAME_NONE);
	assert_int_equal(take_literal("", &crypto), QUIC_FRAME_NONE);
}

static void frames_that_an_initial_must_not_carry_are_malformed(void **state)
{
	struct quic_crypto_frame crypto;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		uint8_t frame[64] = {(uint8_t)type};
		bool allowed = type <= 3 || type == 0x06 || type == 0x1c;

		assert_int_equal(take_only(frame, sizeof(frame), &crypto) == QUIC_FRAME_MALFORMED,
				 !allowed);
	}
	assert_int_equal(take_literal("\x40\x06\0\0", &crypto),
			 QUIC_FRAME_MALFORMED); /* long type */
	assert_int_equal(take_literal("\x06\0\x05"
				      "abcd",
				      &crypto),
			 QUIC_FRAME_MALFORMED);
	assert_int_equal(take_literal("\x02\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0", &crypto),
			 QUIC_FRAME_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_of_the_appendices_are_derived),
		cmocka_unit_test(the_packets_of_the_appendices_are_opened),
		cmocka_unit_test(a_packet_with_one_bit_changed_is_not_opened),
		cmocka_unit_test(other_keys_do_not_open_a_packet),
		cmocka_unit_test(a_shortened_packet_number_is_completed_near_the_expected_one),
		cmocka_unit_test(packets_of_a_datagram_are_taken_one_after_the_other),
		cmocka_unit_test(the_kind_depends_on_the_version),
		cmocka_unit_test(a_header_that_is_cut_or_too_long_is_no_packet),
		cmocka_unit_test(frames_that_an_initial_may_carry_are_skipped),
		cmocka_unit_test(frames_that_an_initial_must_not_carry_are_malformed),
	};

	if (!quic_prepare())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
