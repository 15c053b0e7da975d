/*
 * Where events go. Whole lines, one or as many as fit into EVENT_LINE_SIZE, are one write() to a
 * descriptor opened for appending, so that lines of several threads never mix, and the descriptor
 * never blocks: when a pipe or socket is full or a disk has no room, they are counted as lost and
 * the verdicts stand.
 *
 * The descriptor's number never changes: reopening puts the new file under the old number
 * (dup3), which is atomic towards threads that are writing.
 *
 * When only a part was written (disk full) all its lines count as lost; the next write then starts
 * with a line end of its own, so that only the broken line is unreadable.
 *
 * SIGPIPE is the process's business: it must be ignored when standard output may be a pipe.
 */
#include "observe/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "observe/event_impl.h"

/* system calls: openat open dup3 dup2 fcntl write sendto close newfstatat fstat */

struct events {
	char *path; /* NULL: standard output */
	int descriptor;
	bool is_socket;
	atomic_bool torn; /* the last write left a line without its end */
	_Atomic uint64_t allowed, denied, lost;
	_Atomic uint64_t by_reason[REASON_COUNT];
};

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/*
 * A pipe or terminal is opened once more by its path under /proc, so that not blocking stays ours
 * alone and does not leak into whoever shares standard output with us. Regular files do not block,
 * and sockets are told at each send.
 */
static int open_standard_output(bool *ret_is_socket)
{
	struct stat status;

	if (fstat(STDOUT_FILENO, &status) < 0)
		return -1;
	*ret_is_socket = S_ISSOCK(status.st_mode);
	if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		int descriptor = open("/proc/self/fd/1",
				      O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

		if (descriptor >= 0)
			return descriptor;
	}
	return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

DEFINE_CLEANUP(close_events, struct events *, events_close);

struct events *events_open(const char *path)
{
	cleanup(close_events) struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->descriptor = -1;
	if (strcmp(path, "-") == 0) {
		events->descriptor = open_standard_output(&events->is_socket);
	} else {
		events->path = strdup(path);
		if (!events->path)
			return NULL;
		events->descriptor = open_file(path);
	}
	return events->descriptor < 0 ? NULL : take_pointer(events);
}

void events_close(struct events *events)
{
	int error = errno;

	if (!events)
		return;
	close_descriptor(&events->descriptor);
	free(events->path);
	free(events);
	errno = error; /* what events_open() failed with */
}

int events_reopen(struct events *events)
{
	if (!events->path)
		return 0;
	cleanup(close_descriptor) int descriptor = open_file(events->path);

	if (descriptor < 0)
		return -errno;
	while (dup3(descriptor, events->descriptor, O_CLOEXEC) < 0)
		if (errno != EINTR && errno != EBUSY)
			return -errno;
	atomic_store_explicit(&events->torn, false, memory_order_relaxed);
	return 0;
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static ssize_t write_once(const struct events *events, const char *bytes, size_t length)
{
	ssize_t written;

	do {
		if (events->is_socket)
			written = send(events->descriptor, bytes, length,
				       MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			written = write(events->descriptor, bytes, length);
	} while (written < 0 && errno == EINTR);
	return written;
}

/* The first `length` bytes of the lines, of which there are `count`. */
static void write_lines(struct events *events, struct event_lines *lines, size_t length,
			unsigned int count)
{
	bool torn = atomic_exchange_explicit(&events->torn, false, memory_order_relaxed);
	const char *start = lines->bytes + 1;

	if (torn) {
		lines->bytes[0] = '\n';
		start--;
		length++;
	}
	ssize_t written = write_once(events, start, length);

	if (written == (ssize_t)length)
		return;
	atomic_fetch_add_explicit(&events->lost, count, memory_order_relaxed);
	if (torn || written > 0)
		atomic_store_explicit(&events->torn, true, memory_order_relaxed);
}

void events_write(struct events *events, struct event_lines *lines)
{
	if (lines->count > 0)
		write_lines(events, lines, lines->length, lines->count);
	lines->length = 0;
	lines->count = 0;
}

void events_gather(struct events *events, struct event_lines *lines, const struct event *event)
{
	char *line = lines->bytes + 1 + lines->length;
	size_t length = event_format(event, clock_wall_ms(), line);

	invariant((unsigned int)event->reason < REASON_COUNT);
	if (event->kind == EVENT_VERDICT) {
		count(event->action == RULE_ALLOW ? &events->allowed : &events->denied);
		count(&events->by_reason[event->reason]);
	}
	if (lines->length + length > EVENT_LINE_SIZE) {
		events_write(events, lines);
		memmove(lines->bytes + 1, line, length);
	}
	lines->length += length;
	lines->count++;
}

void events_emit(struct events *events, const struct event *event)
{
	struct event_lines lines;

	lines.length = 0;
	lines.count = 0;
	events_gather(events, &lines, event);
	events_write(events, &lines);
}

struct events_figures events_figures(const struct events *events)
{
	struct events_figures figures = {
		.allowed = atomic_load_explicit(&events->allowed, memory_order_relaxed),
		.denied = atomic_load_explicit(&events->denied, memory_order_relaxed),
		.lost = atomic_load_explicit(&events->lost, memory_order_relaxed),
	};

	for (size_t i = 0; i < REASON_COUNT; i++)
		figures.by_reason[i] =
			atomic_load_explicit(&events->by_reason[i], memory_order_relaxed);
	return figures;
}
