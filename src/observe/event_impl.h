/* An event as one line of JSON, in a buffer of fixed size. */
#pragma once

#include "observe/event.h"

/*
 * Writes the line with its final '\n' (no NUL) and returns its length. It always fits: a label or
 * detail that is longer than its share of the line is cut and ends in "...".
 */
size_t event_format(const struct event *event, uint64_t wall_ms, char text[EVENT_LINE_SIZE]);
