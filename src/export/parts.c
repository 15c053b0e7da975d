#include "export/parts_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"

/* ----------------------------------------------------------------------- names */

#define NUMBER_SIZE 8 /* of hexadecimal digits */

/* FNV-1a: the same in every run, which a keyed hash is not; nobody gains by a collision. */
static uint32_t number_of(const char *text)
{
	uint32_t number = 2166136261u;

	for (; *text; text++)
		number = (number ^ (unsigned char)*text) * 16777619u;
	return number;
}

static bool is_plain(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
	       name[0] != '-' && name[length - 1] != '-';
}

static void add_cut(struct text *out, const char *text, size_t most)
{
	size_t length = strnlen(text, most - NUMBER_SIZE - 1);

	while (length > 0 && !isalnum((unsigned char)text[length - 1]))
		length--;
	for (size_t i = 0; i < length; i++) {
		char c = (char)tolower((unsigned char)text[i]);

		text_add_bytes(out, isalnum((unsigned char)c) ? &c : "-", 1);
	}
	text_addf(out, "-%08x", number_of(text));
}

void part_add_rule_name(struct text *out, const struct export_rule *rule, size_t most)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;
	const char *start;

	export_label(rule, &label);
	if (is_plain(rule->collection->name) && is_plain(rule->rule->name) &&
	    label.length <= most) {
		text_addf(out, "%s.%s", rule->collection->name, rule->rule->name);
		return;
	}
	start = text_string(&label);
	if (!isalnum((unsigned char)*start)) {
		text_add(out, "r");
		most--;
	}
	add_cut(out, start, most);
}

void part_add_short_name(struct text *out, const char *start, const char *name, size_t most)
{
	size_t length = strlen(start);

	invariant(most > length + NUMBER_SIZE + 1);
	text_add(out, start);
	if (length + strlen(name) <= most)
		text_add(out, name);
	else
		add_cut(out, name, most - length);
}

/* ----------------------------------------------------------------------- words */

#define PURPOSE_MOST 240

/* Line ends of YAML 1.1 and of Unicode are among what is no plain character. */
static bool is_plain_character(uint32_t character)
{
	return character >= 0x20 && character != '"' && character != '\\' && character != 0x7f &&
	       (character < 0x80 || character > 0x9f) && character != 0x2028 &&
	       character != 0x2029 && character != 0xfeff && character < 0xfff0;
}

void part_add_words(struct text *out, const char *words, size_t most)
{
	const char *end = words + strlen(words);
	bool started = false, space = false;

	for (const char *at = words, *from = words; at < end; from = at) {
		uint32_t character = text_take_character(&at, end);

		if ((size_t)(at - words) > most)
			return;
		if (character == ' ' || (character != '"' && !is_plain_character(character))) {
			space = started;
			continue;
		}
		text_add(out, space ? " " : "");
		if (character == '"')
			text_add(out, "'");
		else
			text_add_bytes(out, from, (size_t)(at - from));
		started = true;
		space = false;
	}
}

void part_add_title(struct text *out, const struct export_rule *rule)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	export_label(rule, out);
	part_add_words(&words, rule->rule->purpose ? rule->rule->purpose : "", PURPOSE_MOST);
	if (words.length)
		text_addf(out, ": %s", text_string(&words));
	out->failed |= text_failed(&words);
}

/* ----------------------------------------------------------------------- patterns */

static void add_escaped(struct text *out, const char *name)
{
	for (; *name; name++)
		text_addf(out, *name == '.' ? "\\%c" : "%c", *name);
}

void part_add_expression(struct text *out, const struct pattern *pattern)
{
	switch (pattern->kind) {
	case PATTERN_ANY:
		/* What ends in a number is an address (name.c), whatever its notation. */
		text_add(out, "([-a-z0-9_]+\\.)*[a-z_][-a-z0-9_]*");
		return;
	case PATTERN_BELOW:
		text_add(out, "([-a-z0-9_]+\\.)+");
		break;
	case PATTERN_LABEL:
		text_addf(out, "%s[-a-z0-9_]*%s\\.", pattern->prefix, pattern->postfix);
		break;
	case PATTERN_EXACT:
		break;
	}
	add_escaped(out, pattern->name.text);
}

bool part_is_first_pattern(const struct rule *rule, const struct pattern *pattern, size_t at)
{
	char own[PATTERN_TEXT_SIZE], other[PATTERN_TEXT_SIZE];
	struct pattern earlier;

	pattern_format(pattern, own);
	for (size_t i = 0; pattern_list_next(&rule->patterns, &i, &earlier) && i < at;)
		if (!strcmp(pattern_format(&earlier, other), own))
			return false;
	return true;
}

bool part_is_first_fqdn(const struct rule *rule, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (name_equal(&rule->fqdns[i], &rule->fqdns[index]))
			return false;
	return true;
}

/* ----------------------------------------------------------------------- prefixes */

static int compare_prefixes(const void *left, const void *right)
{
	const struct ip_prefix *a = left, *b = right;
	int order = ip_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

static void sort_once(struct part_prefixes *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_prefixes);
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || compare_prefixes(&list->items[kept - 1], &list->items[i]) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
	for (list->v4_count = 0; list->v4_count < kept; list->v4_count++)
		if (list->items[list->v4_count].address.family != 4)
			break;
}

bool part_list_prefixes(struct export_job *job, const struct ip_prefix *prefixes, size_t count,
			bool any, struct part_prefixes *ret_list)
{
	static const struct ip_prefix everything[] = {{.address.family = 4}, {.address.family = 6}};
	struct part_prefixes list = {.count = any ? 2 : count};

	list.items = calloc(list.count + 1, sizeof(*list.items));
	if (!list.items) {
		job->failed = true;
		return false;
	}
	if (list.count)
		memcpy(list.items, any ? everything : prefixes, list.count * sizeof(*list.items));
	sort_once(&list);
	*ret_list = list;
	return true;
}

bool part_list_destinations(struct export_job *job, const struct rule *rule,
			    struct part_prefixes *ret_list)
{
	return part_list_prefixes(job, rule->destinations, rule->destination_count,
				  rule->any_destination, ret_list);
}

void part_prefixes_done(struct part_prefixes *list)
{
	free(list->items);
	*list = (struct part_prefixes){0};
}

/* ----------------------------------------------------------------------- ports */

size_t part_range_count(const struct rule *rule)
{
	return rule->any_port ? 1 : rule->port_count;
}

struct port_range part_range_at(const struct rule *rule, size_t index)
{
	return rule->any_port ? (struct port_range){1, UINT16_MAX} : rule->ports[index];
}

bool part_is_all_traffic(const struct rule *rule)
{
	return rule->any_port && rule->transports == TRANSPORT_ANY;
}
