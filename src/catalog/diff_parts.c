/* Atoms → parts of a change: those of one port that share their fate are told together. */
#include <errno.h>

#include "base/list.h"
#include "catalog/diff_impl.h"

/* What is to be told of one atom. */
struct finding {
	enum diff_mark mark;
	bool missing;
	const struct listing_entry *because;
};

static bool same_port(const struct listing_port *left, const struct listing_port *right)
{
	return left->transports == right->transports && left->protocol == right->protocol &&
	       left->first == right->first && left->last == right->last;
}

static struct diff_part *find_part(struct diff_change *change, const struct atom *atom,
				   const struct finding *finding)
{
	struct diff_part *part;

	for (size_t i = 0; i < change->part_count; i++) {
		part = &change->parts[i];
		if (part->mark == finding->mark && part->missing == finding->missing &&
		    part->because == finding->because && same_port(&part->port, atom->port))
			return part;
	}
	part = list_add(&change->parts, &change->part_count, sizeof(*part));
	if (part)
		*part = (struct diff_part){.mark = finding->mark,
					   .kind = atom->entry->kind,
					   .port = *atom->port,
					   .any_of = atom->entry->any_of,
					   .missing = finding->missing,
					   .because = finding->because};
	return part;
}

static int tell(struct diff_change *change, const struct atom *atom, const struct finding *finding)
{
	struct diff_part *part = find_part(change, atom, finding);
	const char **destination =
		part ? list_add(&part->destinations, &part->destination_count, sizeof(*destination))
		     : NULL;

	if (!destination)
		return -ENOMEM;
	*destination = atom->destination->text;
	return 0;
}

/* Does one of an entry's alternatives on a port stand in a list that knows of no alternatives? Then
   the others are no news. */
static bool is_told_without_alternatives(const struct side *side, const struct listing_entry *entry,
					 size_t port)
{
	for (size_t i = 0; i < entry->destination_count && entry->any_of; i++) {
		const struct atom *match = diff_atom(side, entry, port, i)->match;

		if (match && match->entry->bare)
			return true;
	}
	return false;
}

/* Of an entry's alternatives the best answer counts. */
static enum cover cover_any(const struct side *before, const struct side *after,
			    const struct listing_entry *entry, size_t port,
			    const struct listing_entry **ret_by)
{
	enum cover best = COVER_NONE;

	for (size_t i = 0; i < entry->destination_count && best != COVER_ADMITTED; i++) {
		const struct listing_entry *by = NULL;
		enum cover cover = diff_cover(before, diff_atom(after, entry, port, i), &by);

		if (cover == COVER_NONE)
			continue;
		best = cover;
		*ret_by = by;
	}
	return best;
}

static struct finding find(const struct side *before, const struct side *after,
			   const struct listing_entry *entry, size_t port, size_t destination)
{
	const struct atom *atom = diff_atom(after, entry, port, destination);
	const struct listing_entry *by = NULL;
	enum cover cover = entry->any_of ? cover_any(before, after, entry, port, &by)
					 : diff_cover(before, atom, &by);

	return (struct finding){.mark = atom->match ? DIFF_MARK_KEPT : DIFF_MARK_ADDED,
				.missing = entry->need == CATALOG_REQUIRED && entry->matters &&
					   cover != COVER_ADMITTED,
				.because = by};
}

int diff_tell_later(const struct side *before, const struct side *after,
		    const struct listing_entry *entry, struct diff_change *change)
{
	for (size_t i = 0; i < entry->port_count; i++) {
		bool quiet = is_told_without_alternatives(after, entry, i);

		for (size_t j = 0; j < entry->destination_count; j++) {
			const struct atom *atom = diff_atom(after, entry, i, j);
			struct finding finding = find(before, after, entry, i, j);
			bool news = finding.missing || (!atom->match && !quiet);

			if (news && tell(change, atom, &finding) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

bool diff_has_words_only(const struct diff_change *change)
{
	for (size_t i = 0; i < change->attribute_count; i++)
		if (!change->attributes[i].words)
			return false;
	return change->part_count == 0;
}

int diff_tell_kept(const struct side *after, struct diff_change *change)
{
	const struct finding kept = {.mark = DIFF_MARK_KEPT};
	const struct listing_entry *entry = change->after;

	if (change->part_count > 0 || diff_has_words_only(change))
		return 0;
	for (size_t i = 0; i < entry->port_count; i++)
		for (size_t j = 0; j < entry->destination_count; j++)
			if (tell(change, diff_atom(after, entry, i, j), &kept) < 0)
				return -ENOMEM;
	return 0;
}

int diff_tell_lost(const struct side *before, const struct listing_entry *entry,
		   struct diff_change *change)
{
	const struct finding lost = {.mark = DIFF_MARK_REMOVED};

	for (size_t i = 0; i < entry->port_count; i++) {
		if (is_told_without_alternatives(before, entry, i))
			continue;
		for (size_t j = 0; j < entry->destination_count; j++) {
			const struct atom *atom = diff_atom(before, entry, i, j);

			if (!atom->match && tell(change, atom, &lost) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}
