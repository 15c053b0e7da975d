#include "histogram.h"

/* Times below HISTOGRAM_STEPS have a bucket each; above, the leading bits choose it. */
static unsigned int bucket_of(uint64_t ns)
{
	if (ns < HISTOGRAM_STEPS)
		return (unsigned int)ns;
	unsigned int doublings = (unsigned int)(63 - __builtin_clzll(ns)) - 6;
	unsigned int bucket = (doublings + 1) * HISTOGRAM_STEPS +
			      (unsigned int)(ns >> doublings & (HISTOGRAM_STEPS - 1));

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static double time_of(unsigned int bucket)
{
	if (bucket < HISTOGRAM_STEPS)
		return bucket;
	unsigned int doublings = bucket / HISTOGRAM_STEPS - 1;
	uint64_t low = (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << doublings;

	return (double)low + (double)(1ull << doublings) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	histogram->counts[bucket_of(ns)]++;
	histogram->total++;
	if (ns > histogram->longest_ns)
		histogram->longest_ns = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	if (from->longest_ns > into->longest_ns)
		into->longest_ns = from->longest_ns;
}

double histogram_quantile_us(const struct histogram *histogram, double share)
{
	double wanted = share * (double)histogram->total, seen = 0;

	for (unsigned int i = 0; histogram->total && i < HISTOGRAM_BUCKETS; i++) {
		seen += (double)histogram->counts[i];
		if (seen >= wanted && histogram->counts[i])
			return time_of(i) / 1000;
	}
	return 0;
}
