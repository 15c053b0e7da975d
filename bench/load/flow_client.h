/* What the load client can do; each prints one JSON object when it is through. */
#pragma once

#include "target.h"

struct load {
	struct target target;
	enum purpose purpose;
	unsigned int at_once; /* flows or connections at a time, over all threads */
	unsigned int threads;
	double seconds; /* counted, after */
	double warm_up; /* seconds */
};

/* Moves bytes over `at_once` connections that stay open. */
void load_bulk(const struct load *load);
/* Opens, greets, waits for the first byte, closes; again and again. */
void load_connections(const struct load *load);
/* Opens `at_once` connections, says "ready" and holds them until its standard input ends. */
void load_hold(const struct load *load);
