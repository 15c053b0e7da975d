/*
 * Bytes as Microsoft's article. What comes out is a catalogue file that the reader takes, with
 * everything counted that is in it.
 */
#include <stdint.h>
#include <string.h>

#include "base/assertion.h"
#include "import/article.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read once: it takes longer than an import. */
static const struct catalog *known_editions(void)
{
	static struct catalog *known;

	if (!known) {
		struct problems *problems = problems_new();

		known = catalog_load(NULL, problems);
		problems_free(problems);
	}
	invariant(known);
	return known;
}

static void check(const struct text *yaml, const struct import_article_counts *counts,
		  struct problems *problems)
{
	struct catalog *made = catalog_parse(yaml->data, yaml->length, "made", problems);

	invariant(made);
	const struct catalog_edition *edition = catalog_edition_find(made, NULL);
	invariant(edition->entry_count == counts->entries);
	invariant(edition->unread_count == counts->unread);
	invariant(counts->unread <= counts->rows);
	catalog_free(made);
}

/* An importer that writes what the reader does not take has a fault of its own. */
static void check_places(const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *problem = problems_at(problems, i);

		invariant(!problem->file || strcmp(problem->file, "fuzz.md") == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems *problems = problems_new();
	struct text yaml = TEXT_EMPTY;
	struct import_article_counts counts;
	int error = import_article((const char *)data, size, "fuzz.md", "2020-01-01",
				   known_editions(), &yaml, &counts, problems);

	invariant((error != 0) == problems_has_errors(problems));
	check_places(problems);
	if (!error)
		check(&yaml, &counts, problems);
	text_free(&yaml);
	problems_free(problems);
	return 0;
}
