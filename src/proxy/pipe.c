/*
 * The pool of pipes: `open` are opened and empty, `closed` have no descriptors. At most
 * OPEN_IDLE_MAX stay open while nobody needs them.
 */
#include "proxy/pipe_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assertion.h"

/* system calls: pipe2 fcntl close */

#define OPEN_IDLE_MAX 64

struct pipe_pool {
	struct pipe *open, *closed;
	size_t open_count, lent;
	size_t wide_count; /* opened and wide */
	struct pipe pipes[];
};

struct pipe_pool *pipe_pool_new(size_t capacity)
{
	struct pipe_pool *pool = calloc(1, sizeof(*pool) + capacity * sizeof(pool->pipes[0]));

	if (!pool)
		return NULL;
	for (size_t i = 0; i < capacity; i++) {
		pool->pipes[i].next = pool->closed;
		pool->closed = &pool->pipes[i];
	}
	return pool;
}

static void close_pipe(struct pipe_pool *pool, struct pipe *pipe)
{
	close(pipe->ends[0]);
	close(pipe->ends[1]);
	pool->wide_count -= pipe->capacity == PIPE_WIDE;
	pipe->next = pool->closed;
	pool->closed = pipe;
}

void pipe_pool_free(struct pipe_pool *pool)
{
	if (!pool)
		return;
	invariant(pool->lent == 0);
	while (pool->open) {
		struct pipe *pipe = pool->open;

		pool->open = pipe->next;
		close_pipe(pool, pipe);
	}
	free(pool);
}

struct pipe *pipe_pool_take(struct pipe_pool *pool)
{
	struct pipe *pipe = pool->open;

	if (pipe) {
		pool->open = pipe->next;
		pool->open_count--;
	} else {
		pipe = pool->closed;
		invariant(pipe); /* two a session are all that can be lent */
		if (pipe2(pipe->ends, O_CLOEXEC | O_NONBLOCK) < 0)
			return NULL;
		pipe->capacity = PIPE_NARROW;
		pool->closed = pipe->next;
	}
	pool->lent++;
	return pipe;
}

void pipe_pool_give_back(struct pipe_pool *pool, struct pipe *pipe, bool empty)
{
	pool->lent--;
	if (!empty || pool->open_count == OPEN_IDLE_MAX) {
		close_pipe(pool, pipe);
		return;
	}
	pipe->next = pool->open;
	pool->open = pipe;
	pool->open_count++;
}

void pipe_pool_widen(struct pipe_pool *pool, struct pipe *pipe)
{
	if (pipe->capacity == PIPE_WIDE || pool->wide_count == PIPES_WIDE_MAX ||
	    fcntl(pipe->ends[0], F_SETPIPE_SZ, PIPE_WIDE) < 0)
		return;
	pipe->capacity = PIPE_WIDE;
	pool->wide_count++;
}
