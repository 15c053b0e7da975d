/*
 * Patterns: parsing, printing and the naive comparison with one name. The table (name/table.h)
 * answers the same question for many patterns at once, and a property test holds the two together.
 *
 * A pattern that could never match because every name that fits it would be too long is refused
 * like any other mistake.
 */
#include "name/pattern.h"

#include <errno.h>
#include <string.h>

#include "base/assertion.h"

static const char s_stars_message[] =
	"this '*' is out of place; allowed is one: alone (*), as the whole left-most label "
	"(*.example.com) or inside it (md-*.example.com)";
static const char s_label_message[] =
	"around a '*' inside the left-most label only letters, digits, hyphens and underscores are "
	"allowed, at most 63 of them";
static const char s_too_long_message[] =
	"the pattern is too long: names of at most 253 bytes are allowed, and none can match it";

static const char *message_of(enum name_error error)
{
	static const char *const messages[] = {
		[NAME_OK] = "the name is valid",
		[NAME_EMPTY] = "the name is empty; allowed are names (a.example.com), "
			       "*.example.com, md-*.example.com and *",
		[NAME_TOO_LONG] = "the name is too long; at most 253 bytes are allowed",
		[NAME_LABEL_EMPTY] = "the name has an empty label; allowed are labels of 1 to 63 "
				     "bytes with one dot between them",
		[NAME_LABEL_TOO_LONG] = "a label of the name is too long; at most 63 bytes are "
					"allowed between two dots",
		[NAME_BYTE_NOT_ALLOWED] = "the name has a character that is not allowed; only "
					  "letters, digits, hyphens, underscores and dots are (no "
					  "scheme, port or path)",
		[NAME_IS_ADDRESS] = "this is an IP address, not a name; addresses are allowed as "
				    "destinations of network rules",
		[NAME_IDN_INVALID] = "the internationalised name is not valid; allowed is UTF-8 "
				     "that IDNA 2008 (UTS #46, non-transitional) accepts",
	};

	_Static_assert(sizeof(messages) / sizeof(messages[0]) == NAME_IDN_INVALID + 1,
		       "a message for each error");
	return messages[error];
}

/* Copies a fixed part of the left-most label in lower case; false: a byte is not allowed in it. */
static bool copy_label_part(const char *from, size_t length, char to[LABEL_MAX_LENGTH + 1])
{
	for (size_t i = 0; i < length; i++) {
		char byte = from[i];

		if (byte >= 'A' && byte <= 'Z')
			byte = (char)(byte - 'A' + 'a');
		else if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') &&
			 byte != '-' && byte != '_')
			return false;
		to[i] = byte;
	}
	to[length] = '\0';
	return true;
}

/* The left-most label, `length` bytes with a star in it and more than that. NULL or a message. */
static const char *parse_star_label(const char *text, size_t length, struct pattern *pattern)
{
	const char *star = memchr(text, '*', length);
	size_t before = (size_t)(star - text);
	size_t after = length - before - 1;

	pattern->kind = PATTERN_LABEL;
	if (length - 1 > LABEL_MAX_LENGTH || !copy_label_part(text, before, pattern->prefix) ||
	    !copy_label_part(star + 1, after, pattern->postfix))
		return s_label_message;
	return NULL;
}

/* What stands before the suffix: ".", "*." or "md-*."; sets where the suffix starts. */
static const char *parse_head(const char *text, struct pattern *pattern, const char **ret_suffix)
{
	const char *dot = strchr(text, '.');
	const char *star = strchr(text, '*');

	*ret_suffix = text;
	if (!star && *text == '.') {
		pattern->kind = PATTERN_BELOW;
		pattern->leading_dot = true;
		*ret_suffix = text + 1;
		return NULL;
	}
	if (!star)
		return NULL;
	if (!dot || dot < star || strchr(star + 1, '*'))
		return s_stars_message;
	*ret_suffix = dot + 1;
	if (dot == text + 1) {
		pattern->kind = PATTERN_BELOW;
		return NULL;
	}
	return parse_star_label(text, (size_t)(dot - text), pattern);
}

/* The length of the shortest name that the pattern matches. */
static size_t shortest_match(const struct pattern *pattern)
{
	switch (pattern->kind) {
	case PATTERN_BELOW:
		return 2 + (size_t)pattern->name.length;
	case PATTERN_LABEL:
		return strlen(pattern->prefix) + strlen(pattern->postfix) + 1 +
		       pattern->name.length;
	default:
		return pattern->name.length;
	}
}

static const char *parse(const char *text, struct pattern *pattern)
{
	const char *suffix, *message;
	enum name_error error;

	if (strcmp(text, "*") == 0) {
		pattern->kind = PATTERN_ANY;
		return NULL;
	}
	message = parse_head(text, pattern, &suffix);
	if (message)
		return message;
	error = name_from_person(suffix, &pattern->name);
	if (error != NAME_OK)
		return message_of(error);
	return shortest_match(pattern) > NAME_MAX_LENGTH ? s_too_long_message : NULL;
}

int pattern_parse(const char *text, struct pattern *ret_pattern, const char **ret_message)
{
	struct pattern pattern = {.kind = PATTERN_EXACT};
	const char *message = parse(text, &pattern);

	if (message) {
		*ret_message = message;
		return -EINVAL;
	}
	*ret_pattern = pattern;
	return 0;
}

/* True when the name is at least one byte and a dot longer than the suffix that it ends in. */
static bool is_below(const struct name *name, const struct name *suffix)
{
	size_t start = (size_t)name->length - suffix->length;

	return name->length > suffix->length && name->text[start - 1] == '.' &&
	       memcmp(name->text + start, suffix->text, suffix->length) == 0;
}

static bool label_matches(const struct pattern *pattern, const char *label, size_t length)
{
	size_t prefix = strlen(pattern->prefix), postfix = strlen(pattern->postfix);

	return length >= prefix + postfix && memcmp(label, pattern->prefix, prefix) == 0 &&
	       memcmp(label + length - postfix, pattern->postfix, postfix) == 0;
}

bool pattern_matches(const struct pattern *pattern, const struct name *name)
{
	switch (pattern->kind) {
	case PATTERN_ANY:
		return true;
	case PATTERN_EXACT:
		return name_equal(&pattern->name, name);
	case PATTERN_BELOW:
		return is_below(name, &pattern->name);
	case PATTERN_LABEL:
		break;
	}
	invariant(pattern->kind == PATTERN_LABEL);
	if (!is_below(name, &pattern->name))
		return false;
	size_t length = (size_t)name->length - pattern->name.length - 1;
	return !memchr(name->text, '.', length) && label_matches(pattern, name->text, length);
}

static bool is_at_or_below(const struct name *name, const struct name *suffix)
{
	return name_equal(name, suffix) || is_below(name, suffix);
}

/* Anything may stand for the narrow pattern's star, so only its fixed parts can hold the wide
   one's. */
static bool label_covers(const struct pattern *wide, const struct pattern *narrow)
{
	size_t prefix = strlen(wide->prefix), postfix = strlen(wide->postfix);
	size_t narrow_postfix = strlen(narrow->postfix);

	return strncmp(narrow->prefix, wide->prefix, prefix) == 0 && narrow_postfix >= postfix &&
	       strcmp(narrow->postfix + narrow_postfix - postfix, wide->postfix) == 0;
}

bool pattern_covers(const struct pattern *wide, const struct pattern *narrow)
{
	if (wide->kind == PATTERN_ANY)
		return true;
	switch (narrow->kind) {
	case PATTERN_ANY:
		return false;
	case PATTERN_EXACT:
		return pattern_matches(wide, &narrow->name);
	case PATTERN_BELOW:
		return wide->kind == PATTERN_BELOW && is_at_or_below(&narrow->name, &wide->name);
	case PATTERN_LABEL:
		break;
	}
	if (wide->kind == PATTERN_BELOW)
		return is_at_or_below(&narrow->name, &wide->name);
	return wide->kind == PATTERN_LABEL && name_equal(&wide->name, &narrow->name) &&
	       label_covers(wide, narrow);
}

const char *pattern_format(const struct pattern *pattern, char text[PATTERN_TEXT_SIZE])
{
	char *at = text;

	if (pattern->kind == PATTERN_ANY)
		return strcpy(text, "*");
	if (pattern->kind == PATTERN_LABEL)
		at = stpcpy(at, pattern->prefix);
	if (pattern->kind != PATTERN_EXACT)
		at = stpcpy(at, "*");
	if (pattern->kind == PATTERN_LABEL)
		at = stpcpy(at, pattern->postfix);
	if (pattern->kind != PATTERN_EXACT)
		at = stpcpy(at, ".");
	strcpy(at, pattern->name.text);
	return text;
}
