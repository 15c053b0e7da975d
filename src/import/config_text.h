/*
 * Rules → the text of a sallyport.yaml, as a person would write it. Whatever the words hold (they
 * come from files of others), the text reads back as these rules: strings are quoted where YAML
 * needs it, and no character in a comment can end it.
 */
#pragma once

#include "base/problems.h"
#include "base/text.h"
#include "policy/rules.h"

/* Items of lists that one import takes; what does not end is given up there. */
#define IMPORT_ITEM_LIMIT 400000

/* One comment line, "# words"; an empty one is "#". */
void config_text_add_comment(struct text *out, const char *words);
/* A list of all that was complained of, as comments; nothing when there is nothing. */
void config_text_add_problems(struct text *out, const struct problems *problems);

/*
 * The section "collections", in the set's order. notes[i] (may be NULL) is a comment over
 * collection i; a rule's origin is one at its name. Service tags are written by name. Sources, when
 * they are any, are left out.
 */
void config_text_add_collections(struct text *out, const struct rule_set *set,
				 const char *const *notes);

/* The text as a word or a string of YAML. */
void config_text_add_string(struct text *out, const char *string);

/* Does it fit into one configuration file (size, number of items)? False: an error was added. */
bool config_text_fits(const struct text *text, const char *file, struct problems *problems);
