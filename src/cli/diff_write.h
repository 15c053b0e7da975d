/* A comparison for people, for machines, and as a ticket's body. */
#pragma once

#include "base/colours.h"
#include "base/text.h"
#include "catalog/diff.h"

struct diff_view {
	const struct listing *before, *after;
	const struct cluster_profile *profile; /* NULL: none */
	const struct catalog_diff *diff;
};

void diff_write_text(struct text *out, const struct diff_view *view, const struct colours *colours);
void diff_write_json(struct text *out, const struct diff_view *view);
void diff_write_markdown(struct text *out, const struct diff_view *view);

/* What they share. */

/* "2 required destinations of B are missing in A"; whether anything must be done. */
void diff_write_verdict(struct text *out, const struct diff_view *view);
/* "cloud public, region eastus, features gpu, monitor". */
void diff_write_profile(struct text *out, const struct cluster_profile *profile);
/* "3 added, 1 removed, 2 changed"; false: there are none. */
bool diff_write_others(struct text *out, const struct diff_view *view);
/* Is there something to do? */
bool diff_is_bad(const struct diff_view *view);

const char *diff_kind_word(enum diff_kind kind);
/* For people: "added" … */
const char *diff_mark_word(enum diff_mark mark);
/* "public, china". */
void diff_write_clouds(struct text *out, const struct diff_change *change);
/* The entry that stands for a change. */
const struct listing_entry *diff_change_entry(const struct diff_change *change);
/* Is it one that people are told of, in the part for the profile? */
bool diff_is_told(const struct diff_change *change);
bool diff_has_told(const struct diff_view *view);
/* The heading over a change: "gpu: Node pools with NVIDIA GPUs"; the same for a whole feature. */
void diff_write_heading(struct text *out, const struct diff_view *view,
			const struct diff_change *change);
/* "need: recommended → required". */
void diff_write_attribute(struct text *out, const struct diff_attribute *attribute);
/* "missing", "missing: team/never denies it", "admitted by mcr-data"; may be empty. */
void diff_write_remark(struct text *out, const struct diff_change *change,
		       const struct diff_part *part);
