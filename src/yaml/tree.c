#include "yaml/tree.h"
#include "yaml/tree_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

/* Recursion is bounded by YAML_DEPTH_LIMIT. */
void yaml_item_free(struct yaml_item *item)
{
	if (!item)
		return;
	for (size_t i = 0; i < item->count; i++)
		yaml_item_free(item->children[i]);
	free(item->children);
	free(item->text);
	free(item);
}

void yaml_tree_free(struct yaml_tree *tree)
{
	if (!tree)
		return;
	yaml_item_free(tree->root);
	free(tree->name);
	free(tree);
}

const struct yaml_item *yaml_tree_root(const struct yaml_tree *tree)
{
	return tree->root;
}

enum yaml_kind yaml_item_kind(const struct yaml_item *item)
{
	return item->kind;
}

struct problem_place yaml_item_place(const struct yaml_item *item)
{
	return (struct problem_place){item->tree->name, item->line, item->column};
}

const char *yaml_item_key(const struct yaml_item *item)
{
	return item->key ? item->key : "";
}

const char *yaml_scalar_text(const struct yaml_item *scalar)
{
	invariant(scalar->kind == YAML_KIND_SCALAR);
	return scalar->text;
}

bool yaml_scalar_is_plain(const struct yaml_item *scalar)
{
	invariant(scalar->kind == YAML_KIND_SCALAR);
	return scalar->plain;
}

bool yaml_item_is_null(const struct yaml_item *item)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (item->kind != YAML_KIND_SCALAR || !item->plain)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(item->text, words[i]))
			return true;
	return false;
}

size_t yaml_list_count(const struct yaml_item *list)
{
	invariant(list->kind == YAML_KIND_LIST);
	return list->count;
}

const struct yaml_item *yaml_list_at(const struct yaml_item *list, size_t index)
{
	invariant(list->kind == YAML_KIND_LIST && index < list->count);
	return list->children[index];
}

size_t yaml_map_count(const struct yaml_item *map)
{
	invariant(map->kind == YAML_KIND_MAP);
	return map->count / 2;
}

const struct yaml_item *yaml_map_key_at(const struct yaml_item *map, size_t index)
{
	invariant(map->kind == YAML_KIND_MAP && index < map->count / 2);
	return map->children[2 * index];
}

const struct yaml_item *yaml_map_value_at(const struct yaml_item *map, size_t index)
{
	invariant(map->kind == YAML_KIND_MAP && index < map->count / 2);
	return map->children[2 * index + 1];
}

const struct yaml_item *yaml_map_find(const struct yaml_item *map, const char *key)
{
	for (size_t i = 0; i < yaml_map_count(map); i++)
		if (!strcmp(map->children[2 * i]->text, key))
			return map->children[2 * i + 1];
	return NULL;
}
