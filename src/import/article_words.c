/*
 * A cell's runs → words. Marks of code and emphasis carry no meaning in the article (names stand in
 * and out of both), so a cell is one string; what separates its words is told beside them.
 */
#include "import/article_cell_impl.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"

/* Full-width marks, as translations write them. */
static size_t plain_mark(const char *at, const char **ret_plain)
{
	static const char *const marks[][2] =
		{
			{"：", ":"},       {"，", ","},          {"、", ","},
			{"；", ";"},       {"（", "("},          {"）", ")"},
			{"\xc2\xa0", " "}, {"\xe2\x80\x8b", ""}, /* no-break and zero-width space */
		};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t length = strlen(marks[i][0]);

		*ret_plain = marks[i][1];
		if (strncmp(at, marks[i][0], length) == 0)
			return length;
	}
	return 0;
}

static void add_plain(struct text *flat, const char *text)
{
	while (*text) {
		const char *plain;
		size_t length = plain_mark(text, &plain);

		if (length)
			text_add(flat, plain);
		else
			text_add_bytes(flat, text, length = 1);
		text += length;
	}
}

/* A link's words are a label, unless they are a name. */
static bool is_label(const struct article_run *run)
{
	return run->kind == ARTICLE_LINK && (strchr(run->text, ' ') || !strchr(run->text, '.'));
}

char *article_runs_flat(const struct article_runs *runs, bool *ret_labelled)
{
	cleanup(text_free) struct text flat = TEXT_EMPTY;
	bool labelled = false;

	text_add(&flat, "");
	for (size_t i = 0; i < runs->count; i++) {
		labelled |= is_label(&runs->list[i]);
		if (runs->list[i].kind == ARTICLE_BREAK)
			text_add(&flat, "\n");
		else if (is_label(&runs->list[i]))
			text_add(&flat, " ");
		else if (runs->list[i].kind != ARTICLE_ANCHOR)
			add_plain(&flat, runs->list[i].text);
	}
	if (ret_labelled)
		*ret_labelled = labelled;
	return text_failed(&flat) ? NULL : take_pointer(flat.data);
}

/* Past the bracket that closes the one at `at`, or the end. */
static const char *end_of_note(const char *at)
{
	size_t open = 0;

	for (; *at; at++) {
		open += *at == '(';
		if (*at == ')' && --open == 0)
			return at + 1;
	}
	return at;
}

static const char *end_of_word(const char *at)
{
	for (; *at && !strchr(" \t\r\n,;()", *at); at++) {
		const char *next = at + 1 + strspn(at + 1, " ");

		if (*at == ':' && next > at + 1 && isdigit((unsigned char)*next))
			at = next - 1;
	}
	return at;
}

static void skip_separators(struct article_words *words)
{
	words->comma = words->line_break = false;
	for (; *words->at && strchr(" \t\r\n,;)", *words->at); words->at++) {
		words->comma |= *words->at == ',' || *words->at == ';';
		words->line_break |= *words->at == '\n';
	}
}

/* Takes quotes, and marks of emphasis that were none for the parser, off a word. */
static void strip_marks(struct text *word)
{
	size_t start = 0, end = word->length;

	while (start < end && strchr("`\"'", word->data[start]))
		start++;
	while (end > start && strchr("`\"'", word->data[end - 1]))
		end--;
	while (end - start >= 2 && strncmp(word->data + start, "**", 2) == 0)
		start += 2;
	while (end - start >= 2 && strncmp(word->data + end - 2, "**", 2) == 0)
		end -= 2;
	memmove(word->data, word->data + start, end - start);
	word->data[word->length = end - start] = '\0';
}

bool article_words_next(struct article_words *words, struct text *word)
{
	const char *end;

	skip_separators(words);
	if (!*words->at)
		return false;
	end = *words->at == '(' ? end_of_note(words->at) : end_of_word(words->at);
	text_clear(word);
	for (const char *at = words->at; at < end; at++)
		if (*words->at == '(' || *at != ' ')
			text_add_bytes(word, at, 1);
	words->at = end;
	if (text_failed(word))
		return false;
	if (*word->data != '(')
		strip_marks(word);
	return true;
}
