/*
 * A JSON document as a tree in which every value knows its line and column, so that an importer can
 * say where it met what it cannot read. Duplicate keys, nesting beyond JSON_DEPTH_LIMIT, bytes that
 * are not UTF-8 and whatever else two readers could read in two ways are refused.
 */
#pragma once

#include <stdint.h>

#include "base/json_text.h"
#include "base/problems.h"

enum json_kind {
	JSON_KIND_OBJECT,
	JSON_KIND_LIST,
	JSON_KIND_STRING,
	JSON_KIND_INTEGER,
	JSON_KIND_REAL,
	JSON_KIND_BOOL,
	JSON_KIND_NULL,
};

struct json_tree;
struct json_item;

/* `file` stands for the file in complaints. NULL: one error with its place is in `problems`. */
struct json_tree *json_tree_parse(const char *text, size_t length, const char *file,
				  struct problems *problems);
void json_tree_free(struct json_tree *tree);

/* Items live as long as their tree. */
const struct json_item *json_tree_root(const struct json_tree *tree);
/* A string that the document does not hold, placed where `model` stands. NULL: no memory. */
const struct json_item *json_tree_add_string(struct json_tree *tree, const struct json_item *model,
					     const char *text);

enum json_kind json_item_kind(const struct json_item *item);
struct problem_place json_item_place(const struct json_item *item);
/* The key under which it stands in its object; "" elsewhere. */
const char *json_item_key(const struct json_item *item);

const char *json_item_text(const struct json_item *item); /* UTF-8; NULL: it is no string */
bool json_item_integer(const struct json_item *item, int64_t *ret_number); /* false: it is none */
bool json_item_is_true(const struct json_item *item);

/* Of a list or an object; 0 of anything else. */
size_t json_item_count(const struct json_item *item);
const struct json_item *json_item_at(const struct json_item *item, size_t index);
/* NULL: `item` is no object (NULL also), or has no such key, or null stands there. */
const struct json_item *json_item_find(const struct json_item *item, const char *key);
/* Nothing is said by it: null, false, "", an empty list or object. */
bool json_item_is_empty(const struct json_item *item);
