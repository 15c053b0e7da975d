/*
 * Name patterns of application rules:
 *
 *   a.b.c      exact
 *   *.b.c      any number (>= 1) of labels below b.c, never b.c itself;
 *              ".b.c" is the same, with a warning
 *   *          every name
 *   md-*.b.c   one '*' inside the left-most label: matches within that label only, which may be as
 *              short as the fixed parts
 *
 * Anything else is refused with a message that says what is allowed.
 */
#pragma once

#include "name/name.h"

enum pattern_kind {
	PATTERN_EXACT,
	PATTERN_BELOW, /* *.suffix */
	PATTERN_LABEL, /* prefix*postfix.suffix */
	PATTERN_ANY,
};

struct pattern {
	enum pattern_kind kind;
	struct name name; /* EXACT: the name; BELOW, LABEL: the suffix without a leading dot; ANY:
			     unused */
	char prefix[LABEL_MAX_LENGTH + 1];  /* LABEL: what stands before the star, and */
	char postfix[LABEL_MAX_LENGTH + 1]; /* after it, in the left-most label */
	bool leading_dot;                   /* written ".x": callers warn */
};

/*
 * Parses what a person wrote. On failure returns -EINVAL and points ret_message at a constant
 * sentence: what is wrong and what is allowed. Output untouched on failure.
 */
int pattern_parse(const char *text, struct pattern *ret_pattern, const char **ret_message);

/* The naive test: compares the pattern with one name. */
bool pattern_matches(const struct pattern *pattern, const struct name *name);

/*
 * Does `wide` match every name that `narrow` matches? The limits on the length of names are not
 * thought of: a narrow pattern that only they keep to fewer names may be called not covered.
 */
bool pattern_covers(const struct pattern *wide, const struct pattern *narrow);

/* Canonical spelling ("*.b.c"). */
#define PATTERN_TEXT_SIZE (NAME_MAX_LENGTH + LABEL_MAX_LENGTH + 5)
const char *pattern_format(const struct pattern *pattern, char text[PATTERN_TEXT_SIZE]);
