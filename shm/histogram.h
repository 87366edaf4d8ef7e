/* A histogram of durations, from 1 µs to 2 s, with 8 buckets to each power of two: no value is off by more
 * than an eighth. Counts only grow, so what happened between two readings is their difference. */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS 160u

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t us)
{
    if (us < 8)
        return (uint32_t)us;
    uint32_t power = 63u - (uint32_t)__builtin_clzll(us);
    uint64_t bucket = (power - 2) * 8 + (us >> (power - 3)) - 8;
    return bucket < HISTOGRAM_BUCKETS ? (uint32_t)bucket : HISTOGRAM_BUCKETS - 1;
}

/* The lowest duration that bucket counts. */
static inline uint64_t histogram_low_us(uint32_t bucket)
{
    if (bucket < 8)
        return bucket;
    return (uint64_t)(8 + bucket % 8) << (bucket / 8 - 1);
}

static inline void histogram_add(struct histogram *histogram, uint64_t us, uint64_t count)
{
    histogram->counts[histogram_bucket(us)] += count;
}

static inline uint64_t histogram_total(const struct histogram *histogram)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += histogram->counts[i];
    return total;
}

/* The duration that no more than share (0 to 1) of all stay below or at, rounded up to the end of its bucket;
 * 0 when there are none. */
static inline uint64_t histogram_quantile_us(const struct histogram *histogram, double share)
{
    uint64_t total = histogram_total(histogram);
    uint64_t seen = 0;

    if (total == 0)
        return 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if ((double)seen >= share * (double)total)
            return histogram_low_us(i + 1);
    }
    return histogram_low_us(HISTOGRAM_BUCKETS);
}
