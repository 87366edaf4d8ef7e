/* What a worker spends its time on: the cycles of each stage (STATISTICS_STAGES), the sizes of its batches,
 * and how long packets took from the receive call that returned them until they were handed to the network.
 *
 * The time stamp counter is read when a stage begins, some ten times a round. The cycles of a round without
 * work are idle ones. */
#pragma once

#include <stdint.h>
#include <time.h>

#include "shm/statistics.h"

struct stages {
    uint64_t begun;    /* of the current stage */
    uint64_t received; /* when the packets at work were received; 0 = none are */
    enum statistics_stage current;
    uint64_t round[STAGE_COUNT];

    uint64_t calibrated_ticks; /* at the beginning, to know how long a tick is */
    uint64_t calibrated_us;
    struct statistics_stages totals;
};

static inline uint64_t stages_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* Returns the stage that was left, to be gone back to. */
static inline enum statistics_stage stages_enter(struct stages *stages, enum statistics_stage stage)
{
    uint64_t now = stages_ticks();
    enum statistics_stage left = stages->current;

    stages->round[left] += now - stages->begun;
    stages->begun = now;
    stages->current = stage;
    return left;
}

void stages_init(struct stages *stages, uint64_t now_us);

/* At the end of a round: what comes until the next one is idle. */
void stages_end_round(struct stages *stages, bool had_work);

/* So many packets were received by one call. */
void stages_received(struct stages *stages, uint32_t packets);

/* So many packets that were received in this round have left. */
void stages_sent(struct stages *stages, uint64_t packets);

/* Refreshes the length of a tick. */
void stages_calibrate(struct stages *stages, uint64_t now_us);
