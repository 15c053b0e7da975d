/* A comparison for people: the verdict, then what differs, by feature and cloud. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/diff_write.h"

struct writing {
	struct text *out;
	const struct diff_view *view;
	const struct colours *colours;
	int port_width;
};

static int port_width(const struct catalog_diff *diff)
{
	cleanup(text_free) struct text port = TEXT_EMPTY;
	size_t width = 0;

	for (size_t i = 0; i < diff->change_count; i++) {
		const struct diff_change *change = &diff->changes[i];

		for (size_t j = 0; j < change->part_count && diff_is_told(change); j++) {
			text_clear(&port);
			listing_write_port(&port, change->parts[j].kind, &change->parts[j].port);
			width = port.length > width ? port.length : width;
		}
	}
	return (int)width;
}

static void add_part(struct writing *writing, const struct diff_change *change,
		     const struct diff_part *part)
{
	static const char marks[] = {
		[DIFF_MARK_ADDED] = '+', [DIFF_MARK_REMOVED] = '-', [DIFF_MARK_KEPT] = '='};
	cleanup(text_free) struct text port = TEXT_EMPTY, remark = TEXT_EMPTY;
	const struct colours *colours = writing->colours;

	listing_write_port(&port, part->kind, &part->port);
	text_addf(writing->out, "      %c %-*s  ", marks[part->mark], writing->port_width,
		  text_string(&port));
	for (size_t i = 0; i < part->destination_count; i++)
		text_addf(writing->out, "%s%s",
			  !i             ? ""
			  : part->any_of ? " or "
					 : ", ",
			  part->destinations[i]);
	diff_write_remark(&remark, change, part);
	if (remark.length)
		text_addf(writing->out, "  %s%s%s", part->missing ? colours->bad : colours->faint,
			  text_string(&remark), colours->plain);
	text_add(writing->out, "\n");
}

static void add_attributes(struct writing *writing, const struct diff_change *change)
{
	for (size_t i = 0; i < change->attribute_count; i++) {
		const struct diff_attribute *attribute = &change->attributes[i];

		if (attribute->words)
			continue;
		text_add(writing->out, "        ");
		diff_write_attribute(writing->out, attribute);
		text_add(writing->out, "\n");
	}
}

static void add_change(struct writing *writing, const struct diff_change *change)
{
	const struct listing_entry *entry = diff_change_entry(change);

	text_addf(writing->out, "    %-7s  %s", diff_kind_word(change->kind), entry->label);
	if (!entry->bare)
		text_addf(writing->out, " (%s)", listing_need_word(entry->need));
	text_add(writing->out, "\n");
	add_attributes(writing, change);
	for (size_t i = 0; i < change->part_count; i++)
		add_part(writing, change, &change->parts[i]);
}

/* The headings over a change. */
struct headings {
	struct text feature, clouds;
};

static void headings_done(struct headings *headings)
{
	text_free(&headings->feature);
	text_free(&headings->clouds);
}

/* Those that are others than before. */
static void add_headings(struct writing *writing, const struct diff_change *change,
			 struct headings *last)
{
	const struct colours *colours = writing->colours;
	struct headings next = {TEXT_EMPTY, TEXT_EMPTY};
	bool same;

	diff_write_heading(&next.feature, writing->view, change);
	diff_write_clouds(&next.clouds, change);
	same = !strcmp(text_string(&next.feature), text_string(&last->feature));
	if (!same)
		text_addf(writing->out, "\n%s%s%s\n", colours->bold, text_string(&next.feature),
			  colours->plain);
	if (next.clouds.length &&
	    (!same || strcmp(text_string(&next.clouds), text_string(&last->clouds)) != 0))
		text_addf(writing->out, "  %s\n", text_string(&next.clouds));
	headings_done(last);
	*last = next;
}

static void add_changes(struct writing *writing)
{
	const struct catalog_diff *diff = writing->view->diff;
	cleanup(headings_done) struct headings headings = {TEXT_EMPTY, TEXT_EMPTY};

	for (size_t i = 0; i < diff->change_count; i++) {
		if (!diff_is_told(&diff->changes[i]))
			continue;
		add_headings(writing, &diff->changes[i], &headings);
		add_change(writing, &diff->changes[i]);
	}
}

static void add_renamings(struct writing *writing)
{
	const struct catalog_diff *diff = writing->view->diff;
	bool any = false;

	for (size_t i = 0; i < diff->renaming_count; i++) {
		const struct diff_renaming *renaming = &diff->renamings[i];

		if (!renaming->for_profile)
			continue;
		if (!any)
			text_addf(writing->out, "\n%sRenamed sections%s\n", writing->colours->bold,
				  writing->colours->plain);
		text_addf(writing->out, "  \"%s\" → \"%s\"\n", renaming->before, renaming->after);
		any = true;
	}
}

static void add_rest(struct writing *writing)
{
	cleanup(text_free) struct text others = TEXT_EMPTY;

	if (diff_write_others(&others, writing->view))
		text_addf(writing->out, "\nalso changed, not for this profile: %s\n",
			  text_string(&others));
	if (writing->view->diff->set_aside)
		text_addf(writing->out, "\nnot compared, because not for this profile: %zu %s\n",
			  writing->view->diff->set_aside,
			  writing->view->diff->set_aside == 1 ? "entry" : "entries");
}

void diff_write_text(struct text *out, const struct diff_view *view, const struct colours *colours)
{
	struct writing writing = {
		.out = out, .view = view, .colours = colours, .port_width = port_width(view->diff)};

	text_addf(out, "%s → %s\n", view->before->name, view->after->name);
	if (view->profile) {
		text_add(out, "profile: ");
		diff_write_profile(out, view->profile);
		text_add(out, "\n");
	}
	text_add(out, diff_is_bad(view) ? colours->bad : colours->good);
	diff_write_verdict(out, view);
	text_addf(out, "%s\n", colours->plain);
	if (!diff_has_told(view))
		text_add(out, "no differences\n");
	add_changes(&writing);
	add_renamings(&writing);
	add_rest(&writing);
}
