#include "proto/tls/hello_reader.h"

#include "hellos.h"

#define RECORD_HEADER 5
#define assert_refused(reader, name)                                                               \
	do {                                                                                       \
		assert_int_equal((reader)->progress, HELLO_REFUSED);                               \
		assert_int_equal((reader)->error, CLIENT_HELLO_##name);                            \
	} while (0)

struct stream {
	uint8_t bytes[HELLO_STREAM_MAX * 5];
	size_t length;
};

static void add_record(struct stream *stream, uint8_t type, const uint8_t *bytes, size_t length)
{
	uint8_t *at = stream->bytes + stream->length;

	assert_true(stream->length + RECORD_HEADER + length <= sizeof(stream->bytes));
	at[0] = type;
	at[1] = 3;
	at[2] = 1;
	at[3] = (uint8_t)(length >> 8);
	at[4] = (uint8_t)length;
	memcpy(at + RECORD_HEADER, bytes, length);
	stream->length += RECORD_HEADER + length;
}

static void assert_whole(const struct hello_reader *reader, const struct recorded_hello *recorded,
			 const uint8_t *message, size_t message_length, size_t stream_length)
{
	assert_int_equal(reader->progress, HELLO_WHOLE);
	assert_int_equal(reader->stream_length, stream_length);
	assert_int_equal(reader->message_length, message_length);
	assert_memory_equal(reader->message, message, message_length);
	assert_ptr_equal(reader->hello.random, reader->message + 6);
	assert_facts(&reader->hello, recorded);
}

static void feed_all(struct hello_reader *reader, const uint8_t *bytes, size_t length)
{
	hello_reader_init(reader);
	hello_reader_feed(reader, bytes, length);
}

static void a_hello_cut_anywhere_into_two_feeds_is_found(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX];
	struct hello_reader reader;

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		size_t length = load_hello(recorded_hellos[i].file, bytes);

		for (size_t cut = 0; cut <= length; cut++) {
			hello_reader_init(&reader);
			assert_int_equal(hello_reader_feed(&reader, bytes, cut), cut);
			if (cut < length) {
				assert_int_equal(reader.progress, HELLO_MORE);
				assert_int_equal(reader.stream_length, cut);
			}
			assert_int_equal(hello_reader_feed(&reader, bytes + cut, length - cut),
					 length - cut);
			assert_whole(&reader, &recorded_hellos[i], bytes + RECORD_HEADER,
				     length - RECORD_HEADER, length);
		}
	}
}

static void a_hello_fed_byte_by_byte_is_found_at_its_last(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX];
	struct hello_reader reader;

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		size_t length = load_hello(recorded_hellos[i].file, bytes);

		hello_reader_init(&reader);
		for (size_t at = 0; at < length; at++) {
			assert_int_equal(reader.progress, HELLO_MORE);
			assert_int_equal(hello_reader_feed(&reader, bytes + at, 1), 1);
		}
		assert_whole(&reader, &recorded_hellos[i], bytes + RECORD_HEADER,
			     length - RECORD_HEADER, length);
	}
}

static void a_hello_cut_anywhere_over_two_records_is_found(void **state)
{
	static struct stream stream;
	uint8_t bytes[HELLO_FILE_MAX];
	struct hello_reader reader;

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		size_t length = load_hello(recorded_hellos[i].file, bytes) - RECORD_HEADER;
		const uint8_t *message = bytes + RECORD_HEADER;

		for (size_t cut = 1; cut < length; cut++) {
			stream.length = 0;
			add_record(&stream, 22, message, cut);
			add_record(&stream, 22, message + cut, length - cut);
			feed_all(&reader, stream.bytes, stream.length);
			assert_whole(&reader, &recorded_hellos[i], message, length, stream.length);
		}
	}
}

static void a_hello_in_records_of_one_byte_is_found(void **state)
{
	static struct stream stream;
	uint8_t bytes[HELLO_FILE_MAX];
	struct hello_reader reader;

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		size_t length = load_hello(recorded_hellos[i].file, bytes) - RECORD_HEADER;

		stream.length = 0;
		for (size_t at = 0; at < length; at++)
			add_record(&stream, 22, bytes + RECORD_HEADER + at, 1);
		feed_all(&reader, stream.bytes, stream.length);
		assert_whole(&reader, &recorded_hellos[i], bytes + RECORD_HEADER, length,
			     stream.length);
	}
}

static void bytes_behind_the_hello_are_left(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX + 100];
	struct hello_reader reader;

	(void)state;
	size_t length = load_hello("gnutls", bytes);
	memset(bytes + length, 0xee, 100);
	hello_reader_init(&reader);
	assert_int_equal(hello_reader_feed(&reader, bytes, length + 100), length);
	assert_int_equal(reader.progress, HELLO_WHOLE);
	/* in the same record */
	bytes[3] = (uint8_t)((length - RECORD_HEADER + 100) >> 8);
	bytes[4] = (uint8_t)(length - RECORD_HEADER + 100);
	hello_reader_init(&reader);
	assert_int_equal(hello_reader_feed(&reader, bytes, length + 100), length);
	assert_int_equal(reader.progress, HELLO_WHOLE);
	assert_int_equal(reader.stream_length, length);
	assert_int_equal(hello_reader_feed(&reader, bytes, length), 0);
	assert_int_equal(reader.stream_length, length);
}

static void another_protocol_is_refused_at_its_first_byte(void **state)
{
	struct hello_reader reader;

	(void)state;
	for (int first = 0; first < 256; first++) {
		uint8_t byte = (uint8_t)first;

		hello_reader_init(&reader);
		assert_int_equal(hello_reader_feed(&reader, &byte, 1), 1);
		if (first == 22)
			assert_int_equal(reader.progress, HELLO_MORE);
		else
			assert_refused(&reader, NOT_TLS);
	}
}

static void a_record_version_without_major_3_is_not_tls(void **state)
{
	struct hello_reader reader;

	(void)state;
	for (int major = 0; major < 256; major++) {
		hello_reader_init(&reader);
		hello_reader_feed(&reader, (uint8_t[]){22, (uint8_t)major}, 2);
		if (major == 3)
			assert_int_equal(reader.progress, HELLO_MORE);
		else
			assert_refused(&reader, NOT_TLS);
	}
}

static void an_sslv2_hello_is_not_tls(void **state)
{
	static const uint8_t hello[] = {0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10};
	struct hello_reader reader;

	(void)state;
	hello_reader_init(&reader);
	assert_int_equal(hello_reader_feed(&reader, hello, sizeof(hello)), 1);
	assert_refused(&reader, NOT_TLS);
	assert_int_equal(hello_reader_feed(&reader, hello, sizeof(hello)), 0);
}

static void feed_header(struct hello_reader *reader, size_t record_length)
{
	uint8_t header[] = {22, 3, 3, (uint8_t)(record_length >> 8), (uint8_t)record_length};

	hello_reader_feed(reader, header, sizeof(header));
}

static void a_record_has_one_to_16384_bytes(void **state)
{
	struct hello_reader reader;

	(void)state;
	hello_reader_init(&reader);
	feed_header(&reader, 16384);
	assert_int_equal(reader.progress, HELLO_MORE);
	hello_reader_init(&reader);
	feed_header(&reader, 16385);
	assert_refused(&reader, MALFORMED);
	hello_reader_init(&reader);
	feed_header(&reader, 0);
	assert_refused(&reader, EMPTY_RECORD);
}

static void the_rules_for_records_hold_for_later_ones(void **state)
{
	static const struct {
		uint8_t header[5];
		enum client_hello_error error;
	} cases[] = {
		{{22, 3, 3, 0, 0}, CLIENT_HELLO_EMPTY_RECORD},
		{{22, 3, 3, 0x40, 1}, CLIENT_HELLO_MALFORMED},
		{{22, 4, 3, 0, 1}, CLIENT_HELLO_MALFORMED},
		{{20, 3, 3, 0, 1}, CLIENT_HELLO_RECORD_MISMATCH},
		{{21, 3, 3, 0, 2}, CLIENT_HELLO_RECORD_MISMATCH},
		{{23, 3, 3, 0, 1}, CLIENT_HELLO_RECORD_MISMATCH},
	};
	uint8_t first[] = {22, 3, 1, 0, 3, 1, 0, 0};
	struct hello_reader reader;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		feed_all(&reader, first, sizeof(first));
		assert_int_equal(reader.progress, HELLO_MORE);
		hello_reader_feed(&reader, cases[i].header, 5);
		assert_int_equal(reader.progress, HELLO_REFUSED);
		assert_int_equal(reader.error, cases[i].error);
	}
}

static void another_handshake_message_is_refused_at_its_first_byte(void **state)
{
	struct hello_reader reader;

	(void)state;
	hello_reader_init(&reader);
	feed_header(&reader, 100);
	assert_int_equal(hello_reader_feed(&reader, (const uint8_t *)"\2\0\0\1", 4), 1);
	assert_refused(&reader, NOT_HELLO);
}

static void a_hello_over_the_limit_is_refused_at_its_header(void **state)
{
	struct hello_reader reader;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		size_t body = CLIENT_HELLO_MAX - 4 + over;
		uint8_t header[] = {1, 0, (uint8_t)(body >> 8), (uint8_t)body, 0};

		hello_reader_init(&reader);
		feed_header(&reader, 16384);
		assert_int_equal(hello_reader_feed(&reader, header, 5), over ? 4 : 5);
		if (over)
			assert_refused(&reader, TOO_LONG);
		else
			assert_int_equal(reader.progress, HELLO_MORE);
	}
	hello_reader_init(&reader);
	feed_header(&reader, 16384);
	hello_reader_feed(&reader, (const uint8_t *)"\1\xff\xff\xff", 4);
	assert_refused(&reader, TOO_LONG);
}

static void a_hello_with_no_body_is_refused(void **state)
{
	struct hello_reader reader;

	(void)state;
	hello_reader_init(&reader);
	feed_header(&reader, 4);
	hello_reader_feed(&reader, (const uint8_t *)"\1\0\0\0", 4);
	assert_refused(&reader, MALFORMED);
}

static void the_parser_s_refusal_is_passed_on(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX];
	struct hello_reader reader;

	(void)state;
	size_t length = load_hello("openssl_tls13", bytes);
	bytes[RECORD_HEADER + 38]++; /* the session id's length: 33 */
	feed_all(&reader, bytes, length);
	assert_refused(&reader, MALFORMED);
	assert_int_equal(reader.stream_length, length);
}

/* 16,384 handshake bytes: a hello padded to the limit. */
static void build_longest_message(uint8_t message[CLIENT_HELLO_MAX])
{
	size_t body = CLIENT_HELLO_MAX - 4, extensions = CLIENT_HELLO_MAX - 45;

	memset(message, 0, CLIENT_HELLO_MAX);
	message[0] = 1;
	message[2] = (uint8_t)(body >> 8);
	message[3] = (uint8_t)body;
	message[4] = message[5] = 3;
	message[40] = 2; /* cipher suites */
	message[43] = 1; /* compression: 43 length, 44 null */
	extensions -= 2;
	message[45] = (uint8_t)(extensions >> 8);
	message[46] = (uint8_t)extensions;
	message[48] = 21; /* padding */
	message[49] = (uint8_t)((extensions - 4) >> 8);
	message[50] = (uint8_t)(extensions - 4);
}

static void the_longest_hello_fits_in_1024_records_and_no_more(void **state)
{
	static struct stream stream;
	static uint8_t message[CLIENT_HELLO_MAX];
	struct hello_reader reader;

	(void)state;
	build_longest_message(message);
	stream.length = 0;
	add_record(&stream, 22, message, CLIENT_HELLO_MAX);
	feed_all(&reader, stream.bytes, stream.length);
	assert_int_equal(reader.progress, HELLO_WHOLE);

	stream.length = 0;
	for (size_t i = 0; i < 1024; i++)
		add_record(&stream, 22, message + 16 * i, 16);
	assert_int_equal(stream.length, HELLO_STREAM_MAX);
	feed_all(&reader, stream.bytes, stream.length);
	assert_int_equal(reader.progress, HELLO_WHOLE);

	stream.length = 0;
	add_record(&stream, 22, message, 8);
	for (size_t i = 0; i < 1023; i++)
		add_record(&stream, 22, message + 8 + 16 * i, 16);
	add_record(&stream, 22, message + CLIENT_HELLO_MAX - 8, 8);
	hello_reader_init(&reader);
	assert_int_equal(hello_reader_feed(&reader, stream.bytes, stream.length), HELLO_STREAM_MAX);
	assert_refused(&reader, TOO_LONG);
}

static void the_hello_after_a_retry_may_follow_a_change_cipher_spec(void **state)
{
	static const struct recorded_hello recorded = {"retry_second", "mcr.microsoft.com", NULL,
						       false, false};
	uint8_t bytes[HELLO_FILE_MAX];
	struct hello_reader reader;

	(void)state;
	size_t length = load_hello("retry_second", bytes);
	for (size_t cut = 0; cut <= length; cut++) {
		hello_reader_init_second(&reader);
		hello_reader_feed(&reader, bytes, cut);
		hello_reader_feed(&reader, bytes + cut, length - cut);
		assert_whole(&reader, &recorded, bytes + 6 + RECORD_HEADER,
			     length - 6 - RECORD_HEADER, length);
	}
	hello_reader_init_second(&reader); /* nor is it needed */
	hello_reader_feed(&reader, bytes + 6, length - 6);
	assert_whole(&reader, &recorded, bytes + 6 + RECORD_HEADER, length - 6 - RECORD_HEADER,
		     length - 6);
	feed_all(&reader, bytes, length); /* but never before the first */
	assert_refused(&reader, NOT_TLS);
}

static void only_one_change_cipher_spec_of_one_byte_is_skipped(void **state)
{
	static const struct {
		uint8_t bytes[12];
		enum client_hello_error error;
	} cases[] = {
		{{20, 3, 3, 0, 1, 1, 20}, CLIENT_HELLO_RECORD_MISMATCH},
		{{20, 3, 3, 0, 1, 2}, CLIENT_HELLO_MALFORMED},
		{{20, 3, 3, 0, 2, 1, 1}, CLIENT_HELLO_MALFORMED},
		{{20, 3, 3, 0, 0}, CLIENT_HELLO_EMPTY_RECORD},
		{{20, 2, 3, 0, 1}, CLIENT_HELLO_NOT_TLS},
		{{22, 3, 3, 0, 1, 1, 20}, CLIENT_HELLO_RECORD_MISMATCH},
		{{23, 3, 3, 0, 1, 1, 20}, CLIENT_HELLO_NOT_TLS},
	};
	struct hello_reader reader;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hello_reader_init_second(&reader);
		hello_reader_feed(&reader, cases[i].bytes, sizeof(cases[i].bytes));
		assert_int_equal(reader.progress, HELLO_REFUSED);
		assert_int_equal(reader.error, cases[i].error);
	}
}

static void an_alert_is_a_fatal_record_of_seven_bytes(void **state)
{
	uint8_t alert[TLS_ALERT_SIZE];

	(void)state;
	tls_build_alert(TLS_ALERT_UNRECOGNIZED_NAME, alert);
	assert_memory_equal(alert, "\x15\x03\x03\x00\x02\x02\x70", 7);
	tls_build_alert(TLS_ALERT_ACCESS_DENIED, alert);
	assert_memory_equal(alert, "\x15\x03\x03\x00\x02\x02\x31", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_cut_anywhere_into_two_feeds_is_found),
		cmocka_unit_test(a_hello_fed_byte_by_byte_is_found_at_its_last),
		cmocka_unit_test(a_hello_cut_anywhere_over_two_records_is_found),
		cmocka_unit_test(a_hello_in_records_of_one_byte_is_found),
		cmocka_unit_test(bytes_behind_the_hello_are_left),
		cmocka_unit_test(another_protocol_is_refused_at_its_first_byte),
		cmocka_unit_test(a_record_version_without_major_3_is_not_tls),
		cmocka_unit_test(an_sslv2_hello_is_not_tls),
		cmocka_unit_test(a_record_has_one_to_16384_bytes),
		cmocka_unit_test(the_rules_for_records_hold_for_later_ones),
		cmocka_unit_test(another_handshake_message_is_refused_at_its_first_byte),
		cmocka_unit_test(a_hello_over_the_limit_is_refused_at_its_header),
		cmocka_unit_test(a_hello_with_no_body_is_refused),
		cmocka_unit_test(the_parser_s_refusal_is_passed_on),
		cmocka_unit_test(the_longest_hello_fits_in_1024_records_and_no_more),
		cmocka_unit_test(the_hello_after_a_retry_may_follow_a_change_cipher_spec),
		cmocka_unit_test(only_one_change_cipher_spec_of_one_byte_is_skipped),
		cmocka_unit_test(an_alert_is_a_fatal_record_of_seven_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
