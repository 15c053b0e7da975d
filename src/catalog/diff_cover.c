/*
 * Does the earlier list admit what the later one requires? A wider pattern does, and so does a
 * network rule for everywhere. Of an edition's alternatives any that is among the later ones is
 * enough: which of them is in use it does not tell. For a cluster it is known, and that one counts.
 *
 * In a list of all there is, what a feature brings helps other features nothing; for one cluster or
 * profile all that is in force helps.
 *
 * Names without a star admit themselves alone and are looked up; only the others are tried one by
 * one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "catalog/diff_impl.h"
#include "catalog/parameter.h"

#define PARAMETER "<region>"

static bool port_covers(const struct listing_entry *wide_entry, const struct listing_port *wide,
			const struct listing_entry *entry, const struct listing_port *port)
{
	unsigned int transports = entry->kind == RULE_NETWORK ? port->transports : TRANSPORT_TCP;

	if (wide_entry->kind == RULE_APPLICATION)
		return entry->kind == RULE_APPLICATION && wide->protocol == port->protocol &&
		       wide->first == port->first;
	return (wide->transports & transports) == transports && wide->first <= port->first &&
	       wide->last >= port->last;
}

/* "*.hcp.<region>.x" against "a.hcp.eastus.x": the region that makes the first one end as the
   second does. False: there is none. */
static bool find_region(const char *wide, const char *name, char region[LABEL_MAX_LENGTH + 1])
{
	const char *tail = strstr(wide, PARAMETER) + strlen(PARAMETER);
	size_t length = strlen(name), tail_length = strlen(tail), start;

	if (length <= tail_length || strcasecmp(name + length - tail_length, tail) != 0)
		return false;
	start = length -= tail_length;
	while (start > 0 && name[start - 1] != '.')
		start--;
	if (length - start > LABEL_MAX_LENGTH)
		return false;
	memcpy(region, name + start, length - start);
	region[length - start] = '\0';
	return catalog_region_is_valid(region);
}

/* The same name of whichever region. */
static bool covers_in_a_region(const struct listing_destination *wide,
			       const struct listing_destination *narrow)
{
	char region[LABEL_MAX_LENGTH + 1], filled[CATALOG_TEXT_SIZE];
	struct pattern pattern;
	const char *message;

	return find_region(wide->text, narrow->text, region) &&
	       catalog_text_fill(wide->text, region, filled) &&
	       pattern_parse(filled, &pattern, &message) == 0 &&
	       pattern_covers(&pattern, &narrow->pattern);
}

/* An answer names the region of its cluster. Two editions do not: where the one has <region> and
   the other a word ("global"), they mean different things. */
static bool destination_covers(const struct listing_destination *wide, const struct atom *atom)
{
	const struct listing_destination *narrow = atom->destination;

	if (wide->kind == LISTING_NAME && narrow->kind == LISTING_NAME)
		return (atom->entry->bare && catalog_text_has_region(wide->text))
			       ? covers_in_a_region(wide, narrow)
			       : pattern_covers(&wide->pattern, &narrow->pattern);
	return wide->kind == narrow->kind && !strcasecmp(wide->text, narrow->text);
}

/* Everywhere, for certain: not only as one of several ways. */
static bool is_everywhere(const struct listing_entry *entry, size_t destination)
{
	return entry->destinations[destination].kind == LISTING_ANY &&
	       (!entry->any_of || entry->taken == destination || entry->destination_count == 1);
}

static bool is_in_force(const struct listing_entry *entry, size_t destination)
{
	return entry->in_force &&
	       (entry->taken == entry->destination_count || entry->taken == destination);
}

/* ------------------------------------------------------------------------ candidates */

/* Is what it admits told by its words alone? */
static bool is_exact(const struct listing_destination *destination)
{
	return destination->kind == LISTING_OTHER ||
	       (destination->kind == LISTING_NAME && destination->pattern.kind == PATTERN_EXACT &&
		!catalog_text_has_region(destination->text));
}

static const char *words_of(const struct candidate *candidate)
{
	return candidate->entry->destinations[candidate->destination].text;
}

static int compare_words(const void *left_pointer, const void *right_pointer)
{
	const struct candidate *left = left_pointer, *right = right_pointer;
	int order = strcasecmp(words_of(left), words_of(right));

	if (order == 0)
		order = (left->entry > right->entry) - (left->entry < right->entry);
	return order;
}

int diff_cover_prepare(struct side *before)
{
	const struct listing *listing = before->listing;
	struct candidates *exact = &before->exact, *wide = &before->wide;

	for (size_t i = 0; i < listing->entry_count; i++) {
		const struct listing_entry *entry = &listing->entries[i];

		for (size_t j = 0; j < entry->destination_count; j++) {
			struct candidates *list = is_exact(&entry->destinations[j]) ? exact : wide;
			struct candidate *candidate;

			if (!is_in_force(entry, j))
				continue;
			candidate = list_add(&list->list, &list->count, sizeof(*candidate));
			if (!candidate)
				return -ENOMEM;
			*candidate = (struct candidate){entry, j};
		}
	}
	if (exact->count)
		qsort(exact->list, exact->count, sizeof(*exact->list), compare_words);
	return 0;
}

/* The first exact candidate of these words or later ones. */
static size_t find_words(const struct candidates *exact, const char *words)
{
	size_t first = 0, end = exact->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (strcasecmp(words_of(&exact->list[middle]), words) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

/* ------------------------------------------------------------------------ covering */

static bool counts(const struct side *before, const struct listing_entry *entry,
		   const struct listing_entry *wanted)
{
	if (strcmp(entry->cloud, wanted->cloud) != 0)
		return false;
	return before->listing->judged || entry->bare || !entry->feature ||
	       (wanted->feature && !strcmp(entry->feature, wanted->feature));
}

static bool candidate_covers(const struct side *before, const struct candidate *candidate,
			     const struct atom *atom)
{
	const struct listing_entry *entry = candidate->entry;

	if (!counts(before, entry, atom->entry) ||
	    (!is_everywhere(entry, candidate->destination) &&
	     !destination_covers(&entry->destinations[candidate->destination], atom)))
		return false;
	for (size_t i = 0; i < entry->port_count; i++)
		if (port_covers(entry, &entry->ports[i], atom->entry, atom->port))
			return true;
	return false;
}

/* The one that is judged first, of those of one place the one listed first. */
static const struct listing_entry *earlier(const struct listing_entry *left,
					   const struct listing_entry *right)
{
	if (!left)
		return right;
	return right->order < left->order || (right->order == left->order && right < left) ? right
											   : left;
}

enum cover diff_cover(const struct side *before, const struct atom *atom,
		      const struct listing_entry **ret_by)
{
	const struct candidates *exact = &before->exact, *wide = &before->wide;
	const char *words = atom->destination->text;
	const struct listing_entry *first = NULL;

	for (size_t i = find_words(exact, words);
	     i < exact->count && !strcasecmp(words_of(&exact->list[i]), words); i++)
		if (candidate_covers(before, &exact->list[i], atom))
			first = earlier(first, exact->list[i].entry);
	for (size_t i = 0; i < wide->count; i++)
		if (candidate_covers(before, &wide->list[i], atom))
			first = earlier(first, wide->list[i].entry);
	*ret_by = first;
	return !first ? COVER_NONE : first->denies ? COVER_DENIED : COVER_ADMITTED;
}
