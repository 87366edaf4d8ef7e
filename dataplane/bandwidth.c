#include "dataplane/bandwidth.h"

#include <errno.h>

#include "dataplane/allocation.h"
#include "dataplane/pacer.h"
#include "dataplane/probator.h"
#include "dataplane/redundancy.h"
#include "dataplane/retransmit.h"
#include "dataplane/worker.h"

#define BEGIN_TURNS 10u         /* a transport that was adopted is looked at that often */
#define REMB_INTERVAL_US 10000u /* what it costs to believe one is not the receiver's to choose */
#define RUN_US 2000u
#define PADDING_PACKETS 8u /* the newest, that are repeated to probe */

static bool is_numbered(const struct consumer *consumer)
{
    return consumer->row->media.extensions.id[MEDIA_EXTENSION_TRANSPORT_WIDE_CC] != 0 &&
           (consumer->row->feedback & SHM_FEEDBACK_TRANSPORT_CC);
}

static bool has_feedback(const struct transport *transport)
{
    for (const struct consumer *consumer = transport->consumers; consumer;
         consumer = consumer->next_of_transport) {
        if (is_numbered(consumer) || (consumer->row->feedback & SHM_FEEDBACK_REMB))
            return true;
    }
    return false;
}

/* What was estimated goes to the row, and is shared out. */
static void tell(struct worker *worker, struct transport *transport)
{
    transport->row->available_bps = transport->estimator->estimate_bps;
    allocation_estimate(worker, transport);
}

void bandwidth_begin(struct worker *worker, struct transport *transport)
{
    struct shm_transport_row *row = transport->row;

    if (transport->estimator || row->start_bps == 0 || !has_feedback(transport))
        return;
    transport->estimator = &worker->transports.estimators[transport->index];
    struct estimator_limits limits = {.start_bps =
                                          row->available_bps != 0 ? row->available_bps : row->start_bps,
                                      .min_bps = row->min_bps,
                                      .max_bps = row->max_bps};
    estimator_init(transport->estimator, &limits);
    tell(worker, transport);
}

void bandwidth_begin_anew(struct worker *worker, struct transport *transport)
{
    if (!transport->estimator)
        return;
    estimator_begin_anew(transport->estimator);
    tell(worker, transport);
}

void bandwidth_feedback(struct worker *worker, struct transport *transport,
                        const struct twcc_feedback *feedback)
{
    if (!transport->estimator)
        return;
    bool was_mute = transport->row->available_bps == 0;
    bool changed = estimator_feedback(transport->estimator, feedback, worker->now_us);
    if (changed || (was_mute && transport->estimator->has_feedback))
        tell(worker, transport);
}

void bandwidth_remb(struct worker *worker, struct transport *transport, uint64_t bps)
{
    if (!transport->estimator || worker->now_us - transport->remb_us < REMB_INTERVAL_US)
        return;
    transport->remb_us = worker->now_us;
    if (estimator_remb(transport->estimator, bps, worker->now_us))
        tell(worker, transport);
}

void bandwidth_report_block(struct worker *worker, struct consumer *consumer,
                            const struct rtcp_report_block *block)
{
    const struct send_stats *before = &consumer->row->media.stats;
    struct transport *transport = consumer->transport;
    uint32_t packets = block->highest_sequence - before->highest;

    if (!transport->estimator || before->report_us == 0 || packets > UINT16_MAX)
        return;
    if (estimator_reported_loss(transport->estimator, packets, packets * block->fraction_lost / 256,
                                worker->now_us))
        tell(worker, transport);
}

/* Numbered packets went out, and the receiver has never said a word. */
static bool is_mute(const struct estimator *estimator, uint64_t now_us)
{
    return !estimator->has_feedback && !estimator->has_remb && estimator->numbered > 0 &&
           now_us - estimator->first_numbered_us > BANDWIDTH_MUTE_US;
}

void bandwidth_turn(struct worker *worker, struct transport *transport)
{
    struct estimator *estimator = transport->estimator;

    if (!estimator) {
        if (transport->turns % BEGIN_TURNS == 0)
            bandwidth_begin(worker, transport);
        return;
    }
    estimator->may_begin = transport_can_send(transport);
    if (estimator_turn(estimator, worker->now_us))
        tell(worker, transport);
    if (transport->row->available_bps != 0 && is_mute(estimator, worker->now_us)) {
        transport->row->available_bps = 0;
        allocation_estimate(worker, transport);
    }
    redundancy_turn(transport, worker->now_us);
    if (estimator->probe.cluster != 0)
        transport_table_busy(&worker->transports, transport);
}

static struct consumer *find_numbered(const struct transport *transport)
{
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport) {
        if (is_numbered(consumer))
            return consumer;
    }
    return NULL;
}

/* What was just sent is sent once more where its size suits: so the probe repairs, too, what is lost just
 * now. Else zeroes. Returns the bytes, or a negative errno. */
static int send_padding(struct worker *worker, struct consumer *consumer, unsigned back, uint32_t bytes)
{
    if (consumer->transport->pacing.packets == 0) {
        uint16_t newest = (uint16_t)consumer->row->media.rewrite.highest_out;
        int sent = retransmit_unasked(worker, consumer, (uint16_t)(newest - back % PADDING_PACKETS),
                                      bytes / 2, bytes + bytes / 2);
        if (sent > 0)
            return sent;
    }
    int error = probator_send(worker, consumer, bytes);
    return error != 0 ? error : (int)bytes;
}

/* The cluster's bytes that are due; media that left meanwhile has counted already. */
static void send_probe(struct worker *worker, struct transport *transport)
{
    struct probe *probe = &transport->estimator->probe;
    struct consumer *consumer = find_numbered(transport);
    uint32_t due_bytes = probe_due_bytes(probe, worker->now_us);
    unsigned packets = probe->sent_packets;

    for (uint32_t bytes = 0; bytes < due_bytes;) {
        int sent = consumer ? send_padding(worker, consumer, packets++, probe_packet_bytes(probe)) : -ENOENT;
        if (sent < 0) {
            probe_abandon(probe, worker->now_us);
            return;
        }
        bytes += (uint32_t)sent;
    }
}

void bandwidth_run(struct worker *worker)
{
    struct transport **link = &worker->transports.busy;

    if (!*link)
        return;
    for (struct transport *transport = *link; transport; transport = transport->next_busy) {
        pacer_run(worker, transport);
        redundancy_run(worker, transport);
        if (transport->estimator->probe.cluster != 0)
            send_probe(worker, transport);
    }
    egress_flush(worker); /* tells the probes what was sent */
    while (*link) {
        struct transport *transport = *link;
        transport->is_busy = transport->pacing.packets > 0 || transport->redundancy.count > 0 ||
                             transport->estimator->probe.cluster != 0;
        if (transport->is_busy)
            link = &transport->next_busy;
        else
            *link = transport->next_busy;
    }
}

uint64_t bandwidth_next_us(const struct worker *worker, uint64_t otherwise_us)
{
    uint64_t next_us = worker->now_us + RUN_US;

    return worker->transports.busy && next_us < otherwise_us ? next_us : otherwise_us;
}

void bandwidth_statistics(const struct transport *transport, struct statistics_bandwidth *statistics)
{
    const struct estimator *estimator = transport->estimator;

    if (!estimator)
        return;
    uint32_t loss_bound_bps = loss_estimate_bound_bps(&estimator->loss);
    statistics->available_bps = transport->row->available_bps;
    statistics->desired_bps = estimator->desired_bps;
    statistics->acked_bps = acked_bitrate_bps(&estimator->acked);
    statistics->delay_bound_bps = (uint32_t)estimator->aimd.rate_bps;
    statistics->loss_bound_bps = loss_bound_bps == LOSS_ESTIMATE_UNBOUNDED ? 0 : loss_bound_bps;
    statistics->remb_bps = estimator->remb_bps;
    statistics->probe_bps = estimator->probe.result_bps;
    statistics->probes = estimator->probe.count;
    statistics->probes_succeeded = estimator->probe.successes;
    statistics->loss_permille = (uint32_t)(estimator->loss.ratio * 1000);
    statistics->queue_delay_us = estimator->queue.queue_us;
    statistics->pacer_packets = transport->pacing.packets;
    statistics->pacer_queued = transport->pacing.queued;
    statistics->pacer_dropped = transport->pacing.dropped;
    statistics->reason = estimator->reason;
    statistics->delay_state = (uint8_t)estimator->overuse.state;
    statistics->is_limited = estimator->limit.is_limited;
}
