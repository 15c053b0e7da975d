/* What the tests of the article's importer share. Include after cmocka.h. */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "import/article.h"

struct import_case {
	struct problems *problems;
	struct catalog *known;
	struct catalog *made; /* of the text; NULL: it failed */
	const struct catalog_edition *edition;
	struct import_article_counts counts;
	struct text yaml;
	int error;
};

static inline void import_case_run(struct import_case *run, const char *text, size_t length,
				   const char *file, const char *edition)
{
	*run = (struct import_case){.problems = problems_new()};
	assert_non_null(run->problems);
	run->known = catalog_load(NULL, run->problems);
	assert_non_null(run->known);
	run->error = import_article(text, length, file, edition, run->known, &run->yaml,
				    &run->counts, run->problems);
	assert_int_equal(run->error != 0, problems_has_errors(run->problems));
	if (run->error)
		return;
	run->made = catalog_parse(run->yaml.data, run->yaml.length, "made", run->problems);
	assert_non_null(run->made);
	run->edition = catalog_edition_find(run->made, NULL);
	assert_int_equal(run->edition->unread_count, run->counts.unread);
	assert_int_equal(run->edition->entry_count, run->counts.entries);
}

static inline void import_case_done(struct import_case *run)
{
	catalog_free(run->made);
	catalog_free(run->known);
	problems_free(run->problems);
	text_free(&run->yaml);
}
