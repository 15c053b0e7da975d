/*
 * Pins in memory.
 *
 * One array of entries, made once, with three chained hash indexes over it: by (name, address), for
 * "was this address answered for this name", by address alone, for "which names lead here", and by
 * name. Keys of the hashes are random: names come from outside. All names below a wildcard may lead
 * to one address, so a chain may be as long as the table: chains are linked both ways, and leaving
 * one takes the same time from anywhere in it.
 *
 * Invariants: an entry is either on the free list or on all three chains; an entry that is in use
 * and not expired is never given up. Expired entries stay until pins_tidy() comes by or until their
 * room is needed. When the array is full and nothing is expired, learning is refused and counted
 * (fail closed); the search for expired entries then runs at most once in SWEEP_PAUSE_MS.
 *
 * Readers share the lock, learners take it alone; nothing below calls out while it is held, except
 * pins_visit()'s caller, who gets copies made entry by entry.
 */
#include "pins/pins.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NONE           UINT32_MAX
#define SWEEP_PAUSE_MS 100

enum chain { BY_PAIR, BY_ADDRESS, BY_NAME, CHAINS };

struct link {
	uint32_t next;     /* of BY_PAIR: also links the free list */
	uint32_t previous; /* NONE: the first one of its bucket */
};

struct entry {
	uint64_t expires_ms; /* 0: free */
	struct link links[CHAINS];
	struct ip_address address;
	struct name name;
};

struct pins {
	pthread_rwlock_t lock;
	struct hash_key key;
	struct entry *entries;
	uint32_t *heads[CHAINS]; /* bucket_mask + 1 of each */
	uint32_t bucket_mask;
	uint32_t capacity, held, free_head, next_unused;
	uint64_t refused, changes;
	uint64_t swept_ms;
	uint32_t hand; /* where pins_tidy() goes on */
};

static uint32_t bucket_of_name(const struct pins *pins, const struct name *name)
{
	return (uint32_t)hash_bytes(&pins->key, name->text, name->length) & pins->bucket_mask;
}

static uint32_t bucket_of_address(const struct pins *pins, const struct ip_address *address)
{
	return (uint32_t)hash_bytes(&pins->key, address, sizeof(*address)) & pins->bucket_mask;
}

static uint32_t bucket_of_pair(const struct pins *pins, const struct name *name,
			       const struct ip_address *address)
{
	struct hash_key key = pins->key;

	key.half[0] ^= hash_bytes(&pins->key, address, sizeof(*address));
	return (uint32_t)hash_bytes(&key, name->text, name->length) & pins->bucket_mask;
}

static uint32_t *make_buckets(size_t count)
{
	uint32_t *heads = malloc(count * sizeof(*heads));

	if (heads)
		memset(heads, 0xff, count * sizeof(*heads));
	return heads;
}

struct pins *pins_new(size_t capacity)
{
	struct pins *pins = calloc(1, sizeof(*pins));
	size_t buckets = 16;

	if (!pins)
		return NULL;
	while (buckets < capacity)
		buckets *= 2;
	pthread_rwlock_init(&pins->lock, NULL);
	pins->key = hash_key_random();
	pins->capacity = (uint32_t)capacity;
	pins->bucket_mask = (uint32_t)buckets - 1;
	pins->free_head = NONE;
	pins->entries = calloc(capacity ? capacity : 1, sizeof(*pins->entries));
	for (int chain = 0; chain < CHAINS; chain++)
		pins->heads[chain] = make_buckets(buckets);
	if (!pins->entries || !pins->heads[BY_PAIR] || !pins->heads[BY_ADDRESS] ||
	    !pins->heads[BY_NAME]) {
		pins_free(pins);
		return NULL;
	}
	return pins;
}

void pins_free(struct pins *pins)
{
	if (!pins)
		return;
	pthread_rwlock_destroy(&pins->lock);
	free(pins->entries);
	for (int chain = 0; chain < CHAINS; chain++)
		free(pins->heads[chain]);
	free(pins);
}

static uint32_t find_pair(const struct pins *pins, const struct name *name,
			  const struct ip_address *address)
{
	uint32_t at = pins->heads[BY_PAIR][bucket_of_pair(pins, name, address)];

	while (at != NONE && !(ip_equal(&pins->entries[at].address, address) &&
			       name_equal(&pins->entries[at].name, name)))
		at = pins->entries[at].links[BY_PAIR].next;
	return at;
}

/* --------------------------------------------------------- entries come and go */

static uint32_t *head_of(const struct pins *pins, enum chain chain, const struct name *name,
			 const struct ip_address *address)
{
	switch (chain) {
	case BY_ADDRESS:
		return &pins->heads[chain][bucket_of_address(pins, address)];
	case BY_NAME:
		return &pins->heads[chain][bucket_of_name(pins, name)];
	default:
		return &pins->heads[chain][bucket_of_pair(pins, name, address)];
	}
}

static void enter(struct pins *pins, enum chain chain, uint32_t index)
{
	struct entry *entry = &pins->entries[index];
	uint32_t *head = head_of(pins, chain, &entry->name, &entry->address);

	entry->links[chain] = (struct link){.next = *head, .previous = NONE};
	if (*head != NONE)
		pins->entries[*head].links[chain].previous = index;
	*head = index;
}

static void leave(struct pins *pins, enum chain chain, uint32_t index)
{
	const struct entry *entry = &pins->entries[index];
	struct link link = entry->links[chain];

	if (link.next != NONE)
		pins->entries[link.next].links[chain].previous = link.previous;
	if (link.previous != NONE)
		pins->entries[link.previous].links[chain].next = link.next;
	else
		*head_of(pins, chain, &entry->name, &entry->address) = link.next;
}

static void give_up(struct pins *pins, uint32_t index)
{
	struct entry *entry = &pins->entries[index];

	for (int chain = 0; chain < CHAINS; chain++)
		leave(pins, (enum chain)chain, index);
	entry->expires_ms = 0;
	entry->links[BY_PAIR].next = pins->free_head;
	pins->free_head = index;
	pins->held--;
	pins->changes++;
}

static void give_up_expired(struct pins *pins, uint32_t index, uint64_t now_ms)
{
	if (pins->entries[index].expires_ms != 0 && pins->entries[index].expires_ms <= now_ms)
		give_up(pins, index);
}

static void sweep(struct pins *pins, uint64_t now_ms)
{
	pins->swept_ms = now_ms;
	for (uint32_t i = 0; i < pins->next_unused; i++)
		give_up_expired(pins, i, now_ms);
}

void pins_tidy(struct pins *pins, uint64_t now_ms)
{
	pthread_rwlock_wrlock(&pins->lock);
	for (uint32_t i = 0; i < PINS_TIDIED_AT_ONCE && i < pins->next_unused; i++) {
		if (pins->hand >= pins->next_unused)
			pins->hand = 0;
		give_up_expired(pins, pins->hand++, now_ms);
	}
	pthread_rwlock_unlock(&pins->lock);
}

static uint32_t take_free(struct pins *pins, uint64_t now_ms)
{
	uint32_t index;

	if (pins->free_head == NONE && pins->next_unused == pins->capacity &&
	    (pins->swept_ms == 0 || now_ms >= pins->swept_ms + SWEEP_PAUSE_MS))
		sweep(pins, now_ms);
	if (pins->free_head != NONE) {
		index = pins->free_head;
		pins->free_head = pins->entries[index].links[BY_PAIR].next;
		return index;
	}
	return pins->next_unused < pins->capacity ? pins->next_unused++ : NONE;
}

static void put(struct pins *pins, uint32_t index, const struct name *name,
		const struct ip_address *address, uint64_t expires_ms)
{
	struct entry *entry = &pins->entries[index];

	*entry = (struct entry){.expires_ms = expires_ms, .address = *address, .name = *name};
	for (int chain = 0; chain < CHAINS; chain++)
		enter(pins, (enum chain)chain, index);
	pins->held++;
	pins->changes++;
}

/* Learning with the lock held. */
static int learn(struct pins *pins, const struct name *name, const struct ip_address *address,
		 uint64_t now_ms, uint64_t expires_ms, enum pin_news *ret_news,
		 uint64_t *ret_previous_ms)
{
	uint32_t index = find_pair(pins, name, address);

	if (index != NONE) {
		struct entry *entry = &pins->entries[index];

		*ret_news = entry->expires_ms > now_ms ? PIN_REFRESHED : PIN_NEW;
		*ret_previous_ms = entry->expires_ms > now_ms ? entry->expires_ms : 0;
		if (expires_ms > entry->expires_ms) {
			entry->expires_ms = expires_ms;
			pins->changes++;
		}
		return 0;
	}
	index = take_free(pins, now_ms);
	if (index == NONE) {
		pins->refused++;
		return -ENOSPC;
	}
	put(pins, index, name, address, expires_ms);
	*ret_news = PIN_NEW;
	*ret_previous_ms = 0;
	return 0;
}

int pins_learn(struct pins *pins, const struct name *name, const struct ip_address *address,
	       uint64_t now_ms, uint64_t expires_ms, enum pin_news *ret_news,
	       uint64_t *ret_previous_ms)
{
	int error;

	pthread_rwlock_wrlock(&pins->lock);
	error = learn(pins, name, address, now_ms, expires_ms, ret_news, ret_previous_ms);
	pthread_rwlock_unlock(&pins->lock);
	return error;
}

void pins_forget(struct pins *pins, const struct name *name, const struct ip_address *address)
{
	uint32_t index;

	pthread_rwlock_wrlock(&pins->lock);
	index = find_pair(pins, name, address);
	if (index != NONE)
		give_up(pins, index);
	pthread_rwlock_unlock(&pins->lock);
}

/* ------------------------------------------------------------------ questions */

/* The lock protects the table, not its meaning: readers of a const table take it too. */
static void lock_for_reading(const struct pins *pins)
{
	pthread_rwlock_rdlock(&((struct pins *)(uintptr_t)pins)->lock);
}

static void unlock(const struct pins *pins)
{
	pthread_rwlock_unlock(&((struct pins *)(uintptr_t)pins)->lock);
}

bool pins_holds(const struct pins *pins, const struct name *name, const struct ip_address *address,
		uint64_t now_ms)
{
	uint32_t index;
	bool holds;

	lock_for_reading(pins);
	index = find_pair(pins, name, address);
	holds = index != NONE && pins->entries[index].expires_ms > now_ms;
	unlock(pins);
	return holds;
}

static uint64_t latest_of_address(const struct pins *pins, const struct ip_address *address)
{
	uint64_t latest = 0;

	for (uint32_t at = pins->heads[BY_ADDRESS][bucket_of_address(pins, address)]; at != NONE;
	     at = pins->entries[at].links[BY_ADDRESS].next)
		if (pins->entries[at].expires_ms > latest &&
		    ip_equal(&pins->entries[at].address, address))
			latest = pins->entries[at].expires_ms;
	return latest;
}

uint64_t pins_expiry(const struct pins *pins, const struct name *name,
		     const struct ip_address *address, uint64_t now_ms)
{
	uint64_t expires_ms;

	lock_for_reading(pins);
	if (name) {
		uint32_t index = find_pair(pins, name, address);

		expires_ms = index == NONE ? 0 : pins->entries[index].expires_ms;
	} else {
		expires_ms = latest_of_address(pins, address);
	}
	unlock(pins);
	return expires_ms > now_ms ? expires_ms : 0;
}

size_t pins_names_of(const struct pins *pins, const struct ip_address *address, uint64_t now_ms,
		     struct name *names, size_t capacity)
{
	size_t count = 0;

	lock_for_reading(pins);
	for (uint32_t at = pins->heads[BY_ADDRESS][bucket_of_address(pins, address)]; at != NONE;
	     at = pins->entries[at].links[BY_ADDRESS].next) {
		const struct entry *entry = &pins->entries[at];

		if (entry->expires_ms <= now_ms || !ip_equal(&entry->address, address))
			continue;
		if (count < capacity)
			names[count] = entry->name;
		count++;
	}
	unlock(pins);
	return count;
}

size_t pins_addresses_of(const struct pins *pins, const struct name *name, uint64_t now_ms,
			 struct ip_address *addresses, size_t capacity)
{
	size_t count = 0;

	lock_for_reading(pins);
	for (uint32_t at = pins->heads[BY_NAME][bucket_of_name(pins, name)]; at != NONE;
	     at = pins->entries[at].links[BY_NAME].next) {
		const struct entry *entry = &pins->entries[at];

		if (entry->expires_ms <= now_ms || !name_equal(&entry->name, name))
			continue;
		if (count < capacity)
			addresses[count] = entry->address;
		count++;
	}
	unlock(pins);
	return count;
}

static bool copy_valid(const struct pins *pins, uint32_t index, uint64_t now_ms,
		       struct pin *ret_pin)
{
	const struct entry *entry = &pins->entries[index];
	bool valid;

	lock_for_reading(pins);
	valid = entry->expires_ms > now_ms;
	if (valid)
		*ret_pin = (struct pin){entry->name, entry->address, entry->expires_ms};
	unlock(pins);
	return valid;
}

static uint32_t end_of_used(const struct pins *pins)
{
	uint32_t end;

	lock_for_reading(pins);
	end = pins->next_unused;
	unlock(pins);
	return end;
}

/* The lock is taken anew for each entry: learners never wait for a whole walk. */
int pins_visit(const struct pins *pins, uint64_t now_ms,
	       int (*visit)(void *context, const struct pin *pin), void *context)
{
	uint32_t end = end_of_used(pins);
	int result = 0;

	for (uint32_t i = 0; i < end && result == 0; i++) {
		struct pin pin;

		if (copy_valid(pins, i, now_ms, &pin))
			result = visit(context, &pin);
	}
	return result;
}

struct pins_figures pins_figures(const struct pins *pins)
{
	struct pins_figures figures;

	lock_for_reading(pins);
	figures = (struct pins_figures){.capacity = pins->capacity,
					.held = pins->held,
					.refused = pins->refused,
					.changes = pins->changes};
	unlock(pins);
	return figures;
}
