/* An event as one line of JSON, in a buffer of fixed size. */
#pragma once

#include "observe/event.h"

/* PIPE_BUF on Linux: a write of at most this many bytes to a pipe is whole or not at all. */
#define EVENT_LINE_SIZE 4096

/*
 * Writes the line with its final '\n' (no NUL) and returns its length. It always fits: a label or
 * detail that is longer than its share of the line is cut and ends in "...".
 */
size_t event_format(const struct event *event, uint64_t wall_ms, char text[EVENT_LINE_SIZE]);
