/*
 * What addresses are for: IANA's special-purpose registries (RFC 6890 and updates), and Azure's
 * platform address. Every verdict on an address asks, so the prefixes stand as bytes.
 *
 * What may hide an IPv4 address in more than one way (Teredo in 2001::/23, NAT64 of local use,
 * SIIT) is special as a whole. Documentation's prefixes are not routed, and stand for the internet
 * in tests.
 */
#include "base/ip.h"

#include <string.h>

#include "base/assertion.h"

struct class_entry {
	struct ip_prefix prefix;
	enum ip_class class;
};

#define V4(bits, ...)                                                                              \
	{                                                                                          \
		.address = {.family = 4, .bytes = {__VA_ARGS__}}, .length = (bits)                 \
	}
#define V6(bits, ...)                                                                              \
	{                                                                                          \
		.address = {.family = 6, .bytes = {__VA_ARGS__}}, .length = (bits)                 \
	}

static const struct ip_prefix s_mapped = V6(96, [10] = 0xff, [11] = 0xff); /* ::ffff:0:0/96 */
static const struct ip_prefix s_nat64 = V6(96, 0x00, 0x64, 0xff, 0x9b);    /* 64:ff9b::/96 */
static const struct ip_prefix s_6to4 = V6(16, 0x20, 0x02);                 /* 2002::/16 */

static const struct class_entry s_classes[] = {
	{V4(8, 0), IP_CLASS_SPECIAL},
	{V4(8, 10), IP_CLASS_PRIVATE},
	{V4(10, 100, 64), IP_CLASS_PRIVATE},
	{V4(8, 127), IP_CLASS_SPECIAL},
	{V4(32, 168, 63, 129, 16), IP_CLASS_SPECIAL},
	{V4(16, 169, 254), IP_CLASS_SPECIAL},
	{V4(12, 172, 16), IP_CLASS_PRIVATE},
	{V4(24, 192), IP_CLASS_SPECIAL}, /* 192.0.0.0/24 */
	{V4(16, 192, 168), IP_CLASS_PRIVATE},
	{V4(4, 224), IP_CLASS_SPECIAL},
	{V4(4, 240), IP_CLASS_SPECIAL},
	{V6(96, 0), IP_CLASS_SPECIAL},                            /* ::/96 */
	{V6(96, [8] = 0xff, [9] = 0xff), IP_CLASS_SPECIAL},       /* ::ffff:0:0:0/96 */
	{V6(48, 0x00, 0x64, 0xff, 0x9b, 0, 1), IP_CLASS_SPECIAL}, /* 64:ff9b:1::/48 */
	{V6(64, 0x01, 0x00), IP_CLASS_SPECIAL},                   /* 100::/64 */
	{V6(23, 0x20, 0x01), IP_CLASS_SPECIAL},                   /* 2001::/23 */
	{V6(16, 0x5f), IP_CLASS_SPECIAL},                         /* 5f00::/16 */
	{V6(7, 0xfc), IP_CLASS_PRIVATE},                          /* fc00::/7 */
	{V6(10, 0xfe, 0x80), IP_CLASS_SPECIAL},                   /* fe80::/10 */
	{V6(10, 0xfe, 0xc0), IP_CLASS_SPECIAL},                   /* fec0::/10 */
	{V6(8, 0xff), IP_CLASS_SPECIAL},                          /* ff00::/8 */
};

bool ip_unmap(const struct ip_address *address, struct ip_address *ret_v4)
{
	if (ip_prefix_contains(&s_mapped, address) || ip_prefix_contains(&s_nat64, address))
		*ret_v4 = ip_from_bytes(4, address->bytes + 12);
	else if (ip_prefix_contains(&s_6to4, address))
		*ret_v4 = ip_from_bytes(4, address->bytes + 2);
	else
		return false;
	return true;
}

enum ip_class ip_classify(const struct ip_address *address)
{
	struct ip_address hidden;

	if (ip_prefix_contains(&s_mapped, address))
		return IP_CLASS_SPECIAL;
	if (ip_unmap(address, &hidden))
		return ip_classify(&hidden);
	for (size_t i = 0; i < sizeof(s_classes) / sizeof(s_classes[0]); i++)
		if (ip_prefix_contains(&s_classes[i].prefix, address))
			return s_classes[i].class;
	return IP_CLASS_PUBLIC;
}

/* An IPv4 prefix behind the bits of `cover`. */
static struct ip_prefix disguise(const struct ip_prefix *cover, const struct ip_prefix *v4)
{
	struct ip_prefix prefix = *cover;

	memcpy(prefix.address.bytes + cover->length / 8, v4->address.bytes, 4);
	prefix.length = (uint8_t)(cover->length + v4->length);
	return prefix;
}

size_t ip_special_prefixes(struct ip_prefix prefixes[IP_SPECIAL_MAX])
{
	size_t count = 0;

	prefixes[count++] = s_mapped;
	for (size_t i = 0; i < sizeof(s_classes) / sizeof(s_classes[0]); i++) {
		const struct ip_prefix *prefix = &s_classes[i].prefix;

		if (s_classes[i].class != IP_CLASS_SPECIAL)
			continue;
		invariant(count + 3 <= IP_SPECIAL_MAX);
		prefixes[count++] = *prefix;
		if (prefix->address.family == 6)
			continue;
		prefixes[count++] = disguise(&s_nat64, prefix);
		prefixes[count++] = disguise(&s_6to4, prefix);
	}
	return count;
}
