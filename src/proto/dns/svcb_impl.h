/* RDATA of SVCB and HTTPS records (RFC 9460 section 2.2). */
#pragma once

#include "proto/dns/name_impl.h"

enum dns_svcb_key {
	DNS_SVCB_MANDATORY = 0,
	DNS_SVCB_IPV4_HINT = 4,
	DNS_SVCB_ECH = 5,
	DNS_SVCB_IPV6_HINT = 6,
};

struct dns_svcb {
	uint16_t priority; /* 0: AliasMode, parameters mean nothing */
	struct dns_wire_name target;
	struct cursor parameters; /* whole and in strictly ascending order of keys */
	bool has_ech;
	bool needs_ech; /* "mandatory" lists it: who knows no ECH must ignore the record */
};

struct dns_svcb_parameter {
	uint16_t key;
	struct cursor value;
};

/* False: malformed; a compressed target is (RFC 9460 section 2.2), and so are disordered keys. */
bool dns_svcb_read(struct cursor rdata, const uint8_t *message, struct dns_svcb *ret_svcb);

/* The next parameter of dns_svcb.parameters; false at the end. */
bool dns_svcb_next(struct cursor *parameters, struct dns_svcb_parameter *ret_parameter);
