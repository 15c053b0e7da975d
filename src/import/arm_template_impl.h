/*
 * Expressions of ARM templates, "[concat(parameters('a'), '/b')]", as far as the template itself
 * tells their value. Reference: learn.microsoft.com, "ARM template functions".
 */
#pragma once

#include "import/json.h"

struct arm_template {
	struct json_tree *tree;
	bool has_expressions;                           /* false: plain JSON, all is literal */
	const struct json_item *parameters, *variables; /* may be NULL */
	size_t made;                                    /* bytes of strings made so far */
	char reason[200];                               /* why the last value is not known */
	bool out_of_memory; /* a value is not known for that: the whole is not */
};

/*
 * The value: the item itself, or what its expression stands for; elements and members of it may be
 * expressions again. NULL: it is not known, `reason` says why. Lives as long as the tree.
 *
 * Known are parameters() by their default values, variables(), concat(), format(), toLower() and
 * resourceId(), whose value here begins with /providers (or /resourceGroups/NAME/providers), for it
 * cannot know the subscription.
 */
const struct json_item *arm_value(struct arm_template *arm, const struct json_item *item);

/* The value as text; an integer as its digits. NULL: as above, or it is neither. */
const char *arm_text(struct arm_template *arm, const struct json_item *item);
