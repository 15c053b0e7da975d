/* Entries of the edition that is being made. */
#pragma once

#include "base/problems.h"
#include "catalog/catalog.h"
#include "import/article.h"

struct article_reading {
	const struct catalog *known;     /* the embedded editions */
	struct catalog_edition *edition; /* what is being made */
	const char *file;
	struct problems *problems;
	struct import_article_counts counts;
};

/* What the rows of a table have in common, and one row's own. */
struct article_facts {
	const char *section, *feature; /* as article_section_add() gave them */
	enum catalog_need need;
	uint32_t clouds; /* of the section */
	bool any_cloud;  /* the headings name none */
	unsigned int row;
	const char *purpose;
	const char *note;
	const char *id; /* of the row's part for another cloud; NULL: there is none yet */
};

struct article_section {
	const char *title;
	const char *feature;       /* NULL: none */
	const char *feature_title; /* where no embedded edition has one */
};

/*
 * A new section; without `own` perhaps an old one of the same title and feature. Title and feature
 * then live as long as the edition; entries point to them. 0 or -ENOMEM.
 */
int article_section_add(struct article_reading *reading, struct article_section *section, bool own);

/*
 * Moves an entry with kind, clouds, names or destinations, and ports into the edition: gives it an
 * id and what the embedded editions know of it. Several names that these know as several entries
 * become several. `entry` is empty afterwards. 0 or -ENOMEM.
 */
int article_entry_add(struct article_reading *reading, const struct article_facts *facts,
		      struct catalog_entry *entry);

/* A row that could not be read: tells it and keeps it. 0 or -ENOMEM. */
int article_unread_add(struct article_reading *reading, const char *section, unsigned int row,
		       unsigned int line, const char *text, const char *reason);
