#include <errno.h>

#include "proto/dns/reader_impl.h"

/* The additional section of a query: EDNS, and records that mean nothing to us (TSIG …). */
static bool read_additional(struct dns_reader *reader, struct dns_edns *edns)
{
	for (uint16_t i = 0; i < reader->counts[DNS_SECTION_ADDITIONAL]; i++) {
		struct dns_record_view view;

		if (!dns_reader_record(reader, &view))
			return false;
		if (view.type == DNS_TYPE_OPT && !dns_edns_take(edns, &view))
			return false;
	}
	return cursor_done(&reader->rest);
}

int dns_query_parse(const uint8_t *message, size_t length, struct dns_query *ret_query)
{
	struct dns_reader reader;
	struct dns_edns edns = {.size = DNS_UDP_PLAIN};

	if (!dns_reader_open(message, length, &reader) || reader.flags & DNS_FLAG_RESPONSE)
		return -EBADMSG;
	if (reader.flags & DNS_FLAG_OPCODE)
		return -EOPNOTSUPP;
	if (reader.counts[DNS_SECTION_ANSWER] > 0 || reader.counts[DNS_SECTION_AUTHORITY] > 0)
		return -EBADMSG;
	if (!dns_reader_question(&reader) || !read_additional(&reader, &edns))
		return -EBADMSG;
	*ret_query = (struct dns_query){
		.id = reader.id,
		.flags = reader.flags,
		.question = reader.question,
		.has_edns = edns.present,
		.edns_size = edns.size,
		.dnssec_ok = edns.dnssec_ok,
	};
	return 0;
}
