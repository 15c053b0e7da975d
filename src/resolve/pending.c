#include "resolve/pending_impl.h"

#include <errno.h>
#include <stdlib.h>

int pending_table_init(struct pending_table *table, size_t capacity)
{
	struct pending *all = calloc(capacity, sizeof(*all));
	struct pending_list *leaders;
	size_t buckets = 16;

	while (buckets < capacity)
		buckets *= 2;
	leaders = calloc(buckets, sizeof(*leaders)); /* all LIST_INIT() */
	if (!all || !leaders) {
		free(all);
		free(leaders);
		return -ENOMEM;
	}
	*table = (struct pending_table){.all = all,
					.leaders = leaders,
					.bucket_mask = buckets - 1,
					.key = hash_key_random(),
					.capacity = capacity};
	return 0;
}

void pending_table_done(struct pending_table *table)
{
	for (size_t i = 0; i < table->touched; i++) {
		struct pending *pending = &table->all[i];

		exchange_cancel(&pending->exchange);
		if (pending->ask)
			pending->ask->pending = NULL;
	}
	free(table->all);
	free(table->leaders);
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

/* ------------------------------------------------------------ leaders and followers */

static bool asks_the_same(const struct pending *a, const struct pending *b)
{
	return a->type == b->type && a->flags == b->flags && name_equal(&a->name, &b->name);
}

bool pending_join(struct pending_table *table, struct pending *pending)
{
	uint64_t hash = hash_bytes(&table->key, pending->name.text, pending->name.length);
	struct pending_list *bucket = &table->leaders[hash & table->bucket_mask];
	struct pending *leader;

	LIST_FOREACH(leader, bucket, in_list)
	if (asks_the_same(leader, pending))
		break;
	pending->leader = leader;
	LIST_INIT(&pending->followers);
	LIST_INSERT_HEAD(leader ? &leader->followers : bucket, pending, in_list);
	return !leader;
}

void pending_part(struct pending *leader, struct pending_list *list)
{
	struct pending *follower;

	LIST_INIT(list);
	LIST_REMOVE(leader, in_list);
	while ((follower = LIST_FIRST(&leader->followers))) {
		LIST_REMOVE(follower, in_list);
		follower->leader = NULL;
		LIST_INSERT_HEAD(list, follower, in_list);
	}
}

static bool is_needed(const struct pending *leader)
{
	return leader->ask || !LIST_EMPTY(&leader->followers);
}

static void drop_leader(struct pending_table *table, struct pending *leader)
{
	LIST_REMOVE(leader, in_list);
	exchange_cancel(&leader->exchange);
	pending_give_back(table, leader);
}

void pending_cancel(struct pending_table *table, struct pending *pending)
{
	struct pending *leader = pending->leader;
	bool leads = pending->exchange.state != EXCHANGE_IDLE;

	pending->ask = NULL;
	if (leads) {
		if (!is_needed(pending))
			drop_leader(table, pending);
		return;
	}
	LIST_REMOVE(pending, in_list);
	pending_give_back(table, pending);
	if (leader && !is_needed(leader))
		drop_leader(table, leader);
}
