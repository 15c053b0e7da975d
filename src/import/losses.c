#include "import/losses_impl.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 1000

static void warn(struct losses *losses, const struct json_item *item, const char *line)
{
	problems_add(losses->problems, PROBLEM_WARNING, json_item_place(item), "%s", line);
}

void losses_add(struct losses *losses, const struct json_item *item, const char *format, ...)
{
	va_list arguments;
	char line[LINE_SIZE];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	losses->count++;
	warn(losses, item, line);
}

void losses_note(struct losses *losses, const struct json_item *item, const char *format, ...)
{
	va_list arguments;
	char line[LINE_SIZE];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	warn(losses, item, line);
}
