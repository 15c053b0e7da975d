#include "name/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A10  "aaaaaaaaaa"
#define L63  A10 A10 A10 A10 A10 A10 "aaa"
#define L64  L63 "a"
#define N61  A10 A10 A10 A10 A10 A10 "a"
#define N253 L63 "." L63 "." L63 "." N61
#define N254 L63 "." L63 "." L63 "." N61 "a"

#define BYTES(literal) literal, sizeof(literal) - 1

/* A spelling off the wire, and its canonical form or why it has none. */
struct spelling {
	const char *bytes;
	size_t length;
	const char *canonical; /* NULL: refused */
	enum name_error error;
};

static const struct spelling s_wire[] = {
	{BYTES("mcr.microsoft.com"), "mcr.microsoft.com", NAME_OK},
	{BYTES("MCR.Microsoft.COM"), "mcr.microsoft.com", NAME_OK},
	{BYTES("AZaz09-_.x"), "azaz09-_.x", NAME_OK},
	{BYTES("a.b."), "a.b", NAME_OK},
	{BYTES("localhost"), "localhost", NAME_OK},
	{BYTES("_dmarc._tcp.a"), "_dmarc._tcp.a", NAME_OK},
	{BYTES("-"), "-", NAME_OK},
	{BYTES("-a-.b-"), "-a-.b-", NAME_OK},
	{BYTES("r3---sn-x.a"), "r3---sn-x.a", NAME_OK},
	{BYTES("XN--BCHER-KVA.de"), "xn--bcher-kva.de", NAME_OK},
	{BYTES("xn--.a"), "xn--.a", NAME_OK},
	{BYTES(L63 ".a"), L63 ".a", NAME_OK},
	{BYTES(N253), N253, NAME_OK},
	{BYTES(N253 "."), N253, NAME_OK},

	{BYTES(""), NULL, NAME_EMPTY},
	{BYTES("."), NULL, NAME_EMPTY},
	{BYTES(N254), NULL, NAME_TOO_LONG},
	{BYTES(N253 ".."), NULL, NAME_TOO_LONG},
	{BYTES(".."), NULL, NAME_LABEL_EMPTY},
	{BYTES("a.."), NULL, NAME_LABEL_EMPTY},
	{BYTES(".a"), NULL, NAME_LABEL_EMPTY},
	{BYTES("a..b"), NULL, NAME_LABEL_EMPTY},
	{BYTES(L64), NULL, NAME_LABEL_TOO_LONG},
	{BYTES("a." L64 ".b"), NULL, NAME_LABEL_TOO_LONG},

	{BYTES("a.com\0.evil.example"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("\0"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a.com\0"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("::1\0"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES(" a.com"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a.com\r\n"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a.com\t"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("*.a.com"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a.com:443"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a.com/"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("user@a.com"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a%2ecom"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a\\.com"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a`z"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a{z"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a@z"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a[z"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a/z"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a,z"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a\x7f"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("a\x80"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("\xff"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("b\xc3\xbc"
	       "cher.de"),
	 NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("\xc4\xb0.com"), NULL, NAME_BYTE_NOT_ALLOWED}, /* I with dot above */
	{BYTES("a\xe3\x80\x82"
	       "com"),
	 NULL, NAME_BYTE_NOT_ALLOWED}, /* ideographic full stop */

	{BYTES("1.2.3.4"), NULL, NAME_IS_ADDRESS},
	{BYTES("1.2.3.4."), NULL, NAME_IS_ADDRESS},
	{BYTES("1.2.3"), NULL, NAME_IS_ADDRESS},
	{BYTES("127.1"), NULL, NAME_IS_ADDRESS},
	{BYTES("0"), NULL, NAME_IS_ADDRESS},
	{BYTES("2130706433"), NULL, NAME_IS_ADDRESS},
	{BYTES("017700000001"), NULL, NAME_IS_ADDRESS},
	{BYTES("0177.0.0.1"), NULL, NAME_IS_ADDRESS},
	{BYTES("0x7f.1"), NULL, NAME_IS_ADDRESS},
	{BYTES("0x7f000001"), NULL, NAME_IS_ADDRESS},
	{BYTES("0X7F000001"), NULL, NAME_IS_ADDRESS},
	{BYTES("1.2.3.0xfE"), NULL, NAME_IS_ADDRESS},
	{BYTES("0x"), NULL, NAME_IS_ADDRESS},
	{BYTES("127.0.0.0x"), NULL, NAME_IS_ADDRESS},
	{BYTES("256.256.256.256"), NULL, NAME_IS_ADDRESS},
	{BYTES("1.2.3.4.5"), NULL, NAME_IS_ADDRESS},
	{BYTES("a.example.9"), NULL, NAME_IS_ADDRESS},
	{BYTES("::"), NULL, NAME_IS_ADDRESS},
	{BYTES("::1"), NULL, NAME_IS_ADDRESS},
	{BYTES("[::1]"), NULL, NAME_IS_ADDRESS},
	{BYTES("[::1]."), NULL, NAME_IS_ADDRESS},
	{BYTES("2001:DB8::a"), NULL, NAME_IS_ADDRESS},
	{BYTES("::ffff:169.254.169.254"), NULL, NAME_IS_ADDRESS},
	{BYTES("[64:ff9b::a83f:8110]"), NULL, NAME_IS_ADDRESS},
	{BYTES("fe80::1%eth0"), NULL, NAME_IS_ADDRESS},
	{BYTES("[fe80::1%25eth0]"), NULL, NAME_IS_ADDRESS},
	{BYTES("[1.2.3.4]"), NULL, NAME_IS_ADDRESS},
	{BYTES("[::1]:443"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("[::1"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("["), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("[]"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("[v1.x]"), NULL, NAME_BYTE_NOT_ALLOWED},
	{BYTES("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), NULL, NAME_BYTE_NOT_ALLOWED},

	{BYTES("1.2.3.4a"), "1.2.3.4a", NAME_OK},
	{BYTES("0xg"), "0xg", NAME_OK},
	{BYTES("x0"), "x0", NAME_OK},
	{BYTES("1x0"), "1x0", NAME_OK},
	{BYTES("0x7f.a"), "0x7f.a", NAME_OK},
	{BYTES("1.2.3.com"), "1.2.3.com", NAME_OK},
	{BYTES("1.2.3.-4"), "1.2.3.-4", NAME_OK},
	{BYTES("1_0"), "1_0", NAME_OK},
};

static void fill(struct name *name)
{
	memset(name, 0x5a, sizeof(*name));
}

static bool is_untouched(const struct name *name)
{
	struct name fresh;

	fill(&fresh);
	return memcmp(name, &fresh, sizeof(fresh)) == 0;
}

/* The bytes at the end of an allocation of their own, where a sanitizer sees an over-read. */
static enum name_error read_wire(const char *bytes, size_t length, struct name *ret_name)
{
	char *copy = malloc(length ? length : 1);
	enum name_error error;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	error = name_from_wire(copy, length, ret_name);
	free(copy);
	return error;
}

static void assert_canonical(const struct name *name, const char *canonical)
{
	struct name again;

	assert_string_equal(name->text, canonical);
	assert_int_equal(name->length, strlen(canonical));
	assert_int_equal(name_from_wire(name->text, name->length, &again), NAME_OK);
	assert_true(name_equal(name, &again));
	assert_int_equal(name_from_person(name->text, &again), NAME_OK);
	assert_true(name_equal(name, &again));
}

static void each_spelling_off_the_wire_has_one_canonical_form_or_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(s_wire) / sizeof(s_wire[0]); i++) {
		const struct spelling *spelling = &s_wire[i];
		struct name name;

		fill(&name);
		enum name_error error = read_wire(spelling->bytes, spelling->length, &name);
		if (error != spelling->error)
			fail_msg("'%s': %s", spelling->bytes, name_error_text(error));
		if (spelling->canonical)
			assert_canonical(&name, spelling->canonical);
		else
			assert_true(is_untouched(&name));
	}
}

static void what_a_person_wrote_in_ascii_is_read_like_the_wire(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(s_wire) / sizeof(s_wire[0]); i++) {
		const struct spelling *spelling = &s_wire[i];
		struct name name;
		bool ascii = true;

		for (size_t at = 0; at < spelling->length; at++)
			ascii = ascii && spelling->bytes[at] > 0;
		if (!ascii)
			continue;
		fill(&name);
		assert_int_equal(name_from_person(spelling->bytes, &name), spelling->error);
		assert_true(spelling->canonical || is_untouched(&name));
	}
}

static void only_letters_digits_hyphen_underscore_and_dot_are_allowed(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		char text[3] = {'x', (char)byte, 'x'};
		bool is_upper = byte >= 'A' && byte <= 'Z';
		char lower = (char)(is_upper ? byte + 32 : byte);
		struct name name;
		enum name_error error = read_wire(text, sizeof(text), &name);

		if (!lower || !strchr(allowed, lower)) {
			assert_int_equal(error, NAME_BYTE_NOT_ALLOWED);
			continue;
		}
		assert_int_equal(error, NAME_OK);
		assert_int_equal(name.text[1], lower);
	}
}

struct written {
	const char *text;
	const char *canonical;
	enum name_error error;
};

#define B50 "\xc3\xbc" A10 A10 A10 A10 A10

static const struct written s_person[] = {
	{"b\xc3\xbc"
	 "cher.de",
	 "xn--bcher-kva.de", NAME_OK},
	{"B\xc3\x9c"
	 "CHER.DE.",
	 "xn--bcher-kva.de", NAME_OK},
	{"bu\xcc\x88"
	 "cher.de",
	 "xn--bcher-kva.de", NAME_OK},               /* NFD */
	{"fa\xc3\x9f.de", "xn--fa-hia.de", NAME_OK}, /* sharp s stays: non-transitional */
	{"_x.b\xc3\xbc"
	 "cher.de",
	 "_x.xn--bcher-kva.de", NAME_OK},
	{"\xe4\xbe\x8b\xe3\x80\x82"
	 "com",
	 "xn--fsq.com", NAME_OK}, /* ideographic full stop */
	{"\xef\xbd\x81\xef\xbc\x8e"
	 "com",
	 "a.com", NAME_OK}, /* full-width */
	{"a\xc2\xad"
	 "b.com",
	 "ab.com", NAME_OK}, /* soft hyphen vanishes */
	{"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1", NULL, NAME_IS_ADDRESS}, /* full-width digits */
	{"127\xe3\x80\x82"
	 "0.0.1",
	 NULL, NAME_IS_ADDRESS},
	{"\xe2\x84\x80.com", NULL, NAME_BYTE_NOT_ALLOWED}, /* "a/c" in one character */
	{"\xef\xbc\x8a.com", NULL, NAME_BYTE_NOT_ALLOWED}, /* full-width star */
	{"\xe4\xbe\x8b com", NULL, NAME_IDN_INVALID},
	{"\xe4\xbe\x8b..com", NULL, NAME_LABEL_EMPTY},
	{"\xff.com", NULL, NAME_IDN_INVALID},         /* not UTF-8 */
	{"\xed\xa0\x80.com", NULL, NAME_IDN_INVALID}, /* a surrogate */
	{"\xc0\xae.com", NULL, NAME_IDN_INVALID},     /* an overlong dot */
	{"\xe2\x80\x8d.com", NULL, NAME_IDN_INVALID}, /* a joiner out of context */
	{"\xcc\x88"
	 "a.com",
	 NULL, NAME_IDN_INVALID},                  /* starts with a combining mark */
	{"a\xd7\x90.com", NULL, NAME_IDN_INVALID}, /* mixed directions */
	{"xn--a.b\xc3\xbc"
	 "cher.de",
	 NULL, NAME_IDN_INVALID}, /* an A-label that decodes to nothing */
	{B50 A10 ".de", NULL, NAME_LABEL_TOO_LONG},
	{L64 ".\xc3\xbc.de", NULL, NAME_LABEL_TOO_LONG},
	{B50 "." B50 "." B50 "." B50 "." B50, NULL, NAME_TOO_LONG},
};

static void utf8_becomes_a_labels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(s_person) / sizeof(s_person[0]); i++) {
		struct name name;

		fill(&name);
		enum name_error error = name_from_person(s_person[i].text, &name);
		if (error != s_person[i].error)
			fail_msg("'%s': %s", s_person[i].text, name_error_text(error));
		if (s_person[i].canonical)
			assert_canonical(&name, s_person[i].canonical);
		else
			assert_true(is_untouched(&name));
	}
}

static void endless_utf8_is_too_long(void **state)
{
	char text[4096];
	struct name name;

	(void)state;
	memset(text, 0xc2, sizeof(text)); /* soft hyphens, which vanish */
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = (char)0xad;
	text[0] = text[1] = 'a';
	text[sizeof(text) - 2] = '\0';
	assert_int_equal(name_from_person(text, &name), NAME_TOO_LONG);
}

static void a_name_may_be_made_canonical_in_place(void **state)
{
	struct name name;

	(void)state;
	assert_int_equal(name_from_wire("a.B", 3, &name), NAME_OK);
	name.text[0] = 'X';
	assert_int_equal(name_from_wire(name.text, name.length, &name), NAME_OK);
	assert_string_equal(name.text, "x.b");
}

static void names_are_equal_when_their_bytes_are(void **state)
{
	struct name a, b, longer, other;

	(void)state;
	assert_int_equal(name_from_wire("a.b", 3, &a), NAME_OK);
	assert_int_equal(name_from_wire("A.B.", 4, &b), NAME_OK);
	assert_int_equal(name_from_wire("a.b.c", 5, &longer), NAME_OK);
	assert_int_equal(name_from_wire("a.c", 3, &other), NAME_OK);
	assert_true(name_equal(&a, &b));
	assert_false(name_equal(&a, &longer));
	assert_false(name_equal(&a, &other));
}

static void each_error_has_its_own_text(void **state)
{
	(void)state;
	for (int a = NAME_OK; a <= NAME_IDN_INVALID; a++)
		for (int b = NAME_OK; b < a; b++)
			assert_string_not_equal(name_error_text((enum name_error)a),
						name_error_text((enum name_error)b));
	assert_string_equal(name_error_text(NAME_TOO_LONG), "is longer than 253 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_spelling_off_the_wire_has_one_canonical_form_or_none),
		cmocka_unit_test(what_a_person_wrote_in_ascii_is_read_like_the_wire),
		cmocka_unit_test(only_letters_digits_hyphen_underscore_and_dot_are_allowed),
		cmocka_unit_test(utf8_becomes_a_labels),
		cmocka_unit_test(endless_utf8_is_too_long),
		cmocka_unit_test(a_name_may_be_made_canonical_in_place),
		cmocka_unit_test(names_are_equal_when_their_bytes_are),
		cmocka_unit_test(each_error_has_its_own_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
