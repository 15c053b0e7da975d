/*
 * A growing string for generators (rulesets, JSON, tables). Running out of memory is remembered,
 * not reported at each step: check text_failed() once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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
void text_add_json_string(struct text *text, const char *string, size_t length); /* with quotes */
void text_clear(struct text *text); /* keeps the room */
void text_free(struct text *text);  /* for cleanup() */

static inline bool text_failed(const struct text *text)
{
	return text->failed;
}

static inline const char *text_string(const struct text *text)
{
	return text->data ? text->data : "";
}
