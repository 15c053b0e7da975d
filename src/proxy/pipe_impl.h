/*
 * Pipes for splice(2), lent out only while bytes are in them: an idle tunnel holds none, so the
 * number of open descriptors follows the number of slow receivers and not the number of tunnels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pipe {
	int ends[2]; /* to read from, to write to */
	struct pipe *next;
};

struct pipe_pool;

/* Room for `capacity` pipes; none is opened yet. NULL: out of memory. */
struct pipe_pool *pipe_pool_new(size_t capacity);
void pipe_pool_free(struct pipe_pool *pool); /* all pipes must be back */

/* An empty pipe. NULL: errno (EMFILE, ENFILE). */
struct pipe *pipe_pool_take(struct pipe_pool *pool);
/* `empty` false: bytes are left in it, they are lost. */
void pipe_pool_give_back(struct pipe_pool *pool, struct pipe *pipe, bool empty);
