#include <errno.h>
#include <string.h>

#include "proto/dns/writer_impl.h"

#define OPTION_EXTENDED_ERROR 15 /* RFC 8914 section 2 */

int dns_query_build(uint16_t id, const char *name, uint16_t type, bool dnssec_ok, uint8_t *buffer,
		    size_t size)
{
	struct dns_wire_name wire_name;
	struct dns_writer writer;
	int error = dns_wire_name_from_text(name, &wire_name);

	if (error < 0)
		return error;
	dns_writer_init(&writer, buffer, size);
	dns_write_header(&writer, id, DNS_FLAG_RECURSION_DESIRED, 1, 1);
	dns_write_name(&writer, &wire_name);
	dns_write_u16(&writer, type);
	dns_write_u16(&writer, DNS_CLASS_IN);
	dns_end_vector16(&writer, dns_begin_opt(&writer, dnssec_ok));
	return writer.failed ? -ENOBUFS : (int)writer.length;
}

static void write_extended_error(struct dns_writer *writer, enum dns_extended_error error,
				 const char *text)
{
	dns_write_u16(writer, OPTION_EXTENDED_ERROR);

	size_t begin = dns_begin_vector16(writer);

	dns_write_u16(writer, (uint16_t)error);
	if (text)
		dns_write_bytes(writer, text, strlen(text));
	dns_end_vector16(writer, begin);
}

int dns_reply_build(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		    enum dns_extended_error error, const char *error_text, uint8_t *buffer,
		    size_t size)
{
	const uint16_t echoed =
		DNS_FLAG_OPCODE | DNS_FLAG_RECURSION_DESIRED | DNS_FLAG_CHECKING_DISABLED;
	uint16_t flags = (uint16_t)(DNS_FLAG_RESPONSE | DNS_FLAG_RECURSION_AVAILABLE |
				    (query->flags & echoed) | code);
	size_t question_length = query->question.wire_length;
	struct dns_writer writer;

	dns_writer_init(&writer, buffer, size < DNS_MESSAGE_MAX ? size : DNS_MESSAGE_MAX);
	dns_write_header(&writer, query->id, flags, question_length > 0, query->has_edns);
	if (question_length > 0)
		dns_write_bytes(&writer, message + DNS_HEADER_SIZE, question_length);
	if (query->has_edns) {
		size_t options = dns_begin_opt(&writer, query->dnssec_ok);

		if (error != DNS_EDE_NONE)
			write_extended_error(&writer, error, error_text);
		dns_end_vector16(&writer, options);
	}
	return writer.failed ? -ENOBUFS : (int)writer.length;
}
