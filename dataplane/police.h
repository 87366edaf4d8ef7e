/* Keeps a sender to its limit: what it is asked to keep to by REMB (remb_cap.h) is enforced at POLICE_FACTOR
 * times that, over a second, so that one who listens never notices, and one who does not cannot have a flood
 * forwarded to a whole room. A packet costs a worker nearly the same whatever is in it, so packets are
 * counted beside bits: POLICE_PACKETS a second, and one more for each POLICE_PACKET_BYTES of what may pass.
 * Three layers of video and audio at the default of 1.5 Mbit/s are 200 to 400 packets a second, of 1750 that
 * may pass; a screen of 30 Mbit/s, where no more bits may pass, is 3200 of 4750. Even what uses all of the
 * bits, in packets of 500 bytes, is not cut sooner for their number. Only what is authentic counts: nobody
 * can use up another's share. Worker's own memory; all zeroes is a sender that has sent nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define POLICE_FACTOR 4u
#define POLICE_PACKETS 1000u
#define POLICE_PACKET_BYTES 1000u

struct police {
    uint64_t drained_us; /* until then */
    uint64_t bits;       /* in the bucket, times a million; likewise */
    uint64_t packets;
};

/* Whether a packet may pass. limit_bps 0: everything may. */
bool police_admit(struct police *police, uint32_t limit_bps, uint32_t bytes, uint64_t now_us);
