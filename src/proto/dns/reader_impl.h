/* Walks a message: header, the one question, then record after record. */
#pragma once

#include "proto/dns/name_impl.h"

#define DNS_CLASS_IN 1

/* Header flags (RFC 1035 section 4.1.1, RFC 4035 section 3). */
enum {
	DNS_FLAG_RESPONSE = 0x8000,
	DNS_FLAG_OPCODE = 0x7800,
	DNS_FLAG_AUTHORITATIVE = 0x0400,
	DNS_FLAG_TRUNCATED = 0x0200,
	DNS_FLAG_RECURSION_DESIRED = 0x0100,
	DNS_FLAG_RECURSION_AVAILABLE = 0x0080,
	DNS_FLAG_AUTHENTIC = 0x0020,
	DNS_FLAG_CHECKING_DISABLED = 0x0010,
	DNS_FLAG_CODE = 0x000f,
};

/* The upper half of an OPT record's TTL holds the extended code and version (RFC 6891 6.1.3). */
#define DNS_OPT_DNSSEC_OK 0x8000u

enum dns_section {
	DNS_SECTION_ANSWER,
	DNS_SECTION_AUTHORITY,
	DNS_SECTION_ADDITIONAL,
	DNS_SECTION_COUNT,
};

struct dns_reader {
	const uint8_t *message;
	struct cursor rest; /* after the records read so far */
	uint16_t id;
	uint16_t flags;
	uint16_t question_count;
	uint16_t counts[DNS_SECTION_COUNT];
	struct dns_wire_name name; /* the question's */
	struct dns_question question;
};

/* A record as it stands: nothing in its RDATA is checked. */
struct dns_record_view {
	struct dns_wire_name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl; /* raw */
	struct cursor rdata;
};

/* What OPT says (RFC 6891). */
struct dns_edns {
	bool present;
	uint16_t size;
	uint8_t extended_code;
	bool dnssec_ok;
};

/* Header only. False: shorter than a header or longer than a message can be. */
bool dns_reader_open(const uint8_t *message, size_t length, struct dns_reader *ret_reader);
/* Exactly one question; goes on to the records. */
bool dns_reader_question(struct dns_reader *reader);
bool dns_reader_record(struct dns_reader *reader, struct dns_record_view *ret_view);

/* Takes an OPT record in. False: a second one, not owned by the root, or with broken options. */
bool dns_edns_take(struct dns_edns *edns, const struct dns_record_view *view);

/* RFC 2181 section 8. */
static inline uint32_t dns_ttl(uint32_t raw)
{
	return raw > INT32_MAX ? 0 : raw;
}
