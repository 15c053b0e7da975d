/*
 * DNS over TCP (RFC 7766): messages behind their length, any number of them without waiting,
 * answers in whatever order they come.
 *
 *   CLIENT_OPEN    reading and answering
 *   CLIENT_ENDED   the client has no more to say (FIN); its answers still go out
 *   CLIENT_BROKEN  nothing goes any more; closed as soon as nobody stands inside it
 *
 * Limits, so that no client costs others: a client that does not take its answers is not read from
 * (one buffer of answers is all it gets), neither is one with many questions under way; ten seconds
 * without a whole query, or with answers not taken, and it is closed.
 *
 * serve() is the one step function: flush, take queries while that is allowed, then close or wait.
 * Answers that come while it runs (from the cache) are queued; later ones start it again.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resolve/dns_proxy_impl.h"

/* system calls: sendto recvfrom getsockname setsockopt close */

#define DEFAULT_CAPACITY 512
#define IDLE_MS          10000
#define PAUSE_MS         100 /* of a listener that got no descriptor */
#define UNDER_WAY_MAX    64  /* questions of one client */
#define ACCEPTS_A_TURN   16
#define RECEIVES_A_TURN  4
#define FRAME_SIZE       2
#define ANSWERS_ROOM     (FRAME_SIZE + DNS_MESSAGE_MAX + 4096)

enum client_state {
	CLIENT_FREE,
	CLIENT_OPEN,
	CLIENT_ENDED,
	CLIENT_BROKEN,
};

struct dns_client {
	struct dns_proxy *proxy;
	struct dns_client *next_free;
	enum client_state state;
	bool serving; /* serve() is on the stack: it will look after the client */
	struct loop_watch watch;
	struct loop_timer idle;
	struct dns_route route;
	struct dns_request_list requests;
	size_t in_length;
	size_t out_start, out_end; /* unsent answers */
	uint8_t in[FRAME_SIZE + DNS_QUERY_MAX];
	uint8_t out[ANSWERS_ROOM];
};

struct dns_request_list *dns_client_requests(struct dns_client *client)
{
	return &client->requests;
}

static void break_client(struct dns_client *client)
{
	client->state = CLIENT_BROKEN;
}

static void close_client(struct dns_client *client)
{
	struct dns_proxy *proxy = client->proxy;

	dns_requests_cancel(proxy, &client->requests);
	loop_timer_stop(proxy->loop, &client->idle);
	loop_watch_remove(proxy->loop, &client->watch);
	close(client->watch.descriptor);
	client->state = CLIENT_FREE;
	client->next_free = proxy->first_free_client;
	proxy->first_free_client = client;
}

static bool has_unsent(const struct dns_client *client)
{
	return client->out_start < client->out_end;
}

static void idle_too_long(struct loop_timer *timer);

static void start_idle_timer(struct dns_client *client)
{
	if (loop_timer_start(client->proxy->loop, &client->idle, IDLE_MS, idle_too_long) < 0)
		break_client(client);
}

/* Waiting for us is no fault of the client. */
static void idle_too_long(struct loop_timer *timer)
{
	struct dns_client *client = loop_owner(timer, struct dns_client, idle);

	if (!LIST_EMPTY(&client->requests) && !has_unsent(client))
		start_idle_timer(client);
	else
		break_client(client);
	if (client->state == CLIENT_BROKEN)
		close_client(client);
}

/* ---------------------------------------------------------------------- answers */

static void flush(struct dns_client *client)
{
	ssize_t sent;

	if (!has_unsent(client) || client->state == CLIENT_BROKEN)
		return;
	sent = send(client->watch.descriptor, client->out + client->out_start,
		    client->out_end - client->out_start, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		break_client(client);
	if (sent > 0)
		client->out_start += (size_t)sent;
	if (!has_unsent(client)) {
		client->out_start = client->out_end = 0;
		start_idle_timer(client);
	}
}

static void queue(struct dns_client *client, const uint8_t *message, size_t length)
{
	size_t unsent = client->out_end - client->out_start;

	if (FRAME_SIZE + length > ANSWERS_ROOM - unsent) { /* does not take its answers */
		break_client(client);
		return;
	}
	memmove(client->out, client->out + client->out_start, unsent);
	client->out_start = 0;
	client->out_end = unsent;
	client->out[client->out_end++] = (uint8_t)(length >> 8);
	client->out[client->out_end++] = (uint8_t)length;
	memcpy(client->out + client->out_end, message, length);
	client->out_end += length;
}

static void serve(struct dns_client *client);

void dns_client_send(struct dns_client *client, const uint8_t *message, size_t length)
{
	if (client->state == CLIENT_BROKEN)
		return;
	queue(client, message, length);
	if (!client->serving)
		serve(client);
	else
		flush(client);
}

/* ---------------------------------------------------------------------- queries */

static size_t count_under_way(const struct dns_client *client)
{
	const struct dns_request *request;
	size_t count = 0;

	LIST_FOREACH(request, &client->requests, under_way)
	count++;
	return count;
}

static bool may_take(const struct dns_client *client)
{
	return client->state != CLIENT_BROKEN && !has_unsent(client) &&
	       count_under_way(client) < UNDER_WAY_MAX;
}

/* True: took one query out of the buffer. */
static bool take_query(struct dns_client *client)
{
	uint8_t message[DNS_QUERY_MAX];
	size_t length;

	if (client->in_length < FRAME_SIZE)
		return false;
	length = (size_t)(client->in[0] << 8 | client->in[1]);
	if (length > DNS_QUERY_MAX || length == 0) {
		client->proxy->figures.malformed++;
		break_client(client);
		return false;
	}
	if (client->in_length < FRAME_SIZE + length)
		return false;
	memcpy(message, client->in + FRAME_SIZE, length);
	client->in_length -= FRAME_SIZE + length;
	memmove(client->in, client->in + FRAME_SIZE + length, client->in_length);
	start_idle_timer(client);
	client->proxy->figures.queries_tcp++;
	dns_request_take(client->proxy, &client->route, message, length);
	return true;
}

/* True: got some bytes. */
static bool receive(struct dns_client *client)
{
	ssize_t got;

	if (client->state != CLIENT_OPEN)
		return false;
	got = recv(client->watch.descriptor, client->in + client->in_length,
		   sizeof(client->in) - client->in_length, 0);
	if (got > 0)
		client->in_length += (size_t)got;
	else if (got == 0)
		client->state = CLIENT_ENDED;
	else if (errno != EAGAIN && errno != EINTR)
		break_client(client);
	return got > 0;
}

static uint32_t wanted_events(const struct dns_client *client)
{
	uint32_t events = 0;

	if (client->state == CLIENT_OPEN && may_take(client))
		events |= EPOLLIN;
	if (has_unsent(client))
		events |= EPOLLOUT;
	return events;
}

static bool is_over(const struct dns_client *client)
{
	return client->state == CLIENT_BROKEN ||
	       (client->state == CLIENT_ENDED && !has_unsent(client) &&
		LIST_EMPTY(&client->requests));
}

static void serve(struct dns_client *client)
{
	int receives = RECEIVES_A_TURN;

	client->serving = true;
	flush(client);
	while (may_take(client) && (take_query(client) || (receives-- > 0 && receive(client))))
		;
	client->serving = false;
	if (is_over(client) ||
	    loop_watch_change(client->proxy->loop, &client->watch, wanted_events(client)) < 0)
		close_client(client);
}

static void client_ready(struct loop_watch *watch, uint32_t events)
{
	struct dns_client *client = loop_owner(watch, struct dns_client, watch);

	if (events & (EPOLLERR | EPOLLHUP))
		break_client(client);
	serve(client);
}

/* -------------------------------------------------------------------- accepting */

static struct dns_client *take_client(struct dns_proxy *proxy)
{
	struct dns_client *client = proxy->first_free_client;

	if (client)
		proxy->first_free_client = client->next_free;
	else if (proxy->clients_touched < proxy->settings.client_capacity)
		client = &proxy->clients[proxy->clients_touched++];
	return client;
}

static int read_ends(int descriptor, const struct sockaddr_storage *peer, struct dns_datagram *ends)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);

	*ends = (struct dns_datagram){.interface = 0};
	if (getsockname(descriptor, (struct sockaddr *)&own, &length) < 0)
		return -errno;
	if (ip_from_sockaddr(&own, &ends->destination) < 0 ||
	    ip_from_sockaddr(peer, &ends->source) < 0)
		return -EAFNOSUPPORT;
	return 0;
}

void dns_client_admit(struct dns_proxy *proxy, int descriptor, const struct sockaddr_storage *peer)
{
	struct dns_client *client = take_client(proxy);
	int one = 1;

	if (!client) {
		proxy->figures.full++;
		close(descriptor);
		return;
	}
	(void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client->proxy = proxy;
	client->state = CLIENT_OPEN;
	client->serving = false;
	client->route = (struct dns_route){.client = client};
	client->in_length = client->out_start = client->out_end = 0;
	LIST_INIT(&client->requests);
	client->watch.descriptor = descriptor;
	start_idle_timer(client);
	if (client->state == CLIENT_BROKEN ||
	    read_ends(descriptor, peer, &client->route.ends) < 0 ||
	    loop_watch_add(proxy->loop, &client->watch, descriptor, EPOLLIN, client_ready) < 0)
		close_client(client);
}

int dns_clients_init(struct dns_proxy *proxy)
{
	if (proxy->settings.client_capacity == 0)
		proxy->settings.client_capacity = DEFAULT_CAPACITY;
	proxy->clients = calloc(proxy->settings.client_capacity, sizeof(*proxy->clients));
	return proxy->clients ? 0 : -ENOMEM;
}

void dns_clients_done(struct dns_proxy *proxy)
{
	for (size_t i = 0; i < proxy->clients_touched; i++)
		if (proxy->clients[i].state != CLIENT_FREE)
			close_client(&proxy->clients[i]);
	free(proxy->clients);
}
