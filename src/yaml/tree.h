/*
 * A YAML document as a tree in which every node knows its line and column. Only the plain part of
 * YAML is taken: one document of maps, lists and scalars; aliases, anchors, tags and duplicate keys
 * are refused, so that what a person reads in the file is what the program sees.
 */
#pragma once

#include "base/problems.h"

#define YAML_SIZE_LIMIT  (64u << 20) /* bytes of a file */
#define YAML_DEPTH_LIMIT 32          /* lists and maps within each other */
#define YAML_ITEM_LIMIT  4000000     /* nodes of a tree: half a GiB of memory */

enum yaml_kind {
	YAML_KIND_SCALAR,
	YAML_KIND_LIST,
	YAML_KIND_MAP,
};

struct yaml_tree;
struct yaml_item;

/* NULL: one error with its place is in `problems`. */
struct yaml_tree *yaml_tree_load(const char *path, struct problems *problems);
/* From memory; `name` stands for the file in complaints. */
struct yaml_tree *yaml_tree_parse(const char *text, size_t length, const char *name,
				  struct problems *problems);
void yaml_tree_free(struct yaml_tree *tree);

/* The top node; NULL when the document is empty. Items live as long as their tree. */
const struct yaml_item *yaml_tree_root(const struct yaml_tree *tree);

enum yaml_kind yaml_item_kind(const struct yaml_item *item);
struct problem_place yaml_item_place(const struct yaml_item *item);
/* The key under which the item, or the list it belongs to, stands; "" at the top. */
const char *yaml_item_key(const struct yaml_item *item);

/* Scalars: UTF-8 without NUL. Plain: written without quotes (443, not "443"). */
const char *yaml_scalar_text(const struct yaml_item *scalar);
bool yaml_scalar_is_plain(const struct yaml_item *scalar);
/* A key without a value, ~, null, Null or NULL: null in YAML's core schema. */
bool yaml_item_is_null(const struct yaml_item *item);

size_t yaml_list_count(const struct yaml_item *list);
const struct yaml_item *yaml_list_at(const struct yaml_item *list, size_t index);

size_t yaml_map_count(const struct yaml_item *map);
const struct yaml_item *yaml_map_key_at(const struct yaml_item *map, size_t index); /* a scalar */
const struct yaml_item *yaml_map_value_at(const struct yaml_item *map, size_t index);
/* The value under a key; NULL: there is none. */
const struct yaml_item *yaml_map_find(const struct yaml_item *map, const char *key);
