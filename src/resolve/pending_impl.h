/* The fixed table of questions under way. */
#pragma once

#include "resolve/exchange_impl.h"
#include "resolve/resolver_impl.h"

struct pending {
	struct exchange exchange;
	struct resolver *resolver;
	struct resolver_ask *ask; /* NULL: free */
	struct pending *next_free;
	struct name name;
	uint16_t type;
	unsigned int flags; /* ASK_* */
};

struct pending_table {
	struct pending *all;
	struct pending *first_free;
	size_t capacity, used;
	size_t touched; /* those from here on were never used */
};

int pending_table_init(struct pending_table *table, size_t capacity); /* -ENOMEM */
void pending_table_done(struct pending_table *table); /* cancels what is under way */

struct pending *pending_take(struct pending_table *table); /* NULL: full */
void pending_give_back(struct pending_table *table, struct pending *pending);
