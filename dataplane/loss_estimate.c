#include "dataplane/loss_estimate.h"

#include <math.h>

#define LOW_RATIO 0.02
#define HIGH_RATIO 0.10
#define INTERVAL_US 250000u
#define INTERVAL_PACKETS 20u
#define INTERVAL_MAX_US 2000000u
#define CUT_WAIT_US 300000u
#define INCREASE_PER_S 1.08
#define LIFT 1.5       /* a bound that far above what is allowed binds nothing any more */
#define UNCHANGED 0.75 /* of the loss before a cut, after it */
#define OWN_RATIO_MAX 0.5
#define SMOOTHING 0.3
#define MASSIVE_RATIO 0.3
#define OF_ACKED 0.95
#define QUEUE_US 80000u

void loss_estimate_init(struct loss_estimate *loss)
{
    *loss = (struct loss_estimate){0};
}

/* What the last cut has brought: a queue that overflows would have lost about half as much. */
static void learn(struct loss_estimate *loss, const struct loss_path *path)
{
    if (loss->cut_ratio > 0 && loss->ratio >= UNCHANGED * loss->cut_ratio && path->queue_us < QUEUE_US)
        loss->own_ratio = fmin((loss->ratio + loss->cut_ratio) / 2, OWN_RATIO_MAX);
    loss->cut_ratio = 0;
}

static void cut(struct loss_estimate *loss, double excess, const struct loss_path *path, uint64_t now_us)
{
    double from_bps = loss->bound_bps > 0 ? fmin(loss->bound_bps, path->rate_bps) : path->rate_bps;
    double to_bps = from_bps * (1 - excess / 2);

    if (path->acked_bps != 0 && excess > MASSIVE_RATIO)
        to_bps = path->acked_bps * OF_ACKED; /* what comes through is known */
    else
        to_bps = fmax(to_bps, path->acked_bps * OF_ACKED);
    loss->bound_bps = fmin(to_bps, from_bps);
    loss->cut_ratio = loss->ratio;
    loss->cut_us = now_us;
}

static bool judge(struct loss_estimate *loss, double passed_s, const struct loss_path *path, uint64_t now_us)
{
    bool is_settled = loss->cut_us == 0 || now_us - loss->cut_us >= CUT_WAIT_US + path->rtt_us;

    loss->smoothed += SMOOTHING * (loss->ratio - loss->smoothed);
    if (is_settled)
        learn(loss, path);
    if (loss->smoothed < loss->own_ratio)
        loss->own_ratio += SMOOTHING * (loss->smoothed - loss->own_ratio);
    if (loss->ratio - loss->own_ratio > HIGH_RATIO) {
        if (is_settled)
            cut(loss, loss->ratio - loss->own_ratio, path, now_us);
        return is_settled;
    }
    if (loss->smoothed - loss->own_ratio < LOW_RATIO && loss->bound_bps > 0) {
        loss->bound_bps *= pow(INCREASE_PER_S, passed_s);
        if (loss->bound_bps > LIFT * path->rate_bps && is_settled)
            loss->bound_bps = 0;
    }
    return false;
}

bool loss_estimate_update(struct loss_estimate *loss, uint32_t packets, uint32_t lost, uint32_t late,
                          const struct loss_path *path, uint64_t now_us)
{
    if (loss->begin_us == 0)
        loss->begin_us = now_us;
    loss->packets += packets;
    loss->lost += lost;
    loss->lost -= loss->lost < late ? loss->lost : late;
    uint64_t passed_us = now_us - loss->begin_us;
    if (passed_us < INTERVAL_US || (loss->packets < INTERVAL_PACKETS && passed_us < INTERVAL_MAX_US) ||
        loss->packets == 0)
        return false;
    loss->ratio = (double)loss->lost / loss->packets;
    loss->packets = loss->lost = 0;
    loss->begin_us = now_us;
    return judge(loss, fmin((double)passed_us / 1e6, 1), path, now_us);
}

void loss_estimate_raise(struct loss_estimate *loss, uint32_t rate_bps)
{
    if (loss->bound_bps > 0 && loss->bound_bps < rate_bps)
        loss->bound_bps = rate_bps;
}

uint32_t loss_estimate_bound_bps(const struct loss_estimate *loss)
{
    return loss->bound_bps > 0 && loss->bound_bps < LOSS_ESTIMATE_UNBOUNDED ? (uint32_t)loss->bound_bps
                                                                            : LOSS_ESTIMATE_UNBOUNDED;
}
