/*
 * The admin socket: a Unix stream socket (mode 0660). One request line, one JSON reply, then it
 * closes.
 */
#pragma once

#include "base/text.h"
#include "loop/loop.h"

#define ADMIN_REQUEST_MAX 4096
#define ADMIN_REPLY_MAX   (16u << 20)

struct admin;

/* `handle` answers one request (without its line end) by adding JSON to `reply`. A socket file that
   nobody listens on is replaced. NULL: errno; EADDRINUSE: somebody listens there; ENOTSOCK: another
   kind of file is in the place. */
struct admin *admin_open(struct loop *loop, const char *path,
			 void (*handle)(void *context, const char *request, struct text *reply),
			 void *context);
void admin_close(struct admin *admin); /* removes the socket file */

/* The client's side; waits at most `timeout_ms`. Negative errno: -ENOENT or -ECONNREFUSED: no
   gateway runs there, -EACCES, -ETIMEDOUT, -EPROTO: the reply was cut. */
int admin_ask(const char *path, const char *request, unsigned int timeout_ms, struct text *reply);
