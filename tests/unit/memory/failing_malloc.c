#include "failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH     16
#define SITES_MAX 8192

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
__attribute__((format(printf, 2, 3))) int __wrap_asprintf(char **ret_text, const char *format, ...);
__attribute__((format(printf, 2, 0))) int __wrap_vasprintf(char **ret_text, const char *format,
							   va_list arguments);

/* By call stack: the first and the last time that it asked. */
struct site {
	uint64_t stack;
	size_t first, last;
};

/* In the threads that have switched it on. One at a time: nothing here is locked. */
static _Thread_local bool s_on;

static struct {
	bool recording;
	bool for_good;   /* all from `fails_at` on, not only that one */
	size_t fails_at; /* from 1; 0: none */
	size_t calls;
	bool failed;
	void *frames[DEPTH]; /* of the first that failed */
	int depth;
	size_t faults;
	struct site sites[SITES_MAX];
	size_t site_count;
} s_memory;

/* ------------------------------------------------------------------------ the failing */

static void record(void)
{
	void *frames[DEPTH];
	int depth = backtrace(frames, DEPTH);
	uint64_t stack = 0xcbf29ce484222325u;

	for (int i = 2; i < depth; i++)
		stack = (stack ^ (uintptr_t)frames[i]) * 0x100000001b3u;
	for (size_t i = 0; i < s_memory.site_count; i++) {
		if (s_memory.sites[i].stack != stack)
			continue;
		s_memory.sites[i].last = s_memory.calls;
		return;
	}
	assert_true(s_memory.site_count < SITES_MAX);
	s_memory.sites[s_memory.site_count++] =
		(struct site){stack, s_memory.calls, s_memory.calls};
}

static bool is_gone(void)
{
	bool gone;

	if (!s_on)
		return false;
	s_memory.calls++;
	if (s_memory.recording)
		record();
	gone = s_memory.fails_at > 0 && (s_memory.for_good ? s_memory.calls >= s_memory.fails_at
							   : s_memory.calls == s_memory.fails_at);
	if (!gone)
		return false;
	if (!s_memory.failed)
		s_memory.depth = backtrace(s_memory.frames, DEPTH);
	s_memory.failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_gone() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_gone() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_gone() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return is_gone() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strndup(const char *text, size_t length)
{
	size_t taken = strnlen(text, length);
	char *copy = is_gone() ? NULL : __real_malloc(taken + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, taken);
	copy[taken] = '\0';
	return copy;
}

char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, SIZE_MAX);
}

/* On failure the pointer is left undefined, as the manual says: whoever frees it then, crashes. */
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	*ret_text = (char *)(uintptr_t)0xdeadbeef;
	if (is_gone())
		return -1;
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = length < 0 ? NULL : __real_malloc((size_t)length + 1);
	if (!text)
		return -1;
	vsnprintf(text, (size_t)length + 1, format, arguments);
	*ret_text = text;
	return length;
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __wrap_vasprintf(ret_text, format, arguments);
	va_end(arguments);
	return length;
}

/* ------------------------------------------------------------------------- the trying */

void harvest_bytes(struct harvest *harvest, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		harvest->hash = (harvest->hash ^ at[i]) * 0x100000001b3u;
	harvest->length += length;
}

void harvest_text(struct harvest *harvest, const char *text)
{
	harvest_bytes(harvest, text ? text : "", text ? strlen(text) + 1 : 1);
}

void memory_fails(bool fails)
{
	s_on = fails;
}

static int run(memory_operation *operation, void *context, struct harvest *harvest)
{
	int result;

	*harvest = (struct harvest){0};
	s_memory.calls = 0;
	s_memory.failed = false;
	s_on = true;
	result = operation(context, harvest);
	s_on = false;
	return result;
}

void memory_fault(const char *what)
{
	print_message("# %s; allocation %zu failed%s (addr2line knows where):\n", what,
		      s_memory.fails_at, s_memory.for_good ? ", and all after it" : "");
	fflush(stdout);
	backtrace_symbols_fd(s_memory.frames, s_memory.depth, STDERR_FILENO);
	s_memory.faults++;
}

static void try_one(memory_operation *operation, void *context, const struct harvest *whole,
		    size_t fails_at)
{
	struct harvest harvest;
	int result;

	s_memory.fails_at = fails_at;
	result = run(operation, context, &harvest);
	if (result == 0 && (harvest.hash != whole->hash || harvest.length != whole->length))
		memory_fault("all is said to be well, but not all is there");
	if (result < 0 && !s_memory.failed)
		memory_fault("it failed though it got all that it asked for");
	s_memory.fails_at = 0;
}

void memory_try_every_site(const char *name, memory_operation *operation, void *context)
{
	struct harvest whole, again;
	void *frame;

	(void)backtrace(&frame, 1); /* loads what it needs */
	assert_int_equal(run(operation, context, &again), 0);
	s_memory.site_count = s_memory.faults = 0;
	s_memory.recording = true;
	assert_int_equal(run(operation, context, &whole), 0);
	s_memory.recording = false;
	assert_true(whole.hash == again.hash && s_memory.site_count > 0);
	for (size_t i = 0; i < s_memory.site_count; i++) {
		const struct site *site = &s_memory.sites[i];

		for (int mode = 0; mode < 2; mode++) {
			s_memory.for_good = mode == 1;
			try_one(operation, context, &whole, site->first);
			if (site->last != site->first)
				try_one(operation, context, &whole, site->last);
		}
	}
	print_message("# %s: %zu sites\n", name, s_memory.site_count);
	if (s_memory.faults > 0)
		fail_msg("%s: %zu faults", name, s_memory.faults);
}

size_t memory_count(memory_operation *operation, void *context)
{
	struct harvest harvest;

	assert_int_equal(run(operation, context, &harvest), 0);
	return s_memory.calls;
}
