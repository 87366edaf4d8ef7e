/* A replay window (RFC 3711 section 3.3.2) as a ring of bits: an index has the bit of its low bits, and only
 * those that are passed over need clearing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* bits: a power of two, as many as the ring has; at least 64. */
static inline bool srtp_replay_is_set(const uint64_t *ring, uint32_t bits, uint64_t index)
{
    uint32_t bit = (uint32_t)index & (bits - 1);
    return ring[bit / 64] >> (bit % 64) & 1;
}

static inline void srtp_replay_set(uint64_t *ring, uint32_t bits, uint64_t index)
{
    uint32_t bit = (uint32_t)index & (bits - 1);
    ring[bit / 64] |= 1ull << (bit % 64);
}

/* Moves on from highest to a higher index; what lies between has not been seen. */
void srtp_replay_advance(uint64_t *ring, uint32_t bits, uint64_t highest, uint64_t index);
