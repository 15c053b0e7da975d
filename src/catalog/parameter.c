#include "catalog/parameter.h"

#include <stdio.h>
#include <string.h>

#define PARAMETER "<region>"

bool catalog_text_has_region(const char *text)
{
	return strstr(text, PARAMETER) != NULL;
}

bool catalog_text_fill(const char *text, const char *region, char filled[CATALOG_TEXT_SIZE])
{
	const char *place = strstr(text, PARAMETER);
	size_t before = place ? (size_t)(place - text) : strlen(text);
	int length = snprintf(filled, CATALOG_TEXT_SIZE, "%.*s%s%s", (int)before, text,
			      place ? region : "", place ? place + strlen(PARAMETER) : "");

	return length >= 0 && length < CATALOG_TEXT_SIZE;
}

bool catalog_region_is_valid(const char *region)
{
	return *region >= 'a' && *region <= 'z' &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(region);
}
