#include "dataplane/estimator.h"

#include <math.h>

#define SILENCE_US 500000u
#define REFERENCE_BITS 24
#define REFERENCE_MAX ((int64_t)1 << 40) /* thousands of years: somebody makes it wrap on purpose */
#define RTT_MAX_US 1000000u
#define QUEUE_US 120000u
#define QUEUE_CUTS_MAX 5u
#define DRAIN 0.7
#define NOISE_US 40000u
#define BURST_US 300000u
#define BELOW_CAPACITY 0.85
#define BEYOND_CAPACITY 1.1
#define PROBE_UTILISATION 0.95 /* what a probe that found the link full takes of it (probe.c) */
#define STANDING_US 2000000u
#define STANDING_USED 0.9 /* of what is allowed */
#define FORGET_US 1000000u
#define PACING 2.5 /* libwebrtc's pacing factor */
#define PACING_OF_CAPACITY 0.95
#define PACING_WITH_QUEUE 1.1 /* while there is a queue on the path already */

void estimator_init(struct estimator *estimator, const struct estimator_limits *limits)
{
    struct estimator_limits own = *limits;

    own.min_bps = own.min_bps != 0 ? own.min_bps : ESTIMATOR_MIN_BPS;
    own.max_bps = own.max_bps != 0 ? own.max_bps : ESTIMATOR_MAX_BPS;
    if (own.max_bps < own.min_bps)
        own.max_bps = own.min_bps;
    if (own.start_bps < own.min_bps)
        own.start_bps = own.min_bps;
    if (own.start_bps > own.max_bps)
        own.start_bps = own.max_bps;
    /* Not the history: its memory is only touched when something is sent. */
    estimator->sent_bytes = estimator->numbered = 0;
    estimator->estimate_bps = own.start_bps;
    estimator->reason = ESTIMATOR_START;
    estimator->has_feedback = estimator->has_remb = estimator->may_begin = 0;
    estimator->desired_bps = estimator->remb_bps = estimator->rtt_us = estimator->feedbacks_refused = 0;
    estimator->first_numbered_us = estimator->feedback_us = 0;
    estimator->heard_bps = 0;
    estimator->reference = 0;
    estimator->limits = own;
    aimd_init(&estimator->aimd, own.start_bps);
    loss_estimate_init(&estimator->loss);
    overuse_init(&estimator->overuse);
    estimator->acked = (struct acked_bitrate){0};
    estimator->limit = (struct application_limit){0};
    estimator->groups = (struct arrival_groups){0};
    estimator->trendline = (struct trendline){0};
    estimator->queue = (struct queue_delay){0};
    estimator->queue_seen_us = estimator->queue_cuts = 0;
    estimator->queue_begin_us = estimator->burst_us = 0;
    estimator->doubted = 0;
    probe_init(&estimator->probe);
    send_history_reset(&estimator->history);
}

void estimator_begin_anew(struct estimator *estimator)
{
    uint32_t half_bps = (estimator->heard_bps != 0 ? estimator->heard_bps : estimator->estimate_bps) / 2;
    uint32_t desired_bps = estimator->desired_bps, refused = estimator->feedbacks_refused;
    struct estimator_limits limits = estimator->limits, begin = limits;

    if (half_bps > begin.start_bps)
        begin.start_bps = half_bps;
    estimator_init(estimator, &begin);
    estimator->limits = limits;
    estimator->desired_bps = desired_bps;
    estimator->feedbacks_refused = refused;
}

void estimator_sent(struct estimator *estimator, uint16_t number, uint32_t bytes, uint64_t now_us)
{
    send_history_add(&estimator->history, number, bytes, estimator->probe.cluster, now_us);
    estimator->sent_bytes += bytes;
    if (estimator->numbered++ == 0)
        estimator->first_numbered_us = now_us;
    if (estimator->probe.cluster != 0)
        probe_sent(&estimator->probe, bytes, now_us);
}

void estimator_sent_unnumbered(struct estimator *estimator, uint32_t bytes)
{
    estimator->sent_bytes += bytes;
    send_history_carry(&estimator->history, bytes);
}

static double clamped(const struct estimator *estimator, double bps)
{
    const struct estimator_limits *limits = &estimator->limits;

    return bps < limits->min_bps ? limits->min_bps : bps > limits->max_bps ? limits->max_bps : bps;
}

/* The least of what delay, loss and receiver allow. */
static bool combine(struct estimator *estimator, enum estimator_reason reason, uint64_t now_us)
{
    uint32_t before_bps = estimator->estimate_bps;
    uint32_t loss_bps = loss_estimate_bound_bps(&estimator->loss);

    estimator->aimd.rate_bps = clamped(estimator, estimator->aimd.rate_bps);
    double bps = estimator->aimd.rate_bps;
    if (loss_bps < bps) {
        bps = loss_bps;
        reason = reason == ESTIMATOR_SILENCE ? reason : ESTIMATOR_LOSS;
    }
    if (estimator->has_remb && estimator->remb_bps < bps) {
        bps = estimator->remb_bps;
        reason = ESTIMATOR_REMB;
    }
    estimator->estimate_bps = (uint32_t)clamped(estimator, bps);
    if (estimator->estimate_bps == before_bps)
        return false;
    estimator->reason = (uint8_t)reason;
    if (estimator->estimate_bps < before_bps)
        probe_dropped(&estimator->probe, before_bps, estimator->estimate_bps, now_us);
    return true;
}

/* What the statuses of one feedback add up to. */
struct tally {
    uint32_t received;
    uint32_t lost;
    uint32_t late;
    uint32_t probe_bps;
    uint64_t newest_sent_us;
    bool overused;
};

static void take_received(struct estimator *estimator, uint16_t number, int64_t arrival_us, uint64_t now_us,
                          struct tally *tally)
{
    struct send_history_packet packet;
    struct arrival_delta delta;
    enum send_history_match match = send_history_received(&estimator->history, number, &packet);

    if (match == SEND_HISTORY_UNKNOWN)
        return;
    tally->received += match == SEND_HISTORY_FIRST;
    tally->late += match == SEND_HISTORY_LATE;
    if (packet.sent_us > tally->newest_sent_us)
        tally->newest_sent_us = packet.sent_us;
    acked_bitrate_packet(&estimator->acked, arrival_us, packet.bytes, estimator->limit.is_limited);
    uint32_t probe_bps =
        probe_received(&estimator->probe, &packet, arrival_us, estimator->estimate_bps, now_us);
    if (probe_bps != 0)
        tally->probe_bps = probe_bps;
    queue_delay_packet(&estimator->queue, (int64_t)packet.sent_us, arrival_us);
    if (!arrival_groups_packet(&estimator->groups, (int64_t)packet.sent_us, arrival_us, now_us, &delta))
        return;
    trendline_update(&estimator->trendline, delta.arrival_ms, delta.send_ms, (double)arrival_us / 1000);
    overuse_update(&estimator->overuse, trendline_offset_ms(&estimator->trendline),
                   estimator->trendline.slope, delta.send_ms, now_us);
    tally->overused |= estimator->overuse.state == OVERUSE_OVERUSING;
}

/* Arrival times count from a reference of 24 bits, which wraps after 12 days. */
static int64_t unwrap_reference(const struct estimator *estimator, int32_t reference)
{
    int64_t cycle = (int64_t)1 << REFERENCE_BITS;

    if (!estimator->has_feedback || estimator->reference > REFERENCE_MAX ||
        estimator->reference < -REFERENCE_MAX)
        return reference;
    int64_t delta = (reference - estimator->reference) % cycle;
    if (delta < -cycle / 2)
        delta += cycle;
    if (delta >= cycle / 2)
        delta -= cycle;
    return estimator->reference + delta;
}

static void walk(struct estimator *estimator, const struct twcc_feedback *feedback, uint64_t now_us,
                 struct tally *ret_tally)
{
    int64_t reference = unwrap_reference(estimator, feedback->reference_time);
    int64_t base_us = (reference - feedback->reference_time) * TWCC_REFERENCE_US;
    struct twcc_iterator iterator;
    struct twcc_status status;

    twcc_begin(&iterator, feedback);
    while (twcc_next(&iterator, &status)) {
        if (status.received)
            take_received(estimator, status.sequence, base_us + status.arrival_us, now_us, ret_tally);
        else
            ret_tally->lost += send_history_lost(&estimator->history, status.sequence) == SEND_HISTORY_FIRST;
    }
    if (ret_tally->received + ret_tally->late > 0) /* else anybody could move it */
        estimator->reference = reference;
}

static void measure_rtt(struct estimator *estimator, uint64_t newest_sent_us, uint64_t now_us)
{
    uint64_t rtt_us = now_us - newest_sent_us;

    if (newest_sent_us == 0 || newest_sent_us > now_us)
        return;
    rtt_us = rtt_us < RTT_MAX_US ? rtt_us : RTT_MAX_US;
    estimator->rtt_us =
        (uint32_t)(estimator->rtt_us == 0 ? rtt_us : (7 * (uint64_t)estimator->rtt_us + rtt_us) / 8);
    estimator->aimd.rtt_us = estimator->rtt_us;
}

/* More than the path is known to hold is believed when a second probe finds it, too: what held packets back
 * and let them go together makes the path look wider than it is. */
static bool is_doubtful(struct estimator *estimator, uint32_t probe_bps)
{
    struct probe *probe = &estimator->probe;
    double capacity_bps = estimator->aimd.capacity_kbps * 1000;
    bool is_beyond = capacity_bps > 0 && probe_bps > capacity_bps * BEYOND_CAPACITY;
    uint8_t first = estimator->doubted;

    estimator->doubted = is_beyond && first == 0 ? probe->last_cluster : first;
    if (!is_beyond || (first != 0 && first != probe->last_cluster)) {
        estimator->doubted = 0;
        return false;
    }
    probe_again(probe);
    return true;
}

/* Where little is sent the probe knows better than what was derived from that; but what did arrive is true.
 */
static bool take_probe(struct estimator *estimator, uint32_t probe_bps, uint32_t acked_bps, uint64_t now_us)
{
    bool is_higher = probe_bps > estimator->estimate_bps;
    bool may_lower = estimator->probe.found_full && estimator->limit.is_limited;

    if (estimator->overuse.state == OVERUSE_OVERUSING || (!is_higher && !may_lower))
        return false;
    if (is_doubtful(estimator, probe_bps))
        return false;
    aimd_found_capacity(&estimator->aimd, (uint32_t)fmin(probe_bps / PROBE_UTILISATION, UINT32_MAX));
    aimd_set(&estimator->aimd, probe_bps > acked_bps ? probe_bps : acked_bps, now_us);
    loss_estimate_raise(&estimator->loss, probe_bps);
    return true;
}

/* Packets wait for seconds, but no more than some tens of milliseconds. Where less is sent than the path
 * holds that queue would have emptied: the path has become longer. */
static enum overuse_state look_at_short_queue(struct estimator *estimator, enum overuse_state state,
                                              uint64_t now_us)
{
    if (!estimator_has_queue(estimator) || state == OVERUSE_OVERUSING) {
        estimator->queue_begin_us = now_us;
        return state;
    }
    if (now_us - estimator->queue_begin_us < STANDING_US)
        return state;
    estimator->queue_begin_us = now_us;
    if (acked_bitrate_bps(&estimator->acked) < estimator->aimd.rate_bps * STANDING_USED)
        queue_delay_disbelieve(&estimator->queue);
    else if (aimd_may_decrease(&estimator->aimd, now_us))
        return OVERUSE_OVERUSING;
    return state;
}

/* A queue that stands is too much use, too, unless it is emptying. */
static enum overuse_state look_at_queue(struct estimator *estimator, enum overuse_state state,
                                        uint64_t now_us)
{
    uint32_t queue_us = queue_delay_end(&estimator->queue, now_us);

    bool shrinks = queue_us < estimator->queue_seen_us;
    estimator->queue_seen_us = queue_us;
    if (queue_us < QUEUE_US) {
        estimator->queue_cuts = 0;
        return look_at_short_queue(estimator, state, now_us);
    }
    estimator->queue_begin_us = now_us;
    if (state != OVERUSE_OVERUSING && shrinks)
        return OVERUSE_UNDERUSING;
    if (state == OVERUSE_UNDERUSING || !aimd_may_decrease(&estimator->aimd, now_us))
        return state;
    if (++estimator->queue_cuts > QUEUE_CUTS_MAX) {
        estimator->queue_cuts = 0;
        queue_delay_disbelieve(&estimator->queue);
        return state;
    }
    acked_bitrate_expect_change(&estimator->acked); /* the path has changed, not what is sent */
    return OVERUSE_OVERUSING;
}

static enum overuse_state judge_delay(struct estimator *estimator, bool overused, uint64_t now_us)
{
    enum overuse_state state = overused ? OVERUSE_OVERUSING : estimator->overuse.state;

    state = look_at_queue(estimator, state, now_us);
    if (state != OVERUSE_OVERUSING)
        return state;
    const struct queue_delay *queue = &estimator->queue;
    double capacity_bps = estimator->aimd.capacity_kbps * 1000;
    bool is_below =
        estimator->limit.is_limited || acked_bitrate_bps(&estimator->acked) < capacity_bps * BELOW_CAPACITY;
    bool is_burst = now_us - estimator->burst_us < BURST_US && capacity_bps > 0;
    /* Hardly anything waits: the delay grew by a burst, or noise. So it did where less is sent than the path
     * is known to hold, or a burst just as much, until a queue stands that says otherwise. */
    if (queue->newest_us < NOISE_US || (is_below && queue->queue_us < ESTIMATOR_QUEUE_US) ||
        (is_burst && queue->queue_us < QUEUE_US))
        return OVERUSE_NORMAL;
    return state;
}

/* What the path carried while it was used too much. The newest window saw it full; the average before may
 * have seen little sent. */
static uint32_t carried_bps(const struct estimator *estimator, uint32_t acked_bps)
{
    uint32_t newest_bps = acked_bitrate_newest_bps(&estimator->acked);
    uint32_t least_bps = estimator->queue.queue_us > QUEUE_US ? acked_bps / 2 : acked_bps;

    return newest_bps > least_bps ? newest_bps : least_bps;
}

/* A long queue would take seconds to empty at 0.85 of what goes through. */
static void drain(struct estimator *estimator, uint32_t acked_bps, uint64_t now_us)
{
    double drained_bps = acked_bps * DRAIN;

    if (estimator->queue.queue_us > QUEUE_US && acked_bps != 0 && drained_bps < estimator->aimd.rate_bps)
        aimd_set(&estimator->aimd, (uint32_t)drained_bps, now_us);
}

bool estimator_feedback(struct estimator *estimator, const struct twcc_feedback *feedback, uint64_t now_us)
{
    struct tally tally = {0};
    enum estimator_reason reason = ESTIMATOR_INCREASE;

    if (feedback->status_count > ESTIMATOR_STATUSES_MAX) {
        estimator->feedbacks_refused++;
        return false;
    }
    walk(estimator, feedback, now_us, &tally);
    if (tally.received + tally.lost + tally.late == 0)
        return false; /* nothing new: as if it had not come */
    if (estimator->heard_bps != 0 && tally.received > 0) {
        estimator_begin_anew(estimator); /* all that was lost with the path must not count against it */
        estimator->has_feedback = 1;
        return true;
    }
    estimator->has_feedback = 1;
    estimator->feedback_us = now_us;
    estimator->numbered = 0;
    measure_rtt(estimator, tally.newest_sent_us, now_us);

    uint32_t acked_bps = acked_bitrate_bps(&estimator->acked);
    enum overuse_state state = judge_delay(estimator, tally.overused, now_us);
    uint32_t through_bps = state == OVERUSE_OVERUSING ? carried_bps(estimator, acked_bps) : acked_bps;
    if (aimd_update(&estimator->aimd, state, through_bps, now_us)) {
        reason = ESTIMATOR_OVERUSE;
        drain(estimator, through_bps, now_us);
    } else if (tally.probe_bps != 0 && take_probe(estimator, tally.probe_bps, acked_bps, now_us)) {
        reason = ESTIMATOR_PROBE;
    }
    struct loss_path path = {.rate_bps = estimator->estimate_bps,
                             .acked_bps = acked_bps,
                             .rtt_us = estimator->rtt_us,
                             .queue_us = estimator->queue.queue_us};
    loss_estimate_update(&estimator->loss, tally.received + tally.lost, tally.lost, tally.late, &path,
                         now_us);
    return combine(estimator, reason, now_us);
}

bool estimator_remb(struct estimator *estimator, uint64_t remb_bps, uint64_t now_us)
{
    estimator->remb_bps = (uint32_t)clamped(estimator, (double)remb_bps);
    estimator->has_remb = 1;
    if (!estimator->has_feedback)
        estimator->aimd.rate_bps = estimator->remb_bps;
    return combine(estimator, ESTIMATOR_REMB, now_us);
}

bool estimator_reported_loss(struct estimator *estimator, uint32_t packets, uint32_t lost, uint64_t now_us)
{
    if (estimator->has_feedback || !estimator->has_remb)
        return false;
    struct loss_path path = {.rate_bps = estimator->estimate_bps, .rtt_us = AIMD_RTT_US};
    loss_estimate_update(&estimator->loss, packets, lost, 0, &path, now_us);
    return combine(estimator, ESTIMATOR_LOSS, now_us);
}

/* Packets were sent and nothing is heard of them: the path is full, or gone. */
static bool look_for_silence(struct estimator *estimator, uint64_t now_us)
{
    uint64_t since_us = estimator->feedback_us > estimator->first_numbered_us ? estimator->feedback_us
                                                                              : estimator->first_numbered_us;

    if (!estimator->has_feedback || estimator->numbered == 0 ||
        now_us - since_us < SILENCE_US + estimator->rtt_us)
        return false;
    estimator->feedback_us = now_us; /* until the next half second is over */
    if (estimator->heard_bps == 0)
        estimator->heard_bps = estimator->estimate_bps;
    aimd_set(&estimator->aimd, estimator->estimate_bps / 2, now_us);
    return combine(estimator, ESTIMATOR_SILENCE, now_us);
}

/* Nothing is sent that is told of: queues have emptied, and only a probe can find out more. What was lost at
 * the end of all that was sent is never told of, since no later packet arrives. */
static void forget_delay(struct estimator *estimator, uint64_t now_us)
{
    bool is_told = estimator->numbered == 0;

    if (is_told ? now_us - estimator->feedback_us < FORGET_US
                : now_us - estimator->history.newest_us < FORGET_US + estimator->rtt_us)
        return;
    if (estimator->has_feedback)
        estimator->numbered = 0;
    queue_delay_expire(&estimator->queue);
    estimator->overuse.state = OVERUSE_NORMAL;
}

uint32_t estimator_pacing_bps(const struct estimator *estimator)
{
    double capacity_bps = estimator->aimd.capacity_kbps * 1000;
    double factor = estimator_has_queue(estimator) ? PACING_WITH_QUEUE : PACING;
    double bps = estimator->estimate_bps * factor;

    if (capacity_bps > 0 && bps > capacity_bps * PACING_OF_CAPACITY)
        bps = fmax(capacity_bps * PACING_OF_CAPACITY, estimator->estimate_bps);
    return (uint32_t)fmin(bps, UINT32_MAX);
}

bool estimator_turn(struct estimator *estimator, uint64_t now_us)
{
    bool changed = look_for_silence(estimator, now_us);

    forget_delay(estimator, now_us);
    struct probe_inputs inputs = {.estimate_bps = estimator->estimate_bps,
                                  .desired_bps = estimator->desired_bps,
                                  .is_normal = estimator->overuse.state != OVERUSE_OVERUSING &&
                                               !estimator_has_queue(estimator)};

    if (application_limit_update(&estimator->limit, estimator->sent_bytes, estimator->estimate_bps, now_us) &&
        !estimator->limit.is_limited)
        acked_bitrate_expect_change(&estimator->acked);
    estimator->sent_bytes = 0;
    if (estimator->has_remb && estimator->remb_bps < inputs.desired_bps)
        inputs.desired_bps = estimator->remb_bps;
    if (estimator->estimate_bps >= estimator->limits.max_bps)
        inputs.desired_bps = 0;
    inputs.is_limited = estimator->limit.is_limited;
    /* All video may be more than the first estimate: then nothing is sent by which to learn more. */
    bool is_starved = estimator->may_begin && estimator->desired_bps > estimator->estimate_bps;
    if (estimator->history.started || is_starved)
        probe_begin(&estimator->probe, &inputs, now_us);
    return changed;
}
