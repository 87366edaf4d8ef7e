/* What all sinks and transports together have counted in a stretch of time. */
#pragma once

#include <stdint.h>

#include "tools/kolabmeet-load/histogram.h"

struct tally {
    uint64_t received;       /* media packets, of whatever worth */
    uint64_t received_bytes; /* of UDP payload */
    uint64_t opened;         /* decrypted and authenticated */
    uint64_t forged;         /* failed authentication */
    uint64_t replayed;
    uint64_t malformed;
    uint64_t unknown_ssrc;
    uint64_t padding;    /* packets without payload */
    uint64_t foreign;    /* authentic, but without a stamp */
    uint64_t duplicates; /* a packet that the flow had delivered already */
    uint64_t reordered;  /* overtaken by a later packet of its flow */
    uint64_t repaired;   /* came by retransmission */
    uint64_t caught_up;  /* sent before their sink was there */
    uint64_t rtcp;
    uint64_t sent; /* media packets */
    uint64_t sent_bytes;
    uint64_t send_failures;      /* the socket did not take them */
    uint64_t thrown_away;        /* on purpose, in either direction */
    uint64_t key_frame_requests; /* PLI and FIR that reached a source */
    uint64_t key_frames;         /* sent */
    uint64_t nacked;             /* sequence numbers that the server asked for again */
    uint64_t resent;             /* of them */
    uint64_t nacks;              /* sequence numbers that sinks asked for again */
    uint64_t feedback;           /* transport-wide feedback packets that reached a source */
    uint64_t receive_calls;
    uint64_t datagrams; /* what these returned, before GRO's runs are split */
    struct histogram latency;
};

/* Adds all of other. */
void tally_merge(struct tally *tally, const struct tally *other);
