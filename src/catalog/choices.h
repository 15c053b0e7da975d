/*
 * What became of the catalogue's entries for one profile: which alternative was taken and why, and
 * what was left out. For `check` and `rules`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CATALOG_NARROWER_MAX 6

struct catalog_choice {
	char *entry; /* id */
	bool taken;
	bool correction;   /* left out: by a correction, where the article makes no exception */
	char *destination; /* taken: what a network rule admits now; NULL for application rules */
	char *why;
	/* Alternatives that would have been narrower, and what the profile lacks for each. */
	struct {
		char *destination, *lacks;
	} narrower[CATALOG_NARROWER_MAX];
	size_t narrower_count;
};

struct catalog_choices;

struct catalog_choices *catalog_choices_new(void);
void catalog_choices_free(struct catalog_choices *choices);
size_t catalog_choices_count(const struct catalog_choices *choices);
const struct catalog_choice *catalog_choices_at(const struct catalog_choices *choices,
						size_t index);
