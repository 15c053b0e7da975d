/* Azure's ways of writing addresses → prefixes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/azure_firewall_impl.h"

static bool bit_at(const struct ip_address *address, size_t bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static void set_bits(struct ip_address *address, size_t from, bool value)
{
	for (size_t bit = from; bit < ip_size(address) * 8; bit++) {
		uint8_t mask = (uint8_t)(1u << (7 - bit % 8));

		address->bytes[bit / 8] = value ? address->bytes[bit / 8] | mask
						: address->bytes[bit / 8] & (uint8_t)~mask;
	}
}

/* The largest prefix that begins at `first` and does not reach beyond `last`; its last address. */
static struct ip_prefix largest_prefix(const struct ip_address *first,
				       const struct ip_address *last, struct ip_address *ret_end)
{
	struct ip_prefix prefix = {*first, (uint8_t)(ip_size(first) * 8)};

	*ret_end = *first;
	while (prefix.length > 0 && !bit_at(first, prefix.length - 1u)) {
		struct ip_address end = *first;

		set_bits(&end, prefix.length - 1u, true);
		if (ip_compare(&end, last) > 0)
			break;
		prefix.length--;
		*ret_end = end;
	}
	return prefix;
}

/* The next address; false: it was the last of all. */
static bool advance(struct ip_address *address)
{
	for (size_t i = ip_size(address); i-- > 0;)
		if (++address->bytes[i] != 0)
			return true;
	return false;
}

static int add_range(const struct ip_address *from, const struct ip_address *last,
		     struct rule *rule,
		     int (*add)(struct rule *rule, const struct ip_prefix *prefix))
{
	struct ip_address first = *from, end;

	do {
		struct ip_prefix prefix = largest_prefix(&first, last, &end);
		int error = add(rule, &prefix);

		if (error < 0)
			return error;
		first = end;
	} while (!ip_equal(&end, last) && advance(&first));
	return 0;
}

/* 0; 1: bits beyond the length were cleared, as in "10.0.0.5/24"; -EINVAL. */
static int parse_prefix(const char *text, struct ip_prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	char address[IP_TEXT_SIZE] = "";
	int error = ip_prefix_parse(text, ret_prefix);

	if (error != -EDOM || !slash || (size_t)(slash - text) >= sizeof(address))
		return error < 0 ? -EINVAL : 0;
	memcpy(address, text, (size_t)(slash - text));
	if (ip_parse(address, &ret_prefix->address) < 0)
		return -EINVAL;
	ret_prefix->length = (uint8_t)strtoul(slash + 1, NULL, 10);
	set_bits(&ret_prefix->address, ret_prefix->length, false);
	return 1;
}

static int add_prefix(const char *text, struct rule *rule,
		      int (*add)(struct rule *rule, const struct ip_prefix *prefix))
{
	struct ip_prefix prefix;
	int parsed = parse_prefix(text, &prefix);
	int error = parsed < 0 ? parsed : add(rule, &prefix);

	return error < 0 ? error : parsed;
}

int azure_add_addresses(const char *text, struct rule *rule,
			int (*add)(struct rule *rule, const struct ip_prefix *prefix))
{
	const char *dash = strchr(text, '-');
	struct ip_address first, last;
	char start[IP_TEXT_SIZE] = "";

	if (!dash)
		return add_prefix(text, rule, add);
	if ((size_t)(dash - text) >= sizeof(start))
		return -EINVAL;
	memcpy(start, text, (size_t)(dash - text));
	if (ip_parse(start, &first) < 0 || ip_parse(dash + 1, &last) < 0 ||
	    first.family != last.family || ip_compare(&first, &last) > 0)
		return -EINVAL;
	return add_range(&first, &last, rule, add);
}
