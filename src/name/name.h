/*
 * The one canonical form of domain names, for rules, SNI, Host, CONNECT and DNS alike: lower case,
 * one trailing dot removed, IDN as A-labels (libidn2), labels 1..63 and the whole 1..253 bytes,
 * only letters, digits, hyphen and underscore; no IP literal, no empty label, no NUL. What has no
 * canonical form is not a name. canonical(canonical(x)) == canonical(x).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 1035 section 2.3.4, without the root's dot, and what follows from it. */
#define NAME_MAX_LENGTH  253
#define LABEL_MAX_LENGTH 63
#define NAME_MAX_LABELS  127

/* A canonical name as a value: only name_from_wire() and name_from_person() make one. */
struct name {
	uint8_t length;                 /* 1..253 */
	char text[NAME_MAX_LENGTH + 1]; /* NUL-terminated */
};

enum name_error {
	NAME_OK,
	NAME_EMPTY,
	NAME_TOO_LONG,
	NAME_LABEL_EMPTY,
	NAME_LABEL_TOO_LONG,
	NAME_BYTE_NOT_ALLOWED, /* also NUL */
	/* An IPv6 literal, or an IPv4 one in any spelling inet_aton() would take: as browsers do,
	   every name whose last label is a number (all digits, or 0x and hexadecimal digits). */
	NAME_IS_ADDRESS,
	NAME_IDN_INVALID,
};

/*
 * Untrusted bytes off the wire (SNI, Host, DNS presentation form): ASCII only; no IDN conversion
 * (a U-label on the wire is not a name). Output untouched unless NAME_OK.
 */
enum name_error name_from_wire(const void *bytes, size_t length, struct name *ret_name);

/* What a person wrote in a configuration: as above, and UTF-8 is converted to A-labels first. */
enum name_error name_from_person(const char *text, struct name *ret_name);

bool name_equal(const struct name *a, const struct name *b);

/* "is longer than 253 bytes", for messages. */
const char *name_error_text(enum name_error error);
