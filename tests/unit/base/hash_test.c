#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void hashes_equal_those_of_another_implementation(void **state)
{
	/* From CPython 3.11 (SipHash-1-3), PYTHONHASHSEED=0: the key is zero. */
	static const struct {
		const char *text;
		uint64_t hash;
	} cases[] = {
		{"a", 0x407448d2b89b1813u},
		{"abcdefg", 0x6db12aae9070f506u},
		{"abcdefgh", 0x3f7b849c0b8e35eau},
		{"abcdefghi", 0xf89b34a3d11eb6e5u},
		{"0123456789abcdef", 0x1d42b30f7e060c24u},
		{"mcr.microsoft.com", 0x49081cfbe78605f2u},
	};
	static const struct hash_key zero = {{0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(hash_bytes(&zero, cases[i].text, strlen(cases[i].text)) ==
			    cases[i].hash);
}

static void both_halves_of_the_key_and_the_length_matter(void **state)
{
	static const struct hash_key keys[] = {{{0, 0}}, {{1, 0}}, {{0, 1}}};

	(void)state;
	assert_true(hash_bytes(&keys[0], "a", 1) != hash_bytes(&keys[1], "a", 1));
	assert_true(hash_bytes(&keys[0], "a", 1) != hash_bytes(&keys[2], "a", 1));
	assert_true(hash_bytes(&keys[1], "a", 1) != hash_bytes(&keys[2], "a", 1));
	assert_true(hash_bytes(&keys[0], "\0", 1) != hash_bytes(&keys[0], "\0\0", 2));
	assert_true(hash_bytes(&keys[0], "", 0) != hash_bytes(&keys[0], "\0", 1));
}

static void random_keys_and_bytes_differ(void **state)
{
	struct hash_key a = hash_key_random(), b = hash_key_random();
	unsigned char large[4096] = {0};
	unsigned int zero_pages = 0;

	(void)state;
	assert_memory_not_equal(&a, &b, sizeof(a));
	random_bytes(large, sizeof(large));
	for (size_t page = 0; page < sizeof(large); page += 64) {
		static const unsigned char zeros[64];

		zero_pages += memcmp(large + page, zeros, sizeof(zeros)) == 0;
	}
	assert_int_equal(zero_pages, 0);
	random_bytes(large, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_equal_those_of_another_implementation),
		cmocka_unit_test(both_halves_of_the_key_and_the_length_matter),
		cmocka_unit_test(random_keys_and_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
