/* What arrives: the bitrate that a receiver acknowledges, by its own clock.
 *
 * Bytes are counted in windows of 150 ms (the first ones 500 ms); each window's rate moves the estimate by as
 * much as it is likely not to be a burst (the Bayesian estimator of libwebrtc's
 * AcknowledgedBitrateEstimator). Zeroes are the start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct acked_bitrate {
    int64_t last_us; /* arrival of the newest packet */
    int64_t window_us;
    uint64_t window_bytes;
    double estimate_bps; /* 0 = none yet */
    double sample_bps;   /* of the newest whole window */
    double variance;
    uint8_t started;
    uint8_t reserved[7];
};

/* A packet arrived. limited: the sender has little to send, so that less says less. */
void acked_bitrate_packet(struct acked_bitrate *acked, int64_t arrival_us, uint32_t bytes, bool limited);

/* The rate is about to change a lot (what is sent has just begun again to fill the estimate). */
void acked_bitrate_expect_change(struct acked_bitrate *acked);

/* 0 = not known yet. */
uint32_t acked_bitrate_bps(const struct acked_bitrate *acked);

/* Of the newest window alone: while a queue stands this is what the path carries, less noise. 0 likewise. */
uint32_t acked_bitrate_newest_bps(const struct acked_bitrate *acked);
