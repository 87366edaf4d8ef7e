#include "dataplane/police.h"

#define UNIT 1000000u
#define SECOND_US 1000000u

bool police_admit(struct police *police, uint32_t limit_bps, uint32_t bytes, uint64_t now_us)
{
    uint64_t rate = (uint64_t)limit_bps * POLICE_FACTOR;
    uint64_t elapsed_us = now_us - police->drained_us;
    uint64_t drained = elapsed_us < SECOND_US ? elapsed_us * rate : UINT64_MAX; /* a second empties it */
    uint64_t cost = (uint64_t)bytes * 8 * UNIT;

    if (limit_bps == 0)
        return true;
    police->level = police->level > drained ? police->level - drained : 0;
    police->drained_us = now_us;
    if (police->level + cost > rate * UNIT)
        return false;
    police->level += cost;
    return true;
}
