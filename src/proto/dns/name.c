/*
 * Reading names (RFC 1035 section 4.1.4).
 *
 * A pointer may only lead to before the place where the name (or the part of it that held the
 * pointer) starts, and what is read there must end before that place. So the window shrinks with
 * each jump and no loop is possible; a budget of jumps bounds the work that a chain of pointers to
 * pointers can cause. A pointer into the header is refused: no name is there.
 */
#include "proto/dns/name_impl.h"

#include <errno.h>
#include <string.h>

#define POINTER_BITS 0xc0
#define JUMPS_MAX    127 /* a name has no more labels than that */

/* Moves `window` to where a pointer leads. `floor` is where the part that held it starts. */
static bool follow_pointer(const uint8_t *message, uint16_t target, const uint8_t **floor,
			   struct cursor *window)
{
	if (target < DNS_HEADER_SIZE || target >= *floor - message)
		return false;
	*window = cursor_over(message + target, (size_t)(*floor - message) - target);
	*floor = message + target;
	return true;
}

/* Appends a label, keeping room for the root's. */
static bool append_label(struct dns_wire_name *name, const uint8_t *label, uint8_t length)
{
	size_t needed = name->length + 1u + length + (length > 0 ? 1u : 0u);

	if (needed > DNS_NAME_MAX)
		return false;
	name->bytes[name->length++] = length;
	memcpy(name->bytes + name->length, label, length);
	name->length = (uint8_t)(name->length + length);
	return true;
}

static bool read_labels(struct cursor *cursor, const uint8_t *message, struct dns_wire_name *name)
{
	const uint8_t *floor = cursor->at;
	struct cursor window, *at = cursor;
	unsigned int jumps = 0;

	name->length = 0;
	for (;;) {
		uint8_t first = cursor_u8(at);

		if ((first & POINTER_BITS) == POINTER_BITS) {
			uint16_t target = (uint16_t)((first & ~POINTER_BITS) << 8 | cursor_u8(at));

			if (cursor_failed(at) || ++jumps > JUMPS_MAX ||
			    !follow_pointer(message, target, &floor, &window))
				return false;
			at = &window;
			continue;
		}
		const uint8_t *label = cursor_bytes(at, first);

		if (!label || first > DNS_LABEL_MAX || !append_label(name, label, first))
			return false;
		if (first == 0)
			return true;
	}
}

bool dns_wire_name_read(struct cursor *cursor, const uint8_t *message, struct dns_wire_name *name)
{
	if (read_labels(cursor, message, name))
		return true;
	cursor_fail(cursor);
	return false;
}

static char *format_byte(char *at, uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		byte = (uint8_t)(byte - 'A' + 'a');
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
	    byte == '-') {
		*at++ = (char)byte;
		return at;
	}
	*at++ = '\\';
	*at++ = (char)('0' + byte / 100);
	*at++ = (char)('0' + byte / 10 % 10);
	*at++ = (char)('0' + byte % 10);
	return at;
}

void dns_wire_name_format(const struct dns_wire_name *name, struct dns_name *ret_name)
{
	/* 250 bytes in labels at most, four characters each, and three dots: fits. */
	char *at = ret_name->text;
	const uint8_t *label = name->bytes;

	if (*label == 0)
		*at++ = '.';
	while (*label > 0) {
		if (label > name->bytes)
			*at++ = '.';
		for (uint8_t i = 1; i <= *label; i++)
			at = format_byte(at, label[i]);
		label += *label + 1;
	}
	*at = '\0';
	ret_name->length = (uint16_t)(at - ret_name->text);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One byte of a label, escaped or plain; the number of characters read, 0: a bad escape. */
static size_t unescape(const char *text, uint8_t *ret_byte)
{
	if (text[0] != '\\') {
		*ret_byte = (uint8_t)text[0];
		return 1;
	}
	if (!is_digit(text[1]) || !is_digit(text[2]) || !is_digit(text[3]))
		return 0;
	int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');

	if (value > UINT8_MAX)
		return 0;
	*ret_byte = (uint8_t)value;
	return 4;
}

/* Reads one label up to a dot or the end; moves *text behind it. */
static int label_from_text(const char **text, uint8_t label[DNS_LABEL_MAX], uint8_t *ret_length)
{
	const char *at = *text;
	uint8_t length = 0;

	while (*at != '\0' && *at != '.') {
		uint8_t byte;
		size_t taken = unescape(at, &byte);

		if (taken == 0)
			return -EINVAL;
		if (length == DNS_LABEL_MAX)
			return -ENAMETOOLONG;
		label[length++] = byte;
		at += taken;
	}
	if (length == 0)
		return -EINVAL;
	*text = at;
	*ret_length = length;
	return 0;
}

int dns_wire_name_from_text(const char *text, struct dns_wire_name *ret_name)
{
	struct dns_wire_name name = {.length = 0};

	if (strcmp(text, ".") == 0)
		text++;
	else if (*text == '\0')
		return -EINVAL;
	while (*text != '\0') {
		uint8_t label[DNS_LABEL_MAX], length;
		int error = label_from_text(&text, label, &length);

		if (error < 0)
			return error;
		if (!append_label(&name, label, length))
			return -ENAMETOOLONG;
		if (*text == '.')
			text++;
	}
	name.bytes[name.length++] = 0;
	*ret_name = name;
	return 0;
}
