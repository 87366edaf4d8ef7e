#include "dataplane/acked_bitrate.h"

#include <math.h>

#define FIRST_WINDOW_US 500000
#define WINDOW_US 150000
#define UNCERTAINTY 10.0
#define UNCERTAINTY_LIMITED 20.0
#define VARIANCE_FIRST 50.0
#define VARIANCE_GROWTH 5.0
#define VARIANCE_CHANGE 200.0
#define BPS_MAX 1e9

static void take(struct acked_bitrate *acked, double sample_bps, bool limited)
{
    acked->sample_bps = sample_bps;
    if (acked->estimate_bps <= 0) {
        acked->estimate_bps = sample_bps;
        acked->variance = VARIANCE_FIRST;
        return;
    }
    double scale = limited && sample_bps < acked->estimate_bps ? UNCERTAINTY_LIMITED : UNCERTAINTY;
    double uncertainty = scale * fabs(acked->estimate_bps - sample_bps) / acked->estimate_bps;
    double sample_variance = uncertainty * uncertainty;
    double variance = acked->variance + VARIANCE_GROWTH;

    acked->estimate_bps =
        (sample_variance * acked->estimate_bps + variance * sample_bps) / (sample_variance + variance);
    acked->variance = sample_variance * variance / (sample_variance + variance);
}

void acked_bitrate_packet(struct acked_bitrate *acked, int64_t arrival_us, uint32_t bytes, bool limited)
{
    int64_t window_us = acked->estimate_bps > 0 ? WINDOW_US : FIRST_WINDOW_US;

    if (!acked->started) {
        acked->started = 1;
        acked->last_us = arrival_us;
    }
    /* What overtook another counts as if they had come together; a clock that was put back begins anew. */
    int64_t passed_us = arrival_us - acked->last_us;
    if (passed_us < -2 * WINDOW_US) {
        acked->window_us = 0;
        acked->window_bytes = 0;
        acked->last_us = arrival_us;
    } else if (passed_us > 0) {
        acked->last_us = arrival_us;
        acked->window_us += passed_us;
        if (passed_us > window_us) { /* nothing was sent for long: that says nothing about the path */
            acked->window_us %= window_us;
            acked->window_bytes = 0;
        }
    }
    if (acked->window_us >= window_us) {
        take(acked, fmin((double)acked->window_bytes * 8e6 / (double)window_us, BPS_MAX), limited);
        acked->window_us -= window_us;
        acked->window_bytes = 0;
    }
    acked->window_bytes += bytes;
}

void acked_bitrate_expect_change(struct acked_bitrate *acked)
{
    acked->variance += VARIANCE_CHANGE;
}

uint32_t acked_bitrate_bps(const struct acked_bitrate *acked)
{
    return (uint32_t)acked->estimate_bps;
}

uint32_t acked_bitrate_newest_bps(const struct acked_bitrate *acked)
{
    return (uint32_t)acked->sample_bps;
}
