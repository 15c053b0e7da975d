/* Names in wire form: a sequence of length-prefixed labels that ends in the empty one. */
#pragma once

#include "proto/dns/message.h"
#include "wire/cursor.h"

#define DNS_HEADER_SIZE 12
#define DNS_LABEL_MAX   63

/* Uncompressed, spelled as in the message. */
struct dns_wire_name {
	uint8_t bytes[DNS_NAME_MAX];
	uint8_t length; /* 1..255 with the root's empty label */
};

/*
 * Reads the name at the cursor, following compression pointers into the message that starts at
 * `message`. False: malformed; the cursor is then failed and `name` holds nothing of use.
 */
bool dns_wire_name_read(struct cursor *cursor, const uint8_t *message, struct dns_wire_name *name);

/* The presentation form as struct dns_name describes it. */
void dns_wire_name_format(const struct dns_wire_name *name, struct dns_name *ret_name);

/* From presentation form, \DDD escapes included, with or without the last dot. -ENAMETOOLONG: a
   label or the name; -EINVAL: an empty label or a bad escape. */
int dns_wire_name_from_text(const char *text, struct dns_wire_name *ret_name);
