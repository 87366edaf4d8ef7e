/* Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
 * section 3.1): which transport-wide sequence numbers have arrived, and when. Reading here, building in
 * twcc_builder.h. */
#pragma once

#include "proto/wire/rtcp.h"

#define TWCC_TICK_US 250        /* unit of arrival deltas */
#define TWCC_REFERENCE_US 64000 /* unit of the reference time */
#define TWCC_RUN_MAX 8191       /* statuses of one run-length chunk */

struct twcc_feedback {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    uint16_t base_sequence;
    uint16_t status_count;  /* never 0 */
    int32_t reference_time; /* 24 bits, signed, units of 64 ms: wraps after 12 days */
    uint8_t feedback_count; /* goes up by one a packet: a gap is a lost feedback packet */
    const uint8_t *chunks;
    const uint8_t *deltas; /* behind the chunks */
    const uint8_t *end;
};

/* Parses a feedback packet (type RTCP_RTPFB, count RTCP_RTPFB_TWCC) and checks all of it: that the chunks
 * cover status_count statuses, that none is reserved, that every delta is there. -EBADMSG otherwise. */
int twcc_parse(const struct rtcp_packet *packet, struct twcc_feedback *ret_feedback);

/* How many statuses of a parsed packet say "not received". Takes a step a chunk, not a status: a packet of 40 bytes
 * can hold 65,528 of them. */
unsigned twcc_count_lost(const struct twcc_feedback *feedback);

struct twcc_status {
    uint16_t sequence;
    bool received;
    int32_t delta_us; /* since the previous received packet, for the first since the reference time; negative
                         for packets that overtook each other */
    int64_t arrival_us; /* receiver's clock: reference_time * 64 ms plus all deltas so far */
};

struct twcc_iterator {
    const uint8_t *chunk;
    const uint8_t *delta;
    int64_t arrival_us;
    uint16_t sequence;
    uint16_t statuses_left;
    uint16_t chunk_position; /* statuses taken from the current chunk */
};

/* Walks the statuses of a parsed packet in sequence order; false after status_count of them. */
void twcc_begin(struct twcc_iterator *iterator, const struct twcc_feedback *feedback);
bool twcc_next(struct twcc_iterator *iterator, struct twcc_status *ret_status);
