#include <string.h>

#include "die.h"
#include "dns_message.h"

#define NAME_MAX_LENGTH  253
#define LABEL_MAX_LENGTH 63

size_t dns_write_question(uint8_t message[DNS_MESSAGE_MAX], const char *name)
{
	static const uint8_t header[DNS_HEADER] = {[2] = 1 /* recursion desired */, [5] = 1};
	static const uint8_t type_and_class[4] = {0, DNS_TYPE_A, 0, 1};
	uint8_t *at = message + DNS_HEADER;

	if (strlen(name) > NAME_MAX_LENGTH)
		die("'%s' is too long", name);
	memcpy(message, header, DNS_HEADER);
	while (*name) {
		size_t length = strcspn(name, ".");

		if (length == 0 || length > LABEL_MAX_LENGTH)
			die("a label of %zu bytes", length);
		*at++ = (uint8_t)length;
		memcpy(at, name, length);
		at += length;
		name += length + (name[length] == '.');
	}
	*at++ = 0;
	memcpy(at, type_and_class, sizeof(type_and_class));
	return (size_t)(at - message) + sizeof(type_and_class);
}

size_t dns_question_end(const uint8_t *message, size_t length)
{
	size_t at = DNS_HEADER;

	if (length < DNS_HEADER || message[4] != 0 || message[5] != 1)
		return 0;
	while (at < length && message[at] != 0) {
		if (message[at] > LABEL_MAX_LENGTH)
			return 0;
		at += message[at] + 1u;
	}
	return at + 5 <= length ? at + 5 : 0;
}
