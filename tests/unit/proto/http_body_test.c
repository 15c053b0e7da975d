#include "http_case.h"

static struct http_body s_body;

/* Takes `bytes` in pieces of `piece` until the body ends or breaks; how many were its own. */
static size_t take(const char *bytes, size_t length, size_t piece, enum http_body_state *ret_state)
{
	size_t total = 0;

	do {
		size_t now = length - total < piece ? length - total : piece, taken = 99;
		char *copy = exact(bytes + total, now);

		*ret_state = http_body_take(&s_body, (const uint8_t *)copy, now, &taken);
		free(copy);
		assert_true(taken <= now);
		if (*ret_state == HTTP_BODY_MORE)
			assert_int_equal(taken, now);
		total += taken;
	} while (*ret_state == HTTP_BODY_MORE && total < length);
	return total;
}

/* At any cut: `own` bytes of `text` belong to a chunked body, which is then in `expected`. */
static void chunked(const char *text, bool extensions, size_t own, enum http_body_state expected)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		enum http_body_state state;

		http_body_init(&s_body, HTTP_BODY_CHUNKED, 0, extensions);
		assert_int_equal(take(text, strlen(text), piece, &state), own);
		assert_int_equal(state, expected);
	}
}

static void ends(const char *text)
{
	chunked(text, false, strlen(text), HTTP_BODY_END);
}

static void breaks_at(const char *text, size_t place)
{
	chunked(text, false, place, HTTP_BODY_BROKEN);
}

static void no_body_ends_at_once(void **state)
{
	size_t taken = 99;

	(void)state;
	http_body_init(&s_body, HTTP_BODY_NONE, 0, false);
	assert_int_equal(http_body_take(&s_body, (const uint8_t *)"GET", 3, &taken), HTTP_BODY_END);
	assert_int_equal(taken, 0);
	assert_int_equal(http_body_opaque(&s_body), 0);
}

static void a_length_is_taken_to_its_last_byte(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 10; piece++) {
		enum http_body_state body_state;

		http_body_init(&s_body, HTTP_BODY_LENGTH, 5, false);
		assert_int_equal(http_body_opaque(&s_body), 5);
		assert_int_equal(take("helloGET", 8, piece, &body_state), 5);
		assert_int_equal(body_state, HTTP_BODY_END);
		assert_int_equal(http_body_opaque(&s_body), 0);
	}
	http_body_init(&s_body, HTTP_BODY_LENGTH, 5, false);
	assert_int_equal(http_body_moved(&s_body, 3), HTTP_BODY_MORE);
	assert_int_equal(http_body_opaque(&s_body), 2);
	assert_int_equal(http_body_moved(&s_body, 2), HTTP_BODY_END);
}

static void a_body_until_close_takes_everything(void **state)
{
	size_t taken;

	(void)state;
	http_body_init(&s_body, HTTP_BODY_UNTIL_CLOSE, 0, false);
	assert_int_equal(http_body_take(&s_body, (const uint8_t *)"0\r\n\r\n", 5, &taken),
			 HTTP_BODY_MORE);
	assert_int_equal(taken, 5);
	assert_true(http_body_opaque(&s_body) == UINT64_MAX);
	assert_int_equal(http_body_moved(&s_body, 1u << 30), HTTP_BODY_MORE);
}

static void chunks_end_with_an_empty_one(void **state)
{
	(void)state;
	ends("0\r\n\r\n");
	ends("5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n");
	ends("000000000000000B\r\nhello world\r\n0\r\n\r\n");
	ends("3\r\n\r\n0\r\n0\r\n\r\n"); /* data may look like an end */
	chunked("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", false, 11, HTTP_BODY_END);
}

static void an_ended_body_stays_ended(void **state)
{
	enum http_body_state body_state;

	(void)state;
	http_body_init(&s_body, HTTP_BODY_CHUNKED, 0, false);
	take("0\r\n\r\n", 5, 5, &body_state);
	assert_int_equal(take("0\r\n\r\n", 5, 5, &body_state), 0);
	assert_int_equal(body_state, HTTP_BODY_END);
}

static void a_broken_body_stays_broken(void **state)
{
	enum http_body_state body_state;

	(void)state;
	http_body_init(&s_body, HTTP_BODY_CHUNKED, 0, false);
	take("x", 1, 1, &body_state);
	assert_int_equal(take("0\r\n\r\n", 5, 5, &body_state), 0);
	assert_int_equal(body_state, HTTP_BODY_BROKEN);
	assert_int_equal(http_body_opaque(&s_body), 0);
}

static void broken_sizes_are_refused(void **state)
{
	(void)state;
	breaks_at("\r\n", 0);
	breaks_at(";x\r\n", 0);
	breaks_at(" 5\r\n", 0);
	breaks_at("+5\r\n", 0);
	breaks_at("0x5\r\n", 1);
	breaks_at("5g\r\n", 1);
	breaks_at("5 \r\n", 1);
	breaks_at("5\n", 1);
	breaks_at("5\r5", 2);
	breaks_at("00000000000000005\r\n", 16);
	breaks_at("8000000000000000\r\n", 15);
	breaks_at("ffffffffffffffff\r\n", 15);
	chunked("7fffffffffffffff\r\nx", false, 19, HTTP_BODY_MORE);
}

static void data_must_end_in_crlf(void **state)
{
	(void)state;
	breaks_at("1\r\nxy\r\n", 4);
	breaks_at("1\r\nx\n", 4);
	breaks_at("1\r\nx\rx", 5);
}

static void extensions_are_for_those_who_allow_them(void **state)
{
	static const char text[] = "1;a=\"b\" \t;c\r\nx\r\n2 \r\nyz\r\n0\t;d\r\n\r\n";

	(void)state;
	breaks_at(text, 1);
	chunked(text, true, sizeof(text) - 1, HTTP_BODY_END);
	chunked("1;a\nb", true, 3, HTTP_BODY_BROKEN);
	chunked("1;a\rb", true, 4, HTTP_BODY_BROKEN);
	chunked("1;a\x01", true, 3, HTTP_BODY_BROKEN);
	chunked("1,a", true, 1, HTTP_BODY_BROKEN);
}

static void trailers_are_skipped(void **state)
{
	(void)state;
	ends("0\r\nX-Sum: abc\r\nY:\r\n\r\n");
	chunked("0\r\nX: y\r\n\r\nGET", false, 11, HTTP_BODY_END);
}

static void broken_trailers_are_refused(void **state)
{
	(void)state;
	breaks_at("0\r\n x: y\r\n\r\n", 3);
	breaks_at("0\r\n: y\r\n\r\n", 3);
	breaks_at("0\r\nx y: z\r\n\r\n", 4);
	breaks_at("0\r\nx\r\n\r\n", 4);
	breaks_at("0\r\nx: y\n\r\n", 7);
	breaks_at("0\r\nx: y\r\r\n", 8);
	breaks_at("0\r\nx: \x7f\r\n", 6);
	breaks_at("0\r\n\n", 3);
	breaks_at("0\r\n\rx", 4);
}

/* Feeds `count` times `text`; what becomes of the body. */
static enum http_body_state repeat(const char *text, size_t count)
{
	enum http_body_state state = HTTP_BODY_MORE;

	for (size_t i = 0; i < count && state == HTTP_BODY_MORE; i++)
		take(text, strlen(text), strlen(text), &state);
	return state;
}

static void extensions_and_trailers_have_a_limit(void **state)
{
	(void)state;
	http_body_init(&s_body, HTTP_BODY_CHUNKED, 0, true);
	assert_int_equal(repeat("1;", 1), HTTP_BODY_MORE);
	assert_int_equal(repeat("a", 4096), HTTP_BODY_MORE);
	assert_int_equal(repeat("\r\nx\r\n1;", 1), HTTP_BODY_MORE); /* counted anew */
	assert_int_equal(repeat("a", 4096), HTTP_BODY_MORE);
	assert_int_equal(repeat("a", 1), HTTP_BODY_BROKEN);
	http_body_init(&s_body, HTTP_BODY_CHUNKED, 0, false);
	assert_int_equal(repeat("0\r\n", 1), HTTP_BODY_MORE);
	assert_int_equal(repeat("abcde: y\r\n", 1024), HTTP_BODY_MORE);
	assert_int_equal(repeat("a", 1), HTTP_BODY_BROKEN);
}

static void chunk_data_may_be_moved_unread(void **state)
{
	enum http_body_state body_state;

	(void)state;
	http_body_init(&s_body, HTTP_BODY_CHUNKED, 0, false);
	assert_int_equal(http_body_opaque(&s_body), 0);
	assert_int_equal(http_body_moved(&s_body, 0), HTTP_BODY_MORE);
	take("10\r\n", 4, 4, &body_state);
	assert_int_equal(http_body_opaque(&s_body), 16);
	assert_int_equal(http_body_moved(&s_body, 10), HTTP_BODY_MORE);
	assert_int_equal(http_body_opaque(&s_body), 6);
	take("abc", 3, 3, &body_state);
	assert_int_equal(http_body_moved(&s_body, 3), HTTP_BODY_MORE);
	assert_int_equal(http_body_opaque(&s_body), 0);
	assert_int_equal(take("\r\n0\r\n\r\n", 7, 7, &body_state), 7);
	assert_int_equal(body_state, HTTP_BODY_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_body_ends_at_once),
		cmocka_unit_test(a_length_is_taken_to_its_last_byte),
		cmocka_unit_test(a_body_until_close_takes_everything),
		cmocka_unit_test(chunks_end_with_an_empty_one),
		cmocka_unit_test(an_ended_body_stays_ended),
		cmocka_unit_test(a_broken_body_stays_broken),
		cmocka_unit_test(broken_sizes_are_refused),
		cmocka_unit_test(data_must_end_in_crlf),
		cmocka_unit_test(extensions_are_for_those_who_allow_them),
		cmocka_unit_test(trailers_are_skipped),
		cmocka_unit_test(broken_trailers_are_refused),
		cmocka_unit_test(extensions_and_trailers_have_a_limit),
		cmocka_unit_test(chunk_data_may_be_moved_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
