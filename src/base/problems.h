/*
 * Complaints about input (configuration, catalogue, service tags): file, line, column, what is
 * wrong and what is allowed. Readers collect as many as they can, then give up; the outer layer
 * prints. A file that is nothing but faults has up to PROBLEMS_LIMIT of them told, and a last line
 * that says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PROBLEMS_LIMIT 1000

enum problem_severity {
	PROBLEM_ERROR,   /* the input is refused */
	PROBLEM_WARNING, /* the input is taken; the writer probably meant something else */
};

struct problem_place {
	const char *file;
	unsigned int line;   /* from 1; 0: no place */
	unsigned int column; /* from 1 */
};

struct problem {
	enum problem_severity severity;
	char *file;
	unsigned int line, column;
	char *text;
};

struct problems; /* opaque list */

struct problems *problems_new(void);
void problems_free(struct problems *problems);

__attribute__((format(printf, 4, 5))) void problems_add(struct problems *problems,
							enum problem_severity severity,
							struct problem_place place,
							const char *format, ...);

size_t problems_count(const struct problems *problems);
const struct problem *problems_at(const struct problems *problems, size_t index);
/* Also when there was no memory for a warning. */
bool problems_has_errors(const struct problems *problems);

/* "sallyport.yaml:12:5: error: …", one line each. The caller frees. NULL: out of memory. */
char *problems_format(const struct problems *problems);
