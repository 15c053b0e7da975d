/*
 * One mapping, never reserved: a session takes about 85 KB of it and touches what it needs, a TLS
 * tunnel about 20 KB. The session given back last is taken first, so the memory in use follows the
 * most sessions there ever were at once.
 */
#include "proxy/session_table_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assertion.h"

struct session_table {
	struct session *sessions;
	size_t capacity, count;
	size_t untouched;     /* sessions from here on were never used */
	struct session *free; /* linked by `newer` */
	struct session *first, *last;
};

struct session_table *session_table_new(size_t capacity)
{
	struct session_table *table;
	size_t size;
	void *room;

	if (__builtin_mul_overflow(capacity, sizeof(struct session), &size)) {
		errno = ENOMEM;
		return NULL;
	}
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (room == MAP_FAILED) {
		free(table);
		return NULL;
	}
	(void)madvise(room, size, MADV_NOHUGEPAGE); /* a huge page would touch 24 sessions */
	table->sessions = room;
	table->capacity = capacity;
	return table;
}

void session_table_free(struct session_table *table)
{
	if (!table)
		return;
	invariant(table->count == 0);
	munmap(table->sessions, table->capacity * sizeof(struct session));
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
	memset(session, 0, offsetof(struct session, reader));
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
