/* The monotonic clock in nanoseconds, which all times here are of. */
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_MS_NS UINT64_C(1000000)
#define CLOCK_SECOND_NS UINT64_C(1000000000)

static inline uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}
