#include "proto/dns/reader_impl.h"

bool dns_reader_open(const uint8_t *message, size_t length, struct dns_reader *ret_reader)
{
	if (length < DNS_HEADER_SIZE || length > DNS_MESSAGE_MAX)
		return false;
	ret_reader->message = message;
	ret_reader->rest = cursor_over(message, length);
	ret_reader->id = cursor_u16(&ret_reader->rest);
	ret_reader->flags = cursor_u16(&ret_reader->rest);
	ret_reader->question_count = cursor_u16(&ret_reader->rest);
	for (int section = 0; section < DNS_SECTION_COUNT; section++)
		ret_reader->counts[section] = cursor_u16(&ret_reader->rest);
	return true;
}

bool dns_reader_question(struct dns_reader *reader)
{
	struct cursor *rest = &reader->rest;
	struct dns_question *question = &reader->question;
	const uint8_t *start = rest->at;

	if (reader->question_count != 1 ||
	    !dns_wire_name_read(rest, reader->message, &reader->name))
		return false;
	question->type = cursor_u16(rest);
	question->class = cursor_u16(rest);
	if (cursor_failed(rest))
		return false;
	question->wire_length = (size_t)(rest->at - start);
	dns_wire_name_format(&reader->name, &question->name);
	return true;
}

bool dns_reader_record(struct dns_reader *reader, struct dns_record_view *ret_view)
{
	struct cursor *rest = &reader->rest;

	if (!dns_wire_name_read(rest, reader->message, &ret_view->owner))
		return false;
	ret_view->type = cursor_u16(rest);
	ret_view->class = cursor_u16(rest);
	ret_view->ttl = cursor_u32(rest);
	ret_view->rdata = cursor_take_vector16(rest);
	return !cursor_failed(rest);
}

static bool options_are_whole(struct cursor options)
{
	while (cursor_left(&options) > 0) {
		cursor_skip(&options, 2);
		cursor_take_vector16(&options);
	}
	return !cursor_failed(&options);
}

bool dns_edns_take(struct dns_edns *edns, const struct dns_record_view *view)
{
	if (edns->present || view->owner.length != 1 || !options_are_whole(view->rdata))
		return false;
	edns->present = true;
	edns->size = view->class < DNS_UDP_PLAIN ? DNS_UDP_PLAIN : view->class;
	edns->extended_code = (uint8_t)(view->ttl >> 24);
	edns->dnssec_ok = view->ttl & DNS_OPT_DNSSEC_OK;
	return true;
}
