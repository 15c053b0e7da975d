#include "proto/tls/client_hello.h"

#include "hellos.h"

#define RECORD_HEADER 5
#define BUILT_MAX     (CLIENT_HELLO_MAX + 64)

/* A hello made by hand. */
struct built {
	uint8_t bytes[BUILT_MAX];
	size_t length;
};

static void add(struct built *built, const void *bytes, size_t length)
{
	assert_true(built->length + length <= BUILT_MAX);
	memcpy(built->bytes + built->length, bytes, length);
	built->length += length;
}

static void add_number(struct built *built, size_t size, size_t value)
{
	for (size_t shift = size; shift-- > 0;)
		add(built, &(uint8_t){(uint8_t)(value >> (8 * shift))}, 1);
}

static void add_zeros(struct built *built, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(built, "", 1);
}

static void set_handshake_length(struct built *built)
{
	size_t body = built->length - 4;

	built->bytes[1] = (uint8_t)(body >> 16);
	built->bytes[2] = (uint8_t)(body >> 8);
	built->bytes[3] = (uint8_t)body;
}

static void build_start(struct built *built, size_t session_id, size_t ciphers, size_t compression)
{
	built->length = 0;
	add(built, "\x01\0\0\0\x03\x03", 6);
	add_zeros(built, 32);
	add_number(built, 1, session_id);
	add_zeros(built, session_id);
	add_number(built, 2, ciphers);
	add_zeros(built, ciphers);
	add_number(built, 1, compression);
	add_zeros(built, compression);
	set_handshake_length(built);
}

static void build_with_extensions(struct built *built, const void *extensions, size_t length)
{
	build_start(built, 0, 2, 1);
	add_number(built, 2, length);
	add(built, extensions, length);
	set_handshake_length(built);
}

static enum client_hello_error parse(const struct built *built)
{
	struct client_hello hello, untouched;

	memset(&hello, 0xa5, sizeof(hello));
	memcpy(&untouched, &hello, sizeof(hello));
	uint8_t *exact =
		malloc(built->length ? built->length : 1); /* ends where the sanitizer sees */
	memcpy(exact, built->bytes, built->length);
	enum client_hello_error error = client_hello_parse(exact, built->length, &hello);
	free(exact);
	if (error)
		assert_memory_equal(&hello, &untouched, sizeof(hello));
	return error;
}

static enum client_hello_error parse_extensions(const void *extensions, size_t length)
{
	struct built built;

	build_with_extensions(&built, extensions, length);
	return parse(&built);
}

#define PARSE(literal)     parse_extensions(literal, sizeof(literal) - 1)
#define SERVER_NAME_A      "\0\0\0\6\0\4\0\0\1a"
#define assert_error(a, b) assert_int_equal(a, CLIENT_HELLO_##b)

static void load_message(const struct recorded_hello *recorded, struct built *built)
{
	uint8_t stream[HELLO_FILE_MAX];
	size_t length = load_hello(recorded->file, stream);

	built->length = 0;
	add(built, stream + RECORD_HEADER, length - RECORD_HEADER);
}

static void the_hellos_of_real_clients_give_their_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		struct built built;
		struct client_hello hello;

		load_message(&recorded_hellos[i], &built);
		assert_error(client_hello_parse(built.bytes, built.length, &hello), OK);
		assert_facts(&hello, &recorded_hellos[i]);
		assert_ptr_equal(hello.random, built.bytes + 6);
	}
}

static void a_truncated_hello_is_refused_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		struct built built;

		load_message(&recorded_hellos[i], &built);
		while (built.length-- > 0)
			assert_error(parse(&built), MALFORMED);
	}
}

/* Offset of the extensions' length. */
static size_t extensions_offset(const struct built *built)
{
	struct cursor cursor = cursor_over(built->bytes, built->length);

	cursor_skip(&cursor, 4 + 2 + 32);
	cursor_take_vector8(&cursor);
	cursor_take_vector16(&cursor);
	cursor_take_vector8(&cursor);
	assert_false(cursor_failed(&cursor));
	return (size_t)(cursor.at - built->bytes);
}

static void a_truncated_hello_with_a_matching_length_is_refused_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		struct built built;

		load_message(&recorded_hellos[i], &built);
		size_t without_extensions = extensions_offset(&built);
		while (built.length-- > 4) {
			set_handshake_length(&built);
			enum client_hello_error error = parse(&built);
			if (built.length == without_extensions)
				assert_error(error, OK);
			else
				assert_error(error, MALFORMED);
		}
	}
}

/* Offsets and sizes of the length fields of a hello that is in order. */
struct length_fields {
	size_t count;
	struct {
		size_t at, size;
		bool may_shift; /* the bytes behind it may by chance add up again */
	} field[128];
};

static void note_field(struct length_fields *fields, size_t at, size_t size)
{
	assert_true(fields->count < 128);
	fields->field[fields->count].may_shift = false;
	fields->field[fields->count].at = at;
	fields->field[fields->count++].size = size;
}

static size_t read_field(const struct built *built, size_t at, size_t size)
{
	size_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | built->bytes[at + i];
	return value;
}

static void find_length_fields(const struct built *built, struct length_fields *fields)
{
	size_t at = 4 + 2 + 32;

	fields->count = 0;
	note_field(fields, 1, 3);
	for (int i = 0; i < 3; i++) {
		size_t size = i == 1 ? 2 : 1;
		note_field(fields, at, size);
		fields->field[fields->count - 1].may_shift = true;
		at += size + read_field(built, at, size);
	}
	note_field(fields, at, 2);
	for (at += 2; at < built->length;) {
		size_t type = read_field(built, at, 2), length = read_field(built, at + 2, 2);
		note_field(fields, at + 2, 2);
		fields->field[fields->count - 1].may_shift = true;
		if (type == 0) {
			note_field(fields, at + 4, 2);
			note_field(fields, at + 7, 2);
		} else if (type == 16) {
			note_field(fields, at + 4, 2);
		}
		at += 4 + length;
	}
	assert_int_equal(at, built->length);
}

static void write_field(struct built *built, size_t at, size_t size, size_t value)
{
	for (size_t i = 0; i < size; i++)
		built->bytes[at + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/*
 * A wrong length may by chance make the bytes behind it into other vectors or extensions that add
 * up again. That is another hello in good order, and no server would know better. This walk,
 * written without the cursor, says whether it is one.
 */
static bool adds_up(const struct built *built)
{
	size_t at = 4 + 2 + 32;

	for (int i = 0; i < 3; i++) {
		size_t size = i == 1 ? 2 : 1;
		if (at + size > built->length)
			return false;
		at += size + read_field(built, at, size);
	}
	if (at == built->length)
		return true;
	if (at + 2 > built->length || at + 2 + read_field(built, at, 2) != built->length)
		return false;
	for (at += 2; at + 4 <= built->length;)
		at += 4 + read_field(built, at + 2, 2);
	return at == built->length;
}

static bool try_length(struct built *built, size_t at, size_t size, size_t value, bool may_shift)
{
	size_t right = read_field(built, at, size);

	write_field(built, at, size, value);
	bool is_wrong = read_field(built, at, size) != right;
	if (is_wrong && parse(built) == CLIENT_HELLO_OK && !(may_shift && adds_up(built)))
		fail_msg("length %zu for %zu at %zu was taken", value, right, at);
	write_field(built, at, size, right);
	return is_wrong;
}

static void any_single_wrong_length_is_refused(void **state)
{
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		struct built built;
		struct length_fields fields;

		load_message(&recorded_hellos[i], &built);
		find_length_fields(&built, &fields);
		for (size_t f = 0; f < fields.count; f++) {
			size_t at = fields.field[f].at, size = fields.field[f].size;

			for (size_t value = 0; value < 4096; value++)
				tried += try_length(&built, at, size, value,
						    fields.field[f].may_shift);
			for (size_t value = 4096; value < 1u << (8 * size); value = value * 2 + 1)
				tried += try_length(&built, at, size, value,
						    fields.field[f].may_shift);
		}
	}
	assert_true(tried > 500000);
}

static void a_hello_without_extensions_has_no_name(void **state)
{
	struct built built;
	struct client_hello hello;

	(void)state;
	build_start(&built, 32, 2, 1);
	assert_error(client_hello_parse(built.bytes, built.length, &hello), OK);
	assert_false(hello.has_server_name);
	assert_null(hello.server_name);
	assert_error(PARSE(""), OK); /* an empty block is one, too */
}

static void fixed_vectors_keep_their_bounds(void **state)
{
	static const struct {
		size_t session_id, ciphers, compression;
		enum client_hello_error error;
	} cases[] = {
		{0, 2, 1, CLIENT_HELLO_OK},          {32, 65534 / 8, 255, CLIENT_HELLO_MALFORMED},
		{32, 4000, 255, CLIENT_HELLO_OK},    {33, 2, 1, CLIENT_HELLO_MALFORMED},
		{255, 2, 1, CLIENT_HELLO_MALFORMED}, {0, 0, 1, CLIENT_HELLO_MALFORMED},
		{0, 1, 1, CLIENT_HELLO_MALFORMED},   {0, 3, 1, CLIENT_HELLO_MALFORMED},
		{0, 2, 0, CLIENT_HELLO_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct built built;

		build_start(&built, cases[i].session_id, cases[i].ciphers, cases[i].compression);
		assert_int_equal(parse(&built), cases[i].error);
	}
}

static void bytes_behind_the_extensions_are_refused(void **state)
{
	struct built built;

	(void)state;
	build_with_extensions(&built, SERVER_NAME_A, 10);
	assert_error(parse(&built), OK);
	add_zeros(&built, 1);
	assert_error(parse(&built), MALFORMED); /* behind the message */
	set_handshake_length(&built);
	assert_error(parse(&built), MALFORMED); /* behind the extensions */
	build_start(&built, 0, 2, 1);
	add_zeros(&built, 1); /* half an extensions' length */
	set_handshake_length(&built);
	assert_error(parse(&built), MALFORMED);
}

static void another_handshake_message_is_not_a_hello(void **state)
{
	struct built built;

	(void)state;
	build_start(&built, 0, 2, 1);
	for (int type = 0; type < 256; type++) {
		built.bytes[0] = (uint8_t)type;
		assert_int_equal(parse(&built),
				 type == 1 ? CLIENT_HELLO_OK : CLIENT_HELLO_NOT_HELLO);
	}
}

static void the_version_is_one_of_tls(void **state)
{
	struct built built;

	(void)state;
	build_start(&built, 0, 2, 1);
	for (int major = 0; major < 256; major++) {
		built.bytes[4] = (uint8_t)major;
		assert_int_equal(parse(&built),
				 major == 3 ? CLIENT_HELLO_OK : CLIENT_HELLO_MALFORMED);
	}
}

static void no_bytes_are_no_hello(void **state)
{
	struct client_hello hello;

	(void)state;
	assert_error(client_hello_parse(NULL, 0, &hello), MALFORMED);
	assert_error(client_hello_parse((const uint8_t *)"\1\0\0\0", 4, &hello), MALFORMED);
}

static void the_longest_hello_is_taken_and_one_byte_more_is_not(void **state)
{
	struct built built;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		build_start(&built, 0, 2, 1);
		size_t body = CLIENT_HELLO_MAX + over - built.length - 2 - 4;
		add_number(&built, 2, body + 4);
		add(&built, "\0\x15", 2);
		add_number(&built, 2, body);
		add_zeros(&built, body);
		set_handshake_length(&built);
		assert_int_equal(parse(&built), over ? CLIENT_HELLO_TOO_LONG : CLIENT_HELLO_OK);
	}
	built.length = 4; /* known from the header alone */
	assert_error(parse(&built), TOO_LONG);
}

static void an_extension_comes_only_once(void **state)
{
	(void)state;
	assert_error(PARSE(SERVER_NAME_A SERVER_NAME_A), DUPLICATE);
	assert_error(PARSE("\x12\x34\0\0\x12\x35\0\0"), OK);
	assert_error(PARSE("\x12\x34\0\0\x12\x35\0\0\x12\x34\0\1x"), DUPLICATE);
	assert_error(PARSE("\x0a\x0a\0\0\x0a\x0a\0\0"), DUPLICATE); /* GREASE */
	assert_error(PARSE("\x0a\x0a\0\0\x1a\x1a\0\0"), OK);
	assert_error(PARSE("\xff\xff\0\0\xff\xff\0\0"), DUPLICATE);
}

static void a_server_name_extension_has_exactly_one_host_name(void **state)
{
	(void)state;
	assert_error(PARSE(SERVER_NAME_A), OK);
	assert_error(PARSE("\0\0\0\0"), MALFORMED);              /* empty extension */
	assert_error(PARSE("\0\0\0\1\0"), MALFORMED);            /* half a list length */
	assert_error(PARSE("\0\0\0\2\0\0"), MALFORMED);          /* empty list */
	assert_error(PARSE("\0\0\0\5\0\3\0\0\0"), MALFORMED);    /* empty name */
	assert_error(PARSE("\0\0\0\3\0\1\0"), MALFORMED);        /* a type alone */
	assert_error(PARSE("\0\0\0\6\0\4\0\0\2a"), MALFORMED);   /* name over its list */
	assert_error(PARSE("\0\0\0\6\0\3\0\0\1a"), MALFORMED);   /* list too short */
	assert_error(PARSE("\0\0\0\6\0\5\0\0\1a"), MALFORMED);   /* list too long */
	assert_error(PARSE("\0\0\0\7\0\4\0\0\1a\0"), MALFORMED); /* bytes behind the list */
	assert_error(PARSE("\0\0\0\7\0\5\0\0\1a\0"), MALFORMED); /* half a second name */
	assert_error(PARSE("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"), DUPLICATE); /* two names */
	assert_error(PARSE("\0\0\0\x0a\0\x08\0\0\1a\0\0\1a"), DUPLICATE);
	assert_error(PARSE("\0\0\0\6\0\4\1\0\1a"), BAD_NAME_TYPE);
	assert_error(PARSE("\0\0\0\x0a\0\x08\0\0\1a\1\0\1b"), BAD_NAME_TYPE);
	assert_error(PARSE("\0\0\0\x0a\0\x08\1\0\1a\0\0\1b"), BAD_NAME_TYPE);
}

static void a_server_name_is_handed_over_raw(void **state)
{
	static const char extension[] = "\0\0\0\x0a\0\x08\0\0\5A\0.\xff ";
	struct built built;
	struct client_hello hello;

	(void)state;
	build_with_extensions(&built, extension, sizeof(extension) - 1);
	assert_error(client_hello_parse(built.bytes, built.length, &hello), OK);
	assert_int_equal(hello.server_name_length, 5);
	assert_memory_equal(hello.server_name, "A\0.\xff ", 5);
}

static void an_alpn_extension_adds_up(void **state)
{
	(void)state;
	assert_error(PARSE("\0\x10\0\5\0\3\2h2"), OK);
	assert_error(PARSE("\0\x10\0\0"), MALFORMED);
	assert_error(PARSE("\0\x10\0\2\0\0"), MALFORMED);       /* empty list */
	assert_error(PARSE("\0\x10\0\3\0\1\0"), MALFORMED);     /* empty protocol */
	assert_error(PARSE("\0\x10\0\5\0\3\3h2"), MALFORMED);   /* protocol over its list */
	assert_error(PARSE("\0\x10\0\5\0\2\1h2"), MALFORMED);   /* bytes behind the list */
	assert_error(PARSE("\0\x10\0\6\0\4\2h2\0"), MALFORMED); /* an empty one last */
	assert_error(PARSE("\0\x10\0\6\0\4\2h2\1"), MALFORMED); /* a cut one last */
}

static void early_data_is_empty_in_a_hello(void **state)
{
	(void)state;
	assert_error(PARSE("\0\x2a\0\0"), OK);
	assert_error(PARSE("\0\x2a\0\1\0"), MALFORMED);
}

static void an_extension_ends_inside_the_block(void **state)
{
	(void)state;
	assert_error(PARSE("\x12"), MALFORMED);
	assert_error(PARSE("\x12\x34"), MALFORMED);
	assert_error(PARSE("\x12\x34\0"), MALFORMED);
	assert_error(PARSE("\x12\x34\0\1"), MALFORMED);
	assert_error(PARSE(SERVER_NAME_A "\x12\x34\0\2x"), MALFORMED);
}

static void every_error_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int i = CLIENT_HELLO_OK; i <= CLIENT_HELLO_RECORD_MISMATCH; i++) {
		assert_non_null(client_hello_error_text((enum client_hello_error)i));
		for (int j = CLIENT_HELLO_OK; j < i; j++)
			assert_string_not_equal(
				client_hello_error_text((enum client_hello_error)i),
				client_hello_error_text((enum client_hello_error)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hellos_of_real_clients_give_their_facts),
		cmocka_unit_test(a_truncated_hello_is_refused_at_every_byte),
		cmocka_unit_test(a_truncated_hello_with_a_matching_length_is_refused_too),
		cmocka_unit_test(any_single_wrong_length_is_refused),
		cmocka_unit_test(a_hello_without_extensions_has_no_name),
		cmocka_unit_test(fixed_vectors_keep_their_bounds),
		cmocka_unit_test(bytes_behind_the_extensions_are_refused),
		cmocka_unit_test(another_handshake_message_is_not_a_hello),
		cmocka_unit_test(the_version_is_one_of_tls),
		cmocka_unit_test(no_bytes_are_no_hello),
		cmocka_unit_test(the_longest_hello_is_taken_and_one_byte_more_is_not),
		cmocka_unit_test(an_extension_comes_only_once),
		cmocka_unit_test(a_server_name_extension_has_exactly_one_host_name),
		cmocka_unit_test(a_server_name_is_handed_over_raw),
		cmocka_unit_test(an_alpn_extension_adds_up),
		cmocka_unit_test(early_data_is_empty_in_a_hello),
		cmocka_unit_test(an_extension_ends_inside_the_block),
		cmocka_unit_test(every_error_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
