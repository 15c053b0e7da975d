/* The conditions that the article tells in words. */
#pragma once

#include "catalog/catalog.h"

/* Adds the entry's condition unless it has it. 0 or -ENOMEM. */
int article_condition_add(struct catalog_entry *entry, enum catalog_fact fact, bool wanted);

/* Adds those that a row's purpose tells. 0 or -ENOMEM. */
int article_conditions_read(struct catalog_entry *entry, const char *purpose);
