/* Shares what a transport's receiver can take among its video consumers (bitrate_share.h), and tells each
 * what it may be sent (layer_switch.h). Audio is never held back: what it takes is taken off first.
 *
 * Down goes at once; up waits ALLOCATION_HOLD_US after something went down, twice as long each time that a
 * rise did not last. Where only the receiver estimates (REMB) and all video is held back, the cheapest is
 * then tried for ALLOCATION_TRIAL_US whatever it said. */
#pragma once

#include "dataplane/bitrate_share.h"
#include "dataplane/stream_table.h"

#define ALLOCATION_HOLD_US 2000000u
#define ALLOCATION_HOLD_MAX_US 16000000u
#define ALLOCATION_TRIAL_US 4000000u
#define ALLOCATION_LASTING_US 8000000u /* a rise that held so long was right */

/* Video consumers of one transport that take part; the rest, of least priority, is left out. */
#define ALLOCATION_CONSUMERS_MAX 1024u

struct worker;

/* A worker's scratch memory. */
struct allocation {
    struct bitrate_share shares[ALLOCATION_CONSUMERS_MAX];
    struct consumer *consumers[ALLOCATION_CONSUMERS_MAX];
    uint32_t count;
};

/* The estimate (available_bps of the transport's row) may have changed: shares it out if that matters. */
void allocation_estimate(struct worker *worker, struct transport *transport);

/* To be called when a consumer begins, and now and then, since the bitrates of layers change. Tells the
 * estimate what could be used (bandwidth_set_desired). */
void allocation_turn(struct worker *worker, struct transport *transport);
