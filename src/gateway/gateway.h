/* `sallyport run`: everything wired together, until a signal ends it. */
#pragma once

#include "config/config.h"

struct gateway_options {
	const char *config_path; /* NULL: config_default() changed by `prepare` */
	/* Applied after every load, also at a reload: command-line flags that go over the file. May
	   be NULL. Negative: problems were added. */
	int (*prepare)(void *context, struct config *config, struct problems *problems);
	void *context;
};

/* Logs by itself. Exit status: 0 stopped cleanly, 1 could not start or failed, 2 wrong
 * configuration. */
int gateway_run(const struct gateway_options *options);
