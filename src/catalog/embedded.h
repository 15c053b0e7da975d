/* The files of the folder catalog/ inside the program, made by catalog/embed.py. */
#pragma once

#include <stddef.h>

struct catalog_file {
	const char *name;
	const char *text;
	size_t length;
};

extern const struct catalog_file catalog_files[];
extern const size_t catalog_file_count;
