/* The steps of a comparison: which is which (diff_match.c), what is admitted (diff_cover.c), what
   is told of an entry (diff_parts.c) and in which order (diff_order.c). */
#pragma once

#include <string.h>

#include "catalog/diff.h"

/* One destination on one port of an entry: what is compared. */
struct atom {
	const struct listing_entry *entry;
	const struct listing_destination *destination;
	const struct listing_port *port;
	const struct atom *match; /* the same in the other list; NULL: it is not there */
};

/* A destination of an entry that is in force: it may admit something. */
struct candidate {
	const struct listing_entry *entry;
	size_t destination;
};

struct candidates {
	struct candidate *list;
	size_t count;
};

struct side {
	const struct listing *listing;
	struct atom *atoms;                    /* entry by entry, port by port */
	size_t *first;                         /* of each entry, and one more: the end */
	const struct listing_entry **partners; /* of each entry; NULL: none */
	bool corrections;                      /* are there any? */
	struct candidates exact, wide;         /* of the earlier side (diff_cover.c) */
};

/* -ENOMEM; what it allocated stays in the side also then. */
int diff_side_fill(struct side *side, const struct listing *listing);
void diff_side_done(struct side *side);
/* Fills in matches and partners. -ENOMEM. */
int diff_match(struct side *before, struct side *after);

/* The atom of an entry. */
static inline struct atom *diff_atom(const struct side *side, const struct listing_entry *entry,
				     size_t port, size_t destination)
{
	size_t index = side->first[entry - side->listing->entries];

	return &side->atoms[index + port * entry->destination_count + destination];
}

/* NULL is only the same as NULL. */
static inline bool diff_same_text(const char *left, const char *right)
{
	return left == right || (left && right && !strcmp(left, right));
}

/* The entry that stands for a change. */
static inline const struct listing_entry *diff_entry(const struct diff_change *change)
{
	return change->after ? change->after : change->before;
}

enum cover {
	COVER_NONE,
	COVER_ADMITTED,
	COVER_DENIED, /* by an own rule */
};

/* Before the first question. -ENOMEM. */
int diff_cover_prepare(struct side *before);
/* Does the earlier list admit it? ret_by: the entry that says so, NULL: none. */
enum cover diff_cover(const struct side *before, const struct atom *atom,
		      const struct listing_entry **ret_by);

/* What is new in a later entry, or missing. -ENOMEM. */
int diff_tell_later(const struct side *before, const struct side *after,
		    const struct listing_entry *entry, struct diff_change *change);
/* What an earlier entry has lost. -ENOMEM. */
int diff_tell_lost(const struct side *before, const struct listing_entry *entry,
		   struct diff_change *change);
/* Where only something else has changed: what the entry is about. -ENOMEM. */
int diff_tell_kept(const struct side *after, struct diff_change *change);
bool diff_has_words_only(const struct diff_change *change);

/* Changes that are the same in several clouds become one; then they are put in order. */
int diff_order(const struct listing *before, const struct listing *after,
	       struct catalog_diff *diff);
void diff_change_done(struct diff_change *change);
