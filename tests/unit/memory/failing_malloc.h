/*
 * Memory that runs out, at every place where it is asked for.
 *
 * The linker leads the program's own calls of malloc() and its relatives here (--wrap, see
 * meson.build). What libraries take for themselves does not fail: some of them do not bear it (the
 * reader of libjansson 2.14 crashes).
 * An operation is run once to write down from where it asks; then once more for each distinct call
 * stack, for its first and its last time, with that one call failing, and with all from there on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an operation gave: compared between runs. */
struct harvest {
	uint64_t hash;
	size_t length;
};

void harvest_bytes(struct harvest *harvest, const void *bytes, size_t length);
void harvest_text(struct harvest *harvest, const char *text); /* NULL: like "" */

/*
 * 0: all of it was done, and `harvest` holds what came of it; negative: it failed, and said so.
 * Frees all that it made. What is not to fail in it is put between memory_fails(false) and (true).
 */
typedef int memory_operation(void *context, struct harvest *harvest);

/* Of this thread. One thread at a time may have it on. */
void memory_fails(bool fails);

/* For operations that look closer: tells, and the test fails when all sites were tried. */
void memory_fault(const char *what);

/*
 * Fails the test when an operation says that all is well and gave something else than with memory
 * enough.
 */
void memory_try_every_site(const char *name, memory_operation *operation, void *context);

/* How often it asks. */
size_t memory_count(memory_operation *operation, void *context);
