/* The article's Markdown as what the importer looks at: headings, prose, bullets and tables, each
   with its line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum article_run_kind {
	ARTICLE_TEXT,
	ARTICLE_CODE,
	ARTICLE_LINK,   /* a link's words */
	ARTICLE_BREAK,  /* <br/>; without text */
	ARTICLE_ANCHOR, /* <a name="…">; its text is the name, in words */
};

/* A piece of a line of text. Emphasis is gone; a star that only looked like it is back. */
struct article_run {
	enum article_run_kind kind;
	char *text;
};

struct article_runs {
	struct article_run *list;
	size_t count;
};

struct article_row {
	unsigned int line;
	struct article_runs *cells;
	size_t cell_count;
};

enum article_block_kind {
	ARTICLE_HEADING,
	ARTICLE_PROSE,
	ARTICLE_BULLET,
	ARTICLE_TABLE,
	ARTICLE_NO_TABLE, /* a table that is not one for the parser: in HTML, or ill-formed */
};

struct article_block {
	enum article_block_kind kind;
	unsigned int level; /* of a heading: 1 to 6 */
	unsigned int line;
	struct article_runs text; /* but for tables */
	struct article_row *rows; /* of a table; the first is its header */
	size_t row_count;
};

struct article_blocks {
	struct article_block *list;
	size_t count;
};

/* `lines_before` is added to each line. 0 or -ENOMEM. */
int article_markdown_read(const char *text, size_t length, unsigned int lines_before,
			  struct article_blocks *ret_blocks);
void article_blocks_done(struct article_blocks *blocks);

/* The words alone, single-spaced. The caller frees; NULL: out of memory. */
char *article_runs_words(const struct article_runs *runs);
/* The text, or its beginning and "…" when it is longer than `limit` bytes. The caller frees; NULL:
   out of memory. */
char *article_shorten(const char *text, size_t limit);
/* Those of an anchor, which translations keep in English; else the same. */
char *article_runs_english(const struct article_runs *runs);
