/* How choices.h's list is filled. All copy their texts; -ENOMEM. `choices` may be NULL. */
#pragma once

#include "catalog/choices.h"

int catalog_choices_add(struct catalog_choices *choices, const char *entry, bool taken,
			const char *destination, const char *why);
/* The choice added last is left out by a correction. */
void catalog_choices_mark_correction(struct catalog_choices *choices);
/* To the choice added last. */
int catalog_choices_add_narrower(struct catalog_choices *choices, const char *destination,
				 const char *lacks);
