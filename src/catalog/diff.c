/*
 * Matched listings → changes. Each entry of the later list has at most one change, to which also
 * comes what its partner in the earlier list has lost; an entry that lost something and has no
 * partner has a change of its own. Entries without a difference have none.
 */
#include "catalog/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/diff_impl.h"
#include "base/list.h"

struct comparison {
	struct side before, after;
	struct catalog_diff diff;
	size_t *changes; /* of each later entry: 1 + the index of its change; 0: it has none */
};

void diff_change_done(struct diff_change *change)
{
	for (size_t i = 0; i < change->part_count; i++)
		free(change->parts[i].destinations);
	free(change->parts);
	free(change->attributes);
	free(change->clouds);
}

void catalog_diff_done(struct catalog_diff *diff)
{
	for (size_t i = 0; i < diff->change_count; i++)
		diff_change_done(&diff->changes[i]);
	free(diff->changes);
	free(diff->renamings);
	*diff = (struct catalog_diff){0};
}

/* ------------------------------------------------------------------------ attributes */

static int tell_attribute(struct diff_change *change, const char *name, const char *before,
			  const char *after)
{
	struct diff_attribute *attribute;

	if (diff_same_text(before, after))
		return 0;
	attribute = list_add(&change->attributes, &change->attribute_count, sizeof(*attribute));
	if (!attribute)
		return -ENOMEM;
	*attribute = (struct diff_attribute){.name = name, .before = before, .after = after};
	return 0;
}

static int tell_words(struct diff_change *change, const char *name, const char *before,
		      const char *after)
{
	size_t count = change->attribute_count;
	int error = tell_attribute(change, name, before, after);

	if (change->attribute_count > count)
		change->attributes[count].words = true;
	return error;
}

static bool has_section(const struct listing *listing, const char *title)
{
	for (size_t i = 0; i < listing->entry_count; i++)
		if (diff_same_text(listing->entries[i].section, title))
			return true;
	return false;
}

static int tell_renaming(struct comparison *comparison, const struct diff_change *change)
{
	struct catalog_diff *diff = &comparison->diff;
	const char *before = change->before->section, *after = change->after->section;
	struct diff_renaming *renaming;

	for (size_t i = 0; i < diff->renaming_count; i++) {
		renaming = &diff->renamings[i];
		if (diff_same_text(renaming->feature, change->after->feature) &&
		    diff_same_text(renaming->before, before) &&
		    diff_same_text(renaming->after, after)) {
			renaming->for_profile |= change->for_profile;
			return 0;
		}
	}
	renaming = list_add(&diff->renamings, &diff->renaming_count, sizeof(*renaming));
	if (!renaming)
		return -ENOMEM;
	*renaming =
		(struct diff_renaming){change->after->feature, before, after, change->for_profile};
	return 0;
}

/* A section that is gone was renamed, all of it; else the entry has moved. */
static int tell_section(struct comparison *comparison, struct diff_change *change)
{
	const char *before = change->before->section, *after = change->after->section;

	if (diff_same_text(before, after))
		return 0;
	return has_section(comparison->after.listing, before)
		       ? tell_attribute(change, "section", before, after)
		       : tell_renaming(comparison, change);
}

static int tell_attributes(struct comparison *comparison, struct diff_change *change)
{
	const struct listing_entry *before = change->before, *after = change->after;
	if (!before || !after || before->own != after->own)
		return 0;
	if ((before->own &&
	     tell_attribute(change, "for", before->conditions, after->conditions) < 0))
		return -ENOMEM;
	if (!before->bare && !after->bare &&
	    (tell_attribute(change, "need", listing_need_word(before->need),
			    listing_need_word(after->need)) < 0 ||
	     tell_attribute(change, "feature", before->feature, after->feature) < 0 ||
	     tell_attribute(change, "conditions", before->conditions, after->conditions) < 0 ||
	     tell_attribute(change, "in_article", before->correction ? "no" : "yes",
			    after->correction ? "no" : "yes") < 0 ||
	     tell_section(comparison, change) < 0))
		return -ENOMEM;
	if (before->bare == after->bare &&
	    (tell_words(change, "purpose", before->purpose, after->purpose) < 0 ||
	     tell_words(change, "note", before->note, after->note) < 0))
		return -ENOMEM;
	return 0;
}

/* ------------------------------------------------------------------------ changes */

static bool is_of_one_cluster(const struct comparison *comparison)
{
	return comparison->before.listing->one_cluster || comparison->after.listing->one_cluster;
}

/* Is the entry compared at all? */
static bool is_compared(struct comparison *comparison, const struct listing_entry *entry,
			const struct side *other)
{
	if (entry->own && !other->listing->own_rules)
		return false;
	if (entry->matters || !is_of_one_cluster(comparison))
		return true;
	comparison->diff.set_aside++;
	return false;
}

/* A change with a first cloud and without contents. */
static struct diff_change *add_change(struct comparison *comparison,
				      const struct listing_entry *before,
				      const struct listing_entry *after)
{
	struct catalog_diff *diff = &comparison->diff;
	struct diff_change *change = list_add(&diff->changes, &diff->change_count, sizeof(*change));

	if (!change)
		return NULL;
	change->before = before;
	change->after = after;
	change->kind = !before ? DIFF_ADDED : !after ? DIFF_REMOVED : DIFF_CHANGED;
	change->for_profile = (before && before->matters) || (after && after->matters);
	change->clouds = calloc(1, sizeof(*change->clouds));
	if (!change->clouds)
		return NULL;
	change->clouds[change->cloud_count++] = diff_entry(change)->cloud;
	return change;
}

static int compare_later(struct comparison *comparison, size_t index)
{
	const struct listing_entry *entry = &comparison->after.listing->entries[index];
	struct diff_change *change;

	if (!is_compared(comparison, entry, &comparison->before))
		return 0;
	change = add_change(comparison, comparison->after.partners[index], entry);
	if (!change ||
	    diff_tell_later(&comparison->before, &comparison->after, entry, change) < 0 ||
	    tell_attributes(comparison, change) < 0 ||
	    diff_tell_kept(&comparison->after, change) < 0)
		return -ENOMEM;
	comparison->changes[index] = comparison->diff.change_count;
	return 0;
}

static int compare_earlier(struct comparison *comparison, size_t index)
{
	const struct listing_entry *entry = &comparison->before.listing->entries[index];
	const struct listing_entry *partner = comparison->before.partners[index];
	size_t number =
		partner ? comparison->changes[partner - comparison->after.listing->entries] : 0;
	struct diff_change *change;

	if (!is_compared(comparison, entry, &comparison->after) ||
	    (entry->correction && !comparison->after.corrections))
		return 0;
	change = number ? &comparison->diff.changes[number - 1]
			: add_change(comparison, entry, NULL);
	return change && diff_tell_lost(&comparison->before, entry, change) == 0 ? 0 : -ENOMEM;
}

/* Those that turned out to be no change go. */
static void sift(struct catalog_diff *diff)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->change_count; i++) {
		struct diff_change *change = &diff->changes[i];

		change->words_only = diff_has_words_only(change);
		if (change->part_count == 0 && change->attribute_count == 0)
			diff_change_done(change);
		else
			diff->changes[kept++] = *change;
	}
	diff->change_count = kept;
}

static void count_missing(struct catalog_diff *diff)
{
	for (size_t i = 0; i < diff->change_count; i++) {
		for (size_t j = 0; j < diff->changes[i].part_count; j++) {
			const struct diff_part *part = &diff->changes[i].parts[j];

			if (part->missing)
				diff->missing += part->any_of ? 1 : part->destination_count;
		}
	}
}

static int compare(struct comparison *comparison)
{
	int error = diff_match(&comparison->before, &comparison->after);

	error = error ? error : diff_cover_prepare(&comparison->before);
	for (size_t i = 0; i < comparison->after.listing->entry_count && !error; i++)
		error = compare_later(comparison, i);
	for (size_t i = 0; i < comparison->before.listing->entry_count && !error; i++)
		error = compare_earlier(comparison, i);
	if (error)
		return error;
	sift(&comparison->diff);
	error = diff_order(comparison->before.listing, comparison->after.listing,
			   &comparison->diff);
	count_missing(&comparison->diff);
	return error;
}

int catalog_diff_make(const struct listing *before, const struct listing *after,
		      struct catalog_diff *ret_diff)
{
	struct comparison comparison = {0};
	int error = diff_side_fill(&comparison.before, before);

	comparison.changes = calloc(after->entry_count + 1, sizeof(*comparison.changes));
	if (!error)
		error = diff_side_fill(&comparison.after, after);
	if (!comparison.changes)
		error = -ENOMEM;
	if (!error)
		error = compare(&comparison);
	diff_side_done(&comparison.before);
	diff_side_done(&comparison.after);
	free(comparison.changes);
	if (error)
		catalog_diff_done(&comparison.diff);
	else
		*ret_diff = comparison.diff;
	return error;
}

size_t catalog_diff_count(const struct catalog_diff *diff, enum diff_kind kind, bool others)
{
	size_t count = 0;

	for (size_t i = 0; i < diff->change_count; i++)
		count += diff->changes[i].kind == kind && diff->changes[i].for_profile != others &&
			 !diff->changes[i].words_only;
	return count;
}
