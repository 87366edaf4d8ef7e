/* How often which duration occurred, as an HDR histogram has it: every power of two in 128 steps, so that a
 * percentile is right within 0.8 %, at a fixed size and a few instructions a value. */
#pragma once

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7u
#define HISTOGRAM_VALUE_BITS 40u /* longer than 18 minutes counts as that */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1u) << HISTOGRAM_STEP_BITS)

/* All zeroes is empty. */
struct histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value_ns);

/* Adds all of other. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

void histogram_clear(struct histogram *histogram);

/* The value that share (0 to 1) of all values are not above; never above max_ns. 0 while empty. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double share);

uint64_t histogram_mean_ns(const struct histogram *histogram);
