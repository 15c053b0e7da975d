/*
 * The article, from its bytes to the text of a catalogue file: front matter → date; Markdown →
 * blocks; headings → places; tables and bullets → entries; entries → text, which is read back once
 * by the catalogue's own reader before anybody gets it.
 *
 * Limits, so that hostile input costs little: bytes, lines and table cells of a line (the parser
 * makes a node of each, and short rows are filled up to the header's width).
 */
#include "import/article.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/article_cloud_impl.h"
#include "import/article_entries_impl.h"
#include "import/article_markdown_impl.h"
#include "import/article_prose_impl.h"
#include "import/article_table_impl.h"
#include "import/catalog_text.h"
#include "import/front_matter_impl.h"
#include "base/list.h"

#define LINE_LIMIT 10000 /* the longest article so far has 900 */
#define BAR_LIMIT  64    /* in a line; tables have had four columns */
#define ROW_LIMIT  1000  /* of a table, as in catalogue files */

DEFINE_CLEANUP(drop_catalog, struct catalog *, catalog_free);

/* ------------------------------------------------------------------ what is no article */

static int refuse(struct problems *problems, const char *file, unsigned int line,
		  unsigned int column, const char *why)
{
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){file, line, column}, "%s",
		     why);
	return -EINVAL;
}

/* UTF-8 without NUL and within the limits? */
static int check_bytes(const char *text, size_t length, const char *file, struct problems *problems)
{
	unsigned int line = 1, bars = 0;
	const char *end = text + length, *line_start = text;

	if (length > IMPORT_ARTICLE_SIZE_LIMIT)
		return refuse(problems, file, 1, 1,
			      "it is longer than 1 MiB, twenty times an article");
	for (const char *at = text; at < end;) {
		const char *character = at;
		uint32_t value = text_take_character(&at, end);
		unsigned int column = (unsigned int)(character - line_start) + 1;

		if (value == 0 || (value == 0xfffd && at - character != 3))
			return refuse(problems, file, line, column,
				      value ? "this is not UTF-8"
					    : "a NUL byte: this is no text file");
		bars += value == '|';
		if (bars > BAR_LIMIT)
			return refuse(problems, file, line, column,
				      "a table of more than 64 columns");
		if (value != '\n')
			continue;
		bars = 0;
		line_start = at;
		if (++line > LINE_LIMIT)
			return refuse(problems, file, line, 1, "more than 10,000 lines");
	}
	return 0;
}

/* ------------------------------------------------------------------ the edition being made */

static bool copy_cloud(const struct catalog_cloud *from, struct catalog_cloud *to)
{
	to->name = strdup(from->name);
	to->title = strdup(from->title);
	to->service_tags = strdup(from->service_tags);
	to->api_servers = calloc(from->api_server_count, sizeof(char *));
	if (!to->name || !to->title || !to->service_tags || !to->api_servers)
		return false;
	for (; to->api_server_count < from->api_server_count; to->api_server_count++)
		if (!(to->api_servers[to->api_server_count] =
			      strdup(from->api_servers[to->api_server_count])))
			return false;
	to->region_codes = calloc(from->region_code_count + 1, sizeof(*to->region_codes));
	if (!to->region_codes)
		return false;
	for (; to->region_code_count < from->region_code_count; to->region_code_count++) {
		const struct catalog_region_code *code = &from->region_codes[to->region_code_count];
		struct catalog_region_code copy = {strdup(code->region), strdup(code->code)};

		to->region_codes[to->region_code_count] = copy;
		if (!copy.region || !copy.code) {
			to->region_code_count++;
			return false;
		}
	}
	return true;
}

/* The clouds as the newest embedded edition has them, in the order of enum article_cloud. */
static int begin_edition(const struct catalog *known, const char *name,
			 struct catalog_edition *edition)
{
	const struct catalog_edition *newest = catalog_edition_find(known, NULL);
	cleanup(text_free) struct text title = TEXT_EMPTY;

	text_addf(&title, "Outbound network and FQDN rules for AKS clusters, article of %s", name);
	edition->name = strdup(name);
	edition->title = take_pointer(title.data);
	if (!edition->name || !edition->title)
		return -ENOMEM;
	for (unsigned int i = 0; i < ARTICLE_CLOUD_COUNT; i++) {
		const struct catalog_cloud *from =
			catalog_cloud_find(newest, article_cloud_name(i));
		struct catalog_cloud *to =
			list_add(&edition->clouds, &edition->cloud_count, sizeof(*to));

		if (!from || !to || !copy_cloud(from, to))
			return -ENOMEM;
	}
	return 0;
}

/* ------------------------------------------------------------------ places and clouds */

struct places {
	struct article_place *list; /* one for each block; empty for those without rules */
	size_t count;
};

static void places_done(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		article_place_done(&places->list[i]);
	free(places->list);
}

static bool has_rules(const struct article_block *block)
{
	return block->kind == ARTICLE_TABLE || block->kind == ARTICLE_NO_TABLE ||
	       (block->kind == ARTICLE_BULLET && article_prose_has_rule(block));
}

static int find_places(const struct article_blocks *blocks, struct places *places)
{
	places->list = calloc(blocks->count + 1, sizeof(*places->list));
	if (!places->list)
		return -ENOMEM;
	places->count = blocks->count;
	for (size_t i = 0; i < blocks->count; i++) {
		if (!has_rules(&blocks->list[i]))
			continue;
		if (article_place_find(blocks, i, &places->list[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool same_feature(const char *left, const char *right)
{
	return left == right || (left && right && strcmp(left, right) == 0);
}

/* Headings that name no cloud mean all of them; but where a sister table names another cloud, this
   one is the public cloud's. */
static uint32_t clouds_of(const struct places *places, const struct article_place *place)
{
	if (place->clouds)
		return place->clouds;
	for (size_t i = 0; i < places->count; i++) {
		const struct article_place *other = &places->list[i];

		if (other->title && other->clouds && other->need == place->need &&
		    other->network == place->network &&
		    same_feature(other->feature, place->feature))
			return 1u << ARTICLE_PUBLIC;
	}
	return ARTICLE_ALL_CLOUDS;
}

/* ------------------------------------------------------------------ all */

static int add_block(struct article_reading *reading, const struct places *places,
		     const struct article_block *block, const struct article_place *place)
{
	switch (block->kind) {
	case ARTICLE_TABLE:
		return article_table_add(reading, block, place, clouds_of(places, place));
	case ARTICLE_NO_TABLE:
		return article_no_table_add(reading, block, place);
	case ARTICLE_BULLET:
		return place->title ? article_prose_add(reading, block, place, ARTICLE_ALL_CLOUDS)
				    : 0;
	case ARTICLE_HEADING:
	case ARTICLE_PROSE:
		return 0;
	}
	return 0;
}

static int add_blocks(struct article_reading *reading, const struct article_blocks *blocks)
{
	cleanup(places_done) struct places places = {0};
	int error = find_places(blocks, &places);

	for (size_t i = 0; !error && i < blocks->count; i++) {
		if (blocks->list[i].row_count > ROW_LIMIT)
			return refuse(reading->problems, reading->file, blocks->list[i].line, 1,
				      "a table of more than 1,000 rows");
		error = add_block(reading, &places, &blocks->list[i], &places.list[i]);
	}
	return error;
}

static int read_blocks(struct article_reading *reading, const char *text, size_t length,
		       unsigned int lines_before)
{
	cleanup(article_blocks_done) struct article_blocks blocks = {0};
	int error = article_markdown_read(text, length, lines_before, &blocks);

	if (!error)
		error = add_blocks(reading, &blocks);
	if (!error && !reading->counts.entries && !reading->counts.unread)
		error = refuse(reading->problems, reading->file, 1, 1,
			       "it has no destinations: is this the article?");
	return error;
}

/* What is handed out is what the reader takes. */
static int write_text(const struct article_reading *reading, struct text *yaml)
{
	cleanup(drop_catalog) struct catalog *read = NULL;

	catalog_text_write(reading->edition, yaml);
	if (text_failed(yaml))
		return -ENOMEM;
	read = catalog_parse(yaml->data, yaml->length, "the catalogue made of it",
			     reading->problems);
	return read ? 0 : -EINVAL;
}

static int find_date(const char *text, size_t length, const char *file, const char *edition,
		     struct front_matter *matter, struct problems *problems)
{
	int error = front_matter_read(text, length, file, !edition, matter, problems);

	if (edition && (strlen(edition) != 10 || strspn(edition, "0123456789-") != 10)) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "the edition '%.40s' is no date, as in 2024-05-20", edition);
		return -EINVAL;
	}
	if (error || edition || *matter->date)
		return error;
	return refuse(problems, file, 1, 1,
		      "no ms.date in its front matter: give the edition with --edition");
}

int import_article(const char *text, size_t length, const char *file, const char *edition_name,
		   const struct catalog *known, struct text *ret_yaml,
		   struct import_article_counts *ret_counts, struct problems *problems)
{
	cleanup(catalog_edition_done) struct catalog_edition edition = {0};
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	struct article_reading reading = {
		.known = known, .edition = &edition, .file = file, .problems = problems};
	struct front_matter matter;
	uint64_t failures = text_failures();
	int error;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
		text += 3;
		length -= 3;
	}
	error = check_bytes(text, length, file, problems);
	if (!error)
		error = find_date(text, length, file, edition_name, &matter, problems);
	if (!error)
		error = begin_edition(known, edition_name ? edition_name : matter.date, &edition);
	if (!error)
		error = read_blocks(&reading, text + matter.length, length - matter.length,
				    matter.lines);
	if (!error)
		error = write_text(&reading, &yaml);
	if (!error && (text_failures() != failures || problems_has_errors(problems)))
		error = -ENOMEM;
	if (error == -ENOMEM)
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
	if (error)
		return error;
	*ret_yaml = yaml;
	yaml = TEXT_EMPTY;
	*ret_counts = reading.counts;
	return 0;
}
