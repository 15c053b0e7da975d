#include "import/labels_impl.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_label_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_';
}

static void spell(const char *written, char label[LABEL_SIZE])
{
	bool any = false, replaced = false;
	size_t length = 0;

	for (; *written && length < LABEL_SIZE - 1; written++) {
		bool good = is_label_letter(*written);

		if (good || !replaced)
			label[length++] = good ? *written : '-';
		replaced = !good;
		any |= good;
	}
	label[length] = '\0';
	if (!any)
		strcpy(label, "unnamed");
}

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

bool labels_make(struct labels *labels, const char *written, char label[LABEL_SIZE])
{
	char ending[24], *copy;
	size_t length;

	spell(written, label);
	length = strlen(label);
	labels->count++;
	for (size_t number = labels->count; tfind(label, &labels->tree, compare); number++) {
		size_t room =
			LABEL_SIZE - 1 - (size_t)snprintf(ending, sizeof(ending), "-%zu", number);

		strcpy(label + (length < room ? length : room), ending);
	}
	copy = strdup(label);
	if (copy && tsearch(copy, &labels->tree, compare))
		return true;
	free(copy);
	return false;
}

void labels_done(struct labels *labels)
{
	tdestroy(labels->tree, free);
	*labels = (struct labels){0};
}
