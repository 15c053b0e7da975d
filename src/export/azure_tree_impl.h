/*
 * Objects and lists in the two notations of Azure's resource templates: JSON (ARM) and Bicep, which
 * differ in commas, quotes and how an expression stands out from a string.
 */
#pragma once

#include "base/text.h"
#include "export/azure_firewall_impl.h"

struct azure_tree {
	struct text *out;
	bool bicep;
	unsigned int depth; /* of the next line */
	bool started;       /* is there an item on this level yet? */
};

/* `key` NULL: an item of a list. `bracket` is '{' or '[', and its counterpart closes. */
void azure_tree_open(struct azure_tree *tree, const char *key, char bracket);
void azure_tree_close(struct azure_tree *tree, char bracket);
void azure_tree_string(struct azure_tree *tree, const char *key, const char *value);
void azure_tree_number(struct azure_tree *tree, const char *key, unsigned int value);

/* The property ruleCollections of a rule collection group. */
void azure_tree_collections(struct azure_tree *tree, const struct azure_plan *plan);
