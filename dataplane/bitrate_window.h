/* The bitrate of the last second, in steps of 125 ms. State: struct bitrate_window; zeroes are empty. */
#pragma once

#include "shm/media_state.h"

/* Time must not go back further than the window; what does counts into the current slot. */
void bitrate_window_add(struct bitrate_window *window, uint32_t bytes, uint64_t now_us);

/* Bits a second over the last eight slots, the current one included. */
uint32_t bitrate_window_bps(struct bitrate_window *window, uint64_t now_us);
