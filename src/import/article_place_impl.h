/* What the headings above a table say of its rows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "import/article_markdown_impl.h"

struct article_place {
	char *title;         /* the section's */
	uint32_t clouds;     /* bits of enum article_cloud; 0: all, or those of the row */
	char *feature;       /* NULL: none, every cluster */
	char *feature_title; /* the heading that named it */
	enum catalog_need need;
	bool network; /* network rules, by the heading */
};

/* Of the block at `index`. 0 or -ENOMEM. */
int article_place_find(const struct article_blocks *blocks, size_t index,
		       struct article_place *ret_place);
void article_place_done(struct article_place *place);
