/* How well a stream does: 0 (bad) to 10 (good), from loss and repair of the last 24 intervals, the newest
 * weighing most. State: struct score. */
#pragma once

#include <stdbool.h>

#include "shm/media_state.h"

#define SCORE_INACTIVE_US 1500000u
#define SCORE_INACTIVE_DTX_US 5000000u

/* Totals since the stream began; what grew since the last call is the interval. */
struct score_totals {
    uint64_t expected;
    uint64_t received;
    uint64_t repaired;      /* lost packets that a retransmission brought */
    uint64_t retransmitted; /* retransmissions that came */
};

/* Starts at 10. */
void score_init(struct score *score, const struct score_totals *totals);

/* Ends an interval. Returns whether the value changed. */
bool score_update(struct score *score, const struct score_totals *totals);

/* Forgets the past: 0 when the stream fell silent, 10 when it is back or a consumer switched layers. */
bool score_reset(struct score *score, uint8_t value, const struct score_totals *totals);

/* Whether the stream fell silent (reset to 0) and nothing was measured since: 0 by loss is something else. */
static inline bool score_is_silent(const struct score *score)
{
    return score->value == 0 && score->count == 0;
}

static inline bool score_is_inactive(uint64_t last_packet_us, bool dtx, uint64_t now_us)
{
    return now_us > last_packet_us &&
           now_us - last_packet_us > (dtx ? SCORE_INACTIVE_DTX_US : SCORE_INACTIVE_US);
}
