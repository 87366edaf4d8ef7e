/* Numbers for property tests, the same in every run (xorshift64*). */
#pragma once

#include <stdint.h>

struct prng {
    uint64_t state; /* not 0 */
};

static inline uint32_t prng_next(struct prng *prng)
{
    prng->state ^= prng->state >> 12;
    prng->state ^= prng->state << 25;
    prng->state ^= prng->state >> 27;
    return (uint32_t)((prng->state * 0x2545f4914f6cdd1dull) >> 32);
}

static inline uint32_t prng_below(struct prng *prng, uint32_t limit)
{
    return (uint32_t)((uint64_t)prng_next(prng) * limit >> 32);
}
