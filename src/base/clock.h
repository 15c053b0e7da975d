/* The two clocks, both in milliseconds. Pure modules take the time as an argument instead. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Never jumps, has no meaning outside this boot. For timers and expiries. It stands still while the
 * machine is suspended, as the timeouts of the kernel's sets do: pin and element end together. */
uint64_t clock_steady_ms(void);

/* Since 1970-01-01 UTC. For logs and files. */
uint64_t clock_wall_ms(void);

/* RFC 3339 with milliseconds, UTC: "2026-11-23T18:00:00.123Z". */
#define CLOCK_TEXT_SIZE 40
void clock_format_wall(uint64_t wall_ms, char text[CLOCK_TEXT_SIZE]);
