/*
 * Real files published by others, which are no part of the repository: in the folder
 * SALLYPORT_INPUTS, or else ../shared/inputs beside the source tree. Programs that need them skip
 * as a whole (cmocka's own skip is no valid TAP).
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INPUTS_PATH_SIZE 4096

/* False: the file is not there. */
static inline bool inputs_find(const char *file, char path[INPUTS_PATH_SIZE])
{
	const char *folder = getenv("SALLYPORT_INPUTS"), *source = getenv("SALLYPORT_SOURCE");

	if (folder)
		snprintf(path, INPUTS_PATH_SIZE, "%s/%s", folder, file);
	else
		snprintf(path, INPUTS_PATH_SIZE, "%s/../shared/inputs/%s", source ? source : ".",
			 file);
	return access(path, R_OK) == 0;
}

/* For main(): says so and ends well when the file is not there. */
static inline void inputs_require(const char *file)
{
	char path[INPUTS_PATH_SIZE];

	if (!inputs_find(file, path)) {
		printf("1..0 # SKIP %s is not here\n", file);
		exit(0);
	}
}
