/* How long packets wait in the path's queues now: their delay over the least that was seen in the last half
 * minute.
 *
 * The trend of the delay (trendline.h) does not see a queue that is full and stays so, as it may be from the
 * first packet on; this does. Of each
 * feedback and the one before it the packet that waited least counts, so that jitter is no queue, nor a path
 * that held its breath. A path that has become longer looks like a queue that does not shrink whatever is
 * done: then its delay is the new least (queue_delay_disbelieve). Zeroes are the start. */
#pragma once

#include <stdint.h>

struct queue_delay {
    int64_t least_us[2]; /* of this and the last quarter of a minute: arrival minus sending, of two clocks */
    int64_t round_us;    /* least of the feedback that is being read */
    uint64_t begin_us;   /* of this quarter; 0 = nothing seen yet */
    uint32_t queue_us;
    uint32_t newest_us; /* of the last feedback alone */
    uint8_t has_round;
    uint8_t reserved[3];
};

void queue_delay_packet(struct queue_delay *delay, int64_t send_us, int64_t arrival_us);

/* All packets of one feedback were told. Returns the wait, 0 when nothing was told yet. */
uint32_t queue_delay_end(struct queue_delay *delay, uint64_t now_us);

/* Nothing was told for so long that what was known of the queue is no more: it is taken for empty. */
void queue_delay_expire(struct queue_delay *delay);

/* It is no queue: begin anew. */
void queue_delay_disbelieve(struct queue_delay *delay);
