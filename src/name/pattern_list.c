/*
 * Each pattern is one record: its kind, three lengths, and the texts of name, prefix and postfix
 * behind each other. The lists are this program's own, so what is read back is what was written.
 */
#include "name/pattern_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER     4
#define RECORD_MAX (HEADER + NAME_MAX_LENGTH + 2 * LABEL_MAX_LENGTH)

static int make_room(struct pattern_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 64;
	uint8_t *grown;

	if (list->capacity - list->length >= RECORD_MAX)
		return 0;
	while (capacity - list->length < RECORD_MAX)
		capacity *= 2;
	grown = realloc(list->bytes, capacity);
	if (!grown)
		return -ENOMEM;
	list->bytes = grown;
	list->capacity = capacity;
	return 0;
}

static void put_text(struct pattern_list *list, const char *text, size_t length)
{
	memcpy(list->bytes + list->length, text, length);
	list->length += length;
}

int pattern_list_add(struct pattern_list *list, const struct pattern *pattern)
{
	size_t name = pattern->kind == PATTERN_ANY ? 0 : pattern->name.length;
	size_t prefix = pattern->kind == PATTERN_LABEL ? strlen(pattern->prefix) : 0;
	size_t postfix = pattern->kind == PATTERN_LABEL ? strlen(pattern->postfix) : 0;
	uint8_t *header;

	if (make_room(list) < 0)
		return -ENOMEM;
	header = list->bytes + list->length;
	header[0] = (uint8_t)pattern->kind;
	header[1] = (uint8_t)name;
	header[2] = (uint8_t)prefix;
	header[3] = (uint8_t)postfix;
	list->length += HEADER;
	put_text(list, pattern->name.text, name);
	put_text(list, pattern->prefix, prefix);
	put_text(list, pattern->postfix, postfix);
	list->count++;
	return 0;
}

int pattern_list_copy(const struct pattern_list *source, struct pattern_list *ret_copy)
{
	struct pattern_list copy = {.count = source->count, .length = source->length};

	copy.capacity = source->length;
	if (source->length > 0) {
		copy.bytes = malloc(source->length);
		if (!copy.bytes)
			return -ENOMEM;
		memcpy(copy.bytes, source->bytes, source->length);
	}
	*ret_copy = copy;
	return 0;
}

void pattern_list_free(struct pattern_list *list)
{
	free(list->bytes);
	*list = (struct pattern_list){0};
}

static const uint8_t *take_text(const uint8_t *from, char *to, size_t length)
{
	memcpy(to, from, length);
	to[length] = '\0';
	return from + length;
}

bool pattern_list_next(const struct pattern_list *list, size_t *at, struct pattern *ret_pattern)
{
	const uint8_t *header, *text;

	if (*at == list->length)
		return false;
	header = list->bytes + *at;
	ret_pattern->kind = (enum pattern_kind)header[0];
	ret_pattern->leading_dot = false;
	ret_pattern->name.length = header[1];
	text = take_text(header + HEADER, ret_pattern->name.text, header[1]);
	text = take_text(text, ret_pattern->prefix, header[2]);
	text = take_text(text, ret_pattern->postfix, header[3]);
	*at = (size_t)(text - list->bytes);
	return true;
}

size_t pattern_list_memory(const struct pattern_list *list)
{
	return list->length;
}
