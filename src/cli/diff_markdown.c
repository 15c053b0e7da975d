/* A comparison as a ticket's body: what to do stands in the first line. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/diff_write.h"

/* What would end a cell or be taken for markup is escaped. */
static void add_escaped(struct text *out, const char *value)
{
	for (; *value; value++) {
		if (strchr("|\\`*_<>[]", *value))
			text_add(out, "\\");
		text_add_bytes(out, *value == '\n' ? " " : value, 1);
	}
}

static void add_destinations(struct text *out, const struct diff_part *part)
{
	for (size_t i = 0; i < part->destination_count; i++)
		text_addf(out, "%s`%s`",
			  !i             ? ""
			  : part->any_of ? " or "
					 : ", ",
			  part->destinations[i]);
}

static void add_start(struct text *out, const struct diff_change *change, const char *what)
{
	const struct listing_entry *entry = diff_change_entry(change);

	text_addf(out, "| %s | `%s` | ", what, entry->label);
	diff_write_clouds(out, change);
	text_addf(out, " | %s | ", entry->bare ? "" : listing_need_word(entry->need));
}

/* What else than destinations has changed; false: nothing. */
static bool add_attributes(struct text *out, const struct diff_change *change)
{
	bool any = false;

	for (size_t i = 0; i < change->attribute_count; i++) {
		cleanup(text_free) struct text words = TEXT_EMPTY;

		if (change->attributes[i].words)
			continue;
		diff_write_attribute(&words, &change->attributes[i]);
		text_add(out, any ? "; " : "");
		add_escaped(out, text_string(&words));
		any = true;
	}
	return any;
}

static void add_part(struct text *out, const struct diff_change *change,
		     const struct diff_part *part, const char *what, const char *attributes)
{
	cleanup(text_free) struct text port = TEXT_EMPTY, remark = TEXT_EMPTY;

	add_start(out, change, what);
	add_destinations(out, part);
	listing_write_port(&port, part->kind, &part->port);
	text_addf(out, " | `%s` | ", text_string(&port));
	diff_write_remark(&remark, change, part);
	text_add(out, part->missing ? "**" : "");
	add_escaped(out, text_string(&remark));
	text_addf(out, "%s%s%s |\n", part->missing ? "**" : "",
		  remark.length && *attributes ? "; " : "", attributes);
}

/* A line for each part. What else has changed stands at what has not been added or removed, else on
   a line of its own. */
static void add_change(struct text *out, const struct diff_change *change)
{
	cleanup(text_free) struct text attributes = TEXT_EMPTY;
	bool untold = add_attributes(&attributes, change);

	for (size_t i = 0; i < change->part_count; i++) {
		const struct diff_part *part = &change->parts[i];
		bool here = untold && part->mark == DIFF_MARK_KEPT;

		add_part(out, change, part, here ? "changed" : diff_mark_word(part->mark),
			 here ? text_string(&attributes) : "");
		untold = untold && !here;
	}
	if (!untold)
		return;
	add_start(out, change, "changed");
	text_addf(out, "| | %s |\n", text_string(&attributes));
}

static void add_heading(struct text *out, const char *heading)
{
	text_add(out, "\n## ");
	add_escaped(out, heading);
	text_add(out, "\n\n| | Entry | Cloud | Need | Destination | Port | Remarks |\n"
		      "|---|---|---|---|---|---|---|\n");
}

static void add_changes(struct text *out, const struct diff_view *view)
{
	cleanup(text_free) struct text last = TEXT_EMPTY, heading = TEXT_EMPTY;

	for (size_t i = 0; i < view->diff->change_count; i++) {
		const struct diff_change *change = &view->diff->changes[i];

		if (!diff_is_told(change))
			continue;
		text_clear(&heading);
		diff_write_heading(&heading, view, change);
		if (strcmp(text_string(&heading), text_string(&last)) != 0)
			add_heading(out, text_string(&heading));
		text_clear(&last);
		text_add(&last, text_string(&heading));
		add_change(out, change);
	}
}

static void add_renamings(struct text *out, const struct catalog_diff *diff)
{
	bool any = false;

	for (size_t i = 0; i < diff->renaming_count; i++) {
		if (!diff->renamings[i].for_profile)
			continue;
		text_add(out, any ? "- " : "\n## Renamed sections\n\n- ");
		add_escaped(out, diff->renamings[i].before);
		text_add(out, " → ");
		add_escaped(out, diff->renamings[i].after);
		text_add(out, "\n");
		any = true;
	}
}

static void add_rest(struct text *out, const struct diff_view *view)
{
	cleanup(text_free) struct text others = TEXT_EMPTY;

	if (diff_write_others(&others, view))
		text_addf(out, "\nAlso changed, not for this profile: %s.\n", text_string(&others));
	if (view->diff->set_aside)
		text_addf(out, "\nNot compared, because not for this profile: %zu %s.\n",
			  view->diff->set_aside, view->diff->set_aside == 1 ? "entry" : "entries");
}

void diff_write_markdown(struct text *out, const struct diff_view *view)
{
	cleanup(text_free) struct text verdict = TEXT_EMPTY, profile = TEXT_EMPTY;

	diff_write_verdict(&verdict, view);
	text_add(out, diff_is_bad(view) ? "**To do:** " : "**Nothing to do:** ");
	add_escaped(out, text_string(&verdict));
	text_addf(out, ".\n\nCompared: `%s` → `%s`", view->before->name, view->after->name);
	if (view->profile) {
		diff_write_profile(&profile, view->profile);
		text_add(out, ", for ");
		add_escaped(out, text_string(&profile));
	}
	text_add(out, ".\n");
	if (!diff_has_told(view))
		text_add(out, "\nNo differences.\n");
	add_changes(out, view);
	add_renamings(out, view->diff);
	add_rest(out, view);
}
