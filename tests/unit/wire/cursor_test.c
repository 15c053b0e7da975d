#include "wire/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t s_bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a};

static void numbers_are_read_in_network_order(void **state)
{
	struct cursor cursor = cursor_over(s_bytes, sizeof(s_bytes));

	(void)state;
	assert_int_equal(cursor_left(&cursor), 10);
	assert_int_equal(cursor_u8(&cursor), 0x01);
	assert_int_equal(cursor_u16(&cursor), 0x0203);
	assert_int_equal(cursor_u24(&cursor), 0x040506);
	assert_false(cursor_done(&cursor));
	assert_int_equal(cursor_u32(&cursor), 0x0708090a);
	assert_true(cursor_done(&cursor));
	assert_false(cursor_failed(&cursor));
}

static void high_bits_stay_where_they_are(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xfe, 0xff, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc};
	struct cursor cursor = cursor_over(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cursor_u8(&cursor), 0xff);
	assert_int_equal(cursor_u16(&cursor), 0xfeff);
	assert_int_equal(cursor_u24(&cursor), 0xfdffff);
	assert_true(cursor_u32(&cursor) == 0xfffffffcu);
}

static void a_read_that_does_not_fit_fails_for_good(void **state)
{
	(void)state;
	for (size_t left = 0; left < 4; left++) {
		struct cursor u8 = cursor_over(s_bytes, 0), u16 = cursor_over(s_bytes, left % 2),
			      u24 = cursor_over(s_bytes, left % 3),
			      u32 = cursor_over(s_bytes, left);

		assert_int_equal(cursor_u8(&u8), 0);
		assert_int_equal(cursor_u16(&u16), 0);
		assert_int_equal(cursor_u24(&u24), 0);
		assert_int_equal(cursor_u32(&u32), 0);
		assert_true(cursor_failed(&u8) && cursor_failed(&u16) && cursor_failed(&u24) &&
			    cursor_failed(&u32));
		assert_int_equal(cursor_left(&u32), 0);
		assert_int_equal(cursor_u8(&u32), 0);
		assert_false(cursor_done(&u32));
	}
}

static void bytes_are_a_view_and_skipping_moves_on(void **state)
{
	struct cursor cursor = cursor_over(s_bytes, 4);

	(void)state;
	assert_ptr_equal(cursor_bytes(&cursor, 0), s_bytes);
	assert_ptr_equal(cursor_bytes(&cursor, 2), s_bytes);
	cursor_skip(&cursor, 1);
	assert_ptr_equal(cursor_bytes(&cursor, 1), s_bytes + 3);
	assert_true(cursor_done(&cursor));
	cursor_skip(&cursor, 1);
	assert_true(cursor_failed(&cursor));
	assert_null(cursor_bytes(&cursor, 0)); /* failed: not even nothing is read */
}

static void a_huge_length_does_not_wrap_around(void **state)
{
	struct cursor cursor = cursor_over(s_bytes, 4);

	(void)state;
	assert_null(cursor_bytes(&cursor, SIZE_MAX));
	assert_true(cursor_failed(&cursor));
}

static void a_part_never_reaches_past_its_whole(void **state)
{
	struct cursor cursor = cursor_over(s_bytes, sizeof(s_bytes));
	struct cursor part = cursor_take(&cursor, 3);

	(void)state;
	assert_int_equal(cursor_left(&part), 3);
	assert_int_equal(cursor_left(&cursor), 7);
	assert_int_equal(cursor_u32(&part), 0);
	assert_true(cursor_failed(&part));
	assert_false(cursor_failed(&cursor));
	part = cursor_take(&cursor, 8);
	assert_true(cursor_failed(&part));
	assert_true(cursor_failed(&cursor));
	assert_int_equal(cursor_u8(&part), 0);
}

static void an_empty_part_is_complete(void **state)
{
	struct cursor cursor = cursor_over(s_bytes, 0);
	struct cursor part = cursor_take(&cursor, 0);

	(void)state;
	assert_true(cursor_done(&part));
	assert_true(cursor_done(&cursor));
}

static void nothing_at_all_may_be_read_over(void **state)
{
	struct cursor cursor = cursor_over(NULL, 0);

	(void)state;
	assert_true(cursor_done(&cursor));
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_true(cursor_failed(&cursor));
}

static void vectors_carry_their_length(void **state)
{
	static const uint8_t bytes[] = {1, 0xaa, 0, 1, 0xbb, 0, 0, 1, 0xcc};
	struct cursor cursor = cursor_over(bytes, sizeof(bytes));
	struct cursor first = cursor_take_vector8(&cursor), second = cursor_take_vector16(&cursor),
		      third = cursor_take_vector24(&cursor);

	(void)state;
	assert_int_equal(cursor_u8(&first), 0xaa);
	assert_int_equal(cursor_u8(&second), 0xbb);
	assert_int_equal(cursor_u8(&third), 0xcc);
	assert_true(cursor_done(&first) && cursor_done(&second) && cursor_done(&third));
	assert_true(cursor_done(&cursor));
}

static void a_vector_longer_than_what_is_left_fails(void **state)
{
	static const uint8_t v8[] = {2, 0xaa}, v16[] = {0, 2, 0xbb}, v24[] = {0, 0, 2, 0xcc};
	struct cursor a = cursor_over(v8, sizeof(v8)), b = cursor_over(v16, sizeof(v16)),
		      c = cursor_over(v24, sizeof(v24)), short_length = cursor_over(v16, 1);
	struct cursor part = cursor_take_vector8(&a);

	(void)state;
	assert_true(cursor_failed(&part) && cursor_failed(&a));
	part = cursor_take_vector16(&b);
	assert_true(cursor_failed(&part) && cursor_failed(&b));
	part = cursor_take_vector24(&c);
	assert_true(cursor_failed(&part) && cursor_failed(&c));
	part = cursor_take_vector16(&short_length);
	assert_true(cursor_failed(&part) && cursor_failed(&short_length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_in_network_order),
		cmocka_unit_test(high_bits_stay_where_they_are),
		cmocka_unit_test(a_read_that_does_not_fit_fails_for_good),
		cmocka_unit_test(bytes_are_a_view_and_skipping_moves_on),
		cmocka_unit_test(a_huge_length_does_not_wrap_around),
		cmocka_unit_test(a_part_never_reaches_past_its_whole),
		cmocka_unit_test(an_empty_part_is_complete),
		cmocka_unit_test(nothing_at_all_may_be_read_over),
		cmocka_unit_test(vectors_carry_their_length),
		cmocka_unit_test(a_vector_longer_than_what_is_left_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
