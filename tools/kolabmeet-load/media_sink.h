/* The far end of one consumer: counts what arrives of its flow, by the counters in the stamps, so that a
 * packet counts as lost wherever it was lost and whatever was made of its sequence number. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/kolabmeet-load/flow.h"
#include "tools/kolabmeet-load/nack_list.h"
#include "tools/kolabmeet-load/reception.h"
#include "tools/kolabmeet-load/stamp.h"
#include "tools/kolabmeet-load/tally.h"

#define MEDIA_SINK_WINDOW 1024 /* packets in which a duplicate is known for one */

struct media_sink {
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: none */
    bool is_video;
    const struct flow *flow; /* NULL until the first packet */
    int64_t offset;          /* of counters from sequence numbers */
    uint64_t since_ns;       /* it was there; what was sent before is no measure of latency */
    uint64_t from;           /* the first counter that is measured */
    uint64_t highest;        /* the last counter that came */
    uint64_t received;       /* different packets from `from` on */
    uint64_t seen[MEDIA_SINK_WINDOW / 64];
    struct reception reception;
    struct nack_list *nacks; /* NULL: nothing is asked for again */
};

/* rtx_ssrc 0: none; then nothing is asked for again. */
void media_sink_init(struct media_sink *sink, uint32_t ssrc, uint32_t rtx_ssrc, bool is_video);
void media_sink_deinit(struct media_sink *sink);

/* Whether the next packet says nothing unless it is decrypted. */
static inline bool media_sink_is_blind(const struct media_sink *sink)
{
    return !sink->flow;
}

/* A packet, with its stamp when it was decrypted. sequence and timestamp are of its header. */
void media_sink_take(struct media_sink *sink, struct tally *tally, const struct flow_table *flows,
                     uint16_t sequence, uint32_t timestamp, uint64_t arrival_ns, const struct stamp *stamp);

/* A retransmitted packet (RFC 4588), decrypted; sequence is that of the original. */
void media_sink_take_repair(struct media_sink *sink, struct tally *tally, uint16_t sequence,
                            uint64_t arrival_ns, const struct stamp *stamp);

/* Measures from the mark of its flow on. */
void media_sink_mark(struct media_sink *sink);

/* Packets that it should have received by the time its flow stood at `sent`. */
uint64_t media_sink_expected(const struct media_sink *sink, uint64_t sent);
