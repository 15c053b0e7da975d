/* Free copies are last-in first-out, so a quiet gateway keeps using the same few pages. */
#include "inspect/datagrams_impl.h"

#include <stdlib.h>
#include <string.h>

struct datagrams {
	struct datagram *copies, *free;
};

struct datagrams *datagrams_new(size_t capacity)
{
	struct datagrams *datagrams = calloc(1, sizeof(*datagrams));

	if (!datagrams)
		return NULL;
	datagrams->copies = calloc(capacity, sizeof(*datagrams->copies));
	if (!datagrams->copies) {
		free(datagrams);
		return NULL;
	}
	for (size_t i = capacity; i > 0; i--)
		datagrams_give_back(datagrams, &datagrams->copies[i - 1]);
	return datagrams;
}

void datagrams_free(struct datagrams *datagrams)
{
	if (!datagrams)
		return;
	free(datagrams->copies);
	free(datagrams);
}

bool datagrams_add(struct datagrams *datagrams, struct datagram_list *list, uint32_t end,
		   const uint8_t *payload, size_t length)
{
	struct datagram *datagram = datagrams->free;

	if (!datagram || list->count == DATAGRAMS_PER_FLOW || length > sizeof(datagram->payload))
		return false;
	datagrams->free = datagram->next;
	datagram->next = NULL;
	datagram->end = end;
	datagram->length = length;
	memcpy(datagram->payload, payload, length);
	if (list->last)
		list->last->next = datagram;
	else
		list->first = datagram;
	list->last = datagram;
	list->count++;
	return true;
}

struct datagram *datagrams_take(struct datagram_list *list, uint32_t approved)
{
	struct datagram *before = NULL, *datagram = list->first;

	while (datagram && datagram->end > approved) {
		before = datagram;
		datagram = datagram->next;
	}
	if (!datagram)
		return NULL;
	if (before)
		before->next = datagram->next;
	else
		list->first = datagram->next;
	if (list->last == datagram)
		list->last = before;
	list->count--;
	return datagram;
}

void datagrams_give_back(struct datagrams *datagrams, struct datagram *datagram)
{
	datagram->next = datagrams->free;
	datagrams->free = datagram;
}

void datagrams_drop_all(struct datagrams *datagrams, struct datagram_list *list)
{
	struct datagram *datagram;

	while ((datagram = datagrams_take(list, UINT32_MAX)))
		datagrams_give_back(datagrams, datagram);
}
