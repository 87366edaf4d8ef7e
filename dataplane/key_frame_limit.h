/* How often one receiver may have its sender make key frames: one that cannot follow would keep the sender at
 * key frames for ever, and everybody else would pay for them.
 *
 * Its first request counts at once. While it is the only one of the stream's receivers that asks, it waits
 * between its requests, twice as long each time, up to KEY_FRAME_LIMIT_MAX_US; one that was content for
 * KEY_FRAME_LIMIT_CALM_US begins anew. Receivers ask again by themselves. All zeroes is the start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KEY_FRAME_LIMIT_MIN_US 1000000u
#define KEY_FRAME_LIMIT_MAX_US 4000000u
#define KEY_FRAME_LIMIT_CALM_US 10000000u
#define KEY_FRAME_LIMIT_OTHERS_US                                                                            \
    3000000u /* so recent a request of another one's says that it is the stream */

/* Of a receiver. */
struct key_frame_limit {
    uint64_t granted_us; /* its last request that counted */
    uint32_t wait_us;
};

/* Of a stream, as seen by one worker. */
struct key_frame_asker {
    uint64_t asked_us; /* the last request that counted */
    uint64_t asker;    /* whose it was: handle of a consumer */
};

/* Whether the request of that receiver counts. */
bool key_frame_limit_ask(struct key_frame_limit *limit, struct key_frame_asker *last, uint64_t asker,
                         uint64_t now_us);
