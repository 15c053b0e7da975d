/*
 * A destination cell → items. Every word must be understood: a destination, an "or", a note in
 * brackets or a filler. One that is not makes the cell unread, because what is left of a list
 * without one of its names would look whole.
 */
#include "import/article_cell_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/article_cloud_impl.h"
#include "base/list.h"

#define NOTE_LENGTH 1000 /* bytes */
#define ITEM_LIMIT  100  /* the longest list so far has four */

void article_cell_done(struct article_cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		free(cell->items[i].text);
	free(cell->items);
	text_free(&cell->note);
	*cell = (struct article_cell){0};
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(word, *words) == 0)
			return true;
	return false;
}

/* Words between destinations; those of the second list announce service tags. */
static bool is_filler(const char *word, bool *labelled)
{
	static const char *const fillers[] = {"-",        "–",     "—",    "and",     "&",
					      "regional", "cidrs", "cidr", "service", NULL};
	static const char *const labels[] = {"servicetag", "servicetag:", "servicetags",
					     "tag",        "tags",        NULL};

	*labelled |= is_one_of(word, labels);
	return is_one_of(word, fillers) || is_one_of(word, labels);
}

/* A note in brackets belongs to the item before it. */
static void take_note(struct article_cell *cell, const char *note)
{
	uint32_t clouds = article_clouds_in(note);

	if (clouds && cell->count)
		cell->items[cell->count - 1].clouds |= clouds;
	else if (strcasestr(note, "custom DNS"))
		cell->custom_dns = true;
	else if (strcasestr(note, "API server") && strcasestr(note, "pods"))
		cell->pods_use_address = true;
	else if (!strcasestr(note, "known after cluster creation") &&
		 !strcasestr(note, "Azure Firewall network rules"))
		text_addf(&cell->note, "%s%s", cell->note.length ? " " : "", note);
}

static bool take_item(struct article_cell *cell, const char *word, bool labelled, bool alternative,
		      struct text *ret_reason)
{
	struct article_item *item;

	if (cell->count == ITEM_LIMIT) {
		text_addf(ret_reason, "more than %d destinations", ITEM_LIMIT);
		return false;
	}
	item = list_add(&cell->items, &cell->count, sizeof(*item));
	if (!item) {
		text_fail(ret_reason);
		return false;
	}
	if (!article_item_read(word, labelled, item, ret_reason))
		return false;
	item->alternative = alternative && cell->count > 1;
	return true;
}

/* Takes a word that is no item: one between items, or a note. False: it is an item. */
static bool take_between(struct article_cell *cell, const char *word, bool *labelled,
			 bool *alternative)
{
	static const char *const ors[] = {"or", "ou", "oder", "o", "或", NULL};
	bool is_or = is_one_of(word, ors);

	*alternative |= is_or;
	if (*word == '(')
		take_note(cell, word);
	return is_or || *word == '(' || !*word || is_filler(word, labelled);
}

static bool take_words(struct article_cell *cell, const char *flat, bool labelled,
		       struct text *ret_reason)
{
	cleanup(text_free) struct text word = TEXT_EMPTY;
	struct article_words words = {.at = flat};
	bool alternative = false, separated = true;

	while (article_words_next(&words, &word)) {
		alternative |= words.line_break && !words.comma;
		separated |= words.line_break || words.comma;
		if (take_between(cell, word.data, &labelled, &alternative)) {
			separated = true;
			continue;
		}
		if (!separated) {
			text_addf(ret_reason,
				  "nothing stands between '%.100s' and what is before it",
				  word.data);
			return false;
		}
		if (!take_item(cell, word.data, labelled, alternative, ret_reason))
			return false;
		alternative = separated = false;
	}
	if (text_failed(&word))
		text_fail(ret_reason);
	return !text_failed(&word);
}

bool article_cell_read(const struct article_runs *runs, struct article_cell *ret_cell,
		       struct text *ret_reason)
{
	cleanup(article_cell_done) struct article_cell cell = {0};
	bool labelled = false;
	cleanup(free_memory) char *flat = article_runs_flat(runs, &labelled);

	if (!flat) {
		text_fail(ret_reason);
		return false;
	}
	if (!take_words(&cell, flat, labelled, ret_reason))
		return false;
	if (!cell.count) {
		text_add(ret_reason, "it names no destination");
		return false;
	}
	if (cell.note.length > NOTE_LENGTH) {
		text_addf(ret_reason, "its notes are longer than %d bytes", NOTE_LENGTH);
		return false;
	}
	*ret_cell = cell;
	cell = (struct article_cell){0};
	return true;
}
