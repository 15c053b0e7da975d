/*
 * Two mappings, never reserved. What was given back last is taken first, so the memory in use
 * follows the most sessions there ever were at once, 2.3 KB each, and the most that held bytes at
 * once: buffers are 82 KB, of which a session touches what it needs, for a hello about 16 KB.
 */
#include "proxy/session_table_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assertion.h"

struct session_table {
	struct session *sessions;
	struct session_buffers *buffers;
	size_t capacity, count;
	size_t untouched, untouched_buffers; /* from here on they were never used */
	struct session *free;                /* linked by `newer` */
	struct session_buffers *free_buffers;
	struct session *first, *last;
};

/* NULL: out of memory. */
static void *map(size_t count, size_t size_of_one)
{
	size_t size;
	void *room;

	if (__builtin_mul_overflow(count, size_of_one, &size)) {
		errno = ENOMEM;
		return NULL;
	}
	room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	(void)madvise(room, size,
		      MADV_NOHUGEPAGE); /* a huge page would touch those of 24 sessions */
	return room;
}

struct session_table *session_table_new(size_t capacity)
{
	struct session_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->capacity = capacity;
	table->sessions = map(capacity, sizeof(*table->sessions));
	table->buffers = map(capacity, sizeof(*table->buffers));
	if (!table->sessions || !table->buffers) {
		session_table_free(table);
		return NULL;
	}
	return table;
}

void session_table_free(struct session_table *table)
{
	if (!table)
		return;
	invariant(table->count == 0);
	if (table->sessions)
		munmap(table->sessions, table->capacity * sizeof(*table->sessions));
	if (table->buffers)
		munmap(table->buffers, table->capacity * sizeof(*table->buffers));
	free(table);
}

struct session *session_table_take(struct session_table *table)
{
	struct session *session = table->free;

	if (session)
		table->free = session->newer;
	else if (table->untouched < table->capacity)
		session = &table->sessions[table->untouched++];
	else
		return NULL;
	memset(session, 0, sizeof(*session));
	session->older = table->last;
	if (table->last)
		table->last->newer = session;
	else
		table->first = session;
	table->last = session;
	table->count++;
	return session;
}

void session_table_give_back(struct session_table *table, struct session *session)
{
	invariant(table->count > 0);
	if (session->older)
		session->older->newer = session->newer;
	else
		table->first = session->newer;
	if (session->newer)
		session->newer->older = session->older;
	else
		table->last = session->older;
	session->newer = table->free;
	table->free = session;
	table->count--;
}

struct session *session_table_first(const struct session_table *table)
{
	return table->first;
}

size_t session_table_count(const struct session_table *table)
{
	return table->count;
}

struct session_buffers *session_table_lend_buffers(struct session_table *table)
{
	struct session_buffers *buffers = table->free_buffers;

	if (!buffers) {
		invariant(table->untouched_buffers < table->capacity);
		return &table->buffers[table->untouched_buffers++];
	}
	table->free_buffers = buffers->next_free;
	return buffers;
}

void session_table_take_buffers_back(struct session_table *table, struct session_buffers *buffers)
{
	buffers->next_free = table->free_buffers;
	table->free_buffers = buffers;
}
