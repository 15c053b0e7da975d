/* What `catalog diff` compares, as it is named on the command line, read into a listing. */
#pragma once

#include <stdbool.h>

#include "base/problems.h"
#include "catalog/listing.h"

enum operand_kind {
	OPERAND_EDITION,       /* 2024-05-20: one inside the program */
	OPERAND_CATALOGUE,     /* a catalogue file (.yaml with the key `edition`) */
	OPERAND_CONFIGURATION, /* a sallyport.yaml: the rules that it makes today */
	OPERAND_ARTICLE,       /* Microsoft's article (.md) */
	OPERAND_ANSWER,        /* what AKS says that one cluster must reach (.json) */
};

struct operand {
	enum operand_kind kind;
	/* borrowed from the command line */
	const char *word;
	const char *date; /* of an article that does not tell its own; NULL: none */
};

/* By the word's form; a .yaml is looked into. False: an error is in `problems`. */
bool operand_recognise(const char *word, struct operand *operand, struct problems *problems);

/* `profile` says what matters; NULL: all does. NULL: errors are in `problems`. */
struct listing *operand_load(const struct operand *operand, const struct cluster_profile *profile,
			     struct problems *problems);
