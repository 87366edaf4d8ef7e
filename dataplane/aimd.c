#include "dataplane/aimd.h"

#include <math.h>

#define DECREASE 0.85
#define INCREASE_PER_S 1.08
#define INCREASE_MIN_BPS 1000.0
#define BEYOND_ACKED 1.5
#define BEYOND_ACKED_BPS 10000.0
#define BEYOND_ACKED_NEAR 1.08 /* where the capacity is known */
#define OF_CAPACITY 0.95
#define NEAR_MIN_BPS_PER_S 4000.0
#define FRAMES_PER_S 30.0
#define PACKET_BITS (1200.0 * 8)
#define RESPONSE_US 100000.0 /* until an overuse is found, besides the RTT */
#define CAPACITY_WEIGHT 0.05
#define CAPACITY_DEVIATIONS 3.0
#define VARIANCE_MIN 0.4
#define VARIANCE_MAX 2.5
#define REDUCE_MIN_US 10000u
#define REDUCE_MAX_US 200000u

enum state { STATE_HOLD, STATE_INCREASE };

void aimd_init(struct aimd *aimd, uint32_t start_bps)
{
    *aimd = (struct aimd){.rate_bps = start_bps, .rtt_us = AIMD_RTT_US};
}

static double capacity_deviation_kbps(const struct aimd *aimd)
{
    return CAPACITY_DEVIATIONS * sqrt(aimd->capacity_variance * aimd->capacity_kbps);
}

static void see_capacity(struct aimd *aimd, double acked_bps)
{
    double sample_kbps = acked_bps / 1000;

    if (aimd->capacity_kbps <= 0) {
        aimd->capacity_kbps = fmax(sample_kbps, 1);
        aimd->capacity_variance = VARIANCE_MIN;
        return;
    }
    double error_kbps = aimd->capacity_kbps - sample_kbps;
    aimd->capacity_kbps = fmax(aimd->capacity_kbps - CAPACITY_WEIGHT * error_kbps, 1);
    double variance = (1 - CAPACITY_WEIGHT) * aimd->capacity_variance +
                      CAPACITY_WEIGHT * error_kbps * error_kbps / aimd->capacity_kbps;
    aimd->capacity_variance = fmin(fmax(variance, VARIANCE_MIN), VARIANCE_MAX);
}

/* Near its capacity: a packet more in the time that it takes to see what came of it. */
static double near_increase_bps_per_s(const struct aimd *aimd)
{
    double frame_bits = aimd->rate_bps / FRAMES_PER_S;
    double packet_bits = frame_bits / fmax(ceil(frame_bits / PACKET_BITS), 1);
    double response_s = (aimd->rtt_us + RESPONSE_US) / 1e6;

    return fmax(packet_bits / response_s, NEAR_MIN_BPS_PER_S);
}

static void increase(struct aimd *aimd, uint32_t acked_bps, uint64_t now_us)
{
    double passed_s = fmin((double)(now_us - aimd->changed_us) / 1e6, 1);
    double limit_bps = acked_bps * BEYOND_ACKED + BEYOND_ACKED_BPS;
    double more_bps;

    if (aimd->capacity_kbps > 0 && acked_bps / 1000.0 > aimd->capacity_kbps + capacity_deviation_kbps(aimd))
        aimd->capacity_kbps = 0;
    if (aimd->capacity_kbps > 0) {
        more_bps = near_increase_bps_per_s(aimd) * passed_s;
        limit_bps = fmax(acked_bps * BEYOND_ACKED_NEAR, aimd->capacity_kbps * 1000 * OF_CAPACITY);
    } else {
        more_bps = fmax(aimd->rate_bps * (pow(INCREASE_PER_S, passed_s) - 1), INCREASE_MIN_BPS * passed_s);
    }
    if (aimd->rate_bps < limit_bps)
        aimd->rate_bps = fmin(aimd->rate_bps + more_bps, limit_bps);
    aimd->changed_us = now_us;
}

bool aimd_may_decrease(const struct aimd *aimd, uint64_t now_us)
{
    uint64_t wait_us = aimd->rtt_us < REDUCE_MIN_US   ? REDUCE_MIN_US
                       : aimd->rtt_us > REDUCE_MAX_US ? REDUCE_MAX_US
                                                      : aimd->rtt_us;

    return aimd->decreased_us == 0 || now_us - aimd->decreased_us >= wait_us;
}

static bool decrease(struct aimd *aimd, uint32_t acked_bps, uint64_t now_us)
{
    if (!aimd_may_decrease(aimd, now_us) && acked_bps >= aimd->rate_bps / 2)
        return false;
    double before_bps = aimd->rate_bps;
    double acked = acked_bps != 0 ? acked_bps : aimd->rate_bps / 2;
    double rate_bps = acked * DECREASE;

    if (rate_bps > aimd->rate_bps && aimd->capacity_kbps > 0)
        rate_bps = aimd->capacity_kbps * 1000 * DECREASE;
    if (rate_bps < aimd->rate_bps)
        aimd->rate_bps = rate_bps;
    if (acked_bps != 0) {
        if (aimd->capacity_kbps > 0 &&
            acked_bps / 1000.0 < aimd->capacity_kbps - capacity_deviation_kbps(aimd))
            aimd->capacity_kbps = 0;
        see_capacity(aimd, acked_bps);
    }
    aimd->state = STATE_HOLD;
    aimd->changed_us = aimd->decreased_us = now_us;
    return aimd->rate_bps < before_bps;
}

bool aimd_update(struct aimd *aimd, enum overuse_state overuse, uint32_t acked_bps, uint64_t now_us)
{
    if (aimd->changed_us == 0)
        aimd->changed_us = now_us;
    switch (overuse) {
    case OVERUSE_OVERUSING:
        return decrease(aimd, acked_bps, now_us);
    case OVERUSE_UNDERUSING: /* queues are emptying: wait until they are empty */
        aimd->state = STATE_HOLD;
        return false;
    case OVERUSE_NORMAL:
        if (aimd->state == STATE_HOLD) {
            aimd->state = STATE_INCREASE;
            aimd->changed_us = now_us;
        }
        if (acked_bps != 0)
            increase(aimd, acked_bps, now_us);
        return false;
    }
    return false;
}

void aimd_found_capacity(struct aimd *aimd, uint32_t capacity_bps)
{
    double error_kbps = aimd->capacity_kbps - capacity_bps / 1000.0;

    if (aimd->capacity_kbps > 0 && fabs(error_kbps) > capacity_deviation_kbps(aimd))
        aimd->capacity_kbps = 0;
    see_capacity(aimd, capacity_bps);
}

void aimd_set(struct aimd *aimd, uint32_t rate_bps, uint64_t now_us)
{
    aimd->rate_bps = rate_bps;
    aimd->changed_us = now_us;
}
