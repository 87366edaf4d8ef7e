/* NTP timestamps (RFC 3550 section 4): 32.32 fixed point. Ours count from the start of the monotonic clock,
 * which the RFC allows: they are only ever compared with each other. */
#pragma once

#include <stdint.h>

static inline uint64_t ntp_time_from_us(uint64_t time_us)
{
    uint64_t fraction = ((time_us % 1000000u) << 32) / 1000000u;
    return (time_us / 1000000u) << 32 | fraction;
}

/* Whole microseconds of an interval or a time. */
static inline uint64_t ntp_time_to_us(uint64_t ntp)
{
    return (ntp >> 32) * 1000000u + (((ntp & 0xffffffffu) * 1000000u + 0x80000000u) >> 32);
}

/* The middle 32 bits, as LSR and LRR carry them: seconds and fractions of 1/65536. */
static inline uint32_t ntp_time_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

/* A delay as DLSR and DLRR carry it: 1/65536 s, saturating. */
static inline uint32_t ntp_time_delay(uint64_t delay_us)
{
    uint64_t delay = delay_us / 1000000u << 16 | ((delay_us % 1000000u) << 16) / 1000000u;
    return delay > UINT32_MAX ? UINT32_MAX : (uint32_t)delay;
}

/* Timestamp units of a clock that runs at rate since its start, modulo 2^32. Never overflows on the way. */
static inline uint32_t ntp_time_to_rtp(uint64_t time_us, uint32_t rate)
{
    return (uint32_t)(time_us / 1000000u * rate + time_us % 1000000u * rate / 1000000u);
}
