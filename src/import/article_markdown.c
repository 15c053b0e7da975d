/*
 * Markdown → blocks. The parsing is cmark-gfm's (CommonMark with GitHub's tables, which is what the
 * article is written in); here its tree is walked once and flattened.
 *
 * A star at the head of a name is also Markdown's mark of emphasis. Inside code spans and behind a
 * backslash the parser keeps it. Between two bare names ("*.a.com,*.b.com") it sees emphasis and
 * drops both stars; no words begin with a dot, so emphasis over text that does is undone.
 *
 * Tags of HTML are left out, since they are put into names to keep browsers from making links
 * ("www<span></span>.x.com"); placeholders in angle brackets (<location>) are no tags and stay.
 */
#include "import/article_markdown_impl.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/list.h"

struct walk {
	struct article_blocks blocks;
	struct article_runs *runs; /* where inline text goes; NULL: nowhere */
	unsigned int lines_before;
	unsigned int bullets, links; /* that are open */
	bool failed;
};

static void runs_done(struct article_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		free(runs->list[i].text);
	free(runs->list);
}

void article_blocks_done(struct article_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		struct article_block *block = &blocks->list[i];

		runs_done(&block->text);
		for (size_t row = 0; row < block->row_count; row++) {
			for (size_t cell = 0; cell < block->rows[row].cell_count; cell++)
				runs_done(&block->rows[row].cells[cell]);
			free(block->rows[row].cells);
		}
		free(block->rows);
	}
	free(blocks->list);
	*blocks = (struct article_blocks){0};
}

char *article_runs_words(const struct article_runs *runs)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;
	bool space = false;

	text_add(&words, "");
	for (size_t i = 0; i < runs->count; i++) {
		const char *at = runs->list[i].text ? runs->list[i].text : " ";

		if (runs->list[i].kind == ARTICLE_ANCHOR)
			continue;
		for (; *at; at++) {
			if (isspace((unsigned char)*at)) {
				space = true;
				continue;
			}
			if (space && words.length)
				text_add(&words, " ");
			space = false;
			text_add_bytes(&words, at, 1);
		}
	}
	return text_failed(&words) ? NULL : take_pointer(words.data);
}

char *article_shorten(const char *text, size_t limit)
{
	cleanup(text_free) struct text shortened = TEXT_EMPTY;

	if (strlen(text) <= limit)
		return strdup(text);
	while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
		limit--; /* not within a character */
	text_add_bytes(&shortened, text, limit);
	text_add(&shortened, "…");
	return text_failed(&shortened) ? NULL : take_pointer(shortened.data);
}

char *article_runs_english(const struct article_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		if (runs->list[i].kind == ARTICLE_ANCHOR)
			return strdup(runs->list[i].text);
	return article_runs_words(runs);
}

/* ------------------------------------------------------------------ text within a block */

static void add_run(struct walk *walk, enum article_run_kind kind, const char *text)
{
	struct article_run *run;

	if (!walk->runs)
		return;
	run = list_add(&walk->runs->list, &walk->runs->count, sizeof(*run));
	if (!run) {
		walk->failed = true;
		return;
	}
	run->kind = kind;
	if (text && !(run->text = strdup(text)))
		walk->failed = true;
}

static bool is_word_of(const char *const *words, const char *start, size_t length)
{
	for (; *words; words++)
		if (strlen(*words) == length && strncasecmp(start, *words, length) == 0)
			return true;
	return false;
}

/* <a name="required-network-rules"> → "required network rules"; false: another tag. */
static bool add_anchor(struct walk *walk, const char *html)
{
	static const char start[] = "<a name=\"";
	cleanup(free_memory) char *name = NULL;

	if (strncmp(html, start, strlen(start)) != 0)
		return false;
	html += strlen(start);
	name = strndup(html, strcspn(html, "\""));
	for (size_t i = 0; name && name[i]; i++)
		name[i] = name[i] == '-' ? ' ' : name[i];
	if (name)
		add_run(walk, ARTICLE_ANCHOR, name);
	walk->failed |= !name;
	return true;
}

static void add_html(struct walk *walk, const char *html)
{
	static const char *const tags[] = {"a",   "abbr",   "b", "code", "div",   "em",  "i",
					   "li",  "ol",     "p", "s",    "small", "sub", "span",
					   "sup", "strong", "u", "ul",   "wbr",   NULL};
	static const char *const breaks[] = {"br", NULL};
	const char *name = html + 1;
	size_t length = strcspn(name, " \t\r\n/>");

	if (add_anchor(walk, html))
		return;
	if (is_word_of(breaks, name, length))
		add_run(walk, ARTICLE_BREAK, NULL);
	else if (*name != '/' && *name != '!' && *name != '?' && !strchr(html, '=') &&
		 !is_word_of(tags, name, length))
		add_run(walk, ARTICLE_TEXT, html);
}

static bool hides_wildcard(cmark_node *emphasis)
{
	cmark_node *first = cmark_node_first_child(emphasis);
	const char *text = first ? cmark_node_get_literal(first) : NULL;

	return text && *text == '.';
}

static void walk_inline(struct walk *walk, cmark_node *node, bool enter)
{
	cmark_node_type type = cmark_node_get_type(node);

	if (type == CMARK_NODE_LINK)
		walk->links += enter ? 1 : -1u;
	else if (type == CMARK_NODE_EMPH && hides_wildcard(node))
		add_run(walk, ARTICLE_TEXT, "*");
	else if (!enter)
		return;
	else if (type == CMARK_NODE_TEXT)
		add_run(walk, walk->links ? ARTICLE_LINK : ARTICLE_TEXT,
			cmark_node_get_literal(node));
	else if (type == CMARK_NODE_CODE)
		add_run(walk, ARTICLE_CODE, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_HTML_INLINE)
		add_html(walk, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_SOFTBREAK)
		add_run(walk, ARTICLE_TEXT, " ");
	else if (type == CMARK_NODE_LINEBREAK)
		add_run(walk, ARTICLE_BREAK, NULL);
}

/* ------------------------------------------------------------------ blocks */

static unsigned int line_of(const struct walk *walk, cmark_node *node)
{
	int line = cmark_node_get_start_line(node);

	return walk->lines_before + (line > 0 ? (unsigned int)line : 1);
}

static struct article_block *add_block(struct walk *walk, cmark_node *node,
				       enum article_block_kind kind)
{
	struct article_block *block =
		list_add(&walk->blocks.list, &walk->blocks.count, sizeof(*block));

	walk->runs = NULL;
	if (!block) {
		walk->failed = true;
		return NULL;
	}
	block->kind = kind;
	block->line = line_of(walk, node);
	return block;
}

static void add_text_block(struct walk *walk, cmark_node *node, enum article_block_kind kind,
			   unsigned int level)
{
	struct article_block *block = add_block(walk, node, kind);

	if (!block)
		return;
	block->level = level;
	walk->runs = &block->text;
}

/* The block that is being filled. */
static struct article_block *last_block(struct walk *walk)
{
	return &walk->blocks.list[walk->blocks.count - 1];
}

static void add_row(struct walk *walk, cmark_node *node)
{
	struct article_block *table = last_block(walk);
	struct article_row *row = list_add(&table->rows, &table->row_count, sizeof(*row));

	if (row)
		row->line = line_of(walk, node);
	else
		walk->failed = true;
}

static void add_cell(struct walk *walk)
{
	struct article_block *table = last_block(walk);
	struct article_row *row = &table->rows[table->row_count - 1];

	walk->runs = list_add(&row->cells, &row->cell_count, sizeof(*row->cells));
	walk->failed |= !walk->runs;
}

/* Text that begins and goes on with bars was meant as a table. */
static void judge_prose(struct walk *walk)
{
	struct article_block *block = last_block(walk);
	size_t bars = 0;

	for (size_t i = 0; i < block->text.count; i++) {
		const char *text = block->text.list[i].text;

		if (i == 0 && (!text || text[strspn(text, " ")] != '|'))
			return;
		for (; text && block->text.list[i].kind == ARTICLE_TEXT && *text; text++)
			bars += *text == '|';
	}
	if (bars >= 4)
		block->kind = ARTICLE_NO_TABLE;
}

static void walk_html(struct walk *walk, cmark_node *node)
{
	const char *html = cmark_node_get_literal(node);

	if (!html || !strcasestr(html, "<table"))
		return;
	add_text_block(walk, node, ARTICLE_NO_TABLE, 0);
	add_run(walk, ARTICLE_TEXT, html);
	walk->runs = NULL;
}

/* True: the node was a block. Rows and cells are of an extension, whose types have no constants. */
static bool walk_table(struct walk *walk, cmark_node *node, bool enter)
{
	const char *type = cmark_node_get_type_string(node);

	if (strncmp(type, "table", 5) != 0)
		return false;
	if (!enter)
		walk->runs = NULL;
	else if (strcmp(type, "table") == 0)
		add_block(walk, node, ARTICLE_TABLE);
	else if (strcmp(type, "table_cell") == 0)
		add_cell(walk);
	else
		add_row(walk, node);
	return true;
}

static void walk_node(struct walk *walk, cmark_node *node, bool enter)
{
	cmark_node_type type = cmark_node_get_type(node);

	if (walk_table(walk, node, enter))
		return;
	if (type == CMARK_NODE_ITEM)
		walk->bullets += enter ? 1 : -1u;
	else if (type == CMARK_NODE_HTML_BLOCK)
		walk_html(walk, node);
	else if (type == CMARK_NODE_HEADING && enter)
		add_text_block(walk, node, ARTICLE_HEADING,
			       (unsigned int)cmark_node_get_heading_level(node));
	else if (type == CMARK_NODE_PARAGRAPH && enter)
		add_text_block(walk, node, walk->bullets ? ARTICLE_BULLET : ARTICLE_PROSE, 0);
	else if (type == CMARK_NODE_PARAGRAPH && walk->runs)
		judge_prose(walk);
	else
		walk_inline(walk, node, enter);
}

int article_markdown_read(const char *text, size_t length, unsigned int lines_before,
			  struct article_blocks *ret_blocks)
{
	struct walk walk = {.lines_before = lines_before};
	cmark_parser *parser;
	cmark_node *document;
	cmark_iter *iterator;

	cmark_gfm_core_extensions_ensure_registered();
	parser = cmark_parser_new(CMARK_OPT_DEFAULT);
	cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension("table"));
	cmark_parser_feed(parser, text, length);
	document = cmark_parser_finish(parser);
	iterator = cmark_iter_new(document);
	while (!walk.failed && cmark_iter_next(iterator) != CMARK_EVENT_DONE)
		walk_node(&walk, cmark_iter_get_node(iterator),
			  cmark_iter_get_event_type(iterator) == CMARK_EVENT_ENTER);
	cmark_iter_free(iterator);
	cmark_node_free(document);
	cmark_parser_free(parser);
	if (walk.failed) {
		article_blocks_done(&walk.blocks);
		return -ENOMEM;
	}
	*ret_blocks = walk.blocks;
	return 0;
}
