/* A test that cannot run here says why, and counts as skipped. Include after cmocka.h. */
#pragma once

#define skip_because(reason)                                                                       \
	do {                                                                                       \
		tap_set_skip_reason(reason);                                                       \
		skip();                                                                            \
	} while (0)

/* A literal, for the next skipped test's line. */
void tap_set_skip_reason(const char *reason);
