/*
 * Memory is taken once: flows, their stream buffers and held packets. The buffers are one large
 * mapping, of which most is never used: a hello of ordinary length fits into its buffer's first
 * page. That page is touched from the start, so that no hello waits for it and what the process
 * takes does not grow with connections; the others cost memory when a long hello first needs them.
 * Huge pages would make all of it real memory, ten times as much.
 *
 * Free lists are last-in first-out, so a quiet gateway keeps using the same few pages.
 */
#include "inspect/flow_table_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assertion.h"
#include "base/hash.h"

struct flow_table {
	struct hash_key key;
	struct inspected *flows;
	uint8_t *buffers;
	struct held_packet *packets;
	struct inspected **buckets;
	size_t bucket_mask;
	size_t capacity, count;
	struct inspected *free_flows;
	struct held_packet *free_packets;
	struct inspected *oldest, *newest;
};

/* A flow of QUIC that was just released is kept for so long: datagrams that came while it was held
 * may still be on their way here, each with a connection of its own (ruleset.c). */
#define QUIC_SETTLE_MS 1000

static size_t bucket_of(const struct flow_table *table, enum packet_transport transport,
			const struct ip_endpoint *client, const struct ip_endpoint *server)
{
	struct {
		struct ip_address client, server;
		uint16_t ports[2], transport;
	} tuple;

	memset(&tuple, 0, sizeof(tuple));
	tuple.client = client->address;
	tuple.server = server->address;
	tuple.ports[0] = client->port;
	tuple.ports[1] = server->port;
	tuple.transport = (uint16_t)transport;
	return (size_t)hash_bytes(&table->key, &tuple, sizeof(tuple)) & table->bucket_mask;
}

/* NULL: no memory. */
static uint8_t *map_buffers(size_t count)
{
	const size_t size = count * STREAM_CAPACITY;
	uint8_t *buffers =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buffers == MAP_FAILED)
		return NULL;
	/* A kernel that cannot make huge pages need not be told. */
	(void)madvise(buffers, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < count; i++)
		*(volatile uint8_t *)(buffers + i * STREAM_CAPACITY) = 0;
	return buffers;
}

static void fill_free_lists(struct flow_table *table, size_t held_capacity)
{
	for (size_t i = table->capacity; i > 0; i--) {
		struct inspected *inspected = &table->flows[i - 1];

		inspected->flow.stream.bytes = table->buffers + (i - 1) * STREAM_CAPACITY;
		inspected->chain = table->free_flows;
		table->free_flows = inspected;
	}
	for (size_t i = held_capacity; i > 0; i--) {
		table->packets[i - 1].next = table->free_packets;
		table->free_packets = &table->packets[i - 1];
	}
}

struct flow_table *flow_table_new(size_t capacity, size_t held_capacity)
{
	struct flow_table *table = calloc(1, sizeof(*table));
	size_t buckets = 16;

	if (!table)
		return NULL;
	while (buckets < capacity)
		buckets *= 2;
	table->key = hash_key_random();
	table->capacity = capacity;
	table->bucket_mask = buckets - 1;
	table->flows = calloc(capacity, sizeof(*table->flows));
	table->buffers = map_buffers(capacity);
	table->packets = calloc(held_capacity, sizeof(*table->packets));
	table->buckets = calloc(buckets, sizeof(struct inspected *));
	if (!table->flows || !table->buffers || !table->packets || !table->buckets) {
		flow_table_free(table);
		return NULL;
	}
	fill_free_lists(table, held_capacity);
	return table;
}

void flow_table_free(struct flow_table *table)
{
	if (!table)
		return;
	free(table->flows);
	if (table->buffers)
		(void)munmap(table->buffers, table->capacity * STREAM_CAPACITY);
	free(table->packets);
	free(table->buckets);
	free(table);
}

struct inspected *flow_table_find(struct flow_table *table, enum packet_transport transport,
				  const struct ip_endpoint *client,
				  const struct ip_endpoint *server)
{
	struct inspected *at = table->buckets[bucket_of(table, transport, client, server)];

	while (at && !(at->transport == transport && ip_endpoint_equal(&at->client, client) &&
		       ip_endpoint_equal(&at->server, server)))
		at = at->chain;
	return at;
}

static void link_newest(struct flow_table *table, struct inspected *inspected)
{
	inspected->older = table->newest;
	inspected->newer = NULL;
	if (table->newest)
		table->newest->newer = inspected;
	else
		table->oldest = inspected;
	table->newest = inspected;
}

static void unlink_age(struct flow_table *table, struct inspected *inspected)
{
	if (inspected->older)
		inspected->older->newer = inspected->newer;
	else
		table->oldest = inspected->newer;
	if (inspected->newer)
		inspected->newer->older = inspected->older;
	else
		table->newest = inspected->older;
}

/* A released flow that waits for its server can be forgotten: should its hello come again, it is
   judged as a first one, and the ruleset refuses a second first release of a connection. Flows that
   hold packets are never put out. */
static void make_room(struct flow_table *table, uint64_t now_ms)
{
	for (struct inspected *at = table->oldest; at; at = at->newer) {
		bool settles = at->transport == PACKET_UDP && now_ms - at->last_ms < QUIC_SETTLE_MS;

		if (!inspected_waits(at) && !settles && at->flow.state == FLOW_STATE_CONFIRM) {
			flow_table_remove(table, at);
			return;
		}
	}
}

struct inspected *flow_table_add(struct flow_table *table, enum packet_transport transport,
				 const struct ip_endpoint *client, const struct ip_endpoint *server,
				 uint64_t now_ms)
{
	struct inspected *inspected;
	uint8_t *bytes;
	size_t bucket = bucket_of(table, transport, client, server);

	if (!table->free_flows)
		make_room(table, now_ms);
	inspected = table->free_flows;
	if (!inspected)
		return NULL;
	table->free_flows = inspected->chain;
	bytes = inspected->flow.stream.bytes;
	*inspected = (struct inspected){
		.transport = transport,
		.client = *client,
		.server = *server,
		.first_ms = now_ms,
		.last_ms = now_ms,
		.chain = table->buckets[bucket],
		.used = true,
	};
	inspected->held_tail = &inspected->held;
	flow_init(&inspected->flow, bytes);
	table->buckets[bucket] = inspected;
	link_newest(table, inspected);
	table->count++;
	return inspected;
}

void flow_table_touch(struct flow_table *table, struct inspected *inspected, uint64_t now_ms)
{
	inspected->last_ms = now_ms;
	unlink_age(table, inspected);
	link_newest(table, inspected);
}

void flow_table_remove(struct flow_table *table, struct inspected *inspected)
{
	struct inspected **link = &table->buckets[bucket_of(
		table, inspected->transport, &inspected->client, &inspected->server)];

	invariant(inspected->used && !inspected_waits(inspected) && !inspected->looking_up);
	vouch_stop(&inspected->vouching);
	while (*link != inspected)
		link = &(*link)->chain;
	*link = inspected->chain;
	unlink_age(table, inspected);
	inspected->used = false;
	inspected->chain = table->free_flows;
	table->free_flows = inspected;
	table->count--;
}

struct inspected *flow_table_oldest(const struct flow_table *table)
{
	return table->oldest;
}

bool flow_table_hold(struct flow_table *table, struct inspected *inspected, uint32_t id,
		     uint32_t end, uint64_t now_ms)
{
	struct held_packet *packet = table->free_packets;

	if (!packet || inspected->held_count == HELD_PER_FLOW_MAX)
		return false;
	if (inspected->held_count == 0)
		inspected->held_ms = now_ms;
	table->free_packets = packet->next;
	*packet = (struct held_packet){.id = id, .end = end};
	*inspected->held_tail = packet;
	inspected->held_tail = &packet->next;
	inspected->held_count++;
	return true;
}

bool flow_table_let_go(struct flow_table *table, struct inspected *inspected, uint32_t approved,
		       uint32_t *ret_id, uint32_t *ret_end)
{
	struct held_packet **link = &inspected->held;
	struct held_packet *packet;

	while (*link && (*link)->end > approved)
		link = &(*link)->next;
	packet = *link;
	if (!packet)
		return false;
	*link = packet->next;
	if (!packet->next)
		inspected->held_tail = link;
	*ret_id = packet->id;
	*ret_end = packet->end;
	packet->next = table->free_packets;
	table->free_packets = packet;
	inspected->held_count--;
	return true;
}

size_t flow_table_count(const struct flow_table *table)
{
	return table->count;
}

size_t flow_table_capacity(const struct flow_table *table)
{
	return table->capacity;
}
