/*
 * Microsoft's Markdown article on what AKS clusters must reach → an edition of the catalogue, as
 * the text of a catalogue file. Articles of all dates are read, from 2020 on.
 */
#pragma once

#include <stddef.h>

#include "base/problems.h"
#include "base/text.h"
#include "catalog/catalog.h"

#define IMPORT_ARTICLE_SIZE_LIMIT (1u << 20) /* bytes; the longest so far has 55,000 */

struct import_article_counts {
	size_t tables;  /* of destinations */
	size_t rows;    /* of these, read or not */
	size_t entries; /* that they gave; those of the prose count, too */
	size_t unread;  /* rows that could not be read */
};

/*
 * `file` stands for the article in complaints; `edition` is the date it is read as, "2024-05-20",
 * NULL: the one in its front matter. `known` are the embedded editions, from which entries that
 * stayed the same take their id, conditions, purpose and note.
 *
 * What cannot be read is a warning with its line, counts as unread, and stands in the text as such.
 * -EINVAL or -ENOMEM: errors are in `problems`. Outputs untouched on failure; ret_yaml is the
 * caller's to free.
 */
int import_article(const char *text, size_t length, const char *file, const char *edition,
		   const struct catalog *known, struct text *ret_yaml,
		   struct import_article_counts *ret_counts, struct problems *problems);
