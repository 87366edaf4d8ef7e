/* The rate that loss allows (draft-ietf-rmcat-gcc-02 section 6): above 10 % of loss it is cut by half the
 * loss, below 2 % it grows by 8 % a second, between it holds.
 *
 * Loss that does not come from the rate must not take the rate: when a cut was not followed by less loss,
 * that much loss counts as the path's own, and only what exceeds it counts (the idea of libwebrtc's
 * LossBasedBweV2, "inherent loss", with one hypothesis instead of a fit). Where loss never asked for a cut,
 * there is no bound. Needs loss_estimate_init. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOSS_ESTIMATE_UNBOUNDED UINT32_MAX

struct loss_estimate {
    double bound_bps;  /* 0 = none */
    double ratio;      /* of the last interval */
    double smoothed;   /* of the last few */
    double own_ratio;  /* the path's own loss */
    double cut_ratio;  /* what made the last cut; 0 = its result is known */
    uint64_t begin_us; /* of the interval; 0 = none yet */
    uint64_t cut_us;
    uint32_t packets; /* of the interval */
    uint32_t lost;
};

/* What else is known. */
struct loss_path {
    uint32_t rate_bps;  /* is allowed now */
    uint32_t acked_bps; /* arrives; 0 = not known */
    uint32_t rtt_us;
    uint32_t queue_us; /* packets wait (queue_delay.h) */
};

void loss_estimate_init(struct loss_estimate *loss);

/* What one feedback told: packets it tells of for the first time, those of them that are lost, and those told
 * lost before that came after all. rate_bps: what is allowed now; acked_bps: what arrives. True when it was
 * cut. */
bool loss_estimate_update(struct loss_estimate *loss, uint32_t packets, uint32_t lost, uint32_t late,
                          const struct loss_path *path, uint64_t now_us);

/* A probe got through at that rate: no bound below it. */
void loss_estimate_raise(struct loss_estimate *loss, uint32_t rate_bps);

/* LOSS_ESTIMATE_UNBOUNDED when loss says nothing. */
uint32_t loss_estimate_bound_bps(const struct loss_estimate *loss);
