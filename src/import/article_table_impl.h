/* A table of the article → entries, or unread rows. */
#pragma once

#include "import/article_entries_impl.h"
#include "import/article_markdown_impl.h"
#include "import/article_place_impl.h"

/* 0 or -ENOMEM. */
int article_table_add(struct article_reading *reading, const struct article_block *table,
		      const struct article_place *place, uint32_t clouds);

/* What was meant as a table and is none for the parser: unread. 0 or -ENOMEM. */
int article_no_table_add(struct article_reading *reading, const struct article_block *block,
			 const struct article_place *place);
