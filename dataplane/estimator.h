/* What one receiver's path can take, estimated on the sending side: the facade over what the files beside it
 * know of delay, loss and probes (draft-ietf-rmcat-gcc-02; libwebrtc's GoogCcNetworkController).
 *
 *   sent packets -> send_history -> feedback -> arrival_groups -> trendline -> overuse -> aimd --+
 *                                          +--> queue_delay ---------------------^     ^     |
 *                                          +--> acked_bitrate -----------------------------^     +-> the
 * least
 *                                          +--> loss_estimate -------------------------------->--+   of them
 *                                          +--> probe (sets aimd)
 *
 * Pure: no I/O, no clock. Without transport-wide feedback, a REMB of the receiver takes the place of the
 * delay (estimator_remb). Once feedback has come and then stays out while packets are sent, the estimate is
 * halved every half second; when it comes again, it is half of what it was before all that. All bytes are of
 * UDP payloads. Needs estimator_init. */
#pragma once

#include "dataplane/acked_bitrate.h"
#include "dataplane/aimd.h"
#include "dataplane/application_limit.h"
#include "dataplane/arrival_groups.h"
#include "dataplane/loss_estimate.h"
#include "dataplane/overuse.h"
#include "dataplane/probe.h"
#include "dataplane/queue_delay.h"
#include "dataplane/send_history.h"
#include "dataplane/trendline.h"
#include "proto/wire/twcc.h"

#define ESTIMATOR_MIN_BPS 30000u
#define ESTIMATOR_MAX_BPS 200000000u /* nothing here is measured well beyond */
#define ESTIMATOR_QUEUE_US 60000u
#define ESTIMATOR_STATUSES_MAX (2 * SEND_HISTORY_PACKETS)

/* Why the estimate is what it is. Append only: the statistics file shows them. */
enum estimator_reason {
    ESTIMATOR_START,
    ESTIMATOR_INCREASE, /* nothing speaks against more */
    ESTIMATOR_OVERUSE,
    ESTIMATOR_LOSS,
    ESTIMATOR_PROBE,
    ESTIMATOR_REMB,
    ESTIMATOR_SILENCE, /* no feedback */
};

struct estimator_limits {
    uint32_t start_bps;
    uint32_t min_bps; /* 0 = ESTIMATOR_MIN_BPS */
    uint32_t max_bps; /* 0 = ESTIMATOR_MAX_BPS */
};

struct estimator {
    /* What a sent packet touches, beside its entry in the history. */
    uint32_t sent_bytes;        /* since the last turn */
    uint32_t numbered;          /* packets since the last feedback */
    uint64_t first_numbered_us; /* of them */
    uint32_t estimate_bps;
    uint8_t reason; /* enum estimator_reason, of the last change */
    uint8_t has_feedback;
    uint8_t has_remb;
    uint8_t doubted;   /* probe that found more than the path was known to hold; 0 = none */
    uint8_t may_begin; /* nothing needs to be sent before the first probe: the receiver can be reached */
    uint32_t desired_bps;
    uint32_t remb_bps;
    uint32_t rtt_us; /* sending to feedback; 0 = not known */
    uint32_t feedbacks_refused;
    uint64_t feedback_us; /* when the last one came */
    uint32_t heard_bps;   /* the estimate before silence began; 0 = there is none */
    int64_t reference;    /* of its arrival times, unwrapped */
    struct estimator_limits limits;
    struct aimd aimd;
    struct loss_estimate loss;
    struct overuse overuse;
    struct acked_bitrate acked;
    struct application_limit limit;
    struct arrival_groups groups;
    struct trendline trendline;
    struct queue_delay queue;
    uint32_t queue_seen_us;  /* when it was looked at last */
    uint32_t queue_cuts;     /* for it, in a row, without its getting shorter */
    uint64_t queue_begin_us; /* since when it is longer than ESTIMATOR_QUEUE_US */
    uint64_t burst_us;       /* when packets waited last to be paced */
    struct probe probe;
    struct send_history history;
};
_Static_assert(sizeof(struct estimator) <= 5632, "there is one for each receiver, four fifths of it history");

void estimator_init(struct estimator *estimator, const struct estimator_limits *limits);

/* A packet with a transport-wide number goes out, or one without that goes the same way. */
void estimator_sent(struct estimator *estimator, uint16_t number, uint32_t bytes, uint64_t now_us);
void estimator_sent_unnumbered(struct estimator *estimator, uint32_t bytes);

/* Feedback, of which nothing is believed but numbers of packets that were sent. True when the estimate
 * changed. */
bool estimator_feedback(struct estimator *estimator, const struct twcc_feedback *feedback, uint64_t now_us);

/* The receiver's own estimate; a bound besides transport-wide feedback, all there is without. True as above.
 */
bool estimator_remb(struct estimator *estimator, uint64_t remb_bps, uint64_t now_us);

/* Packets lost of those sent, as receiver reports say: only listened to without transport-wide feedback. */
bool estimator_reported_loss(struct estimator *estimator, uint32_t packets, uint32_t lost, uint64_t now_us);

/* The path is another one: what was sent on the one before says nothing any more, and half of the estimate is
 * what to begin with. */
void estimator_begin_anew(struct estimator *estimator);

/* Whether packets wait on the path. */
static inline bool estimator_has_queue(const struct estimator *estimator)
{
    return estimator->queue.queue_us > ESTIMATOR_QUEUE_US;
}

/* Packets wait to be paced. */
static inline void estimator_paces(struct estimator *estimator, uint64_t now_us)
{
    estimator->burst_us = now_us;
}

/* How fast a burst may go out: 2.5 times the estimate, but not faster than the path is known to hold, or
 * hardly faster than the estimate while packets wait there. */
uint32_t estimator_pacing_bps(const struct estimator *estimator);

/* Every 50 ms or so. Looks for silence, and begins a probe when there is reason to. True as above. */
bool estimator_turn(struct estimator *estimator, uint64_t now_us);
