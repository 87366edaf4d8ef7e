/* Shares a bitrate among the video that goes to one receiver. Pure: no tables, no clock.
 *
 * Every consumer has levels, pairs of a spatial and a temporal layer in the order of what they cost. All get
 * their lowest level first, in the order of their priorities; who cannot have it gets nothing. What is left
 * is given out in rounds, up to `priority` levels each in a round. With a level above the one held until now
 * the sum must fit with a margin, and it is given only when may_rise says so: going down is quick, going up
 * careful. The lowest level of one that begins needs neither. */
#pragma once

#include <stdbool.h>

#include "shm/media_state.h"

#define BITRATE_SHARE_MARGIN_PERCENT 10u

struct bitrate_share {
    uint8_t priority;          /* 1 .. 255 */
    int8_t preferred_spatial;  /* highest layers that make sense */
    int8_t preferred_temporal; /* 0 .. MEDIA_TEMPORAL_LAYERS_MAX - 1 */
    int8_t held_spatial;       /* until now; -1: nothing */
    int8_t held_temporal;
    bool was_refused; /* held nothing because there was not enough */
    /* Bits per second of a level: everything that is sent at it. 0: there is no such layer. */
    uint32_t bps[MEDIA_SPATIAL_LAYERS_MAX][MEDIA_TEMPORAL_LAYERS_MAX];

    int8_t spatial; /* out; -1: nothing */
    int8_t temporal;
    bool wants_more; /* out: a level that it could use was refused for its bitrate */
};

/* available_bps for all. shares: highest priority first. Returns the sum of what is given. */
uint64_t bitrate_share_out(struct bitrate_share *shares, unsigned count, uint64_t available_bps,
                           bool may_rise);

/* What a consumer would take if there were enough: the bitrate of its highest level, 0 for none. */
uint32_t bitrate_share_desired_bps(const struct bitrate_share *share);

/* The bitrate of its lowest level, 0 for none. */
uint32_t bitrate_share_least_bps(const struct bitrate_share *share);
