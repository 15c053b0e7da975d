/*
 * Loaded before a program (LD_PRELOAD): its FAIL_AT-th call for memory fails, whoever makes it, the
 * libraries too. With FAIL_AT 0 none does, and the number of calls goes to descriptor FAIL_TELL.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

static atomic_ulong s_calls, s_fails_at;

static bool is_gone(void)
{
	if (atomic_fetch_add(&s_calls, 1) + 1 != atomic_load(&s_fails_at))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return is_gone() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return is_gone() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return is_gone() ? NULL : __libc_realloc(old, size);
}

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("FAIL_AT");

	atomic_store(&s_calls, 0);
	atomic_store(&s_fails_at, at ? strtoul(at, NULL, 10) : 0);
}

__attribute__((destructor)) static void end(void)
{
	const char *tell = getenv("FAIL_TELL");

	if (tell)
		dprintf((int)strtol(tell, NULL, 10), "%lu", atomic_load(&s_calls));
}
