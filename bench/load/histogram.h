/*
 * How long things took: counts in buckets whose width grows with the time (64 to each doubling, so
 * a quantile is right to 1.6 %). Adding costs a few instructions; one histogram a thread, merged at
 * the end.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_STEPS   64 /* to each doubling */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 42)

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t longest_ns;
};

void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The time that `share` (0 to 1) of all took at most, in microseconds; 0: nothing was added. */
double histogram_quantile_us(const struct histogram *histogram, double share);
