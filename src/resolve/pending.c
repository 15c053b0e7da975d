#include "resolve/pending_impl.h"

#include <errno.h>
#include <stdlib.h>

int pending_table_init(struct pending_table *table, size_t capacity)
{
	struct pending *all = calloc(capacity, sizeof(*all));

	if (!all)
		return -ENOMEM;
	*table = (struct pending_table){.all = all, .capacity = capacity};
	return 0;
}

void pending_table_done(struct pending_table *table)
{
	for (size_t i = 0; i < table->touched; i++) {
		struct pending *pending = &table->all[i];

		if (!pending->ask)
			continue;
		exchange_cancel(&pending->exchange);
		pending->ask->pending = NULL;
	}
	free(table->all);
	*table = (struct pending_table){0};
}

struct pending *pending_take(struct pending_table *table)
{
	struct pending *pending = table->first_free;

	if (pending)
		table->first_free = pending->next_free;
	else if (table->touched < table->capacity)
		pending = &table->all[table->touched++];
	else
		return NULL;
	table->used++;
	return pending;
}

void pending_give_back(struct pending_table *table, struct pending *pending)
{
	pending->ask = NULL;
	pending->next_free = table->first_free;
	table->first_free = pending;
	table->used--;
}
