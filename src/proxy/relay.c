/* Moving bytes; the rule that keeps their order is in relay_impl.h. */
#include "proxy/relay_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assertion.h"
#include "base/cleanup.h"

/* system calls: recvfrom sendto splice */

#define BULKY 16384 /* bytes at once: a pipe of 16 packets may be full of them */

void relay_skip(struct relay *relay, size_t length)
{
	invariant(relay->released == 0 && length <= relay_held(relay));
	relay->start += length;
}

void relay_say(struct relay *relay, const void *bytes, size_t length)
{
	invariant(relay->released == relay_held(relay) && relay->piped == 0);
	invariant(length <= RELAY_CAPACITY - relay->end);
	memcpy(relay->bytes + relay->end, bytes, length);
	relay->end += length;
	relay_release_all(relay);
}

static void make_room(struct relay *relay)
{
	size_t held = relay_held(relay);

	if (relay->start == 0 || (held > 0 && relay->end < RELAY_CAPACITY))
		return;
	memmove(relay->bytes, relay_first(relay), held);
	relay->start = 0;
	relay->end = held;
}

long relay_fill(struct relay *relay, struct side *from)
{
	size_t room;
	ssize_t count;

	invariant(relay->piped == 0);
	make_room(relay);
	room = RELAY_CAPACITY - relay->end;
	if (room == 0)
		return -ENOBUFS;
	if (!(from->ready & EPOLLIN))
		return -EAGAIN;
	count = TEMP_FAILURE_RETRY(
		recv(from->descriptor, relay->bytes + relay->end, room, MSG_DONTWAIT));
	if (count < 0)
		return side_failed(from, EPOLLIN);
	relay->end += (size_t)count;
	relay->ended = count == 0;
	if (count > 0 && (size_t)count < room)
		side_drained(from);
	return count;
}

/* Socket to pipe: the number of bytes; 0: the sender has ended; negative errno. */
static long fill_pipe(struct relay *relay, struct pipe_pool *pipes, struct side *from,
		      uint64_t limit)
{
	size_t room = relay->pipe->capacity;
	ssize_t count = TEMP_FAILURE_RETRY(splice(from->descriptor, NULL, relay->pipe->ends[1],
						  NULL, limit < room ? limit : room,
						  SPLICE_F_MOVE | SPLICE_F_NONBLOCK));

	if (count < 0)
		return side_failed(from, EPOLLIN);
	relay->piped = (size_t)count;
	if (count >= BULKY)
		pipe_pool_widen(pipes, relay->pipe);
	return count;
}

long relay_splice(struct relay *relay, struct pipe_pool *pipes, struct side *from, uint64_t limit)
{
	long count;

	invariant(relay_held(relay) == 0 && relay->piped == 0);
	if (!(from->ready & EPOLLIN))
		return -EAGAIN;
	if (!relay->pipe)
		relay->pipe = pipe_pool_take(pipes);
	if (!relay->pipe)
		return -errno;
	count = fill_pipe(relay, pipes, from, limit);
	if (count <= 0)
		pipe_pool_give_back(pipes, take_pointer(relay->pipe), true);
	relay->ended = count == 0;
	return count;
}

static int flush_buffer(struct relay *relay, struct side *to)
{
	while (relay->released > 0) {
		ssize_t count;

		if (!(to->ready & EPOLLOUT))
			return -EAGAIN;
		count = TEMP_FAILURE_RETRY(send(to->descriptor, relay_first(relay), relay->released,
						MSG_DONTWAIT | MSG_NOSIGNAL));
		if (count < 0)
			return side_failed(to, EPOLLOUT);
		relay->start += (size_t)count;
		relay->released -= (size_t)count;
		relay->moved += (uint64_t)count;
	}
	return 0;
}

static int flush_pipe(struct relay *relay, struct side *to)
{
	while (relay->piped > 0) {
		ssize_t count;

		if (!(to->ready & EPOLLOUT))
			return -EAGAIN;
		count = TEMP_FAILURE_RETRY(splice(relay->pipe->ends[0], NULL, to->descriptor, NULL,
						  relay->piped, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
		if (count < 0)
			return side_failed(to, EPOLLOUT);
		if (count == 0)
			return -EPIPE;
		relay->piped -= (size_t)count;
		relay->moved += (uint64_t)count;
	}
	return 0;
}

int relay_flush(struct relay *relay, struct pipe_pool *pipes, struct side *to)
{
	int error = flush_buffer(relay, to);

	if (error == 0)
		error = flush_pipe(relay, to);
	if (error == 0 && relay->pipe)
		pipe_pool_give_back(pipes, take_pointer(relay->pipe), true);
	return error;
}

void relay_drop_pipe(struct relay *relay, struct pipe_pool *pipes)
{
	bool empty = relay->piped == 0;

	relay->piped = 0;
	if (relay->pipe)
		pipe_pool_give_back(pipes, take_pointer(relay->pipe), empty);
}
