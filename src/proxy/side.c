/*
 * What is known of a socket. A byte, an end or urgent data that comes after a call is told by the
 * loop, so a short read is the last one for now. Not when the loop has told of an end or of urgent
 * data already: a read stops before those, and nobody tells of them again.
 */
#include "proxy/side_impl.h"

#include <errno.h>

#define BOTH (EPOLLIN | EPOLLOUT)

int side_failed(struct side *side, uint32_t direction)
{
	int error = -errno;

	if (error == -EAGAIN)
		side->ready &= ~direction;
	return error;
}

void side_drained(struct side *side)
{
	if (!side->unsure)
		side->ready &= ~(uint32_t)EPOLLIN;
}

bool side_take_news(struct side *side, uint32_t events)
{
	side->ready |= events & BOTH;
	if (events & (EPOLLRDHUP | EPOLLPRI)) {
		side->unsure = true;
		side->ready |= EPOLLIN;
	}
	if (events & (EPOLLERR | EPOLLHUP)) {
		side->hung = side->unsure = true;
		side->ready |= BOTH;
		return true;
	}
	return side->ready & side->wanted;
}
