/*
 * One pass over the bytes of a JSON file before the library sees them. It tells apart what a person
 * must do differently: an empty file, UTF-16 (PowerShell's `>` writes it), a binary file, another
 * encoding; and it bounds nesting and the number of values, so that neither the library's recursion
 * nor its memory is the outside's to choose. It knows of JSON's grammar only where strings are.
 */
#include "base/json_text.h"

#include <string.h>

#include "base/text.h"

struct scan {
	const char *file;
	struct problems *problems;
	struct json_position position;
	unsigned int depth;
	size_t items;
	bool in_string, escaped;
};

static bool fail(const struct scan *scan, const char *message)
{
	problems_add(scan->problems, PROBLEM_ERROR,
		     (struct problem_place){scan->file, scan->position.line, scan->position.column},
		     "%s", message);
	return false;
}

size_t json_text_mark(const char *text, size_t length)
{
	return length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* With or without a byte order mark: the first character of JSON is ASCII. */
static bool is_utf16(const char *text, size_t length)
{
	if (length < 2)
		return false;
	return !memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2) ||
	       (text[0] == '\0') != (text[1] == '\0');
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
			return false;
	return true;
}

static bool take_structure(struct scan *scan, uint32_t character)
{
	if (character == '"') {
		scan->in_string = true;
	} else if (character == '[' || character == '{') {
		scan->items++;
		if (++scan->depth > JSON_DEPTH_LIMIT)
			return fail(scan, "lists and objects are nested too deeply: at most 64 "
					  "within each other are read");
	} else if (character == ']' || character == '}') {
		scan->depth -= scan->depth > 0;
	} else if (character == ',') {
		scan->items++;
	}
	return scan->items <= JSON_ITEM_LIMIT ||
	       fail(scan, "the file has more than 4,000,000 values");
}

static bool take_character(struct scan *scan, uint32_t character)
{
	if (scan->in_string) {
		scan->in_string = scan->escaped || character != '"';
		scan->escaped = !scan->escaped && character == '\\';
	} else if (!take_structure(scan, character)) {
		return false;
	}
	scan->position.column++;
	if (character == '\n')
		scan->position = (struct json_position){scan->position.line + 1, 1};
	return true;
}

bool json_text_check(const char *text, size_t length, const char *file, struct problems *problems)
{
	struct scan scan = {.file = file, .problems = problems, .position = {1, 1}};
	const char *at = text + json_text_mark(text, length), *end = text + length;

	if (is_blank(at, (size_t)(end - at)))
		return fail(&scan, "the file is empty");
	if (length > JSON_SIZE_LIMIT)
		return fail(&scan, "the file is longer than 64 MiB");
	if (is_utf16(text, length))
		return fail(&scan, "the file is UTF-16 (as PowerShell's '>' writes it) or binary; "
				   "JSON is UTF-8: save it so, as with Out-File -Encoding utf8");
	while (at < end) {
		const char *before = at;
		uint32_t character = text_take_character(&at, end);

		if (character == 0xfffd && at - before == 1)
			return fail(&scan, "the file is not UTF-8 from here on: save it as UTF-8");
		if (character == 0)
			return fail(&scan, "the file is binary, not JSON: a zero byte stands here");
		if (!take_character(&scan, character))
			return false;
	}
	return true;
}
