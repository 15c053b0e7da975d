/*
 * Canonical names. Every name in sallyport, wherever it comes from, passes name_from_wire(): first
 * all of it is checked, then it is written in lower case, so a refused name leaves no trace.
 *
 * What a person wrote in ASCII is taken like a name off the wire. Only text with bytes outside
 * ASCII goes through libidn2 (UTS #46, non-transitional), and what comes back is checked like any
 * other name: U+FF0E may have become a dot, U+2100 an "a/c". The canonical form is ASCII, so making
 * it canonical once more changes nothing. A-labels are compared as bytes and never decoded.
 */
#include "name/name.h"

#include <idn2.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/ip.h"

/* No name needs more UTF-8 than this: 253 code points of 4 bytes, and dots. */
#define PERSON_MAX_LENGTH 1024

/* The byte in its canonical form; 0: not allowed in a label. */
static char canonical_byte(char byte)
{
	switch (byte) {
	case 'A' ... 'Z':
		return (char)(byte - 'A' + 'a');
	case 'a' ... 'z':
	case '0' ... '9':
	case '-':
	case '_':
		return byte;
	default:
		return 0;
	}
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_hexadecimal(char byte)
{
	return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* "::1", "[::1]", "fe80::1%eth0"; also "[1.2.3.4]", which no standard knows but some parsers take.
 */
static bool is_bracketed_or_v6_literal(const char *text, size_t length)
{
	char literal[IP_TEXT_SIZE];
	struct ip_address address;

	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	const char *zone = memchr(text, '%', length);
	if (zone)
		length = (size_t)(zone - text);
	if (length >= sizeof(literal) || memchr(text, '\0', length))
		return false;
	memcpy(literal, text, length);
	literal[length] = '\0';
	return ip_parse(literal, &address) == 0;
}

static enum name_error check_labels(const char *text, size_t length)
{
	size_t label = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.') {
			if (label == 0)
				return NAME_LABEL_EMPTY;
			label = 0;
		} else if (!canonical_byte(text[i])) {
			return is_bracketed_or_v6_literal(text, length) ? NAME_IS_ADDRESS
									: NAME_BYTE_NOT_ALLOWED;
		} else if (++label > LABEL_MAX_LENGTH) {
			return NAME_LABEL_TOO_LONG;
		}
	}
	return label == 0 ? NAME_LABEL_EMPTY : NAME_OK;
}

/*
 * The rule of the WHATWG URL standard ("ends in a number"): it covers every spelling that
 * inet_aton() takes (127.1, 0x7f.1, 017700000001) and those beyond its ranges. `length` > 0.
 */
static bool ends_in_number(const char *text, size_t length)
{
	const char *end = text + length;
	const char *dot = memrchr(text, '.', length);
	const char *at = dot ? dot + 1 : text;
	bool (*is_in_number)(char) = is_digit;

	if (end - at >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
		is_in_number = is_hexadecimal;
		at += 2;
	}
	while (at < end && is_in_number(*at))
		at++;
	return at == end;
}

enum name_error name_from_wire(const void *bytes, size_t length, struct name *ret_name)
{
	const char *text = bytes;
	enum name_error error;

	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length == 0)
		return NAME_EMPTY;
	if (length > NAME_MAX_LENGTH)
		return NAME_TOO_LONG;
	error = check_labels(text, length);
	if (error != NAME_OK)
		return error;
	if (ends_in_number(text, length))
		return NAME_IS_ADDRESS;

	for (size_t i = 0; i < length; i++)
		ret_name->text[i] = text[i] == '.' ? '.' : canonical_byte(text[i]);
	ret_name->text[length] = '\0';
	ret_name->length = (uint8_t)length;
	return NAME_OK;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text & 0x80)
			return false;
	return true;
}

static void free_idn(char **text)
{
	idn2_free(*text);
}

static enum name_error error_of_idn(int result)
{
	switch (result) {
	case IDN2_TOO_BIG_DOMAIN:
		return NAME_TOO_LONG;
	case IDN2_TOO_BIG_LABEL:
	case IDN2_PUNYCODE_BIG_OUTPUT:
		return NAME_LABEL_TOO_LONG;
	default: /* also IDN2_MALLOC: without memory it is refused, never taken */
		return NAME_IDN_INVALID;
	}
}

enum name_error name_from_person(const char *text, struct name *ret_name)
{
	cleanup(free_idn) char *ascii = NULL;
	int result;

	if (is_ascii(text))
		return name_from_wire(text, strlen(text), ret_name);
	if (strlen(text) > PERSON_MAX_LENGTH)
		return NAME_TOO_LONG;
	result = idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (result != IDN2_OK)
		return error_of_idn(result);
	return name_from_wire(ascii, strlen(ascii), ret_name);
}

bool name_equal(const struct name *a, const struct name *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

const char *name_error_text(enum name_error error)
{
	static const char *const texts[] = {
		[NAME_OK] = "is a name",
		[NAME_EMPTY] = "is empty",
		[NAME_TOO_LONG] = "is longer than 253 bytes",
		[NAME_LABEL_EMPTY] = "has an empty label",
		[NAME_LABEL_TOO_LONG] = "has a label of more than 63 bytes",
		[NAME_BYTE_NOT_ALLOWED] =
			"has a byte that is no letter, digit, hyphen, underscore or dot",
		[NAME_IS_ADDRESS] = "is an IP address",
		[NAME_IDN_INVALID] = "is no valid internationalised name",
	};

	_Static_assert(sizeof(texts) / sizeof(texts[0]) == NAME_IDN_INVALID + 1,
		       "a text for each error");
	return texts[error];
}
