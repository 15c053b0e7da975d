/*
 * Linked into every unit test. cmocka (1.1.5) reports a skipped test as "not ok 3 # SKIP name",
 * which is a failure to whoever reads TAP. So the tests' standard output is a stream of lines that
 * passes everything on as it is, but turns such a line into "ok 3 - name # SKIP reason".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "skip.h"

#define LINE_MAX 512

static const char *s_reason;

void tap_set_skip_reason(const char *reason)
{
	s_reason = reason;
}

static int write_skip(const char *bytes, size_t size)
{
	char line[LINE_MAX];
	unsigned int number;
	int name = 0;

	if (size >= sizeof(line))
		return 0;
	memcpy(line, bytes, size);
	line[size] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "not ok %u # SKIP %n", &number, &name) != 1 || name == 0)
		return 0;
	dprintf(STDOUT_FILENO, "ok %u - %s # SKIP %s\n", number, line + name,
		s_reason ? s_reason : "no reason given");
	s_reason = NULL;
	return 1;
}

static ssize_t write_output(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	if (write_skip(bytes, size))
		return (ssize_t)size;
	for (size_t done = 0; done < size;) {
		ssize_t written = write(STDOUT_FILENO, bytes + done, size - done);

		if (written < 0 && errno != EINTR)
			return -1;
		done += written > 0 ? (size_t)written : 0;
	}
	return (ssize_t)size;
}

__attribute__((constructor)) static void replace_output(void)
{
	FILE *output = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_output});

	if (!output || setvbuf(output, NULL, _IOLBF, BUFSIZ) != 0)
		abort();
	stdout = output;
}

__attribute__((destructor)) static void flush_output(void)
{
	fflush(stdout);
}
