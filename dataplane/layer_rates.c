#include "dataplane/layer_rates.h"

#include <string.h>

#define INTERVAL_US 500000u
#define LAYERS (MEDIA_SPATIAL_LAYERS_MAX * MEDIA_TEMPORAL_LAYERS_MAX)

static void advance(struct layer_rates *rates, uint64_t now_us)
{
    uint32_t interval = (uint32_t)(now_us / INTERVAL_US);
    uint32_t steps = interval - rates->interval;

    if (steps == 0 || steps > INT32_MAX)
        return;
    if (rates->interval == 0) { /* what was before is not known */
        rates->interval = interval;
        return;
    }
    if (steps == 1)
        memcpy(rates->before, rates->last, sizeof(rates->before));
    else
        memset(rates->before, 0, sizeof(rates->before));
    if (steps <= 2)
        memcpy(steps == 1 ? rates->last : rates->before, rates->now, sizeof(rates->now));
    if (steps > 1)
        memset(rates->last, 0, sizeof(rates->last));
    memset(rates->now, 0, sizeof(rates->now));
    rates->interval = interval;
    rates->complete = (uint8_t)(rates->complete + steps > 2 ? 2 : rates->complete + steps);
}

void layer_rates_packet(struct layer_rates *rates, unsigned spatial, unsigned temporal, uint32_t bytes,
                        uint64_t now_us)
{
    if (spatial >= MEDIA_SPATIAL_LAYERS_MAX || temporal >= MEDIA_TEMPORAL_LAYERS_MAX)
        return;
    advance(rates, now_us);
    rates->now[spatial * MEDIA_TEMPORAL_LAYERS_MAX + temporal] += bytes;
}

/* Bytes of the last two whole intervals; of the one that runs before there is one. */
static uint32_t bytes_of(const struct layer_rates *rates, unsigned layer)
{
    return rates->last[layer] + rates->before[layer];
}

uint32_t layer_rates_up_to(struct layer_rates *rates, unsigned spatial, unsigned temporal, uint64_t now_us)
{
    uint64_t bytes = 0;

    if (spatial >= MEDIA_SPATIAL_LAYERS_MAX || temporal >= MEDIA_TEMPORAL_LAYERS_MAX)
        return 0;
    advance(rates, now_us);
    unsigned top = spatial * MEDIA_TEMPORAL_LAYERS_MAX + temporal;
    if (bytes_of(rates, top) == 0 && rates->now[top] == 0)
        return 0;
    for (unsigned s = 0; s <= spatial; s++)
        for (unsigned t = 0; t <= temporal; t++) {
            unsigned layer = s * MEDIA_TEMPORAL_LAYERS_MAX + t;
            bytes +=
                rates->complete >= 2 ? bytes_of(rates, layer) : rates->now[layer] + bytes_of(rates, layer);
        }
    uint64_t covered_us =
        rates->complete >= 2 ? 2 * INTERVAL_US : rates->complete * INTERVAL_US + now_us % INTERVAL_US + 1;
    if (covered_us < INTERVAL_US / 2)
        covered_us = INTERVAL_US / 2; /* a first burst is no rate yet */
    uint64_t bps = bytes * 8000000u / covered_us;
    return bps > UINT32_MAX ? UINT32_MAX : bps == 0 ? 1 : (uint32_t)bps;
}

int layer_rates_top(struct layer_rates *rates, uint64_t now_us)
{
    advance(rates, now_us);
    if (rates->complete < 2)
        return -1;
    for (int layer = LAYERS - 1; layer >= 0; layer--)
        if (bytes_of(rates, (unsigned)layer) > 0 || rates->now[layer] > 0)
            return layer / (int)MEDIA_TEMPORAL_LAYERS_MAX;
    return -1;
}
