/* Keeps a sender to its limit: what it is asked to keep to by REMB (remb_cap.h) is enforced at POLICE_FACTOR
 * times that, over a second, so that one who listens never notices, and one who does not cannot have a flood
 * forwarded to a whole room. Only what is authentic counts: nobody can use up another's share. Worker's own
 * memory; all zeroes is a sender that has sent nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define POLICE_FACTOR 4u

struct police {
    uint64_t drained_us; /* until then */
    uint64_t level;      /* bits times a million, in the bucket */
};

/* Whether a packet may pass. limit_bps 0: everything may. */
bool police_admit(struct police *police, uint32_t limit_bps, uint32_t bytes, uint64_t now_us);
