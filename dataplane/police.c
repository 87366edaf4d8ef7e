#include "dataplane/police.h"

#define UNIT 1000000u
#define SECOND_US 1000000u

/* What is left of level at rate a second. A second empties it. */
static uint64_t drained(uint64_t level, uint64_t rate, uint64_t elapsed_us)
{
    uint64_t out = elapsed_us < SECOND_US ? elapsed_us * rate : UINT64_MAX;
    return level > out ? level - out : 0;
}

bool police_admit(struct police *police, uint32_t limit_bps, uint32_t bytes, uint64_t now_us)
{
    uint64_t bit_rate = (uint64_t)limit_bps * POLICE_FACTOR;
    uint64_t packet_rate = POLICE_PACKETS + bit_rate / (8 * POLICE_PACKET_BYTES);
    uint64_t elapsed_us = now_us - police->drained_us;
    uint64_t cost = (uint64_t)bytes * 8 * UNIT;

    if (limit_bps == 0)
        return true;
    police->bits = drained(police->bits, bit_rate, elapsed_us);
    police->packets = drained(police->packets, packet_rate, elapsed_us);
    police->drained_us = now_us;
    if (police->bits + cost > bit_rate * UNIT || police->packets + UNIT > packet_rate * UNIT)
        return false;
    police->bits += cost;
    police->packets += UNIT;
    return true;
}
