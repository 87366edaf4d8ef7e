/* What happened between two snapshots: `kolabmeetctl top` shows rates, which nobody but the reader computes.
 */
#pragma once

#include "tools/kolabmeetctl/snapshot.h"

struct worker_rates {
    double received_packets; /* a second, all that follow until the shares */
    double received_bits;
    double sent_packets;
    double sent_bits;
    double drops;
    double stages[STAGE_COUNT]; /* shares of the time, 0 to 1 */
    double busy;                /* of it: not idle */
    double in_runs;             /* share of the packets sent that left in runs */
    struct histogram latency;   /* of this interval */
    const struct statistics_worker *worker;
};

struct room_rates {
    char room_id[40];
    unsigned transports;
    unsigned streams;
    unsigned consumers;
    double received_bits;
    double sent_bits;
};

struct stream_rates {
    const struct statistics_stream *stream;
    const struct statistics_label *label; /* NULL: not told by control */
    double packets;
    double bits;
    double lost;
    unsigned consumers;
};

struct rates {
    double seconds;
    struct worker_rates *workers;
    size_t worker_count;
    struct room_rates *rooms; /* most bits first */
    size_t room_count;
    struct stream_rates *streams; /* likewise */
    size_t stream_count;
};

/* Of two snapshots that were taken so many seconds apart; refers to after. -ENOMEM. */
int rates_compute(const struct snapshot *before, const struct snapshot *after, double seconds,
                  struct rates *ret_rates);
void rates_deinit(struct rates *rates);
