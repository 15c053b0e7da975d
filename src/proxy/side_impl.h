/*
 * A socket of a session. The loop watches it once, for everything and edge-triggered: it says when
 * the socket becomes ready, and from then on it is taken to be until a call says that it is not.
 * So nothing is asked of the kernel whose answer is known.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

struct side {
	struct loop_watch watch;
	int descriptor;  /* -1: none */
	uint32_t ready;  /* EPOLLIN, EPOLLOUT: may be read, written */
	uint32_t wanted; /* the same: what the session waits for; set by a step */
	bool hung;       /* both halves are closed, or it failed */
	bool unsure;     /* its end, or urgent data, may stand behind what a short read gave */
};

/* What a call on it failed with, as a negative errno. -EAGAIN: it is not ready for `direction`. */
int side_failed(struct side *side, uint32_t direction);

/* Received fewer bytes than there was room for: without more news there are none left. */
void side_drained(struct side *side);

/* Takes what the loop says of it. False: nothing that the session waits for. */
bool side_take_news(struct side *side, uint32_t events);
