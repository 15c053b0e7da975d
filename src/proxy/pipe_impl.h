/*
 * Pipes for splice(2), lent out only while bytes are in them: an idle tunnel holds none, so the
 * number of open descriptors follows the number of slow receivers and not the number of tunnels.
 *
 * A pipe has room for PIPE_NARROW bytes in 16 pieces, and a piece may be one packet. The fewer the
 * calls a byte, the fewer and larger the packets that leave, so pipes of those flows that fill them
 * are made wider; how many is bounded, since what a slow receiver leaves in one is the kernel's
 * memory, of which it gives a user only so much (fs.pipe-user-pages-soft).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PIPE_NARROW    65536 /* bytes, the kernel's default */
#define PIPE_WIDE      1048576
#define PIPES_WIDE_MAX 16 /* of a pool */

struct pipe {
	int ends[2];     /* to read from, to write to */
	size_t capacity; /* bytes */
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
/* Makes a narrow pipe wide, if one more may be. */
void pipe_pool_widen(struct pipe_pool *pool, struct pipe *pipe);
