/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of 64-bit values: exact below 128, and from there on
 * 64 buckets per power of two, so a percentile is at most 1.6 % too high.
 * Recording is a count of leading zeros and one increment.  One owner.
 */
#ifndef GO_BENCH_HISTOGRAM_H
#define GO_BENCH_HISTOGRAM_H

#include <stdint.h>
#include <string.h>

enum {
	HISTOGRAM_SUB = 64,
	HISTOGRAM_BUCKETS = HISTOGRAM_SUB * 59
};

struct histogram {
	uint64_t count;
	uint64_t max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* How far a value is shifted right so that 7 bits of it remain. */
static inline unsigned histogram_shift(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);

	return bits > 7 ? bits - 7 : 0;
}

static inline void histogram_record(struct histogram *h, uint64_t value)
{
	unsigned shift = histogram_shift(value);

	h->bucket[shift * HISTOGRAM_SUB + (unsigned)(value >> shift)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

/* The greatest value that falls into bucket i. */
static inline uint64_t histogram_limit(unsigned i)
{
	unsigned shift = i < 2 * HISTOGRAM_SUB ? 0 : i / HISTOGRAM_SUB - 1;
	uint64_t top = i - shift * HISTOGRAM_SUB;

	return ((top + 1) << shift) - 1;
}

/* The value that a share (0 to 1) of all recorded values does not exceed. */
static inline uint64_t histogram_quantile(const struct histogram *h,
					  double share)
{
	double wanted = share * (double)h->count;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen && (double)seen >= wanted)
			return histogram_limit(i) < h->max ? histogram_limit(i)
							   : h->max;
	}
	return h->max;
}

static inline void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof *h);
}

#endif
