/* What is wrong with a JSON text before its grammar: encoding, nesting, size. */
#pragma once

#include "base/problems.h"

#define JSON_SIZE_LIMIT  (64u << 20) /* bytes of a file */
#define JSON_DEPTH_LIMIT 64          /* lists and objects within each other */
#define JSON_ITEM_LIMIT  4000000     /* values of a document: about 1 GB of memory */

/* Where a character stands: lines and columns from 1, columns in characters. */
struct json_position {
	unsigned int line, column;
};

/* A byte order mark before UTF-8 is allowed, and no part of the text: its length, or 0. */
size_t json_text_mark(const char *text, size_t length);

/* False: one error with its place was added. */
bool json_text_check(const char *text, size_t length, const char *file, struct problems *problems);
