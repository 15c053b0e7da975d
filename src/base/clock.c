#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_steady_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

void clock_format_wall(uint64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	size_t used;

	gmtime_r(&seconds, &parts);
	used = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + used, CLOCK_TEXT_SIZE - used, ".%03uZ", (unsigned int)(wall_ms % 1000));
}
