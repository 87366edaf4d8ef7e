/* Heartbeats: each thread that matters stores the time at which it last went round; whoever supervises it
 * looks. */
#pragma once

#include <stdatomic.h>

#include "shm/abi.h"

#define SHM_LIVENESS_CONTROL 0u
#define SHM_LIVENESS_FORWARDER 1u
#define SHM_LIVENESS_WORKER(n) (2u + (n))

struct shm_liveness {
    SHM_ALIGNED _Atomic uint64_t beat_us; /* CLOCK_MONOTONIC */
    _Atomic uint32_t pid;
    _Atomic uint32_t log_levels; /* of SHM_LIVENESS_CONTROL: shm/log_levels.h */
};
SHM_STATIC_SIZE(struct shm_liveness, 64);

static inline void liveness_beat(struct shm_liveness *liveness, uint64_t now_us)
{
    atomic_store_explicit(&liveness->beat_us, now_us, memory_order_relaxed);
}

/* Age of the last beat; 0 for one from the future. */
static inline uint64_t liveness_age_us(const struct shm_liveness *liveness, uint64_t now_us)
{
    uint64_t beat_us = atomic_load_explicit(&liveness->beat_us, memory_order_relaxed);
    return now_us > beat_us ? now_us - beat_us : 0;
}
