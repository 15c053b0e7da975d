#include "inspect/stream_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t s_bytes[STREAM_CAPACITY];
static uint8_t s_zero[2 * STREAM_CAPACITY];

static struct stream fresh(void)
{
	struct stream stream;

	stream_init(&stream, s_bytes);
	return stream;
}

/* One byte every second place: as many pieces as there may be. */
static struct stream in_pieces(void)
{
	struct stream stream = fresh();

	for (uint32_t i = 0; i < STREAM_RANGES; i++)
		assert_int_equal(stream_put(&stream, 2 * i, s_zero, 1), STREAM_TAKEN);
	assert_int_equal(stream.range_count, STREAM_RANGES);
	return stream;
}

static void segments_in_order_make_one_piece(void **state)
{
	struct stream stream = fresh();

	(void)state;
	assert_int_equal(stream_prefix(&stream), 0);
	assert_int_equal(stream_put(&stream, 0, (const uint8_t *)"abc", 3), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 3, (const uint8_t *)"de", 2), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), 5);
	assert_int_equal(stream.range_count, 1);
	assert_memory_equal(stream.bytes, "abcde", 5);
}

static void a_gap_ends_the_prefix_until_it_is_filled(void **state)
{
	struct stream stream = fresh();

	(void)state;
	assert_int_equal(stream_put(&stream, 3, (const uint8_t *)"de", 2), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), 0);
	assert_int_equal(stream_put(&stream, 0, (const uint8_t *)"ab", 2), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), 2);
	assert_int_equal(stream_put(&stream, 2, (const uint8_t *)"c", 1), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), 5);
	assert_memory_equal(stream.bytes, "abcde", 5);
}

static void an_overlap_with_the_same_bytes_is_taken(void **state)
{
	struct stream stream = fresh();

	(void)state;
	assert_int_equal(stream_put(&stream, 2, (const uint8_t *)"cde", 3), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 2, (const uint8_t *)"cde", 3), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 3, (const uint8_t *)"d", 1), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 0, (const uint8_t *)"abcdefg", 7), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), 7);
	assert_memory_equal(stream.bytes, "abcdefg", 7);
}

static void an_overlap_that_differs_in_one_byte_changes_nothing(void **state)
{
	(void)state;
	for (size_t wrong = 2; wrong < 7; wrong++) {
		struct stream stream = fresh();
		uint8_t bytes[] = "abcdefghi";

		assert_int_equal(stream_put(&stream, 2, (const uint8_t *)"cd", 2), STREAM_TAKEN);
		assert_int_equal(stream_put(&stream, 5, (const uint8_t *)"fg", 2), STREAM_TAKEN);
		if (wrong == 4)
			continue; /* in the gap: nothing to differ from */
		bytes[wrong] = 'X';
		assert_int_equal(stream_put(&stream, 0, bytes, 9), STREAM_DIFFERS);
		assert_int_equal(stream.range_count, 2);
		assert_memory_equal(stream.bytes + 2, "cd", 2);
		assert_memory_equal(stream.bytes + 5, "fg", 2);
	}
}

static void bytes_before_the_start_are_outside(void **state)
{
	struct stream stream = fresh();

	(void)state;
	assert_int_equal(stream_put(&stream, -1, s_zero, 1), STREAM_OUTSIDE);
	assert_int_equal(stream_put(&stream, -1, s_zero, 2), STREAM_OUTSIDE);
	assert_int_equal(stream_put(&stream, INT32_MIN, s_zero, 1), STREAM_OUTSIDE);
	assert_int_equal(stream.range_count, 0);
}

static void bytes_beyond_the_capacity_are_outside(void **state)
{
	struct stream stream = fresh();

	(void)state;
	assert_int_equal(stream_put(&stream, STREAM_CAPACITY, s_zero, 1), STREAM_OUTSIDE);
	assert_int_equal(stream_put(&stream, STREAM_CAPACITY - 1, s_zero, 2), STREAM_OUTSIDE);
	assert_int_equal(stream_put(&stream, 0, s_zero, STREAM_CAPACITY + 1), STREAM_OUTSIDE);
	assert_int_equal(stream_put(&stream, INT32_MAX, s_zero, 1), STREAM_OUTSIDE);
	assert_int_equal(stream.range_count, 0);
	assert_int_equal(stream_put(&stream, STREAM_CAPACITY - 1, s_zero, 1), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 0, s_zero, STREAM_CAPACITY), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), STREAM_CAPACITY);
}

static void one_piece_too_many_is_outside_and_writes_nothing(void **state)
{
	struct stream stream = in_pieces();

	(void)state;
	s_bytes[500] = 7;
	assert_int_equal(stream_put(&stream, 500, s_zero, 1), STREAM_OUTSIDE);
	assert_int_equal(s_bytes[500], 7);
	assert_int_equal(stream.range_count, STREAM_RANGES);
}

static void a_full_list_takes_what_joins_a_piece(void **state)
{
	struct stream stream = in_pieces();

	(void)state;
	assert_int_equal(stream_put(&stream, 1, s_zero, 1), STREAM_TAKEN);
	assert_int_equal(stream_prefix(&stream), 3);
	assert_int_equal(stream.range_count, STREAM_RANGES - 1);
	assert_int_equal(stream_put(&stream, 500, s_zero, 1), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 501, s_zero, 1), STREAM_TAKEN);
	assert_int_equal(stream_put(&stream, 0, s_zero, 2 * STREAM_RANGES), STREAM_TAKEN);
	assert_int_equal(stream.range_count, 2);
}

/* The plain model: a byte and whether it is there. */
struct byte_map {
	uint8_t bytes[STREAM_CAPACITY];
	bool there[STREAM_CAPACITY];
};

static uint32_t count_pieces(const struct byte_map *map)
{
	uint32_t pieces = 0;

	for (size_t i = 0; i < STREAM_CAPACITY; i++)
		pieces += map->there[i] && (i == 0 || !map->there[i - 1]);
	return pieces;
}

static enum stream_result map_put(struct byte_map *map, int64_t offset, const uint8_t *bytes,
				  size_t length)
{
	static struct byte_map next;

	if (offset < 0 || offset + (int64_t)length > STREAM_CAPACITY)
		return STREAM_OUTSIDE;
	next = *map;
	for (size_t i = 0; i < length; i++) {
		size_t at = (size_t)offset + i;

		if (map->there[at] && map->bytes[at] != bytes[i])
			return STREAM_DIFFERS;
		next.bytes[at] = bytes[i];
		next.there[at] = true;
	}
	if (count_pieces(&next) > STREAM_RANGES)
		return STREAM_OUTSIDE;
	*map = next;
	return STREAM_TAKEN;
}

static void assert_same(const struct stream *stream, const struct byte_map *map)
{
	uint32_t prefix = 0;

	while (prefix < STREAM_CAPACITY && map->there[prefix])
		prefix++;
	assert_int_equal(stream_prefix(stream), prefix);
	assert_int_equal(stream->range_count, count_pieces(map));
	for (uint32_t i = 0; i < stream->range_count; i++)
		for (uint32_t at = stream->ranges[i].begin; at < stream->ranges[i].end; at++)
			assert_true(map->there[at] && map->bytes[at] == stream->bytes[at]);
}

static void a_stream_is_a_map_of_bytes(void **state)
{
	static struct byte_map map;

	(void)state;
	srand(7);
	for (int round = 0; round < 10; round++) {
		struct stream stream = fresh();

		memset(&map, 0, sizeof(map));
		for (int i = 0; i < 150; i++) {
			int64_t offset = rand() % 400 - 5 + (rand() % 8 == 0 ? 40400 : 0);
			size_t length = (size_t)(1 + rand() % (rand() % 4 ? 6 : 200));
			uint8_t bytes[256];

			for (size_t at = 0; at < length; at++)
				bytes[at] = (uint8_t)(offset + (int64_t)at);
			if (rand() % 16 == 0)
				bytes[(size_t)rand() % length] ^= 1;
			assert_int_equal(stream_put(&stream, offset, bytes, length),
					 map_put(&map, offset, bytes, length));
			assert_same(&stream, &map);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_in_order_make_one_piece),
		cmocka_unit_test(a_gap_ends_the_prefix_until_it_is_filled),
		cmocka_unit_test(an_overlap_with_the_same_bytes_is_taken),
		cmocka_unit_test(an_overlap_that_differs_in_one_byte_changes_nothing),
		cmocka_unit_test(bytes_before_the_start_are_outside),
		cmocka_unit_test(bytes_beyond_the_capacity_are_outside),
		cmocka_unit_test(one_piece_too_many_is_outside_and_writes_nothing),
		cmocka_unit_test(a_full_list_takes_what_joins_a_piece),
		cmocka_unit_test(a_stream_is_a_map_of_bytes),
	};

	return cmocka_run_group_tests_name("inspect/stream", tests, NULL, NULL);
}
