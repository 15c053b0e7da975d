/*
 * The ports that our datagrams leave from.
 *
 * A question that is alone has a port of its own, fresh from the kernel's random choice. Under
 * load, when PORTS_OPEN questions to an upstream have theirs, further ones share one of these,
 * chosen at random; a socket a question would cost more than all else that is done for it. A port
 * takes no more questions after PORT_QUESTIONS or PORT_MS, and is closed with the last of its
 * questions. So nobody can learn a port that matters for longer than a question without an answer
 * kept its own.
 *
 * What must be guessed stays as much: an answer has to come from the upstream's address and port to
 * the one port of its question, with that question's own random id and its bytes. Others on the
 * same port do not help, for their ids answer their questions only.
 */
#include "resolve/exchange_steps_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assertion.h"
#include "base/hash.h"

/* system calls: sendto close */

#define PORTS_MAX      512 /* also those that take no more; 64 full ones hold all that can wait */
#define PORTS_OPEN     8   /* of one upstream */
#define PORT_QUESTIONS 64
#define PORT_MS        1000
#define BUCKETS        16

struct exchange_port {
	struct exchange_ports *ports;
	struct loop_watch watch;
	struct ip_endpoint upstream;
	uint64_t opened_ms;
	unsigned int carried, under_way;
	bool open;         /* for more questions */
	bool foreign_seen; /* datagrams that answer none of them */
	TAILQ_ENTRY(exchange_port) in_list;
	LIST_HEAD(, exchange) waiting[BUCKETS]; /* by id */
};

TAILQ_HEAD(port_list, exchange_port);

struct exchange_ports {
	struct exchange_room *room;
	struct port_list open, free;
	struct exchange_port *reading; /* stays until its datagrams have been looked at */
	struct dns_inbox *inbox;
	uint8_t random[256]; /* a system call for many; used from the end */
	size_t random_left;
	struct exchange_port all[PORTS_MAX];
};

struct exchange_ports *exchange_ports_new(struct exchange_room *room)
{
	struct exchange_ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	ports->room = room;
	ports->inbox = dns_inbox_new(EXCHANGE_DATAGRAM_MAX);
	TAILQ_INIT(&ports->open);
	TAILQ_INIT(&ports->free);
	for (size_t i = 0; i < PORTS_MAX; i++)
		TAILQ_INSERT_TAIL(&ports->free, &ports->all[i], in_list);
	if (ports->inbox)
		return ports;
	free(ports);
	return NULL;
}

void exchange_ports_free(struct exchange_ports *ports)
{
	if (!ports)
		return;
	invariant(TAILQ_EMPTY(&ports->open)); /* closed with their last question */
	dns_inbox_free(ports->inbox);
	free(ports);
}

static void take_random(struct exchange_ports *ports, void *bytes, size_t length)
{
	if (ports->random_left < length) {
		random_bytes(ports->random, sizeof(ports->random));
		ports->random_left = sizeof(ports->random);
	}
	ports->random_left -= length;
	memcpy(bytes, ports->random + ports->random_left, length);
}

/* -------------------------------------------------------------- opening, closing */

static void take_no_more(struct exchange_port *port)
{
	if (!port->open)
		return;
	port->open = false;
	TAILQ_REMOVE(&port->ports->open, port, in_list);
}

static void close_when_idle(struct exchange_port *port)
{
	if (port->under_way > 0 || port == port->ports->reading)
		return;
	take_no_more(port);
	loop_watch_remove(port->ports->room->loop, &port->watch);
	close(port->watch.descriptor);
	TAILQ_INSERT_HEAD(&port->ports->free, port, in_list);
}

static void part(struct exchange *exchange)
{
	struct exchange_port *port = exchange->port;

	LIST_REMOVE(exchange, waiting);
	exchange->port = NULL;
	exchange->malformed_seen |= port->foreign_seen;
	port->under_way--;
	close_when_idle(port);
}

void exchange_port_leave(struct exchange *exchange)
{
	if (exchange->port)
		part(exchange);
}

/* Unreachable, by ICMP: whoever waits here tries elsewhere. */
static void fail_all(struct exchange_port *port)
{
	take_no_more(port);
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&port->waiting[i]))
			exchange_fail_try(LIST_FIRST(&port->waiting[i]));
}

static size_t bucket_of(const uint8_t *message)
{
	return message[1] % BUCKETS;
}

static void note_foreign(struct exchange_port *port)
{
	port->ports->room->counts.malformed++;
	port->foreign_seen = true;
}

static void take_datagram(struct exchange_port *port, const uint8_t *message, size_t length)
{
	struct exchange *exchange = NULL;

	if (length >= 2)
		LIST_FOREACH(exchange, &port->waiting[bucket_of(message)], waiting)
	if (exchange_is_answered_by(exchange, message, length))
		break;
	if (exchange)
		exchange_take_datagram(exchange, message, length);
	else
		note_foreign(port);
}

static void port_ready(struct loop_watch *watch, uint32_t events)
{
	struct exchange_port *port = loop_owner(watch, struct exchange_port, watch);
	struct exchange_ports *ports = port->ports;
	int count = dns_inbox_fill(ports->inbox, watch->descriptor);

	(void)events;
	ports->reading = port;
	if (count < 0 && count != -EAGAIN && count != -EINTR)
		fail_all(port);
	for (int i = 0; i < count; i++) {
		struct dns_datagram datagram;
		const uint8_t *message;
		size_t length;

		if (dns_inbox_read(ports->inbox, i, &message, &length, &datagram) && !datagram.cut)
			take_datagram(port, message, length);
		else
			note_foreign(port);
	}
	ports->reading = NULL;
	close_when_idle(port);
}

static int open_port(struct exchange_ports *ports, const struct ip_endpoint *upstream,
		     struct exchange_port **ret_port)
{
	struct exchange_port *port = TAILQ_FIRST(&ports->free);
	struct loop *loop = ports->room->loop;
	int descriptor, error;

	if (!port)
		return -ENFILE;
	descriptor = exchange_open_connected(upstream, SOCK_DGRAM);
	if (descriptor < 0)
		return descriptor;
	*port = (struct exchange_port){.ports = ports,
				       .upstream = *upstream,
				       .opened_ms = loop_now_ms(loop),
				       .open = true,
				       .in_list = port->in_list};
	error = loop_watch_add(loop, &port->watch, descriptor, EPOLLIN, port_ready);
	if (error < 0) {
		close(descriptor);
		return error;
	}
	TAILQ_REMOVE(&ports->free, port, in_list);
	TAILQ_INSERT_TAIL(&ports->open, port, in_list);
	*ret_port = port;
	return 0;
}

/* One of those that are open, when there are enough; NULL: open another. */
static struct exchange_port *choose(struct exchange_ports *ports,
				    const struct ip_endpoint *upstream)
{
	uint64_t now_ms = loop_now_ms(ports->room->loop);
	struct exchange_port *candidates[PORTS_OPEN];
	struct exchange_port *port, *next;
	unsigned int count = 0;
	uint8_t choice;

	for (port = TAILQ_FIRST(&ports->open); port; port = next) {
		next = TAILQ_NEXT(port, in_list);
		if (now_ms - port->opened_ms >= PORT_MS)
			take_no_more(port);
		else if (count < PORTS_OPEN &&
			 ip_equal(&port->upstream.address, &upstream->address) &&
			 port->upstream.port == upstream->port)
			candidates[count++] = port;
	}
	if (count < PORTS_OPEN)
		return NULL;
	take_random(ports, &choice, sizeof(choice));
	return candidates[choice % PORTS_OPEN];
}

/* 0 or negative errno. The first error may be what an earlier question met: it is asked twice. */
static int send_query(const struct exchange_port *port, const uint8_t *query, size_t length)
{
	for (int tries = 0; tries < 2; tries++)
		if (send(port->watch.descriptor, query, length, 0) >= 0)
			return 0;
	return -errno;
}

int exchange_port_send(struct exchange *exchange, const struct ip_endpoint *upstream)
{
	struct exchange_ports *ports = exchange->room->ports;
	struct exchange_port *port = choose(ports, upstream);
	uint8_t *query = exchange->framed + EXCHANGE_FRAME_SIZE;
	int error = port ? 0 : open_port(ports, upstream, &port);

	if (error < 0)
		return error;
	take_random(ports, query, 2);
	error = send_query(port, query, exchange->query_length);
	if (error < 0) {
		close_when_idle(port);
		return error;
	}
	LIST_INSERT_HEAD(&port->waiting[bucket_of(query)], exchange, waiting);
	exchange->port = port;
	port->under_way++;
	if (++port->carried == PORT_QUESTIONS)
		take_no_more(port);
	return 0;
}
