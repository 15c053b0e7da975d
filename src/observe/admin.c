/*
 * Admin socket. A fixed number of clients at once; each is read until its line end, answered, and
 * closed when the reply is out. A client that is silent or slow for CLIENT_TIMEOUT_MS is closed. So
 * is the oldest when all places are taken, at first of those that have not asked: who opens
 * connections and says nothing keeps no one else away.
 */
#include "observe/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* system calls: accept4 recvfrom sendto unlink close */

#define CLIENTS           16
#define CLIENT_TIMEOUT_MS 10000
#define PAUSE_MS          100

struct client {
	struct admin *admin;
	struct loop_watch watch;
	struct loop_timer timer;
	char request[ADMIN_REQUEST_MAX];
	size_t request_length;
	struct text reply;
	size_t reply_sent;
	uint64_t number; /* in the order of coming */
};

struct admin {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer pause;
	struct sockaddr_un address;
	void (*handle)(void *context, const char *request, struct text *reply);
	void *context;
	struct client clients[CLIENTS];
	uint64_t taken;
};

static void close_client(struct client *client)
{
	loop_watch_remove(client->admin->loop, &client->watch);
	loop_timer_stop(client->admin->loop, &client->timer);
	close(client->watch.descriptor);
	text_free(&client->reply);
	client->admin = NULL;
}

static void client_timed_out(struct loop_timer *timer)
{
	close_client(loop_owner(timer, struct client, timer));
}

static void send_reply(struct client *client)
{
	ssize_t sent = send(client->watch.descriptor, client->reply.data + client->reply_sent,
			    client->reply.length - client->reply_sent, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent > 0)
		client->reply_sent += (size_t)sent;
	if (sent <= 0 || client->reply_sent == client->reply.length)
		close_client(client);
}

static void answer(struct client *client)
{
	client->admin->handle(client->admin->context, client->request, &client->reply);
	text_add(&client->reply, "\n");
	if (text_failed(&client->reply) ||
	    loop_watch_change(client->admin->loop, &client->watch, EPOLLOUT) < 0) {
		close_client(client);
		return;
	}
	send_reply(client);
}

static void read_request(struct client *client)
{
	size_t room = sizeof(client->request) - 1 - client->request_length;
	ssize_t got =
		recv(client->watch.descriptor, client->request + client->request_length, room, 0);
	char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		close_client(client);
		return;
	}
	client->request_length += (size_t)got;
	client->request[client->request_length] = '\0';
	end = strchr(client->request, '\n');
	if (end) {
		*end = '\0';
		answer(client);
	} else if (client->request_length == sizeof(client->request) - 1) {
		close_client(client);
	}
}

static void client_ready(struct loop_watch *watch, uint32_t events)
{
	struct client *client = loop_owner(watch, struct client, watch);

	if (client->reply.length > 0)
		send_reply(client);
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_request(client);
}

static bool gives_way_before(const struct client *a, const struct client *b)
{
	bool a_asked = a->reply.length > 0, b_asked = b->reply.length > 0;

	return a_asked != b_asked ? b_asked : a->number < b->number;
}

/* A place that is free, if need be by closing whoever has it. */
static struct client *make_place(struct admin *admin)
{
	struct client *first = &admin->clients[0];

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &admin->clients[i];

		if (!client->admin)
			return client;
		if (gives_way_before(client, first))
			first = client;
	}
	close_client(first);
	return first;
}

static void take_client(struct admin *admin, int descriptor)
{
	struct client *client = make_place(admin);

	*client = (struct client){.admin = admin, .number = admin->taken++};
	if (loop_watch_add(admin->loop, &client->watch, descriptor, EPOLLIN, client_ready) < 0 ||
	    loop_timer_start(admin->loop, &client->timer, CLIENT_TIMEOUT_MS, client_timed_out) < 0)
		close_client(client);
}

static void end_pause(struct loop_timer *timer)
{
	struct admin *admin = loop_owner(timer, struct admin, pause);

	(void)loop_watch_change(admin->loop, &admin->watch, EPOLLIN);
}

/* Out of descriptors whoever waits would wake us again and again. */
static void pause_listening(struct admin *admin)
{
	if (loop_timer_start(admin->loop, &admin->pause, PAUSE_MS, end_pause) == 0)
		(void)loop_watch_change(admin->loop, &admin->watch, 0);
}

static void accept_clients(struct loop_watch *watch, uint32_t events)
{
	struct admin *admin = loop_owner(watch, struct admin, watch);
	int descriptor = accept4(watch->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (descriptor >= 0)
		take_client(admin, descriptor);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		pause_listening(admin);
}

static int fill_address(const char *path, struct sockaddr_un *ret_address)
{
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(ret_address->sun_path, path);
	return 0;
}

/* Removes a dead socket file, which refuses connections. -EADDRINUSE: somebody listens there (and
   may be too busy to answer). -ENOTSOCK: not ours to remove. */
static int clear_place(const struct sockaddr_un *address)
{
	cleanup(close_descriptor) int probe =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;

	if (probe < 0)
		return -errno;
	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_socket(const struct sockaddr_un *address)
{
	cleanup(close_descriptor) int descriptor =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int bound, error;

	if (descriptor < 0)
		return -errno;
	error = clear_place(address);
	if (error < 0)
		return error;
	mask = umask(0117); /* 0660 from its first moment */
	bound = bind(descriptor, (const struct sockaddr *)address, sizeof(*address));
	umask(mask);
	if (bound < 0 || listen(descriptor, CLIENTS) < 0)
		return -errno;
	return take_descriptor(descriptor);
}

struct admin *admin_open(struct loop *loop, const char *path,
			 void (*handle)(void *context, const char *request, struct text *reply),
			 void *context)
{
	cleanup(free_memory) struct admin *admin = calloc(1, sizeof(*admin));
	int descriptor, error;

	if (!admin)
		return NULL;
	error = fill_address(path, &admin->address);
	descriptor = error < 0 ? error : open_socket(&admin->address);
	if (descriptor < 0) {
		errno = -descriptor;
		return NULL;
	}
	admin->loop = loop;
	admin->handle = handle;
	admin->context = context;
	error = loop_watch_add(loop, &admin->watch, descriptor, EPOLLIN, accept_clients);
	if (error < 0) {
		close(descriptor);
		errno = -error;
		return NULL;
	}
	return take_pointer(admin);
}

void admin_close(struct admin *admin)
{
	if (!admin)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		if (admin->clients[i].admin)
			close_client(&admin->clients[i]);
	loop_timer_stop(admin->loop, &admin->pause);
	loop_watch_remove(admin->loop, &admin->watch);
	close(admin->watch.descriptor);
	unlink(admin->address.sun_path);
	free(admin);
}

/* ------------------------------------------------------------------ the client */

/* A connection waits for a place in the listener's queue as sending does: that is bounded here. */
static int dial(int descriptor, const struct sockaddr_un *address, unsigned int timeout_ms)
{
	struct timeval timeout = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};

	if (setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

static int send_line(int descriptor, const char *request)
{
	struct text line = TEXT_EMPTY;
	ssize_t sent;

	text_addf(&line, "%s\n", request);
	if (text_failed(&line))
		return -ENOMEM;
	sent = send(descriptor, line.data, line.length, MSG_NOSIGNAL);
	sent = sent < 0 ? -errno : sent == (ssize_t)line.length ? 0 : -EPROTO;
	text_free(&line);
	return (int)sent;
}

static int read_reply(int descriptor, uint64_t deadline_ms, struct text *reply)
{
	for (;;) {
		struct pollfd wait = {.fd = descriptor, .events = POLLIN};
		uint64_t now = clock_steady_ms();
		char bytes[65536];
		ssize_t got;

		if (now >= deadline_ms || poll(&wait, 1, (int)(deadline_ms - now)) == 0)
			return -ETIMEDOUT;
		got = recv(descriptor, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		if (reply->length + (size_t)got > ADMIN_REPLY_MAX)
			return -EMSGSIZE;
		text_add_bytes(reply, bytes, (size_t)got);
	}
	if (text_failed(reply))
		return -ENOMEM;
	return reply->length > 0 && reply->data[reply->length - 1] == '\n' ? 0 : -EPROTO;
}

int admin_ask(const char *path, const char *request, unsigned int timeout_ms, struct text *reply)
{
	cleanup(close_descriptor) int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	uint64_t deadline_ms = clock_steady_ms() + timeout_ms;
	int error = fill_address(path, &address);

	if (descriptor < 0)
		return -errno;
	if (error == 0)
		error = dial(descriptor, &address, timeout_ms);
	if (error == 0)
		error = send_line(descriptor, request);
	return error < 0 ? error : read_reply(descriptor, deadline_ms, reply);
}
