/* One row of a table → entries. */
#pragma once

#include "import/article_cell_impl.h"
#include "import/article_entries_impl.h"

/* The cells of a row that matter; NULL: the table has no such column. */
struct article_row_cells {
	const struct article_runs *destination, *ports, *protocol;
	bool network; /* a bare port number is none of HTTP(S) */
};

/* 0: its entries were added, all or none; -EINVAL: ret_reason says why it cannot be read;
   -ENOMEM. */
int article_row_add(struct article_reading *reading, const struct article_facts *facts,
		    const struct article_row_cells *cells, struct text *ret_reason);
