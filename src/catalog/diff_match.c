/*
 * Which atom of one list is which of the other, and which entry.
 *
 * Atoms with the same key (cloud, kind, destination, port) are the same thing, but may
 * stand in several features: the sign-in at Microsoft Entra is required by half of them. Of a key's
 * atoms those of one feature belong together, whatever entries they are in; then those whose
 * feature has no counterpart are taken as moved.
 *
 * Entries are partners by their id, else by the first atom that they share.
 */
#include "catalog/diff_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* ------------------------------------------------------------------------ sides */

static size_t count_atoms(const struct listing *listing)
{
	size_t count = 0;

	for (size_t i = 0; i < listing->entry_count; i++)
		count += listing->entries[i].port_count * listing->entries[i].destination_count;
	return count;
}

static size_t fill_entry(struct atom *atoms, const struct listing_entry *entry)
{
	size_t count = 0;

	for (size_t i = 0; i < entry->port_count; i++)
		for (size_t j = 0; j < entry->destination_count; j++)
			atoms[count++] = (struct atom){.entry = entry,
						       .port = &entry->ports[i],
						       .destination = &entry->destinations[j]};
	return count;
}

int diff_side_fill(struct side *side, const struct listing *listing)
{
	size_t count = 0;

	side->listing = listing;
	side->atoms = calloc(count_atoms(listing) + 1, sizeof(*side->atoms));
	side->first = calloc(listing->entry_count + 1, sizeof(*side->first));
	side->partners = calloc(listing->entry_count + 1, sizeof(*side->partners));
	if (!side->atoms || !side->first || !side->partners)
		return -ENOMEM;
	for (size_t i = 0; i < listing->entry_count; i++) {
		const struct listing_entry *entry = &listing->entries[i];

		side->first[i] = count;
		count += fill_entry(&side->atoms[count], entry);
		side->corrections |= entry->correction;
	}
	side->first[listing->entry_count] = count;
	return 0;
}

void diff_side_done(struct side *side)
{
	free(side->atoms);
	free(side->first);
	free(side->partners);
	free(side->exact.list);
	free(side->wide.list);
}

/* ------------------------------------------------------------------------ atoms */

static int compare_numbers(unsigned int left, unsigned int right)
{
	return (left > right) - (left < right);
}

static int compare_ports(const struct listing_port *left, const struct listing_port *right)
{
	int order = compare_numbers(left->transports, right->transports);

	order = order ? order : compare_numbers(left->protocol, right->protocol);
	order = order ? order : compare_numbers(left->first, right->first);
	return order ? order : compare_numbers(left->last, right->last);
}

static int compare_keys(const struct atom *left, const struct atom *right)
{
	int order = strcmp(left->entry->cloud, right->entry->cloud);

	order = order ? order : compare_numbers(left->entry->kind, right->entry->kind);
	/* An own rule that says the same as the catalogue is still another thing. */
	order = order ? order : compare_numbers(left->entry->own, right->entry->own);
	order = order ? order : compare_numbers(left->entry->denies, right->entry->denies);
	order = order ? order : compare_numbers(left->destination->kind, right->destination->kind);
	order = order ? order : strcasecmp(left->destination->text, right->destination->text);
	return order ? order : compare_ports(left->port, right->port);
}

/* For qsort, over pointers to atoms; equal ones stay in the list's order. */
static int compare_atoms(const void *left_pointer, const void *right_pointer)
{
	const struct atom *left = *(struct atom *const *)left_pointer;
	const struct atom *right = *(struct atom *const *)right_pointer;
	int order = compare_keys(left, right);

	return order ? order : (left > right) - (left < right);
}

/* Atoms in the order of their keys. */
struct sorted {
	struct atom **atoms;
	size_t count;
};

static void sorted_done(struct sorted *sorted)
{
	free(sorted->atoms);
}

static int sort_atoms(const struct side *side, struct sorted *sorted)
{
	sorted->count = side->first[side->listing->entry_count];
	sorted->atoms = calloc(sorted->count + 1, sizeof(*sorted->atoms));
	if (!sorted->atoms)
		return -ENOMEM;
	for (size_t i = 0; i < sorted->count; i++)
		sorted->atoms[i] = &side->atoms[i];
	qsort(sorted->atoms, sorted->count, sizeof(*sorted->atoms), compare_atoms);
	return 0;
}

/* How many atoms from `start` on have one key. */
static size_t run_length(const struct sorted *sorted, size_t start)
{
	size_t end = start + 1;

	while (end < sorted->count && compare_keys(sorted->atoms[start], sorted->atoms[end]) == 0)
		end++;
	return end - start;
}

static bool same_feature(const struct listing_entry *left, const struct listing_entry *right)
{
	return left->bare || right->bare || diff_same_text(left->feature, right->feature);
}

/* Finds atoms of one key a counterpart in their feature, of the same id if there is one. */
static void match_in_feature(struct atom **atoms, size_t count, struct atom **others,
			     size_t other_count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < other_count; j++) {
			const struct listing_entry *other = others[j]->entry;
			bool same_id = !strcmp(atoms[i]->entry->label, other->label);

			if (same_feature(atoms[i]->entry, other) && (!atoms[i]->match || same_id))
				atoms[i]->match = others[j];
		}
	}
}

/* What is left on both sides has moved to another feature. */
static void match_moved(struct atom **atoms, size_t count, struct atom **others, size_t other_count)
{
	size_t next = 0;

	for (size_t i = 0; i < count; i++) {
		while (next < other_count && others[next]->match)
			next++;
		if (next == other_count)
			return;
		if (atoms[i]->match)
			continue;
		atoms[i]->match = others[next];
		others[next]->match = atoms[i];
	}
}

static void match_run(struct atom **before, size_t before_count, struct atom **after,
		      size_t after_count)
{
	match_in_feature(before, before_count, after, after_count);
	match_in_feature(after, after_count, before, before_count);
	match_moved(before, before_count, after, after_count);
}

static void match_atoms(const struct sorted *before, const struct sorted *after)
{
	size_t i = 0, j = 0;

	while (i < before->count && j < after->count) {
		int order = compare_keys(before->atoms[i], after->atoms[j]);
		size_t left = run_length(before, i), right = run_length(after, j);

		if (order == 0)
			match_run(&before->atoms[i], left, &after->atoms[j], right);
		i += order <= 0 ? left : 0;
		j += order >= 0 ? right : 0;
	}
}

/* ------------------------------------------------------------------------ entries */

/* Answers have no ids. */
static bool has_id(const struct listing_entry *entry)
{
	return !entry->bare || entry->own;
}

static int compare_ids(const void *left_pointer, const void *right_pointer)
{
	const struct listing_entry *left = *(const struct listing_entry *const *)left_pointer;
	const struct listing_entry *right = *(const struct listing_entry *const *)right_pointer;
	int order = strcmp(left->cloud, right->cloud);

	order = order ? order : compare_numbers(left->own, right->own);
	order = order ? order : compare_numbers(left->kind, right->kind);
	return order ? order : strcmp(left->label, right->label);
}

/* The first entry with which one of this entry's atoms is shared. */
static const struct listing_entry *sharing(const struct side *side, size_t entry)
{
	for (size_t i = side->first[entry]; i < side->first[entry + 1]; i++)
		if (side->atoms[i].match)
			return side->atoms[i].match->entry;
	return NULL;
}

static int find_partners(struct side *side, const struct listing *other)
{
	cleanup(free_memory) const struct listing_entry **ids =
		calloc(other->entry_count + 1, sizeof(*ids));
	size_t count = 0;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < other->entry_count; i++)
		if (has_id(&other->entries[i]))
			ids[count++] = &other->entries[i];
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < side->listing->entry_count; i++) {
		const struct listing_entry *entry = &side->listing->entries[i];
		const struct listing_entry **found =
			has_id(entry) ? bsearch(&entry, ids, count, sizeof(*ids), compare_ids)
				      : NULL;

		side->partners[i] = found ? *found : sharing(side, i);
	}
	return 0;
}

int diff_match(struct side *before, struct side *after)
{
	cleanup(sorted_done) struct sorted sorted_before = {0}, sorted_after = {0};
	int error = sort_atoms(before, &sorted_before);

	error = error ? error : sort_atoms(after, &sorted_after);
	if (error)
		return error;
	match_atoms(&sorted_before, &sorted_after);
	error = find_partners(before, after->listing);
	return error ? error : find_partners(after, before->listing);
}
