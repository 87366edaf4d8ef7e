/* scalabilityMode (W3C WebRTC-SVC section 5): L<spatial>T<temporal> or S<simulcast>T<temporal>, perhaps
 * followed by h (ratio 1.5) and _KEY or _KEY_SHIFT (inter-layer prediction on key frames only). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SCALABILITY_MODE_BYTES 17

struct scalability_mode {
    uint8_t spatial_layers; /* 1..ORTC_MAX_LAYERS, likewise the other */
    uint8_t temporal_layers;
};

bool scalability_mode_parse(const char *text, struct scalability_mode *ret_mode);
