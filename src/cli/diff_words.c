/* The words that the ways to write a comparison have in common. */
#include <string.h>

#include "catalog/profile.h"
#include "cli/diff_write.h"

bool diff_is_bad(const struct diff_view *view)
{
	return view->diff->missing > 0 || view->after->unread > 0;
}

void diff_write_verdict(struct text *out, const struct diff_view *view)
{
	size_t missing = view->diff->missing, unread = view->after->unread;

	text_add(out, view->profile ? "for this profile: " : "");
	if (missing > 0)
		text_addf(out, "%zu required destination%s of %s %s missing in %s", missing,
			  missing > 1 ? "s" : "", view->after->name, missing > 1 ? "are" : "is",
			  view->before->name);
	else
		text_addf(out, "nothing that %s requires is missing in %s", view->after->name,
			  view->before->name);
	if (unread > 0)
		text_addf(out, "; %zu part%s of %s could not be read, look at %s", unread,
			  unread > 1 ? "s" : "", view->after->name, unread > 1 ? "them" : "it");
}

void diff_write_profile(struct text *out, const struct cluster_profile *profile)
{
	text_addf(out, "cloud %s", profile->cloud);
	if (*profile->region)
		text_addf(out, ", region %s", profile->region);
	for (size_t i = 0; i < profile->feature_count; i++)
		text_addf(out, "%s%s", i ? ", " : ", features ", profile->features[i]);
}

bool diff_write_others(struct text *out, const struct diff_view *view)
{
	bool any = false;

	for (int kind = DIFF_ADDED; kind <= DIFF_CHANGED; kind++) {
		size_t count = catalog_diff_count(view->diff, (enum diff_kind)kind, true);

		if (!count)
			continue;
		text_addf(out, "%s%zu %s", any ? ", " : "", count,
			  diff_kind_word((enum diff_kind)kind));
		any = true;
	}
	return any;
}

const char *diff_kind_word(enum diff_kind kind)
{
	static const char *const words[] = {
		[DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed"};

	return words[kind];
}

const char *diff_mark_word(enum diff_mark mark)
{
	static const char *const words[] = {[DIFF_MARK_ADDED] = "added",
					    [DIFF_MARK_REMOVED] = "removed",
					    [DIFF_MARK_KEPT] = "kept"};

	return words[mark];
}

const struct listing_entry *diff_change_entry(const struct diff_change *change)
{
	return change->after ? change->after : change->before;
}

bool diff_is_told(const struct diff_change *change)
{
	return change->for_profile && !change->words_only;
}

bool diff_has_told(const struct diff_view *view)
{
	for (size_t i = 0; i < view->diff->change_count; i++)
		if (diff_is_told(&view->diff->changes[i]))
			return true;
	return false;
}

void diff_write_clouds(struct text *out, const struct diff_change *change)
{
	for (size_t i = 0; i < change->cloud_count; i++)
		text_addf(out, "%s%s", i ? ", " : "", change->clouds[i]);
}

void diff_write_attribute(struct text *out, const struct diff_attribute *attribute)
{
	for (const char *at = attribute->name; *at; at++)
		text_add_bytes(out, *at == '_' ? " " : at, 1);
	text_addf(out, ": %s → %s", attribute->before ? attribute->before : "none",
		  attribute->after ? attribute->after : "none");
}

static const char *find_title(const struct listing *listing, const char *feature)
{
	for (size_t i = 0; i < listing->feature_count; i++)
		if (!strcmp(listing->features[i].name, feature))
			return listing->features[i].title;
	return NULL;
}

void diff_write_heading(struct text *out, const struct diff_view *view,
			const struct diff_change *change)
{
	const struct listing_entry *entry = diff_change_entry(change);
	const char *title;

	if (entry->own || !entry->feature) {
		text_add(out, entry->own ? "Own rules" : "Every cluster");
		return;
	}
	title = find_title(view->after, entry->feature);
	title = title ? title : find_title(view->before, entry->feature);
	text_addf(out, "%s%s%s", entry->feature, title ? ": " : "", title ? title : "");
}

void diff_write_remark(struct text *out, const struct diff_change *change,
		       const struct diff_part *part)
{
	if (part->missing && part->because)
		text_addf(out, "missing: %s denies it", part->because->label);
	else if (part->missing)
		text_add(out, "missing");
	else if (part->mark == DIFF_MARK_ADDED && part->because && part->because != change->before)
		text_addf(out, "admitted by %s", part->because->label);
}
