/* The catalogue's one parameter: <region>. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CATALOG_TEXT_SIZE 512

bool catalog_text_has_region(const char *text);
/* Fills the region in. False: the result does not fit. */
bool catalog_text_fill(const char *text, const char *region, char filled[CATALOG_TEXT_SIZE]);
/* Regions are lower-case letters and digits after a first letter: "eastus", "westeurope",
 * "usgovvirginia". */
bool catalog_region_is_valid(const char *region);
