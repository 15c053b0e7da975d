/*
 * IP addresses and prefixes of both families as plain values. IPv4-mapped IPv6 addresses are kept
 * as written by the parser; ip_unmap() and ip_classify() deal with the disguises.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_address {
	uint8_t family;    /* 4 or 6; 0: no address */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest is zero */
};

struct ip_prefix {
	struct ip_address address; /* host bits are zero */
	uint8_t length;
};

struct ip_endpoint {
	struct ip_address address;
	uint16_t port; /* host order */
};

#define IP_TEXT_SIZE          48 /* an address */
#define IP_PREFIX_TEXT_SIZE   52
#define IP_ENDPOINT_TEXT_SIZE 56 /* "[2001:db8::1]:443" */

/* Parses the whole string (no zone, no surrounding space). -EINVAL otherwise, output untouched. */
int ip_parse(const char *text, struct ip_address *ret_address);
/* "10.0.0.0/8", or a bare address as /32 or /128. -EINVAL: not a prefix; -EDOM: host bits set. */
int ip_prefix_parse(const char *text, struct ip_prefix *ret_prefix);
/* "1.2.3.4:53", "[::1]:53"; without a port, `default_port` (0: a port is required). -EINVAL. */
int ip_endpoint_parse(const char *text, uint16_t default_port, struct ip_endpoint *ret_endpoint);

const char *ip_format(const struct ip_address *address, char text[IP_TEXT_SIZE]);
const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT_SIZE]);
const char *ip_endpoint_format(const struct ip_endpoint *endpoint,
			       char text[IP_ENDPOINT_TEXT_SIZE]);

struct ip_address ip_from_v4(uint32_t host_order);
struct ip_address ip_from_bytes(uint8_t family, const void *bytes); /* 4 or 16 bytes */
size_t ip_size(const struct ip_address *address);                   /* 4 or 16 */

bool ip_equal(const struct ip_address *a, const struct ip_address *b);
int ip_compare(const struct ip_address *a, const struct ip_address *b); /* v4 before v6 */
bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b);
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_address *address);

/* The IPv4 address inside ::ffff:0:0/96 or 64:ff9b::/96 or 2002::/16; false: there is none. */
bool ip_unmap(const struct ip_address *address, struct ip_address *ret_v4);

/* What an address is for, seen from a gateway. Disguised IPv4 is classified as what it hides. */
enum ip_class {
	IP_CLASS_PUBLIC,
	IP_CLASS_PRIVATE, /* RFC 1918, RFC 6598 shared space, ULA fc00::/7 */
	IP_CLASS_SPECIAL, /* unspecified, loopback, link-local, multicast, broadcast, reserved,
			     Azure's 168.63.129.16, ::ffff:0:0/96, NAT64 and 6to4 of any of these,
			     NAT64 of local use, Teredo, SIIT, discard-only, SRv6 */
};
enum ip_class ip_classify(const struct ip_address *address);

/* Every address of IP_CLASS_SPECIAL and no other, as prefixes of both families, in no order. */
#define IP_SPECIAL_MAX 40
size_t ip_special_prefixes(struct ip_prefix prefixes[IP_SPECIAL_MAX]);

/* Fills a sockaddr_in or sockaddr_in6; returns its length. */
socklen_t ip_to_sockaddr(const struct ip_endpoint *endpoint, struct sockaddr_storage *ret_address);
/* -EAFNOSUPPORT when it is neither family. IPv4-mapped addresses become IPv4. */
int ip_from_sockaddr(const struct sockaddr_storage *address, struct ip_endpoint *ret_endpoint);
