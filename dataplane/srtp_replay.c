#include "dataplane/srtp_replay.h"

#include <string.h>

void srtp_replay_advance(uint64_t *ring, uint32_t bits, uint64_t highest, uint64_t index)
{
    if (index - highest >= bits) {
        memset(ring, 0, bits / 8);
        return;
    }
    while (highest < index) {
        uint32_t bit = (uint32_t)(highest + 1) & (bits - 1);
        uint64_t run = 64 - bit % 64;
        if (run > index - highest)
            run = index - highest;
        uint64_t mask = run == 64 ? UINT64_MAX : ((1ull << run) - 1) << (bit % 64);
        ring[bit / 64] &= ~mask;
        highest += run;
    }
}
