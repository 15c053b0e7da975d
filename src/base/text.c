#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Like errno, each thread's own. */
static _Thread_local uint64_t s_failures;

void text_fail(struct text *text)
{
	s_failures += !text->failed;
	text->failed = true;
}

uint64_t text_failures(void)
{
	return s_failures;
}

static bool make_room(struct text *text, size_t more)
{
	size_t wanted = text->length + more + 1;
	size_t capacity = text->capacity ? text->capacity : 256;

	if (text->failed)
		return false;
	if (wanted <= text->capacity)
		return true;
	while (capacity < wanted)
		capacity *= 2;
	char *grown = realloc(text->data, capacity);
	if (!grown) {
		text_fail(text);
		return false;
	}
	text->data = grown;
	text->capacity = capacity;
	return true;
}

void text_add_bytes(struct text *text, const void *bytes, size_t length)
{
	if (!make_room(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !make_room(text, (size_t)length))
		return;
	va_start(arguments, format);
	vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	text->length += (size_t)length;
}

uint32_t text_take_character(const char **at, const char *end)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)*at;
	size_t size = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 1;
	size_t room = (size_t)(end - *at);
	uint32_t character = size == 1 ? bytes[0] : bytes[0] & (0x7fu >> size);

	*at += 1;
	if (bytes[0] < 0x80)
		return bytes[0];
	if (size == 1 || size > room || bytes[0] >= 0xf8)
		return 0xfffd;
	for (size_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0xfffd;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < least[size] || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0xfffd;
	*at += size - 1;
	return character;
}

size_t text_escape_json(uint32_t character, char escaped[TEXT_ESCAPED_SIZE])
{
	bool quoted = character == '"' || character == '\\';

	if (character >= 0x20 && character < 0x7f) {
		escaped[0] = '\\';
		escaped[quoted] = (char)character;
		escaped[quoted + 1] = '\0';
		return quoted + 1u;
	}
	if (character < 0x10000)
		return (size_t)snprintf(escaped, TEXT_ESCAPED_SIZE, "\\u%04x", character);
	character -= 0x10000;
	return (size_t)snprintf(escaped, TEXT_ESCAPED_SIZE, "\\u%04x\\u%04x",
				0xd800 | character >> 10, 0xdc00 | (character & 0x3ff));
}

void text_add_json_string(struct text *text, const char *string, size_t length)
{
	const char *at = string, *end = string + length;
	char escaped[TEXT_ESCAPED_SIZE];

	text_add(text, "\"");
	while (at < end)
		text_add_bytes(text, escaped,
			       text_escape_json(text_take_character(&at, end), escaped));
	text_add(text, "\"");
}

void text_clear(struct text *text)
{
	text->length = 0;
	if (text->data)
		text->data[0] = '\0';
}

void text_free(struct text *text)
{
	free(text->data);
	*text = TEXT_EMPTY;
}

void text_add_printable(struct text *text, const char *string)
{
	const char *end = string + strlen(string);

	while (string < end) {
		const char *start = string;
		uint32_t character = text_take_character(&string, end);
		size_t length = (size_t)(string - start);
		bool obeyed = character < 0x20 || (character >= 0x7f && character < 0xa0) ||
			      (character == 0xfffd && length == 1);

		text_add_bytes(text, obeyed ? "?" : start, obeyed ? 1 : length);
	}
}
