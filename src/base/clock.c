#include "base/clock.h"

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

/* `width` digits and what separates them from the next number; returns the place behind. */
static char *put_number(char *at, unsigned int number, int width, char separator)
{
	for (int i = width - 1; i >= 0; i--, number /= 10)
		at[i] = (char)('0' + number % 10);
	at[width] = separator;
	return at + width + 1;
}

/* Every line of the log has a time: strftime() and snprintf() would be a third of making it. */
void clock_format_wall(uint64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	char *at = text;

	gmtime_r(&seconds, &parts);
	at = put_number(at, (unsigned int)parts.tm_year + 1900, 4, '-');
	at = put_number(at, (unsigned int)parts.tm_mon + 1, 2, '-');
	at = put_number(at, (unsigned int)parts.tm_mday, 2, 'T');
	at = put_number(at, (unsigned int)parts.tm_hour, 2, ':');
	at = put_number(at, (unsigned int)parts.tm_min, 2, ':');
	at = put_number(at, (unsigned int)parts.tm_sec, 2, '.');
	at = put_number(at, (unsigned int)(wall_ms % 1000), 3, 'Z');
	*at = '\0';
}
