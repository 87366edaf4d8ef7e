/* Whether the path is used too much (draft-ietf-rmcat-gcc-02 section 5.4): the delay's trend against a
 * threshold that adapts, so that flows that fill queues by loss do not starve this one. An overuse must last
 * for 10 ms and not be receding. Needs overuse_init. */
#pragma once

#include <stdint.h>

enum overuse_state { OVERUSE_NORMAL, OVERUSE_OVERUSING, OVERUSE_UNDERUSING };

struct overuse {
    double threshold_ms; /* 6 to 600 */
    double over_ms;      /* how long the trend has been above it, -1 = is not */
    double previous_slope;
    uint64_t updated_us; /* 0 = never */
    uint32_t overs;      /* groups in a row above it */
    enum overuse_state state;
};

void overuse_init(struct overuse *overuse);

/* offset_ms: trendline_offset_ms; slope: trendline's; send_delta_ms: of the group. Returns the state. */
enum overuse_state overuse_update(struct overuse *overuse, double offset_ms, double slope,
                                  double send_delta_ms, uint64_t now_us);
