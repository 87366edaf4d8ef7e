/* The rate that the delay allows: more as long as the path is not used too much, less at once when it is
 * (draft-ietf-rmcat-gcc-02 section 5.5, with the link capacity of libwebrtc's AimdRateControl).
 *
 * While it is not known what the link holds it grows by 8 % a second up to 1.5 times of what is acknowledged,
 * since nothing is known of what is not sent. Where that is known, since the link was used too much or a
 * probe found it full, it grows by about one packet in a response time, up to 95 % of it or a little more
 * than what is acknowledged: a layer that would not fit is not tried but by a probe. It falls to 0.85 of what
 * is acknowledged. Needs aimd_init. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/overuse.h"

#define AIMD_RTT_US 200000u /* until it is known */

struct aimd {
    double rate_bps;
    double capacity_kbps;     /* of the link, as seen when it was used too much; 0 = not seen */
    double capacity_variance; /* relative to it */
    uint64_t changed_us;      /* 0 = never */
    uint64_t decreased_us;    /* 0 = never */
    uint32_t rtt_us;
    uint8_t state;
    uint8_t reserved[3];
};

void aimd_init(struct aimd *aimd, uint32_t start_bps);

/* The path was found in this state. acked_bps: acked_bitrate_bps, 0 = not known. True when the rate fell. */
bool aimd_update(struct aimd *aimd, enum overuse_state overuse, uint32_t acked_bps, uint64_t now_us);

/* Whether an overuse would be answered: once in an RTT, which it takes to see the queue shrinking. */
bool aimd_may_decrease(const struct aimd *aimd, uint64_t now_us);

/* A probe saw the link full: so much came through. Or it saw more come through than it was thought to hold.
 */
void aimd_found_capacity(struct aimd *aimd, uint32_t capacity_bps);

/* A probe found that rate, or something else is known to hold. */
void aimd_set(struct aimd *aimd, uint32_t rate_bps, uint64_t now_us);
