#include "dataplane/stages.h"

#include <string.h>

#define TICKS_PER_US_BEFORE_CALIBRATION 1000u /* for the first moments */

void stages_init(struct stages *stages, uint64_t now_us)
{
    memset(stages, 0, sizeof(*stages));
    stages->begun = stages->calibrated_ticks = stages_ticks();
    stages->calibrated_us = now_us;
    stages->current = STAGE_idle;
    stages->totals.ticks_per_ms = TICKS_PER_US_BEFORE_CALIBRATION * 1000;
}

void stages_end_round(struct stages *stages, bool had_work)
{
    stages_enter(stages, STAGE_idle);
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        stages->totals.ticks[had_work ? i : STAGE_idle] += stages->round[i];
        stages->round[i] = 0;
    }
    stages->received = 0;
}

void stages_received(struct stages *stages, uint32_t packets)
{
    unsigned bucket = packets <= 1 ? 0 : 32u - (unsigned)__builtin_clz(packets - 1);

    if (packets == 0)
        return;
    stages->received = stages->begun;
    stages->totals.batches[bucket < STATISTICS_BATCHES ? bucket : STATISTICS_BATCHES - 1]++;
}

void stages_sent(struct stages *stages, uint64_t packets)
{
    if (stages->received == 0 || packets == 0)
        return;
    uint64_t ticks = stages->begun - stages->received;
    histogram_add(&stages->totals.latency, ticks * 1000 / stages->totals.ticks_per_ms, packets);
}

void stages_calibrate(struct stages *stages, uint64_t now_us)
{
    uint64_t passed_us = now_us - stages->calibrated_us;

    if (passed_us >= 1000)
        stages->totals.ticks_per_ms =
            (uint32_t)((stages_ticks() - stages->calibrated_ticks) / (passed_us / 1000));
    if (stages->totals.ticks_per_ms == 0)
        stages->totals.ticks_per_ms = 1;
}
