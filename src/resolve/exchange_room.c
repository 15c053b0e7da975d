#include <stdlib.h>

#include "base/assertion.h"
#include "resolve/exchange_steps_impl.h"

struct exchange_room *exchange_room_new(struct loop *loop, struct upstreams *upstreams)
{
	struct exchange_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->slots = calloc(EXCHANGE_TCP_MAX, EXCHANGE_SLOT_SIZE);
	room->ports = exchange_ports_new(room);
	if (!room->slots || !room->ports) {
		exchange_ports_free(room->ports);
		free(room->slots);
		free(room);
		return NULL;
	}
	room->loop = loop;
	room->upstreams = upstreams;
	for (uint16_t i = 0; i < EXCHANGE_TCP_MAX; i++)
		room->free_slots[i] = (uint16_t)(EXCHANGE_TCP_MAX - 1 - i);
	room->free_count = EXCHANGE_TCP_MAX;
	return room;
}

void exchange_room_free(struct exchange_room *room)
{
	if (!room)
		return;
	invariant(room->free_count == EXCHANGE_TCP_MAX);
	exchange_ports_free(room->ports);
	free(room->slots);
	free(room);
}

struct exchange_counts exchange_room_counts(const struct exchange_room *room)
{
	return room->counts;
}

struct dns_record *exchange_room_records(struct exchange_room *room)
{
	return room->records;
}

uint8_t *exchange_take_slot(struct exchange_room *room)
{
	if (room->free_count == 0)
		return NULL;
	return room->slots + (size_t)room->free_slots[--room->free_count] * EXCHANGE_SLOT_SIZE;
}

void exchange_give_slot_back(struct exchange_room *room, const uint8_t *slot)
{
	if (slot)
		room->free_slots[room->free_count++] =
			(uint16_t)((size_t)(slot - room->slots) / EXCHANGE_SLOT_SIZE);
}
