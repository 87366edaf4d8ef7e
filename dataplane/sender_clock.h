/* Lip sync across one peer's streams: where the peer's NTP clock stands to ours, and where a stream's RTP
 * clock stands to NTP.
 *
 * All streams of a receiving transport share one struct sender_clock, fed by every sender report that arrives
 * there: the offset with the shortest delay wins and ages slowly, so that the streams of one peer are mapped
 * alike whatever delay their own reports met. A peer's clock that is set anew is followed at once. */
#pragma once

#include <stdbool.h>

#include "shm/media_state.h"

/* One stream's RTP clock, a copy of what its last sender report said. ntp 0: no report yet. */
struct stream_clock {
    uint64_t ntp; /* of the sender */
    uint32_t rtp;
    uint32_t rate; /* Hz, not 0 */
};

void sender_clock_report(struct sender_clock *clock, uint64_t sender_ntp, uint64_t now_us);

/* The RTP timestamp that the stream has now; false when a report is missing. */
bool sender_clock_timestamp(const struct sender_clock *clock, const struct stream_clock *stream,
                            uint64_t now_us, uint32_t *ret_timestamp);

/* The timestamp on `from`'s clock of the moment that bears timestamp on `to`'s; both streams are one
 * sender's. False when a report of either is missing. */
bool sender_clock_translate(const struct stream_clock *to, const struct stream_clock *from,
                            uint32_t timestamp, uint32_t *ret_timestamp);
