/* The YAML at the head of an article. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/problems.h"

#define FRONT_MATTER_DATE_SIZE 11

struct front_matter {
	size_t length;                     /* bytes, both rulers included; 0: there is none */
	unsigned int lines;                /* of these */
	char date[FRONT_MATTER_DATE_SIZE]; /* of ms.date, as 2024-05-20; empty: none */
};

/*
 * 0; -EINVAL: it has no end, or is no YAML while its date is wanted (an error is in `problems`).
 */
int front_matter_read(const char *text, size_t length, const char *file, bool date_wanted,
		      struct front_matter *ret_matter, struct problems *problems);
