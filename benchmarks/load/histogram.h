/* Counts by value: 64 buckets for each power of two, so that a value is known to 1.6 %. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { SUB_BITS = 6, BUCKETS = (64 - SUB_BITS + 1) << SUB_BITS };

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total;
    uint64_t highest;
};

void histogram_clear(struct histogram *h);

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    int shift = 63 - __builtin_clzll(value | 1u << SUB_BITS) - SUB_BITS;
    h->counts[((uint64_t)shift << SUB_BITS) + (value >> shift)]++;
    h->total++;
    if (value > h->highest)
        h->highest = value;
}

/* The upper end of the bucket that holds this share (0 to 1) of the values; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double share);

#endif
