#include "dataplane/bitrate_window.h"

#include <string.h>

#define SLOT_US 125000u
#define SLOTS 8u

static void bitrate_window_advance(struct bitrate_window *window, uint32_t slot)
{
    int32_t steps = (int32_t)(slot - window->slot);
    if (steps <= 0)
        return;
    if (steps >= (int32_t)SLOTS) {
        memset(window->slot_bytes, 0, sizeof(window->slot_bytes));
        window->total_bytes = 0;
        window->slot = slot;
        return;
    }
    while (window->slot != slot) {
        uint32_t *oldest = &window->slot_bytes[++window->slot % SLOTS];
        window->total_bytes -= *oldest;
        *oldest = 0;
    }
}

void bitrate_window_add(struct bitrate_window *window, uint32_t bytes, uint64_t now_us)
{
    bitrate_window_advance(window, (uint32_t)(now_us / SLOT_US));
    window->slot_bytes[window->slot % SLOTS] += bytes;
    window->total_bytes += bytes;
}

uint32_t bitrate_window_bps(struct bitrate_window *window, uint64_t now_us)
{
    bitrate_window_advance(window, (uint32_t)(now_us / SLOT_US));
    uint64_t covered_us = (SLOTS - 1) * (uint64_t)SLOT_US + now_us % SLOT_US;
    uint64_t bps = (uint64_t)window->total_bytes * 8000000u / covered_us;
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}
