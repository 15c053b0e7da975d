/*
 * Collapsing prefixes: sorted by address and then by length, a prefix that contains others stands
 * before them, so one pass with the output as a stack is enough. What the top contains is dropped;
 * two halves of one prefix become that prefix, which may then be half of the next larger one.
 */
#include "tags/collapse.h"

#include <stdlib.h>

#include "base/assertion.h"

static int compare(const void *left, const void *right)
{
	const struct ip_prefix *a = left, *b = right;
	int order = ip_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

static bool bit_at(const struct ip_address *address, unsigned int position)
{
	return address->bytes[position / 8] >> (7 - position % 8) & 1;
}

static void clear_bit(struct ip_address *address, unsigned int position)
{
	address->bytes[position / 8] &= (uint8_t) ~(1u << (7 - position % 8));
}

/* Are these the lower and the upper half of one prefix? */
static bool are_halves(const struct ip_prefix *lower, const struct ip_prefix *upper)
{
	struct ip_address start = upper->address;

	if (lower->address.family != upper->address.family || lower->length != upper->length ||
	    lower->length == 0 || !bit_at(&start, lower->length - 1u))
		return false;
	clear_bit(&start, lower->length - 1u);
	return ip_equal(&start, &lower->address);
}

size_t ip_prefixes_collapse(struct ip_prefix *prefixes, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(prefixes, count, sizeof(*prefixes), compare);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && ip_prefix_contains(&prefixes[kept - 1], &prefixes[i].address))
			continue;
		prefixes[kept++] = prefixes[i];
		while (kept > 1 && are_halves(&prefixes[kept - 2], &prefixes[kept - 1])) {
			kept--;
			prefixes[kept - 1].length--;
		}
	}
	invariant(kept <= count);
	return kept;
}
