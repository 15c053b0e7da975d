/*
 * DNS messages (RFC 1035, 6891, 8914, 9460), narrowly: the question, the answer records that
 * sallyport learns from, and the few messages it writes itself. Compression pointers must point
 * backwards, to before the name they stand in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define DNS_MESSAGE_MAX 65535
#define DNS_UDP_PLAIN   512
#define DNS_UDP_OWN     1232 /* what we offer upstream and accept from clients over UDP */
#define DNS_NAME_MAX    255  /* wire form */
#define DNS_ANSWERS_MAX 256  /* records looked at; a message with more is refused */

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_ANY = 255,
};

enum dns_code {
	DNS_CODE_NOERROR = 0,
	DNS_CODE_FORMERR = 1,
	DNS_CODE_SERVFAIL = 2,
	DNS_CODE_NXDOMAIN = 3,
	DNS_CODE_NOTIMP = 4,
	DNS_CODE_REFUSED = 5,
};

/* Extended DNS Errors (RFC 8914). */
enum dns_extended_error {
	DNS_EDE_NONE = -1,
	DNS_EDE_OTHER = 0,
	DNS_EDE_BLOCKED = 15,
	DNS_EDE_PROHIBITED = 18,
	DNS_EDE_NO_REACHABLE_AUTHORITY = 22,
};

/* A name in presentation form, lower case, without the last dot ("." for the root); bytes outside
   [a-z0-9_-] are escaped \DDD, so such a name never equals a canonical one. */
struct dns_name {
	char text[1024];
	uint16_t length;
};

struct dns_question {
	struct dns_name name;
	uint16_t type;
	uint16_t class;
	size_t wire_length; /* of name + type + class, as it stands in the message from byte 12 */
};

struct dns_query {
	uint16_t id;
	uint16_t flags;
	struct dns_question question;
	bool has_edns;
	uint16_t edns_size; /* offered by the sender, at least 512 */
	bool dnssec_ok;
};

struct dns_record {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl;               /* RFC 2181 section 8: values with the top bit set are 0 */
	struct ip_address address;  /* A, AAAA */
	struct dns_name target;     /* CNAME; SVCB/HTTPS target */
	struct ip_address hints[8]; /* SVCB/HTTPS; more are relayed, not learned; AliasMode: none */
	uint8_t hint_count;
	bool has_ech;
};

struct dns_answer {
	uint16_t id;
	uint16_t flags;
	uint8_t code; /* SERVFAIL when it is an extended one (RFC 6891 section 6.1.3) */
	bool truncated;
	struct dns_question question;
	uint32_t negative_ttl; /* of the authority section's SOA (RFC 2308); UINT32_MAX: none */
	size_t record_count;
	struct dns_record *records; /* caller's array */
};

/* A client's query: QR=0, opcode QUERY, one question, no other records but additional ones, no
   trailing bytes. 0, -EBADMSG (drop or FORMERR), -EOPNOTSUPP (another opcode: NOTIMP). */
int dns_query_parse(const uint8_t *message, size_t length, struct dns_query *ret_query);

/* An upstream's answer with one question; fills at most `capacity` of `records` (also on failure)
   from the answer section, class IN (-E2BIG when there are more). Types other than those named in
   struct dns_record give owner, type and TTL alone. A truncated answer gives no records. -EBADMSG:
   malformed. */
int dns_answer_parse(const uint8_t *message, size_t length, struct dns_record *records,
		     size_t capacity, struct dns_answer *ret_answer);

/* A query of our own for `name` in presentation form: RD, EDNS with DNS_UDP_OWN. Returns the length
   or -ENAMETOOLONG, -EINVAL (an empty label, a bad escape), -ENOBUFS. */
int dns_query_build(uint16_t id, const char *name, uint16_t type, bool dnssec_ok, uint8_t *buffer,
		    size_t size);

/* An answer without records to `query` (its question echoed byte for byte from `message`), with
   EDNS and an extended error when the client spoke EDNS. For a FORMERR or NOTIMP a query with
   nothing but `id` and `flags` set does: no question is echoed then. `error_text` (UTF-8) may be
   NULL. Returns the length or -ENOBUFS. */
int dns_reply_build(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		    enum dns_extended_error error, const char *error_text, uint8_t *buffer,
		    size_t size);

/* Rewrites an upstream's answer in place for relaying to the client of `query`: id, question as the
   client spelled it (0x20), RD/CD bits, every TTL reduced by `age` seconds (not below 0) and then
   capped at `cap`, `ech` parameters taken out of SVCB/HTTPS records (a record that declares `ech`
   mandatory is left out; AD is cleared), EDNS present exactly when the client spoke it (size ours),
   an extended code as SERVFAIL. If the result exceeds `limit`, or the answer is truncated, the
   record sections are dropped and TC is set. Returns the new length, -EBADMSG (malformed, or the
   answer to another question) or -ENOBUFS (capacity: room in `answer`). */
int dns_answer_adapt(uint8_t *answer, size_t length, size_t capacity, const uint8_t *client_message,
		     const struct dns_query *query, uint32_t age, uint32_t cap, size_t limit);
