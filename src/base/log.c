#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic enum log_level s_level = LOG_LEVEL_INFO;

static const char *const s_level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
	atomic_store(&s_level, level);
}

void log_message(enum log_level level, const char *format, ...)
{
	char line[2048];
	va_list arguments;

	if (level > atomic_load(&s_level))
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fprintf(stderr, "sallyport: %s: %s\n", s_level_names[level], line);
}
