/* Pacing: a burst towards one receiver (a key frame, mostly) is spread over time, so that the path's queues
 * stay short for the audio behind it.
 *
 * Each transport whose bandwidth is estimated has a bucket that fills at estimator_pacing_bps (2.5 times the
 * estimate as libwebrtc does it, but no more than the path is known to hold) and holds PACER_BURST_US of
 * it. Audio is taken out of it, too. A video packet that finds it empty is queued: a reference to the packet
 * store with the numbers that it was given, 64 bytes out of a pool of the worker's. The transport becomes a
 * busy one, and the worker sends what the bucket allows every 2 ms. Whatever waits is sent within
 * PACER_DRAIN_US: the bucket fills faster where that needs it, since what comes later is worth nothing. Audio
 * and retransmissions are never queued, and so come first. Nothing else overtakes what waits: where the pool
 * is used up the transport's first is sent at once, and where there is no estimate any more all of them.
 * Where it was overwritten meanwhile a packet is dropped and counted.
 *
 * A transport below its budget costs a comparison a packet; one without an estimate a test. */
#pragma once

#include "dataplane/stored.h"

struct worker;

#define PACER_ENTRIES 2048u /* of one worker */
#define PACER_BURST_US 40000u
#define PACER_BURST_BYTES_MIN 2400
#define PACER_DRAIN_US 1000000u
#define PACER_LATE_US 2000000u /* older: dropped */

struct pacer_entry {
    uint64_t position;
    uint64_t queued_us;
    shm_handle consumer;
    struct rewrite_numbers numbers;
    uint32_t next; /* index + 1; 0 = the last */
    uint32_t bytes;
    uint32_t worker; /* in whose circle the packet stands */
};

struct pacer {
    uint32_t free;  /* index + 1 of a list, 0 = none */
    uint32_t begun; /* entries from here on were never used */
    struct pacer_entry entries[PACER_ENTRIES];
};

/* Sends a packet for the first time, now or soon, and counts it in the consumer's statistics when it goes.
 * Errors of stored_send; 0 when it was queued. */
int pacer_send(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
               const struct rewrite_numbers *numbers);

/* Sends what may go by now. To be called for busy transports. */
void pacer_run(struct worker *worker, struct transport *transport);

/* Forgets what waits: the transport goes, or its keys are new. */
void pacer_clear(struct worker *worker, struct transport *transport);
