/*
 * Adapting an answer for the client that gets it.
 *
 * The message is written anew, record by record, into a second buffer and then copied back: taking
 * `ech` or the upstream's OPT out moves what follows, and pointers into moved bytes would change
 * their meaning. So no byte that we did not understand as a name is ever pointed to, whatever
 * tricks the upstream's own pointers played. The question is written first, as the upstream spelled
 * it, so that owners compress to it, and respelled as the client's at the end: same bytes but for
 * case.
 *
 * The second buffer is as large as the client's limit allows. Overflowing it is not an error: the
 * rest of the message is still checked, then header and question (and OPT) are sent with TC.
 */
#include <errno.h>
#include <string.h>

#include "proto/dns/rdata_impl.h"
#include "proto/dns/svcb_impl.h"

#define COUNTS_OFFSET 6 /* of ANCOUNT in the header */

struct adaption {
	struct dns_reader reader;
	struct dns_writer writer;
	struct dns_edns edns; /* the upstream's */
	const struct dns_query *query;
	uint32_t age;
	uint32_t cap;
	uint16_t counts[DNS_SECTION_COUNT]; /* written */
	bool changed;                       /* contents, not only their spelling */
};

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

/* Both are free of pointers, and length bytes are below 'A'. Type and class come last. */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length - 4; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return memcmp(a + length - 4, b + length - 4, 4) == 0;
}

static bool question_matches(const struct adaption *adaption, const uint8_t *client_message)
{
	size_t length = adaption->query->question.wire_length;

	return adaption->reader.question.wire_length == length &&
	       same_question(adaption->reader.message + DNS_HEADER_SIZE,
			     client_message + DNS_HEADER_SIZE, length);
}

static uint32_t adapt_ttl(const struct adaption *adaption, uint32_t raw)
{
	uint32_t ttl = dns_ttl(raw);

	ttl = ttl > adaption->age ? ttl - adaption->age : 0;
	return ttl < adaption->cap ? ttl : adaption->cap;
}

/* Looks for ECH; a record that demands it is left out, as it is no use to who must do without. */
static bool judge_svcb(struct adaption *adaption, const struct dns_record_view *view,
		       bool *ret_leave_out)
{
	struct dns_svcb svcb;

	if (view->type != DNS_TYPE_SVCB && view->type != DNS_TYPE_HTTPS)
		return true;
	if (!dns_svcb_read(view->rdata, adaption->reader.message, &svcb))
		return false;
	*ret_leave_out = svcb.needs_ech;
	adaption->changed |= svcb.has_ech || svcb.needs_ech;
	return true;
}

static bool copy_record(struct adaption *adaption, enum dns_section section)
{
	struct dns_writer *writer = &adaption->writer;
	struct dns_record_view view;
	bool leave_out = false;

	if (!dns_reader_record(&adaption->reader, &view))
		return false;
	if (view.type == DNS_TYPE_OPT)
		return section == DNS_SECTION_ADDITIONAL && dns_edns_take(&adaption->edns, &view);
	if (!judge_svcb(adaption, &view, &leave_out))
		return false;
	if (leave_out)
		return true;
	dns_write_compressed_name(writer, &view.owner);
	dns_write_u16(writer, view.type);
	dns_write_u16(writer, view.class);
	dns_write_u32(writer, adapt_ttl(adaption, view.ttl));
	adaption->counts[section]++;
	return dns_rdata_copy(writer, &view, adaption->reader.message);
}

static bool copy_sections(struct adaption *adaption)
{
	for (enum dns_section section = 0; section < DNS_SECTION_COUNT; section++)
		for (uint16_t i = 0; i < adaption->reader.counts[section]; i++)
			if (!copy_record(adaption, section))
				return false;
	return cursor_done(&adaption->reader.rest);
}

static void write_start(struct adaption *adaption)
{
	struct dns_writer *writer = &adaption->writer;

	dns_write_header(writer, adaption->query->id, 0, 1, 0);
	dns_write_compressed_name(writer, &adaption->reader.name);
	dns_write_u16(writer, adaption->reader.question.type);
	dns_write_u16(writer, adaption->reader.question.class);
}

static void write_opt(struct adaption *adaption)
{
	if (!adaption->query->has_edns)
		return;
	dns_end_vector16(&adaption->writer,
			 dns_begin_opt(&adaption->writer, adaption->query->dnssec_ok));
	adaption->counts[DNS_SECTION_ADDITIONAL]++;
}

static uint16_t adapt_flags(const struct adaption *adaption)
{
	const uint16_t of_client = DNS_FLAG_RECURSION_DESIRED | DNS_FLAG_CHECKING_DISABLED;
	const uint16_t of_upstream = DNS_FLAG_RESPONSE | DNS_FLAG_AUTHORITATIVE |
				     DNS_FLAG_TRUNCATED | DNS_FLAG_RECURSION_AVAILABLE |
				     DNS_FLAG_AUTHENTIC | DNS_FLAG_CODE;
	uint16_t flags = (uint16_t)((adaption->query->flags & of_client) |
				    (adaption->reader.flags & of_upstream));

	if (adaption->edns.extended_code > 0)
		flags = (uint16_t)((flags & ~DNS_FLAG_CODE) | DNS_CODE_SERVFAIL);
	if (adaption->changed)
		flags &= (uint16_t)~DNS_FLAG_AUTHENTIC;
	return flags;
}

/* Header, question and OPT alone. */
static void write_truncated(struct adaption *adaption)
{
	dns_writer_init(&adaption->writer, adaption->writer.bytes, adaption->writer.size);
	memset(adaption->counts, 0, sizeof(adaption->counts));
	adaption->reader.flags |= DNS_FLAG_TRUNCATED;
	write_start(adaption);
	write_opt(adaption);
}

static void finish(struct adaption *adaption, const uint8_t *client_message)
{
	struct dns_writer *writer = &adaption->writer;

	dns_patch_u16(writer, 2, adapt_flags(adaption));
	for (size_t section = 0; section < DNS_SECTION_COUNT; section++)
		dns_patch_u16(writer, COUNTS_OFFSET + 2 * section, adaption->counts[section]);
	memcpy(writer->bytes + DNS_HEADER_SIZE, client_message + DNS_HEADER_SIZE,
	       adaption->query->question.wire_length);
}

static bool write_adapted(struct adaption *adaption)
{
	if (!(adaption->reader.flags & DNS_FLAG_TRUNCATED)) {
		write_start(adaption);
		if (!copy_sections(adaption))
			return false;
		write_opt(adaption);
	}
	if (adaption->reader.flags & DNS_FLAG_TRUNCATED || adaption->writer.failed)
		write_truncated(adaption);
	return true;
}

int dns_answer_adapt(uint8_t *answer, size_t length, size_t capacity, const uint8_t *client_message,
		     const struct dns_query *query, uint32_t age, uint32_t cap, size_t limit)
{
	uint8_t buffer[DNS_MESSAGE_MAX];
	struct adaption adaption = {.query = query, .age = age, .cap = cap};
	struct dns_reader *reader = &adaption.reader;

	dns_writer_init(&adaption.writer, buffer, limit < sizeof(buffer) ? limit : sizeof(buffer));
	if (!dns_reader_open(answer, length, reader) || !(reader->flags & DNS_FLAG_RESPONSE) ||
	    reader->flags & DNS_FLAG_OPCODE || !dns_reader_question(reader) ||
	    !question_matches(&adaption, client_message) || !write_adapted(&adaption))
		return -EBADMSG;
	if (adaption.writer.failed || adaption.writer.length > capacity)
		return -ENOBUFS;
	finish(&adaption, client_message);
	memcpy(answer, buffer, adaption.writer.length);
	return (int)adaption.writer.length;
}
