/* What is wrong with a JSON text before its grammar: encoding, nesting, size. */
#pragma once

#include "base/problems.h"

/* Where a character stands: lines and columns from 1, columns in characters. */
struct json_position {
	unsigned int line, column;
};

/* A byte order mark before UTF-8 is allowed, and no part of the text: its length, or 0. */
size_t json_text_mark(const char *text, size_t length);

/* False: one error with its place was added. */
bool json_text_check(const char *text, size_t length, const char *file, struct problems *problems);
