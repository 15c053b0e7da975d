/* The tree's inside, shared by its builder (parse.c) and its accessors (tree.c). */
#pragma once

#include "yaml/tree.h"

struct yaml_item {
	enum yaml_kind kind;
	bool plain;
	unsigned int line, column; /* from 1 */
	const struct yaml_tree *tree;
	const char *key;             /* borrowed from the key's item */
	char *text;                  /* scalar */
	struct yaml_item **children; /* list: items; map: key, value, key, value … */
	size_t count, capacity;
};

struct yaml_tree {
	char *name;
	struct yaml_item *root;
	size_t item_count;
};

void yaml_item_free(struct yaml_item *item);
