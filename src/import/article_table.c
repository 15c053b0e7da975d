/*
 * A table: which column is which is told by the words of its header, which has had four shapes. One
 * column without a known word is the purpose. A table without a known column of destinations is
 * about something else, unless destinations stand in it all the same: then its shape is new, and
 * each row is kept as unread.
 */
#include "import/article_table_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "import/article_cell_impl.h"
#include "import/article_cloud_impl.h"
#include "import/article_conditions_impl.h"
#include "import/article_row_impl.h"

#define NO_COLUMN     SIZE_MAX
#define PURPOSE_LIMIT 4096 /* what a catalogue file may have */

struct columns {
	size_t destination, ports, protocol, purpose;
};

static bool has_word(const char *words, const char *const *wanted)
{
	for (; *wanted; wanted++) {
		size_t length = strlen(*wanted);

		for (const char *at = words; (at = strcasestr(at, *wanted)); at++)
			if ((at == words || !isalnum((unsigned char)at[-1])) &&
			    !isalnum((unsigned char)at[length]))
				return true;
	}
	return false;
}

/* English first, then what translations have made of it. */
static const char *const s_protocol_words[] = {
	"protocol",  "protocols",  "protokoll",  "protokol", "protocole",
	"protocolo", "protocollo", "protokół",   "протокол", "bağlantı protokolü",
	"协议",      "通訊協定",   "プロトコル", "프로토콜", NULL};
static const char *const s_port_words[] = {
	"port",   "ports",  "porta", "puerto", "porty",
	"poort",  "порт",   "端口",  "埠",     "bağlantı noktası",
	"連接埠", "ポート", "포트",  NULL};
static const char *const s_purpose_words[] = {"use",  "usage",  "purpose", "description",
					      "uses", "reason", "notes",   NULL};
static const char *const s_destination_words[] = {
	"fqdn",         "fqdns",    "endpoint",   "endpoints",    "destination",
	"destinations", "domain",   "domains",    "hostname",     "hostnames",
	"url",          "urls",     "endpunkt",   "zielendpunkt", "destino",
	"destinazione", "eindpunt", "目标终结点", "目的地端點",   NULL};

/* A column that is taken is not taken again: the first of a kind counts. */
static void see_column(struct columns *columns, size_t column, const char *words)
{
	size_t *target = has_word(words, s_port_words)          ? &columns->ports
			 : has_word(words, s_protocol_words)    ? &columns->protocol
			 : has_word(words, s_purpose_words)     ? &columns->purpose
			 : has_word(words, s_destination_words) ? &columns->destination
								: NULL;

	if (target && *target == NO_COLUMN)
		*target = column;
}

static int see_columns(const struct article_row *header, struct columns *columns)
{
	size_t unknown = NO_COLUMN, unknown_count = 0;

	*columns = (struct columns){NO_COLUMN, NO_COLUMN, NO_COLUMN, NO_COLUMN};
	for (size_t i = 0; i < header->cell_count; i++) {
		cleanup(free_memory) char *words = article_runs_words(&header->cells[i]);

		if (!words)
			return -ENOMEM;
		see_column(columns, i, words);
		if (i != columns->destination && i != columns->ports && i != columns->protocol &&
		    i != columns->purpose) {
			unknown = i;
			unknown_count++;
		}
	}
	if (columns->purpose == NO_COLUMN && unknown_count == 1)
		columns->purpose = unknown;
	return 0;
}

static const struct article_runs *cell_at(const struct article_row *row, size_t column)
{
	return column < row->cell_count ? &row->cells[column] : NULL;
}

/* The row as it stood, for people. NULL: out of memory. */
static char *row_words(const struct article_row *row)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	text_add(&text, "");
	for (size_t i = 0; i < row->cell_count; i++) {
		cleanup(free_memory) char *words = article_runs_words(&row->cells[i]);

		if (!words)
			return NULL;
		text_addf(&text, "%s%s", i ? " | " : "", words);
	}
	return text_failed(&text) ? NULL : take_pointer(text.data);
}

static int keep_unread(struct article_reading *reading, const char *section,
		       const struct article_block *table, size_t row, const char *reason)
{
	cleanup(free_memory) char *words = row_words(&table->rows[row]);

	return words ? article_unread_add(reading, section, (unsigned int)row,
					  table->rows[row].line, words, reason)
		     : -ENOMEM;
}

/* ------------------------------------------------------------------ tables of another shape */

static bool has_destinations(const struct article_block *table)
{
	for (size_t row = 1; row < table->row_count; row++)
		for (size_t i = 0; i < table->rows[row].cell_count; i++) {
			cleanup(article_cell_done) struct article_cell cell = {0};
			cleanup(text_free) struct text reason = TEXT_EMPTY;

			if (article_cell_read(&table->rows[row].cells[i], &cell, &reason) &&
			    cell.items[0].kind == CATALOG_DESTINATION_NAME)
				return true;
		}
	return false;
}

static int pass_over(struct article_reading *reading, const struct article_block *table)
{
	cleanup(free_memory) char *words = row_words(&table->rows[0]);

	if (!words)
		return -ENOMEM;
	problems_add(reading->problems, PROBLEM_WARNING,
		     (struct problem_place){reading->file, table->line, 1},
		     "passed over: a table that is not of destinations: %.100s", words);
	return 0;
}

static int keep_all_unread(struct article_reading *reading, const struct article_block *table,
			   const char *section)
{
	int error = 0;

	for (size_t row = 1; !error && row < table->row_count; row++)
		error = keep_unread(reading, section, table, row,
				    "the table's header has no known words for destination and "
				    "port");
	return error;
}

/* ------------------------------------------------------------------ tables */

/* -EINVAL: ret_reason says why it cannot be read. */
static int read_row(struct article_reading *reading, const struct article_row *row,
		    const struct columns *columns, const struct article_facts *facts,
		    struct text *ret_reason)
{
	const struct article_row_cells cells = {
		.destination = cell_at(row, columns->destination),
		.ports = cell_at(row, columns->ports),
		.protocol = cell_at(row, columns->protocol),
		.network = columns->protocol != NO_COLUMN,
	};

	if (!cells.destination)
		text_add(ret_reason, "it has no destination");
	else if (strlen(facts->purpose) > PURPOSE_LIMIT)
		text_addf(ret_reason, "its purpose is longer than %d bytes", PURPOSE_LIMIT);
	else
		return article_row_add(reading, facts, &cells, ret_reason);
	return -EINVAL;
}

static int add_row(struct article_reading *reading, const struct article_block *table, size_t row,
		   const struct columns *columns, const struct article_facts *facts)
{
	cleanup(text_free) struct text reason = TEXT_EMPTY;
	int error = read_row(reading, &table->rows[row], columns, facts, &reason);

	return error == -EINVAL
		       ? keep_unread(reading, facts->section, table, row, text_string(&reason))
		       : error;
}

static int add_rows(struct article_reading *reading, const struct article_block *table,
		    const struct columns *columns, const struct article_facts *facts)
{
	int error = 0;

	for (size_t row = 1; !error && row < table->row_count; row++) {
		const struct article_runs *purpose = cell_at(&table->rows[row], columns->purpose);
		char *words = purpose ? article_runs_words(purpose) : strdup("");
		struct article_facts row_facts = *facts;

		row_facts.row = (unsigned int)row;
		row_facts.purpose = words;
		error = words ? add_row(reading, table, row, columns, &row_facts) : -ENOMEM;
		free(words);
	}
	return error;
}

int article_table_add(struct article_reading *reading, const struct article_block *table,
		      const struct article_place *place, uint32_t clouds)
{
	struct columns columns;
	struct article_section section = {place->title, place->feature, place->feature_title};
	struct article_facts facts = {
		.need = place->need, .clouds = clouds, .any_cloud = clouds == ARTICLE_ALL_CLOUDS};

	if (see_columns(&table->rows[0], &columns) < 0)
		return -ENOMEM;
	if (columns.destination == NO_COLUMN && !has_destinations(table))
		return pass_over(reading, table);
	reading->counts.tables++;
	reading->counts.rows += table->row_count - 1;
	if (article_section_add(reading, &section, true) < 0)
		return -ENOMEM;
	facts.section = section.title;
	facts.feature = section.feature;
	if (columns.destination == NO_COLUMN)
		return keep_all_unread(reading, table, facts.section);
	return add_rows(reading, table, &columns, &facts);
}

int article_no_table_add(struct article_reading *reading, const struct article_block *block,
			 const struct article_place *place)
{
	cleanup(free_memory) char *words = article_runs_words(&block->text);
	struct article_section section = {place->title, place->feature, place->feature_title};

	reading->counts.tables++;
	reading->counts.rows++;
	if (!words || article_section_add(reading, &section, true) < 0)
		return -ENOMEM;
	return article_unread_add(reading, section.title, 1, block->line, words,
				  "this is a table that the Markdown parser does not take for one");
}
