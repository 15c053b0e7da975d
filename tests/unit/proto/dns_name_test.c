#include "dns_builder.h"

#include <errno.h>

#include "proto/dns/name_impl.h"

static struct builder s_builder;

/* Reads the name at `offset` of the builder's message. */
static bool read_at(size_t offset, struct dns_name *ret_name, size_t *ret_taken)
{
	uint8_t *copy = exact(&s_builder);
	struct cursor cursor = cursor_over(copy + offset, s_builder.length - offset);
	struct dns_wire_name name;
	bool sound = dns_wire_name_read(&cursor, copy, &name);

	assert_int_equal(sound, !cursor_failed(&cursor));
	if (sound) {
		dns_wire_name_format(&name, ret_name);
		assert_int_equal(ret_name->length, strlen(ret_name->text));
		*ret_taken = (size_t)(cursor.at - copy) - offset;
	}
	free(copy);
	return sound;
}

static void reads_as(size_t offset, const char *text, size_t taken)
{
	struct dns_name name;
	size_t really_taken;

	assert_true(read_at(offset, &name, &really_taken));
	assert_string_equal(name.text, text);
	assert_int_equal(really_taken, taken);
}

static void is_refused(size_t offset)
{
	struct dns_name name;
	size_t taken;

	assert_false(read_at(offset, &name, &taken));
}

static void fresh(void)
{
	start(&s_builder, 0, 0, 0, 0);
}

static void a_name_is_lower_case_without_its_last_dot(void **state)
{
	(void)state;
	fresh();
	put_name(&s_builder, "Mcr.MICROSOFT.com");
	reads_as(12, "mcr.microsoft.com", 19);
}

static void the_root_is_a_dot(void **state)
{
	(void)state;
	fresh();
	put8(&s_builder, 0);
	reads_as(12, ".", 1);
}

static void odd_bytes_are_escaped_and_cannot_imitate_a_dot(void **state)
{
	(void)state;
	fresh();
	put8(&s_builder, 6);
	put(&s_builder, "a.\0\xff*\\", 6);
	put_name(&s_builder, "x_-9");
	reads_as(12, "a\\046\\000\\255\\042\\092.x_-9", 13);
}

static void a_pointer_leads_backwards_through_others(void **state)
{
	(void)state;
	fresh();
	put_name(&s_builder, "example.com"); /* 12 */
	put_labels(&s_builder, "www");       /* 25 */
	put_pointer(&s_builder, 12);
	put_labels(&s_builder, "a"); /* 31 */
	put_pointer(&s_builder, 25);
	put_pointer(&s_builder, 20); /* 35: "com" */
	reads_as(25, "www.example.com", 6);
	reads_as(31, "a.www.example.com", 4);
	reads_as(35, "com", 2);
}

static void a_pointer_to_itself_or_forward_is_refused(void **state)
{
	(void)state;
	fresh();
	put_pointer(&s_builder, 12);
	is_refused(12);
	fresh();
	put_pointer(&s_builder, 14);
	put_name(&s_builder, "x");
	is_refused(12);
	fresh();
	put_labels(&s_builder, "x"); /* back to the name's own start */
	put_pointer(&s_builder, 12);
	is_refused(12);
}

static void a_pointer_into_the_header_is_refused(void **state)
{
	(void)state;
	fresh();
	put_pointer(&s_builder, 4);
	is_refused(12);
}

static void a_name_that_runs_into_the_one_pointing_to_it_is_refused(void **state)
{
	(void)state;
	fresh();
	put_labels(&s_builder, "abc"); /* no end: its next label would be the pointing name's */
	put_labels(&s_builder, "d");   /* 16 */
	put_pointer(&s_builder, 12);
	is_refused(16);
	fresh();
	put8(&s_builder, 4); /* a label that swallows the pointer at 15, and an end behind it */
	put16(&s_builder, 0x6162);
	put_pointer(&s_builder, 12);
	put8(&s_builder, 0);
	is_refused(15);
}

static void a_long_chain_of_pointers_is_refused(void **state)
{
	(void)state;
	fresh();
	put_name(&s_builder, "x"); /* 12 */
	for (size_t i = 0; i < 200; i++)
		put_pointer(&s_builder, i == 0 ? 12 : 13 + 2 * i);
	reads_as(15 + 2 * 126, "x", 2);
	is_refused(15 + 2 * 127);
}

static void other_label_types_are_refused(void **state)
{
	(void)state;
	for (unsigned int first = 64; first < 192; first += 64) {
		fresh();
		put8(&s_builder, first);
		for (int i = 0; i < 200; i++)
			put8(&s_builder, 0);
		is_refused(12);
	}
}

static void a_name_cut_anywhere_is_refused(void **state)
{
	(void)state;
	fresh();
	put_name(&s_builder, "example");
	put_labels(&s_builder, "www");
	put_pointer(&s_builder, 12);
	size_t whole = s_builder.length;

	for (size_t length = 21; length < whole; length++) {
		s_builder.length = length;
		is_refused(21);
	}
	s_builder.length = whole;
	reads_as(21, "www.example", 6);
}

static void two_hundred_and_fifty_five_bytes_are_a_name_and_one_more_is_not(void **state)
{
	char label[64];

	(void)state;
	memset(label, 'a', 63);
	label[63] = '\0';
	for (size_t last = 61; last <= 62; last++) {
		fresh();
		for (int i = 0; i < 3; i++)
			put_labels(&s_builder, label);
		label[last] = '\0';
		put_name(&s_builder, label);
		label[last] = 'a';
		if (last == 61) {
			struct dns_name name;
			size_t taken;

			assert_true(read_at(12, &name, &taken));
			assert_int_equal(name.length, 253);
		} else {
			is_refused(12);
		}
	}
}

static void the_longest_name_of_odd_bytes_fits_its_text(void **state)
{
	struct dns_name name;
	size_t taken;
	uint8_t byte = 0xfe;

	(void)state;
	fresh();
	for (int label = 0; label < 4; label++) {
		unsigned int length = label < 3 ? 63 : 61;

		put8(&s_builder, length);
		for (unsigned int i = 0; i < length; i++)
			put(&s_builder, &byte, 1);
	}
	put8(&s_builder, 0);
	assert_true(read_at(12, &name, &taken));
	assert_int_equal(name.length, 250 * 4 + 3);
}

static void text_becomes_the_name_it_was_made_from(void **state)
{
	static const char *const texts[] = {".", "a", "a.b.c", "a\\046b.\\000\\255",
					    "x_-9.example"};
	struct dns_wire_name wire;
	struct dns_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(dns_wire_name_from_text(texts[i], &wire), 0);
		dns_wire_name_format(&wire, &name);
		assert_string_equal(name.text, texts[i]);
	}
	assert_int_equal(dns_wire_name_from_text("a.b.", &wire), 0);
	assert_memory_equal(wire.bytes, "\1a\1b", 5);
}

static void text_that_is_no_name_is_refused(void **state)
{
	static const char *const texts[] = {"",     "..",    ".a",     "a..b",   "a.b..", "a\\",
					    "a\\1", "a\\12", "a\\12x", "a\\256", "\\x00"};
	struct dns_wire_name wire;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(dns_wire_name_from_text(texts[i], &wire), -EINVAL);
}

static void text_that_is_too_long_is_refused(void **state)
{
	char text[300];
	struct dns_wire_name wire;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	assert_int_equal(dns_wire_name_from_text(text, &wire), -ENAMETOOLONG);
	text[63] = '\0';
	assert_int_equal(dns_wire_name_from_text(text, &wire), 0);
	for (size_t i = 1; i < 254; i += 2)
		text[i] = '.';
	text[64] = 'a';
	text[254] = '\0';
	text[253] = 'a';
	text[252] = 'a';
	assert_int_equal(dns_wire_name_from_text(text, &wire), -ENAMETOOLONG);
	text[253] = '\0';
	assert_int_equal(dns_wire_name_from_text(text, &wire), 0);
	assert_int_equal(wire.length, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_lower_case_without_its_last_dot),
		cmocka_unit_test(the_root_is_a_dot),
		cmocka_unit_test(odd_bytes_are_escaped_and_cannot_imitate_a_dot),
		cmocka_unit_test(a_pointer_leads_backwards_through_others),
		cmocka_unit_test(a_pointer_to_itself_or_forward_is_refused),
		cmocka_unit_test(a_pointer_into_the_header_is_refused),
		cmocka_unit_test(a_name_that_runs_into_the_one_pointing_to_it_is_refused),
		cmocka_unit_test(a_long_chain_of_pointers_is_refused),
		cmocka_unit_test(other_label_types_are_refused),
		cmocka_unit_test(a_name_cut_anywhere_is_refused),
		cmocka_unit_test(two_hundred_and_fifty_five_bytes_are_a_name_and_one_more_is_not),
		cmocka_unit_test(the_longest_name_of_odd_bytes_fits_its_text),
		cmocka_unit_test(text_becomes_the_name_it_was_made_from),
		cmocka_unit_test(text_that_is_no_name_is_refused),
		cmocka_unit_test(text_that_is_too_long_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
