/*
 * What differs between two listings (listing.h), and whether something that the later one requires
 * is missing in the earlier one.
 */
#pragma once

#include "catalog/listing.h"

enum diff_kind {
	DIFF_ADDED,
	DIFF_REMOVED,
	DIFF_CHANGED,
};

/* What became of some destinations on one port. */
enum diff_mark {
	DIFF_MARK_ADDED,
	DIFF_MARK_REMOVED,
	DIFF_MARK_KEPT, /* told because it is missing, or something else of its entry changed */
};

struct diff_part {
	enum diff_mark mark;
	enum rule_kind kind;
	struct listing_port port;
	const char **destinations;
	size_t destination_count;
	bool any_of;  /* one of them is enough */
	bool missing; /* required, and the earlier list admits it not */
	/* The entry of the earlier list that admits what was added or, of what is missing, the own
	   rule that denies it; NULL: none. */
	const struct listing_entry *because;
};

/* What else differs between two entries. */
struct diff_attribute {
	const char *name;
	const char *before, *after; /* NULL: none */
	bool words;                 /* purpose or note: no rule changes by them */
};

struct diff_change {
	enum diff_kind kind;
	const struct listing_entry *before, *after; /* NULL: of what was added, removed */
	const char **clouds;                        /* in which it is the same; at least one */
	size_t cloud_count;
	struct diff_part *parts;
	size_t part_count;
	struct diff_attribute *attributes;
	size_t attribute_count;
	bool for_profile; /* it matters to the profile; without one: always */
	bool words_only;  /* no more than attributes that are words */
};

/* A section's title that the later list has no longer, and the one under which its entries are. */
struct diff_renaming {
	const char *feature; /* NULL: every cluster */
	const char *before, *after;
	bool for_profile;
};

struct catalog_diff {
	struct diff_change *changes; /* by feature (every cluster first), then by cloud */
	size_t change_count;
	struct diff_renaming *renamings;
	size_t renaming_count;
	size_t missing; /* required destinations; those of which any is enough count as one */
	/* Entries that do not matter to the profile, when there is nothing to hold against them
	   because the other list is of one cluster. */
	size_t set_aside;
};

/*
 * `diff` points into both listings. -ENOMEM; output untouched on failure.
 *
 * Entries are the same when their ids are; else when they share most destinations. What matters is
 * the single destination and port, so that entries that were merely split or put together do not
 * differ. Own rules are compared with own rules only; a correction that the later list has not is
 * no news when that has no corrections at all.
 */
int catalog_diff_make(const struct listing *before, const struct listing *after,
		      struct catalog_diff *ret_diff);
void catalog_diff_done(struct catalog_diff *diff); /* for cleanup() */

/* How many changes of a kind there are for the profile, or (`others`) not for it; those of words
   alone are not counted. */
size_t catalog_diff_count(const struct catalog_diff *diff, enum diff_kind kind, bool others);
