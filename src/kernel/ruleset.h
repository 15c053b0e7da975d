/*
 * The text of our one nftables table, `inet sallyport`, as a whole-ruleset transaction for `nft -f
 * -`. Pure: settings in, text out (golden tests). How the table works is told at the top of
 * ruleset.c.
 */
#pragma once

#include "base/ip.h"
#include "base/text.h"
#include "kernel/mark.h"

#define RULESET_TABLE "sallyport"
#define RULESET_QUEUE_CHAIN                                                                        \
	"queue_hello" /* holds the one queue rule; transactions leave it alone */
#define RULESET_LOG_GROUP 7053
#define RULESET_PINNED_V4                                                                          \
	"pinned_v4"                  /* destinations that go to the inspector: ipv4_addr, timeout */
#define RULESET_FIRST_V4  "first_v4" /* four-tuple : where the stream begins (mark.h) */
#define RULESET_FIRST_V6  "first_v6"
#define RULESET_EQUAL     "equal" /* pairs of a number and itself (sequence_rules.c) */
#define RULESET_PINNED_V6 "pinned_v6"

struct ruleset_ports {
	uint16_t first, last;
};

/* A network rule, ready for the kernel. */
struct ruleset_rule {
	uint32_t number; /* admission number of its label: mark, log prefix "A<number>"/"D<number>"
			    and set names */
	bool allow;
	const char *label; /* as a comment in the ruleset */
	bool any_source, any_destination, any_port;
	const struct ip_prefix *sources;
	size_t source_count;
	const struct ip_prefix *destinations; /* may overlap: the writer merges */
	size_t destination_count;
	bool by_name;            /* has FQDNs: also matches set names_<number>_v4 / _v6 */
	unsigned int transports; /* bits 1 tcp, 2 udp, 4 icmp, 0xf any */
	const struct ruleset_ports *ports;
	size_t port_count;
};

/* An element for a pinned or names set at load time. */
struct ruleset_pin {
	struct ip_address address;
	uint32_t number; /* 0: the pinned set; else names_<number> */
	uint64_t timeout_ms;
};

enum ruleset_snat {
	RULESET_SNAT_NONE,
	RULESET_SNAT_MASQUERADE,
	RULESET_SNAT_ADDRESSES,
};

struct ruleset_settings {
	const char *const *interfaces; /* inside */
	size_t interface_count;
	const struct ip_prefix *sources; /* protected */
	size_t source_count;
	const struct ip_prefix *special_exceptions; /* of the special addresses, which no rule opens
						     */
	size_t special_exception_count;
	const uint16_t *https_ports; /* inspected or proxied TLS */
	size_t https_port_count;
	const uint16_t *http_ports; /* always proxied (also a port that is in both lists) */
	size_t http_port_count;
	const uint16_t *quic_ports; /* of the https ports: where QUIC is inspected */
	size_t quic_port_count;
	uint16_t proxy_port; /* transparent listeners on 127.0.0.1 and ::1 */
	bool dns_intercept;
	const struct ip_endpoint
		*dns_listen; /* where intercepted queries go; first of each family */
	size_t dns_listen_count;
	enum ruleset_snat snat;
	struct ip_address snat_v4, snat_v6; /* with RULESET_SNAT_ADDRESSES; family 0: none */
	size_t pinned_capacity;             /* size of each timeout set */
	size_t handshake_capacity; /* inspected connections between SYN-ACK and the server's TLS
				      answer */
};

/*
 * first: the table is made anew (an old one is replaced in the same transaction; the queue rule
 * must be added afterwards). Otherwise the chains' rules are replaced, pinned sets and queue chain
 * stay, and the name sets of the `previous` numbers are replaced: `pins` is all that they will
 * hold. -ENOMEM;
 * -EINVAL: an interface's name that nft would not read as one, no interface, port or capacity 0.
 */
int ruleset_write(const struct ruleset_settings *settings, const struct ruleset_rule *rules,
		  size_t rule_count, const struct ruleset_pin *pins, size_t pin_count, bool first,
		  const uint32_t *previous, size_t previous_count, struct text *out);

/* What a log prefix of our rules says; see the table of prefixes in ruleset.c. */
enum ruleset_log {
	RULESET_LOG_UNKNOWN,
	RULESET_LOG_RULE_ALLOWS, /* "A<number>" */
	RULESET_LOG_RULE_DENIES, /* "D<number>" */
	RULESET_LOG_NO_RULE,
	RULESET_LOG_SOURCE,
	RULESET_LOG_SPECIAL,
	RULESET_LOG_OTHER_RESOLVER,
	RULESET_LOG_DNS_OVER_TLS,
	RULESET_LOG_QUIC,
	RULESET_LOG_SYN_DATA,
	RULESET_LOG_INVALID,
	RULESET_LOG_GATEWAY_DOWN,
};
enum ruleset_log ruleset_log_parse(const char *prefix, uint32_t *ret_number);
