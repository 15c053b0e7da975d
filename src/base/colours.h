/* Codes for emphasis on a terminal. */
#pragma once

struct colours {
	const char *bold, *good, *bad, *faint, *plain;
};

/* For files and pipes. */
#define COLOURS_NONE ((struct colours){"", "", "", "", ""})
