#include "policy/prefixes_impl.h"

#include <stdlib.h>

bool prefix_is_valid(const struct ip_prefix *prefix)
{
	const struct ip_address *address = &prefix->address;

	if ((address->family != 4 && address->family != 6) || prefix->length > ip_size(address) * 8)
		return false;
	for (size_t bit = prefix->length; bit < ip_size(address) * 8; bit++)
		if (address->bytes[bit / 8] & (0x80 >> (bit % 8)))
			return false;
	return true;
}

/* By address; of two at one address the wider comes first. */
static int compare_prefixes(const void *left, const void *right)
{
	const struct ip_prefix *a = left, *b = right;
	int order = ip_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

void prefixes_tidy(struct ip_prefix *prefixes, size_t *count)
{
	size_t kept = 0;

	if (*count < 2)
		return;
	qsort(prefixes, *count, sizeof(*prefixes), compare_prefixes);
	for (size_t i = 0; i < *count; i++)
		if (!kept || !ip_prefix_contains(&prefixes[kept - 1], &prefixes[i].address))
			prefixes[kept++] = prefixes[i];
	*count = kept;
}

bool prefixes_contain(const struct ip_prefix *prefixes, size_t count,
		      const struct ip_address *address)
{
	size_t low = 0, high = count;

	/* The last prefix that starts at or before the address is the only one that can hold it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ip_compare(&prefixes[middle].address, address) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && ip_prefix_contains(&prefixes[low - 1], address);
}
