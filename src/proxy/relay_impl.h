/*
 * One direction of a session: bytes from one socket, held until they are released, then on to the
 * other. Heads and hellos go through the buffer; what nobody has to read goes through a pipe.
 *
 * Order is kept by one rule: a pipe is filled only when the buffer is empty, and the buffer only
 * when the pipe is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/http/head.h"
#include "proxy/pipe_impl.h"
#include "proxy/side_impl.h"

#define RELAY_CAPACITY HTTP_HEAD_MAX /* more than HELLO_STREAM_MAX */

struct relay {
	uint8_t *bytes;    /* RELAY_CAPACITY; the session's */
	size_t start, end; /* held: bytes[start..end) */
	size_t released;   /* the first so many of the held bytes may leave */
	struct pipe *pipe; /* NULL unless bytes are in it */
	size_t piped;
	bool ended;     /* the sender has closed its half, and all it sent was read */
	bool closed;    /* and the receiver was told */
	uint64_t moved; /* bytes that the receiver's socket has taken */
};

static inline size_t relay_held(const struct relay *relay)
{
	return relay->end - relay->start;
}

static inline uint8_t *relay_first(const struct relay *relay)
{
	return relay->bytes + relay->start;
}

static inline void relay_release_all(struct relay *relay)
{
	relay->released = relay_held(relay);
}

/* Forgets what is held, released or not; not what is in the pipe. */
static inline void relay_forget(struct relay *relay)
{
	relay->start = relay->end = relay->released = 0;
}

/* Takes `length` held bytes out that are not released and must not leave. */
void relay_skip(struct relay *relay, size_t length);

/* Puts bytes of our own behind what is held, released. They must fit. */
void relay_say(struct relay *relay, const void *bytes, size_t length);

/* Receives into the buffer: the number of bytes; 0: the sender has ended; -EAGAIN; -ENOBUFS: no
   room; other negative errno: the connection failed. */
long relay_fill(struct relay *relay, struct side *from);

/* Receives at most `limit` bytes into a pipe; likewise. The relay must be empty. */
long relay_splice(struct relay *relay, struct pipe_pool *pipes, struct side *from, uint64_t limit);

/* Sends what is released or in the pipe. 0: all of it; -EAGAIN; other negative errno. */
int relay_flush(struct relay *relay, struct pipe_pool *pipes, struct side *to);

/* Gives the pipe back with what is in it. */
void relay_drop_pipe(struct relay *relay, struct pipe_pool *pipes);
