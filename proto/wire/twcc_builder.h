/* Builds transport-wide congestion control feedback (see twcc.h) from arrivals given in sequence order.
 *
 * Usage: init, add until the interval is over or add says -ENOSPC, write; for the next packet init with the
 * next feedback count, and with base_sequence = twcc_builder_next_sequence() so that losses between the two
 * are reported. */
#pragma once

#include "proto/wire/twcc.h"

#define TWCC_BUILDER_BYTES 1152 /* longest packet that is built: with SRTCP's trailer it fits any path */

struct twcc_builder {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    uint16_t base_sequence;
    uint16_t next_sequence;
    uint32_t status_count;
    int64_t reference_time; /* units of 64 ms */
    int64_t last_tick;      /* units of 250 us */
    bool has_arrival;
    uint8_t feedback_count;

    uint16_t chunk_bytes;
    uint16_t delta_bytes;
    uint16_t pending_count; /* statuses not yet in a chunk */
    bool pending_same;      /* all are pending[0]: then there may be TWCC_RUN_MAX of them, else 14 */
    bool pending_large;     /* one is a large delta */
    uint8_t pending[14];
    uint8_t chunks[TWCC_BUILDER_BYTES];
    uint8_t deltas[TWCC_BUILDER_BYTES];
};

/* base_sequence is the first number reported on, whether it has arrived or not. */
void twcc_builder_init(struct twcc_builder *builder, uint32_t sender_ssrc, uint32_t media_ssrc,
                       uint8_t feedback_count, uint16_t base_sequence);

/* Adds an arrival; the numbers skipped since the last one are reported as lost. arrival_us is any monotonic
 * clock of at least 0, rounded down to 250 us; it may go back as far as a large delta reaches (8.1 s).
 * -EINVAL: the number is older than base_sequence or not newer than the last one. -ENOSPC: it does not fit
 * into this packet (size, or a delta too large): write this one and add to the next; into an empty builder it
 * always fits. */
int twcc_builder_add(struct twcc_builder *builder, uint16_t sequence, int64_t arrival_us);

static inline bool twcc_builder_is_empty(const struct twcc_builder *builder)
{
    return !builder->has_arrival;
}

/* The number after the last one added (base_sequence while empty). */
static inline uint16_t twcc_builder_next_sequence(const struct twcc_builder *builder)
{
    return builder->next_sequence;
}

/* Bytes that twcc_builder_write() needs now. */
size_t twcc_builder_size(const struct twcc_builder *builder);

/* Writes the whole RTCP packet and returns its bytes; -ENODATA while the builder is empty, -ENOSPC. */
int twcc_builder_write(const struct twcc_builder *builder, uint8_t *buffer, size_t capacity);
