/*
 * A tunnel passes bytes unread, both ways, through pipes. Each direction ends by itself: what the
 * sender's end was is passed on as the same half-close. A failure on either side cuts both.
 */
#include <errno.h>
#include <sys/socket.h>

#include "proxy/proxy_impl.h"

/* system calls: shutdown */

void tunnel_pass_end(struct session *session, struct relay *relay, const struct side *to)
{
	const struct relay *other = relay == &session->up ? &session->down : &session->up;

	if (relay->ended && !relay->closed && !other->closed) /* else both are closed next */
		(void)shutdown(to->descriptor, SHUT_WR);
	relay->closed = relay->ended;
}

enum pass pass_blocked(struct side *side, uint32_t wanted, int error)
{
	if (error != -EAGAIN)
		return PASS_FAILED;
	side->wanted |= wanted;
	return PASS_OPEN;
}

static enum pass pass(struct session *session, struct relay *relay, struct side *from,
		      struct side *to)
{
	struct pipe_pool *pipes = session->proxy->pipes;
	int error = relay_flush(relay, pipes, to);
	long count;

	if (error < 0)
		return pass_blocked(to, EPOLLOUT, error);
	tunnel_pass_end(session, relay, to);
	if (relay->closed)
		return PASS_OPEN;
	count = relay_splice(relay, pipes, from, UINT64_MAX);
	return count < 0 ? pass_blocked(from, EPOLLIN, (int)count) : PASS_AGAIN;
}

enum step step_tunnel(struct session *session)
{
	enum pass up = pass(session, &session->up, &session->client, &session->server);
	enum pass down = pass(session, &session->down, &session->server, &session->client);

	if (up == PASS_FAILED || down == PASS_FAILED)
		return session_over(session, CLOSE_RESET);
	if (up == PASS_AGAIN || down == PASS_AGAIN)
		return STEP_AGAIN;
	if (session->up.closed && session->down.closed)
		return session_over(session, CLOSE_ORDERLY);
	return STEP_WAIT;
}
