/*
 * A growing string for generators (rulesets, JSON, tables). Running out of memory is remembered,
 * not reported at each step: check text_failed() once at the end. Who makes texts from texts
 * compares text_failures() at both ends instead: a part that failed is not seen in the whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* NUL-terminated once anything was added; NULL before */
	size_t length;
	size_t capacity;
	bool failed;
};

#define TEXT_EMPTY ((struct text){0})

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t length);
__attribute__((format(printf, 2, 3))) void text_addf(struct text *text, const char *format, ...);
/* With quotes; plain ASCII as by text_escape_json(). */
void text_add_json_string(struct text *text, const char *string, size_t length);
/* For a person's terminal: what it would obey (control characters), or is no UTF-8, becomes '?'. */
void text_add_printable(struct text *text, const char *string);
void text_clear(struct text *text); /* keeps the room */
void text_fail(struct text *text);  /* as if it had run out of memory itself */
void text_free(struct text *text);  /* for cleanup() */

static inline bool text_failed(const struct text *text)
{
	return text->failed;
}

/* How many texts have failed in this thread so far. */
uint64_t text_failures(void);

static inline const char *text_string(const struct text *text)
{
	return text->data ? text->data : "";
}

/* The next character of the UTF-8 from *at to `end` (RFC 3629 section 4), at least one byte; moves
 *at on. A byte that is not UTF-8 is U+FFFD. */
uint32_t text_take_character(const char **at, const char *end);

#define TEXT_ESCAPED_SIZE 13
/* A character as it stands in a JSON string of plain ASCII: itself, or \uXXXX (twice beyond
   U+FFFF). NUL-terminated; returns the length. */
size_t text_escape_json(uint32_t character, char escaped[TEXT_ESCAPED_SIZE]);
