/* Names of rules and collections made out of others' names, each once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LABEL_SIZE 65 /* 64 letters, digits, '.', '-', '_' (sallyport.yaml(5)) */

struct labels {
	void *tree; /* tsearch(3) */
	size_t count;
};

/*
 * `written` with runs of other characters as one '-', shortened, and with its number in the set at
 * the end when the label is there already. False: out of memory.
 */
bool labels_make(struct labels *labels, const char *written, char label[LABEL_SIZE]);
void labels_done(struct labels *labels); /* for cleanup() */
