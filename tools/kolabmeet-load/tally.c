#include "tools/kolabmeet-load/tally.h"

#include <stddef.h>

/* All counters before the histogram are 64 bits wide and stand in a row. */
_Static_assert(offsetof(struct tally, latency) % sizeof(uint64_t) == 0,
               "a tally is counters, then the histogram");

void tally_merge(struct tally *tally, const struct tally *other)
{
    uint64_t *to = (uint64_t *)tally;
    const uint64_t *from = (const uint64_t *)other;

    for (size_t i = 0; i < offsetof(struct tally, latency) / sizeof(uint64_t); i++)
        to[i] += from[i];
    histogram_merge(&tally->latency, &other->latency);
}
