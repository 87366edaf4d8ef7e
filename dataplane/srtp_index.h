/* Packet indices: which one a received sequence number stands for (RFC 3711 section 3.3.1), and that none is
 * sent twice. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/srtp_state.h"

#define SRTP_INDEX_END (1ull << 48)      /* a key is worn out before it */
#define SRTP_RTCP_INDEX_END (1ull << 31) /* likewise */

/* The index nearest to the highest one seen. Before the first wrap there is nothing to go back to. */
static inline uint64_t srtp_index_estimate(uint64_t highest, uint16_t sequence)
{
    uint64_t roll_over = highest >> 16;
    int32_t delta = (int32_t)sequence - (int32_t)(highest & 0xffff);

    if (delta > 0x8000 && roll_over > 0)
        roll_over--;
    else if (delta < -0x8000)
        roll_over++;
    return roll_over << 16 | sequence;
}

/* Where a stream that would have gone on with the index next begins with new keys: a receiver hears of it
 * with a roll-over counter of 0, and stays wrong for ever if the first that it hears is behind the wrap. So
 * it begins in the lower half, as far from there as section 3.3.1 asks for (but for two numbers, from which
 * half a circle on would look like a way back), and after 0. */
static inline uint64_t srtp_index_begin(uint64_t next)
{
    uint16_t sequence = (uint16_t)next;
    return sequence == 0 || sequence > 0x8002 ? 1 : sequence;
}

/* Makes index the sender's, before a cipher sees it. False when it was used before with these keys, cannot be
 * known not to have been, or is no index at all. What another process sent is all taken for used. Without
 * a window (NULL) indices can only rise; with one it is always the same, which is not looked at while none of
 * the newest was passed over. */
bool srtp_index_claim(struct srtp_send_stream *stream, struct srtp_hole_window *window, uint32_t epoch,
                      uint32_t life, uint64_t index);
