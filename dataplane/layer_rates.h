/* Bitrates of a stream's layers, spatial by temporal: what each adds to those below. State: struct
 * layer_rates; zeroes are the start.
 *
 * Bytes are counted as they come, in intervals of half a second; a rate is that of the last two. A layer from
 * which nothing came for two of them has the rate 0. */
#pragma once

#include "shm/media_state.h"

/* A packet of these layers (each below MEDIA_SPATIAL_LAYERS_MAX, MEDIA_TEMPORAL_LAYERS_MAX). */
void layer_rates_packet(struct layer_rates *rates, unsigned spatial, unsigned temporal, uint32_t bytes,
                        uint64_t now_us);

/* The highest spatial layer that is being sent, -1 where that is not known. */
int layer_rates_top(struct layer_rates *rates, uint64_t now_us);

/* Bits per second of the layers up to these, those included; 0 when the layers themselves are not sent. */
uint32_t layer_rates_up_to(struct layer_rates *rates, unsigned spatial, unsigned temporal, uint64_t now_us);
