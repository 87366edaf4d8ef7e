/* Whether less is sent than is allowed ("application limited region" of libwebrtc's AlrDetector): below 65 %
 * of the estimate for some tenths of a second. Then what is acknowledged says little about the path. Zeroes
 * are the start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct application_limit {
    int64_t budget_bytes; /* not used of the last half second */
    uint64_t updated_us;
    uint8_t is_limited;
    uint8_t reserved[7];
};

/* So much was sent since the last call. True when the state changed. */
bool application_limit_update(struct application_limit *limit, uint32_t sent_bytes, uint32_t estimate_bps,
                              uint64_t now_us);
