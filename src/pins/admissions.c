/*
 * The registry of admissions: an array indexed by number - 1, and a chained hash index by (kind,
 * key).
 *
 * A number is given once and keeps its meaning until a sweep finds that no flow carries it. A sweep
 * works against a walk over the kernel's connection table that takes a while: numbers given or
 * asked for since the walk began are kept whatever the walk saw. Each such use stamps the entry
 * with the current epoch.
 *
 * What the file says of a number outlives the process, so a number that was given up is not given
 * again while the file still has its old meaning: with a full disk that may be long.
 */
#include "pins/admissions.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "pins/state_file.h"

/* system calls: openat open write close */

#define FIRST_LINE "sallyport admissions 1"

struct entry {
	bool used;
	uint64_t epoch; /* of the last time the number was given out */
	uint32_t next;  /* number in the chain or free list; 0: the end */
	struct admission admission;
};

struct admissions {
	pthread_mutex_t lock;
	struct hash_key key;
	struct entry *entries;
	uint32_t *heads;
	uint32_t bucket_mask;
	uint32_t capacity, held, free_head, next_unused;
	uint32_t withheld_head; /* given up, but the file still has them */
	uint64_t epoch;
	int file; /* open for appending, or -1 */
	uint64_t unkept;
};

static uint32_t *head_of(const struct admissions *admissions, enum admission_kind kind,
			 const char *key)
{
	uint64_t hash = hash_bytes(&admissions->key, key, strlen(key)) + (uint64_t)kind;

	return &admissions->heads[hash & admissions->bucket_mask];
}

struct admissions *admissions_new(uint32_t capacity)
{
	struct admissions *admissions = calloc(1, sizeof(*admissions));
	uint32_t buckets = 16;

	invariant(capacity >= 1 && capacity <= ADMISSION_MAX);
	if (!admissions)
		return NULL;
	while (buckets < capacity)
		buckets *= 2;
	pthread_mutex_init(&admissions->lock, NULL);
	admissions->file = -1;
	admissions->key = hash_key_random();
	admissions->capacity = capacity;
	admissions->bucket_mask = buckets - 1;
	admissions->entries = calloc(capacity, sizeof(*admissions->entries));
	admissions->heads = calloc(buckets, sizeof(*admissions->heads));
	if (!admissions->entries || !admissions->heads) {
		admissions_free(admissions);
		return NULL;
	}
	return admissions;
}

void admissions_free(struct admissions *admissions)
{
	if (!admissions)
		return;
	pthread_mutex_destroy(&admissions->lock);
	close_descriptor(&admissions->file);
	free(admissions->entries);
	free(admissions->heads);
	free(admissions);
}

static void put(struct admissions *admissions, uint32_t number, enum admission_kind kind,
		const char *key)
{
	struct entry *entry = &admissions->entries[number - 1];
	uint32_t *head = head_of(admissions, kind, key);

	entry->used = true;
	entry->epoch = admissions->epoch;
	entry->admission.kind = kind;
	snprintf(entry->admission.key, sizeof(entry->admission.key), "%s", key);
	entry->next = *head;
	*head = number;
	admissions->held++;
}

static uint32_t take_free(struct admissions *admissions)
{
	uint32_t number = admissions->free_head;

	if (number != 0) {
		admissions->free_head = admissions->entries[number - 1].next;
		return number;
	}
	return admissions->next_unused < admissions->capacity ? ++admissions->next_unused : 0;
}

static uint32_t find(const struct admissions *admissions, enum admission_kind kind, const char *key)
{
	uint32_t number = *head_of(admissions, kind, key);

	while (number != 0) {
		const struct entry *entry = &admissions->entries[number - 1];

		if (entry->admission.kind == kind && strcmp(entry->admission.key, key) == 0)
			break;
		number = entry->next;
	}
	return number;
}

#define LINE_MAX_SIZE (sizeof(((struct admission *)NULL)->key) + 32)

static const char *const s_kind_words[] = {
	[ADMISSION_NAME] = "name",
	[ADMISSION_RULE] = "rule",
	[ADMISSION_NAMELESS] = "nameless",
	[ADMISSION_OUTER] = "outer",
};

#define KIND_COUNT (sizeof(s_kind_words) / sizeof(s_kind_words[0]))

static int format_line(char line[LINE_MAX_SIZE], uint32_t number, enum admission_kind kind,
		       const char *key)
{
	return snprintf(line, LINE_MAX_SIZE, "%u %s %s\n", number, s_kind_words[kind], key);
}

/* A full disk may take half of a line, and the next one would be read as its end: nothing is added
   then until the file is written anew. */
static void keep(struct admissions *admissions, uint32_t number, enum admission_kind kind,
		 const char *key)
{
	char line[LINE_MAX_SIZE];
	int length = format_line(line, number, kind, key);

	if (admissions->file < 0)
		return;
	if (admissions->unkept > 0 || write(admissions->file, line, (size_t)length) != length)
		admissions->unkept++;
}

int admissions_number(struct admissions *admissions, enum admission_kind kind, const char *key,
		      uint32_t *ret_number)
{
	uint32_t number;

	if (strlen(key) >= sizeof(((struct admission *)NULL)->key))
		return -ENAMETOOLONG;
	pthread_mutex_lock(&admissions->lock);
	number = find(admissions, kind, key);
	if (number != 0) {
		admissions->entries[number - 1].epoch = admissions->epoch;
	} else {
		number = take_free(admissions);
		if (number != 0) {
			put(admissions, number, kind, key);
			keep(admissions, number, kind, key);
		}
	}
	pthread_mutex_unlock(&admissions->lock);
	if (number == 0)
		return -ENOSPC;
	*ret_number = number;
	return 0;
}

/* The lock protects the table, not its meaning: readers of a const table take it too. */
static pthread_mutex_t *lock_of(const struct admissions *admissions)
{
	return &((struct admissions *)(uintptr_t)admissions)->lock;
}

bool admissions_find(const struct admissions *admissions, uint32_t number,
		     struct admission *ret_admission)
{
	bool found;

	pthread_mutex_lock(lock_of(admissions));
	found = number >= 1 && number <= admissions->next_unused &&
		admissions->entries[number - 1].used;
	if (found)
		*ret_admission = admissions->entries[number - 1].admission;
	pthread_mutex_unlock(lock_of(admissions));
	return found;
}

uint64_t admissions_sweep_begin(struct admissions *admissions)
{
	uint64_t begin;

	pthread_mutex_lock(&admissions->lock);
	begin = ++admissions->epoch;
	pthread_mutex_unlock(&admissions->lock);
	return begin;
}

static void give_up(struct admissions *admissions, uint32_t number)
{
	struct entry *entry = &admissions->entries[number - 1];
	uint32_t *link = head_of(admissions, entry->admission.kind, entry->admission.key);
	uint32_t *list = admissions->file < 0 ? &admissions->free_head : &admissions->withheld_head;

	while (*link != number)
		link = &admissions->entries[*link - 1].next;
	*link = entry->next;
	entry->used = false;
	entry->next = *list;
	*list = number;
	admissions->held--;
}

void admissions_sweep_end(struct admissions *admissions, uint64_t begin,
			  bool (*in_use)(void *context, uint32_t number), void *context)
{
	pthread_mutex_lock(&admissions->lock);
	for (uint32_t number = 1; number <= admissions->next_unused; number++) {
		const struct entry *entry = &admissions->entries[number - 1];

		if (entry->used && entry->epoch < begin && !in_use(context, number))
			give_up(admissions, number);
	}
	pthread_mutex_unlock(&admissions->lock);
}

uint32_t admissions_held(const struct admissions *admissions)
{
	uint32_t held;

	pthread_mutex_lock(lock_of(admissions));
	held = admissions->held;
	pthread_mutex_unlock(lock_of(admissions));
	return held;
}

uint64_t admissions_unkept(const struct admissions *admissions)
{
	uint64_t unkept;

	pthread_mutex_lock(lock_of(admissions));
	unkept = admissions->unkept;
	pthread_mutex_unlock(lock_of(admissions));
	return unkept;
}

uint32_t admissions_capacity(const struct admissions *admissions)
{
	return admissions->capacity;
}

/* --------------------------------------------------- on disk: "number kind key" */

static int write_whole(const struct admissions *admissions, const char *path)
{
	struct text text = TEXT_EMPTY;
	int error;

	text_add(&text, FIRST_LINE "\n");
	for (uint32_t number = 1; number <= admissions->next_unused; number++) {
		const struct entry *entry = &admissions->entries[number - 1];
		char line[LINE_MAX_SIZE];

		if (!entry->used)
			continue;
		format_line(line, number, entry->admission.kind, entry->admission.key);
		text_add(&text, line);
	}
	error = text_failed(&text) ? -ENOMEM : state_file_write(path, text.data, text.length);
	text_free(&text);
	return error;
}

static void release_withheld(struct admissions *admissions)
{
	while (admissions->withheld_head != 0) {
		uint32_t number = admissions->withheld_head;
		struct entry *entry = &admissions->entries[number - 1];

		admissions->withheld_head = entry->next;
		entry->next = admissions->free_head;
		admissions->free_head = number;
	}
}

/* The lock is held over the write, so that no number is given in between and missed. */
int admissions_keep(struct admissions *admissions, const char *path)
{
	int error, file = -1;

	pthread_mutex_lock(&admissions->lock);
	error = write_whole(admissions, path);
	if (error == 0)
		file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (error == 0 && file < 0)
		error = -errno;
	if (error == 0) {
		close_descriptor(&admissions->file);
		admissions->file = file;
		admissions->unkept = 0;
		release_withheld(admissions);
	}
	pthread_mutex_unlock(&admissions->lock);
	return error;
}

/* A later line takes the number, or the key, away from an earlier one. */
static void forget_line(struct admissions *into, uint32_t number, enum admission_kind kind,
			const char *key)
{
	uint32_t other = find(into, kind, key);

	if (into->entries[number - 1].used)
		give_up(into, number);
	if (other != 0 && other != number)
		give_up(into, other);
}

/* The key behind the word of its kind; NULL: no such word. */
static const char *find_key(const char *words, enum admission_kind *ret_kind)
{
	size_t length = strcspn(words, " ");

	for (size_t i = 0; words[length] && i < KIND_COUNT; i++)
		if (strlen(s_kind_words[i]) == length &&
		    strncmp(words, s_kind_words[i], length) == 0) {
			*ret_kind = (enum admission_kind)i;
			return words + length + 1;
		}
	return NULL;
}

/* A number outside the capacity (which may have been made smaller) is left out: its flows are then
   judged as unknown. */
static int load_line(struct admissions *into, char *line)
{
	char *space = strchr(line, ' '), *end;
	unsigned long number = strtoul(line, &end, 10);
	enum admission_kind kind;
	const char *key;

	if (!space || end != space || *line < '1' || *line > '9' || number > ADMISSION_MAX)
		return -EBADMSG;
	key = find_key(space + 1, &kind);
	if (!key || *key == '\0' || strlen(key) >= sizeof(((struct admission *)NULL)->key))
		return -EBADMSG;
	if (number > into->capacity)
		return 0;
	forget_line(into, (uint32_t)number, kind, key);
	put(into, (uint32_t)number, kind, key);
	if (number > into->next_unused)
		into->next_unused = (uint32_t)number;
	return 0;
}

/* Numbers below next_unused that no line gave are free. */
static void chain_the_gaps(struct admissions *admissions)
{
	admissions->free_head = 0;
	for (uint32_t number = admissions->next_unused; number >= 1; number--)
		if (!admissions->entries[number - 1].used) {
			admissions->entries[number - 1].next = admissions->free_head;
			admissions->free_head = number;
		}
}

static int load_body(struct admissions *into, char *body)
{
	char *line;
	int torn = 0;

	while ((line = state_file_line(&body, &torn))) {
		int error = load_line(into, line);

		if (error < 0)
			return error;
	}
	chain_the_gaps(into);
	(void)torn; /* the line that a dying host did not finish */
	return 0;
}

DEFINE_CLEANUP(free_admissions, struct admissions *, admissions_free);

int admissions_load(struct admissions *admissions, const char *path)
{
	cleanup(free_memory) char *content = NULL;
	cleanup(free_admissions) struct admissions *loaded = NULL;
	struct admissions old;
	char *body;
	int error = state_file_read(path, FIRST_LINE, &content, &body);

	if (error < 0)
		return error;
	loaded = admissions_new(admissions->capacity);
	if (!loaded)
		return -ENOMEM;
	error = load_body(loaded, body);
	if (error < 0)
		return error;
	/* Only at start-up, before anyone else knows the table: the whole content changes hands. */
	old = *admissions;
	*admissions = *loaded;
	*loaded = old;
	return 0;
}
