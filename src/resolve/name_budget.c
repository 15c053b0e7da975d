/*
 * A wildcard that a rule allows lets its zone's owner hear whatever a pod writes into the labels in
 * the star's place. That cannot be told from honest names by looking at one of them, but honest
 * names are few and come again, while a tunnel needs a fresh one for every few bytes. So each
 * source has a budget of new names, a bucket of `burst` that fills by `new_names` a minute, and
 * each new name is paid from it by what it may carry.
 *
 * The price comes from the labels that no pattern fixes: n letters with an empirical entropy of H
 * bits each tell at most about n*H bits to somebody who knows how often each letter occurs. Each 64
 * bits begun cost one name: "eastus2" one, a GUID three, four labels full of base32 about eighteen.
 * So the budget is, within a factor, a limit in bits, and stuffing more into a name wins nothing.
 *
 * What costs nothing: a name that some rule names exactly (the caller does not ask); a name that
 * the source asked for lately, which is among about the last thousand it paid for, in sets ordered
 * by use; an answer from the cache, as nothing leaves (the caller again). What was refused is not
 * remembered, so asking twice does not help. A name is remembered by 31 bits of a keyed hash beside
 * its set: one new name in some 2^27 goes free by chance.
 *
 * Sources stand in a fixed table, ordered by use. A newcomer takes the place of the one that was
 * not heard of for longest, if that has been idle for ten minutes and its bucket is full again: so
 * nobody gains by being put out. Else it is refused and counted: whoever invents source addresses
 * can shut newcomers out, but puts nobody out and gets no budget without end.
 *
 * What it does not stop: a leak below the limit, and one that picks among names paid for before
 * whose answers are not cached (TTL 0), ten bits a question. See docs/threat-model.md.
 */
#include "resolve/name_budget.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/assertion.h"
#include "base/hash.h"
#include "proto/dns/message.h"

#define KNOWN_SETS     64 /* a power of two */
#define KNOWN_WAYS     16
#define BITS_OF_A_NAME 64
#define IDLE_MS        (10u * 60 * 1000)
#define MS_A_MINUTE    60000u

struct source {
	LIST_ENTRY(source) in_bucket;
	TAILQ_ENTRY(source) in_use;
	struct ip_address address;
	uint64_t credit; /* in names times MS_A_MINUTE, so that every millisecond counts exactly */
	uint64_t filled_ms, heard_ms;
	uint32_t known[KNOWN_SETS][KNOWN_WAYS]; /* the latest first; 0: empty */
};
LIST_HEAD(source_bucket, source);
TAILQ_HEAD(source_list, source);

struct name_budget {
	pthread_mutex_t lock; /* everything below */
	struct hash_key key;
	struct name_budget_limits limits;
	struct source *sources;
	struct source_bucket *buckets; /* by address; bucket_mask + 1 of them */
	size_t bucket_mask;
	struct source_list by_use; /* the latest first */
	size_t capacity, touched;  /* those from `touched` on were never used */
	uint64_t new_names, refused, full;
};

struct name_budget *name_budget_new(size_t sources, const struct name_budget_limits *limits)
{
	struct name_budget *budget = calloc(1, sizeof(*budget));
	size_t buckets = 1;

	invariant(sources > 0);
	if (!budget)
		return NULL;
	while (buckets < sources)
		buckets *= 2;
	pthread_mutex_init(&budget->lock, NULL);
	budget->key = hash_key_random();
	budget->limits = *limits;
	budget->capacity = sources;
	budget->bucket_mask = buckets - 1;
	TAILQ_INIT(&budget->by_use);
	budget->sources = calloc(sources, sizeof(*budget->sources));
	budget->buckets = calloc(buckets, sizeof(*budget->buckets)); /* all LIST_INIT() */
	if (!budget->sources || !budget->buckets) {
		name_budget_free(budget);
		return NULL;
	}
	return budget;
}

void name_budget_free(struct name_budget *budget)
{
	if (!budget)
		return;
	pthread_mutex_destroy(&budget->lock);
	free(budget->sources);
	free(budget->buckets);
	free(budget);
}

void name_budget_set(struct name_budget *budget, const struct name_budget_limits *limits)
{
	pthread_mutex_lock(&budget->lock);
	budget->limits = *limits;
	pthread_mutex_unlock(&budget->lock);
}

/* ---------------------------------------------------------------------- the price */

uint32_t name_budget_price(const char *open, size_t length)
{
	unsigned int counts[256] = {0};
	double bits = 0;

	for (size_t i = 0; i < length; i++)
		counts[(unsigned char)open[i]]++;
	for (size_t i = 0; i < 256; i++)
		if (counts[i] > 0)
			bits += counts[i] * log2((double)length / counts[i]);
	return bits <= BITS_OF_A_NAME ? 1 : (uint32_t)ceil(bits / BITS_OF_A_NAME);
}

/* --------------------------------------------------------------------- the bucket */

static uint64_t full_credit(const struct name_budget *budget)
{
	return (uint64_t)budget->limits.burst * MS_A_MINUTE;
}

/* Workers' clocks may be a little apart: time never runs backwards here. */
static void fill(const struct name_budget *budget, struct source *source, uint64_t now_ms)
{
	uint64_t most = full_credit(budget), missing;

	if (source->credit > most)
		source->credit = most;
	if (now_ms <= source->filled_ms)
		return;
	missing = most - source->credit;
	/* First by division: years times a large limit would not fit. */
	if (now_ms - source->filled_ms > missing / budget->limits.new_names)
		source->credit = most;
	else
		source->credit += (now_ms - source->filled_ms) * budget->limits.new_names;
	source->filled_ms = now_ms;
}

/* -------------------------------------------------------------------- the sources */

static struct source_bucket *bucket_of(const struct name_budget *budget,
				       const struct ip_address *address)
{
	uint64_t hash = hash_bytes(&budget->key, address->bytes, ip_size(address));

	return &budget->buckets[hash & budget->bucket_mask];
}

static bool is_idle(const struct name_budget *budget, struct source *source, uint64_t now_ms)
{
	fill(budget, source, now_ms);
	return source->heard_ms + IDLE_MS <= now_ms && source->credit == full_credit(budget);
}

/* A place for a newcomer, in no list; NULL: full. */
static struct source *take_place(struct name_budget *budget, uint64_t now_ms)
{
	struct source *oldest;

	if (budget->touched < budget->capacity)
		return &budget->sources[budget->touched++];
	oldest = TAILQ_LAST(&budget->by_use, source_list);
	if (!is_idle(budget, oldest, now_ms))
		return NULL;
	TAILQ_REMOVE(&budget->by_use, oldest, in_use);
	LIST_REMOVE(oldest, in_bucket);
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

static struct source *find_or_admit(struct name_budget *budget, const struct ip_address *address,
				    uint64_t now_ms)
{
	struct source_bucket *bucket = bucket_of(budget, address);
	struct source *source;

	LIST_FOREACH(source, bucket, in_bucket)
	if (ip_equal(&source->address, address))
		break;
	if (source) {
		TAILQ_REMOVE(&budget->by_use, source, in_use);
	} else {
		source = take_place(budget, now_ms);
		if (!source)
			return NULL;
		source->address = *address;
		source->credit = full_credit(budget);
		source->filled_ms = now_ms;
		LIST_INSERT_HEAD(bucket, source, in_bucket);
	}
	TAILQ_INSERT_HEAD(&budget->by_use, source, in_use);
	source->heard_ms = now_ms;
	return source;
}

/* ---------------------------------------------------------------- names known to it */

static uint64_t hash_question(const struct name_budget *budget, const struct name_budget_ask *ask)
{
	uint8_t bytes[NAME_MAX_LENGTH + 2];
	size_t length = ask->name->length;
	uint16_t type = ask->type;

	if (type == DNS_TYPE_AAAA || type == DNS_TYPE_HTTPS)
		type = DNS_TYPE_A;
	memcpy(bytes, ask->name->text, length);
	bytes[length++] = (uint8_t)(type >> 8);
	bytes[length++] = (uint8_t)type;
	return hash_bytes(&budget->key, bytes, length);
}

/* Puts `mark` in front of its set, the others up to `place` one back. */
static void put_in_front(uint32_t set[KNOWN_WAYS], size_t place, uint32_t mark)
{
	memmove(&set[1], &set[0], place * sizeof(*set));
	set[0] = mark;
}

static bool recognize(uint32_t set[KNOWN_WAYS], uint32_t mark)
{
	for (size_t i = 0; i < KNOWN_WAYS; i++)
		if (set[i] == mark) {
			put_in_front(set, i, mark);
			return true;
		}
	return false;
}

static bool pay(struct name_budget *budget, struct source *source,
		const struct name_budget_ask *ask, uint64_t now_ms)
{
	uint64_t hash = hash_question(budget, ask);
	uint32_t *set = source->known[hash % KNOWN_SETS];
	uint32_t mark = (uint32_t)(hash >> 32) | 1; /* never 0 */
	uint64_t price;

	if (recognize(set, mark))
		return true;
	fill(budget, source, now_ms);
	price = (uint64_t)name_budget_price(ask->name->text, ask->open_length) * MS_A_MINUTE;
	if (source->credit < price) {
		budget->refused++;
		return false;
	}
	source->credit -= price;
	budget->new_names++;
	put_in_front(set, KNOWN_WAYS - 1, mark);
	return true;
}

bool name_budget_pay(struct name_budget *budget, const struct name_budget_ask *ask, uint64_t now_ms)
{
	struct source *source;
	bool paid = true;

	pthread_mutex_lock(&budget->lock);
	if (budget->limits.new_names > 0) {
		source = find_or_admit(budget, ask->source, now_ms);
		if (!source)
			budget->full++;
		paid = source && pay(budget, source, ask, now_ms);
	}
	pthread_mutex_unlock(&budget->lock);
	return paid;
}

struct name_budget_figures name_budget_figures(struct name_budget *budget)
{
	struct name_budget_figures figures;

	pthread_mutex_lock(&budget->lock);
	figures = (struct name_budget_figures){
		.sources = budget->touched,
		.source_capacity = budget->capacity,
		.new_names = budget->new_names,
		.refused = budget->refused,
		.full = budget->full,
	};
	pthread_mutex_unlock(&budget->lock);
	return figures;
}
