/*
 * Lists for anonymous interval sets. nft refuses a set whose intervals overlap, and service tags,
 * users and catalogue together make overlaps all the time; so lists are ordered and reduced here,
 * which also makes the text of a ruleset depend on nothing but its meaning.
 */
#include "kernel/ruleset_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

static int compare_prefixes(const void *left, const void *right)
{
	const struct ip_prefix *a = left;
	const struct ip_prefix *b = right;
	int order = ip_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

/* Are these the two halves of one shorter prefix? a < b, host bits zero. */
static bool are_halves(const struct ip_prefix *a, const struct ip_prefix *b)
{
	struct ip_prefix whole = *a;

	if (a->length == 0 || a->length != b->length)
		return false;
	whole.length--;
	if (a->address.bytes[whole.length / 8] & (0x80u >> (whole.length % 8)))
		return false; /* a is itself an upper half */
	return ip_prefix_contains(&whole, &b->address);
}

/* Ordered prefixes in, disjoint ones out, in place; returns how many are left. */
static size_t reduce_prefixes(struct ip_prefix *prefixes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && ip_prefix_contains(&prefixes[kept - 1], &prefixes[i].address))
			continue;
		prefixes[kept++] = prefixes[i];
		while (kept > 1 && are_halves(&prefixes[kept - 2], &prefixes[kept - 1])) {
			prefixes[kept - 2].length--;
			kept--;
		}
	}
	return kept;
}

bool ruleset_add_prefixes(struct text *text, const struct ip_prefix *prefixes, size_t count,
			  uint8_t family)
{
	char buffer[IP_PREFIX_TEXT_SIZE];
	size_t used = 0;
	cleanup(free_memory) struct ip_prefix *list = calloc(count + 1, sizeof(*list));

	if (!list) {
		text->failed = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (prefixes[i].address.family == family)
			list[used++] = prefixes[i];
	if (used == 0)
		return false;
	qsort(list, used, sizeof(*list), compare_prefixes);
	used = reduce_prefixes(list, used);
	for (size_t i = 0; i < used; i++)
		text_addf(text, "%s%s", i ? ", " : "{ ", ip_prefix_format(&list[i], buffer));
	text_add(text, " }");
	return true;
}

static int compare_ports(const void *left, const void *right)
{
	const struct ruleset_ports *a = left;
	const struct ruleset_ports *b = right;

	return a->first != b->first ? (int)a->first - (int)b->first : (int)a->last - (int)b->last;
}

static void add_range(struct text *text, const struct ruleset_ports *range, bool is_first)
{
	text_add(text, is_first ? "{ " : ", ");
	if (range->first == range->last)
		text_addf(text, "%u", range->first);
	else
		text_addf(text, "%u-%u", range->first, range->last);
}

bool ruleset_add_ports(struct text *text, const struct ruleset_ports *ports, size_t count)
{
	size_t kept = 0;
	cleanup(free_memory) struct ruleset_ports *list = calloc(count + 1, sizeof(*list));

	if (!list) {
		text->failed = true;
		return false;
	}
	if (count == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		list[i] = ports[i];
	qsort(list, count, sizeof(*list), compare_ports);
	for (size_t i = 1; i < count; i++) {
		if (list[i].first > (unsigned int)list[kept].last + 1)
			list[++kept] = list[i];
		else if (list[i].last > list[kept].last)
			list[kept].last = list[i].last;
	}
	for (size_t i = 0; i <= kept; i++)
		add_range(text, &list[i], i == 0);
	text_add(text, " }");
	return true;
}

bool ruleset_add_port_numbers(struct text *text, const uint16_t *ports, size_t count)
{
	cleanup(free_memory) struct ruleset_ports *list = calloc(count + 1, sizeof(*list));

	if (!list) {
		text->failed = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		list[i] = (struct ruleset_ports){ports[i], ports[i]};
	return ruleset_add_ports(text, list, count);
}

void ruleset_set_name(char name[RULESET_SET_NAME_SIZE], uint32_t number, uint8_t family)
{
	if (number == 0)
		snprintf(name, RULESET_SET_NAME_SIZE, "%s",
			 family == 4 ? RULESET_PINNED_V4 : RULESET_PINNED_V6);
	else
		snprintf(name, RULESET_SET_NAME_SIZE, "names_%u_v%u", number, family);
}
