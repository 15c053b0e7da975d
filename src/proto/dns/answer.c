/*
 * Reading an upstream's answer: the records of the answer section that are of class IN, how long a
 * negative answer holds, and nothing else; yet every record of every section must be well-formed,
 * and the message must end where they do. Records that we learn from are read to their last byte.
 *
 * A truncated message (TC) gives its question only: what it still holds must not be learned (RFC
 * 2181 section 9), and some servers cut it in the middle of a record.
 */
#include <errno.h>
#include <string.h>

#include "proto/dns/reader_impl.h"
#include "proto/dns/svcb_impl.h"

#define HINTS_MAX (sizeof(((struct dns_record *)NULL)->hints) / sizeof(struct ip_address))

static bool read_address(struct cursor rdata, uint8_t family, struct ip_address *ret_address)
{
	size_t length = family == 4 ? 4 : 16;

	if (cursor_left(&rdata) != length)
		return false;
	*ret_address = ip_from_bytes(family, cursor_bytes(&rdata, length));
	return true;
}

static bool read_target(struct cursor rdata, const uint8_t *message, struct dns_name *ret_target)
{
	struct dns_wire_name target;

	if (!dns_wire_name_read(&rdata, message, &target) || !cursor_done(&rdata))
		return false;
	dns_wire_name_format(&target, ret_target);
	return true;
}

static void keep_hints(struct dns_record *record, struct cursor value, uint8_t family)
{
	size_t length = family == 4 ? 4 : 16;

	while (cursor_left(&value) > 0 && record->hint_count < HINTS_MAX)
		record->hints[record->hint_count++] =
			ip_from_bytes(family, cursor_bytes(&value, length));
}

static bool read_svcb(struct cursor rdata, const uint8_t *message, struct dns_record *record)
{
	struct dns_svcb svcb;
	struct dns_svcb_parameter parameter;

	if (!dns_svcb_read(rdata, message, &svcb))
		return false;
	dns_wire_name_format(&svcb.target, &record->target);
	record->has_ech = svcb.has_ech;
	while (svcb.priority > 0 && dns_svcb_next(&svcb.parameters, &parameter)) {
		if (parameter.key == DNS_SVCB_IPV4_HINT)
			keep_hints(record, parameter.value, 4);
		if (parameter.key == DNS_SVCB_IPV6_HINT)
			keep_hints(record, parameter.value, 6);
	}
	return true;
}

static bool read_record(const struct dns_record_view *view, const uint8_t *message,
			struct dns_record *record)
{
	memset(record, 0, sizeof(*record));
	dns_wire_name_format(&view->owner, &record->owner);
	record->type = view->type;
	record->ttl = dns_ttl(view->ttl);
	switch (view->type) {
	case DNS_TYPE_A:
		return read_address(view->rdata, 4, &record->address);
	case DNS_TYPE_AAAA:
		return read_address(view->rdata, 6, &record->address);
	case DNS_TYPE_CNAME:
		return read_target(view->rdata, message, &record->target);
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
		return read_svcb(view->rdata, message, record);
	default:
		return true;
	}
}

static int read_answers(struct dns_reader *reader, size_t capacity, struct dns_answer *answer)
{
	for (uint16_t i = 0; i < reader->counts[DNS_SECTION_ANSWER]; i++) {
		struct dns_record_view view;

		if (!dns_reader_record(reader, &view) || view.type == DNS_TYPE_OPT)
			return -EBADMSG;
		if (view.class != DNS_CLASS_IN)
			continue;
		if (answer->record_count == capacity)
			return -E2BIG;
		if (!read_record(&view, reader->message, &answer->records[answer->record_count]))
			return -EBADMSG;
		answer->record_count++;
	}
	return 0;
}

/* The lesser of the record's TTL and its last field, MINIMUM (RFC 2308 section 5). */
static bool read_soa(const struct dns_record_view *view, const uint8_t *message,
		     uint32_t *ret_negative_ttl)
{
	struct cursor rdata = view->rdata;
	struct dns_wire_name name;

	dns_wire_name_read(&rdata, message, &name);
	dns_wire_name_read(&rdata, message, &name);
	cursor_skip(&rdata, 16);

	uint32_t minimum = dns_ttl(cursor_u32(&rdata)), ttl = dns_ttl(view->ttl);

	if (!cursor_done(&rdata))
		return false;
	*ret_negative_ttl = ttl < minimum ? ttl : minimum;
	return true;
}

static bool read_authority(struct dns_reader *reader, struct dns_answer *answer)
{
	for (uint16_t i = 0; i < reader->counts[DNS_SECTION_AUTHORITY]; i++) {
		struct dns_record_view view;

		if (!dns_reader_record(reader, &view) || view.type == DNS_TYPE_OPT)
			return false;
		if (view.type == DNS_TYPE_SOA && view.class == DNS_CLASS_IN &&
		    answer->negative_ttl == UINT32_MAX &&
		    !read_soa(&view, reader->message, &answer->negative_ttl))
			return false;
	}
	return true;
}

static bool read_additional(struct dns_reader *reader, struct dns_answer *answer)
{
	struct dns_edns edns = {.present = false};

	for (uint16_t i = 0; i < reader->counts[DNS_SECTION_ADDITIONAL]; i++) {
		struct dns_record_view view;

		if (!dns_reader_record(reader, &view))
			return false;
		if (view.type == DNS_TYPE_OPT && !dns_edns_take(&edns, &view))
			return false;
	}
	if (edns.extended_code > 0)
		answer->code = DNS_CODE_SERVFAIL;
	return cursor_done(&reader->rest);
}

static int read_sections(struct dns_reader *reader, size_t capacity, struct dns_answer *answer)
{
	int error = read_answers(reader, capacity, answer);

	if (error < 0)
		return error;
	if (!read_authority(reader, answer) || !read_additional(reader, answer))
		return -EBADMSG;
	return 0;
}

int dns_answer_parse(const uint8_t *message, size_t length, struct dns_record *records,
		     size_t capacity, struct dns_answer *ret_answer)
{
	struct dns_reader reader;

	if (!dns_reader_open(message, length, &reader) || !(reader.flags & DNS_FLAG_RESPONSE) ||
	    reader.flags & DNS_FLAG_OPCODE || !dns_reader_question(&reader))
		return -EBADMSG;

	struct dns_answer answer = {
		.id = reader.id,
		.flags = reader.flags,
		.code = reader.flags & DNS_FLAG_CODE,
		.truncated = reader.flags & DNS_FLAG_TRUNCATED,
		.question = reader.question,
		.negative_ttl = UINT32_MAX,
		.records = records,
	};

	if (!answer.truncated) {
		int error = read_sections(&reader, capacity, &answer);

		if (error < 0)
			return error;
	}
	*ret_answer = answer;
	return 0;
}
