#include "dataplane/rtcp_ingress.h"

#include <errno.h>

#include "dataplane/bandwidth.h"
#include "dataplane/forward.h"
#include "dataplane/peers.h"
#include "dataplane/probator.h"
#include "dataplane/receive_stats.h"
#include "dataplane/receiver_loss.h"
#include "dataplane/retransmit.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/rtcp_limit.h"
#include "dataplane/rtcp_report.h"
#include "dataplane/scores.h"
#include "dataplane/send_stats.h"
#include "dataplane/sender_clock.h"
#include "dataplane/worker.h"
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp.h"
#include "proto/wire/rtcp_feedback.h"
#include "proto/wire/rtcp_report.h"
#include "proto/wire/rtcp_xr.h"
#include "proto/wire/twcc.h"

#define ROUND_TRIP_US 100000u /* while none is known */
#define PARTS_MAX 64u         /* of one compound: no receiver has that much to say at once */
#define NACKS_MAX 1024u       /* numbers of one NACK that are looked at */

static void take_report_block(struct worker *worker, struct transport *transport,
                              const struct rtcp_report_block *block)
{
    struct consumer *consumer = consumer_map_find(&worker->streams.consumer_ssrcs, transport, block->ssrc);

    if (!consumer || consumer->row->ssrc != block->ssrc)
        return; /* RTX, or a stream that has just ended */
    bandwidth_report_block(worker, consumer, block);
    send_stats_report_block(&consumer->row->media.stats, block, worker->now_us);
    scores_report(consumer);
    receiver_loss_report(worker, consumer);
}

static void take_report_blocks(struct worker *worker, struct transport *transport,
                               const struct rtcp_packet *packet)
{
    struct rtcp_report_block block;

    for (unsigned i = 0; rtcp_report_block(packet, i, &block); i++)
        take_report_block(worker, transport, &block);
}

static int take_sender_report(struct worker *worker, struct transport *transport,
                              const struct rtcp_packet *packet)
{
    struct rtcp_sender_info info;
    int error = rtcp_parse_sr(packet, &info);

    if (error != 0)
        return error;
    struct stream *stream = stream_find_ssrc(&worker->streams, transport, info.ssrc);
    if (stream) {
        receive_stats_sender_report(&stream->row->stats, &info, worker->now_us);
        sender_clock_report(&transport->row->clock, info.ntp, worker->now_us);
        peers_note_stream(stream);
        peers_note_clock(transport);
    }
    take_report_blocks(worker, transport, packet);
    return 0;
}

static int take_receiver_report(struct worker *worker, struct transport *transport,
                                const struct rtcp_packet *packet)
{
    uint32_t ssrc;
    int error = rtcp_parse_rr(packet, &ssrc);

    if (error == 0)
        take_report_blocks(worker, transport, packet);
    return error;
}

/* What a sender answers to our reference time. */
static void take_dlrr(struct worker *worker, struct transport *transport, const struct rtcp_xr_block *block)
{
    struct rtcp_xr_dlrr dlrr;

    for (size_t i = 0; rtcp_xr_dlrr(block, i, &dlrr); i++) {
        uint32_t rtt_us =
            dlrr.ssrc == transport->row->rtcp_ssrc ? rtcp_report_round_trip_us(&dlrr, worker->now_us) : 0;
        if (rtt_us != 0)
            transport->row->sender_rtt_us = rtt_us;
    }
}

static int take_extended_report(struct worker *worker, struct transport *transport,
                                const struct rtcp_packet *packet)
{
    struct rtcp_xr_iterator iterator;
    struct rtcp_xr_block block;
    uint32_t sender_ssrc;
    uint64_t ntp;
    int result = rtcp_xr_begin(&iterator, packet, &sender_ssrc);

    if (result != 0)
        return result;
    while ((result = rtcp_xr_next(&iterator, &block)) == 1) {
        if (block.type == RTCP_XR_RRTR && rtcp_xr_parse_rrtr(&block, &ntp) == 0)
            rtcp_report_reference_time(&transport->row->report, sender_ssrc, ntp, worker->now_us);
        if (block.type == RTCP_XR_DLRR)
            take_dlrr(worker, transport, &block);
    }
    return result;
}

/* Receivers ask for what they miss of the probator, too, of which nobody needs anything. */
static void drop_unknown(struct worker *worker, uint32_t ssrc)
{
    if (ssrc != PROBATOR_SSRC)
        worker_drop(worker, DROP_feedback_unknown_ssrc);
}

/* Whether a key frame is on its way to the receiver, who asked before he had it. */
static bool is_answered(const struct worker *worker, const struct consumer *consumer,
                        const struct stream *stream)
{
    uint64_t seen_us = stream->row->key_frame.seen_us;
    uint32_t rtt_us = consumer->row->media.stats.rtt_us;

    return consumer->row->media.layer.current == (int)stream->encoding && seen_us != 0 &&
           worker->now_us - seen_us < (rtt_us != 0 ? rtt_us : ROUND_TRIP_US);
}

/* A receiver cannot go on: its encoding, or the one it waits for, is to send a key frame. Whether one comes.
 */
static bool want_key_frame(struct worker *worker, struct consumer *consumer)
{
    const struct layer_switch *layer = &consumer->row->media.layer;
    int encoding = layer->current >= 0 ? layer->current : layer->target;

    if (encoding < 0 || consumer->row->paused || consumer->producer->row->paused)
        return false;
    struct stream *stream = consumer->producer->streams[encoding];
    if (is_answered(worker, consumer, stream))
        return true;
    if (!key_frame_limit_ask(&consumer->key_frames, &stream->asker, consumer->handle, worker->now_us)) {
        worker_drop(worker, DROP_key_frame_limit);
        return false;
    }
    rtcp_egress_request_key_frame(worker, stream);
    return true;
}

static unsigned count_nacked(const struct rtcp_feedback *feedback)
{
    struct rtcp_nack_iterator iterator;
    uint16_t sequence;
    unsigned count = 0;

    rtcp_nack_begin(&iterator, feedback);
    while (count < NACKS_MAX && rtcp_nack_next(&iterator, &sequence))
        count++;
    return count;
}

/* After an outage a key frame is sooner and cheaper than all that was lost, and a receiver that waits for
 * what it does not get asks for one only after seconds. */
static void take_nack(struct worker *worker, struct transport *transport,
                      const struct rtcp_feedback *feedback)
{
    struct consumer *consumer =
        consumer_map_find(&worker->streams.consumer_ssrcs, transport, feedback->media_ssrc);
    struct rtcp_nack_iterator iterator;
    uint16_t sequence;
    bool is_hopeless = false;

    if (!consumer || consumer->row->ssrc != feedback->media_ssrc) {
        drop_unknown(worker, feedback->media_ssrc);
        return;
    }
    unsigned count = count_nacked(feedback);
    bool is_video = consumer->row->kind == SHM_MEDIA_VIDEO;
    consumer->row->nack_messages++;
    consumer->row->media.stats.nacks += count;
    if (is_video && retransmit_is_too_much(worker, consumer, count) && want_key_frame(worker, consumer)) {
        worker_drop_many(worker, DROP_nack_budget, count);
        return;
    }
    rtcp_nack_begin(&iterator, feedback);
    while (count-- > 0 && rtcp_nack_next(&iterator, &sequence))
        is_hopeless |= !retransmit(worker, consumer, sequence);
    if (is_hopeless && is_video)
        want_key_frame(worker, consumer);
}

static int take_transport_feedback(struct worker *worker, struct transport *transport,
                                   const struct rtcp_packet *packet)
{
    struct shm_transport_row *row = transport->row;
    struct twcc_feedback feedback;
    int error = twcc_parse(packet, &feedback);

    if (error != 0)
        return error;
    row->twcc_feedbacks_received++;
    row->twcc_packets_lost += twcc_count_lost(&feedback);
    bandwidth_feedback(worker, transport, &feedback);
    return 0;
}

static int take_rtpfb(struct worker *worker, struct transport *transport, const struct rtcp_packet *packet)
{
    struct rtcp_feedback feedback;
    int error = rtcp_parse_feedback(packet, &feedback);

    if (error != 0)
        return error;
    switch (packet->count) {
    case RTCP_RTPFB_NACK:
        take_nack(worker, transport, &feedback);
        return 0;
    case RTCP_RTPFB_TWCC:
        return take_transport_feedback(worker, transport, packet);
    default:
        return 0;
    }
}

static void take_pli(struct worker *worker, struct transport *transport, const struct rtcp_feedback *feedback)
{
    struct consumer *consumer =
        consumer_map_find(&worker->streams.consumer_ssrcs, transport, feedback->media_ssrc);

    if (!consumer) {
        drop_unknown(worker, feedback->media_ssrc);
        return;
    }
    consumer->row->media.stats.plis++;
    want_key_frame(worker, consumer);
}

static void take_fir(struct worker *worker, struct transport *transport, const struct rtcp_feedback *feedback)
{
    struct rtcp_fir_entry entry;

    for (size_t i = 0; rtcp_fir_entry(feedback, i, &entry); i++) {
        struct consumer *consumer = consumer_map_find(&worker->streams.consumer_ssrcs, transport, entry.ssrc);
        if (!consumer) {
            drop_unknown(worker, entry.ssrc);
            continue;
        }
        consumer->row->media.stats.firs++;
        want_key_frame(worker, consumer);
    }
}

static int take_psfb(struct worker *worker, struct transport *transport, const struct rtcp_packet *packet)
{
    struct rtcp_feedback feedback;
    struct rtcp_remb remb;
    int error = rtcp_parse_feedback(packet, &feedback);

    if (error != 0)
        return error;
    switch (packet->count) {
    case RTCP_PSFB_PLI:
        take_pli(worker, transport, &feedback);
        return 0;
    case RTCP_PSFB_FIR:
        take_fir(worker, transport, &feedback);
        return 0;
    case RTCP_PSFB_AFB:
        error = rtcp_parse_remb(&feedback, &remb);
        if (error == 0) {
            transport->row->remb_bps = remb.bitrate_bps;
            bandwidth_remb(worker, transport, remb.bitrate_bps);
        }
        return error == -ENOMSG ? 0 : error;
    default:
        return 0;
    }
}

static int take(struct worker *worker, struct transport *transport, const struct rtcp_packet *packet)
{
    switch (packet->type) {
    case RTCP_SR:
        return take_sender_report(worker, transport, packet);
    case RTCP_RR:
        return take_receiver_report(worker, transport, packet);
    case RTCP_RTPFB:
        return take_rtpfb(worker, transport, packet);
    case RTCP_PSFB:
        return take_psfb(worker, transport, packet);
    case RTCP_XR:
        return take_extended_report(worker, transport, packet);
    default:
        return 0; /* SDES and BYE change nothing: streams end by silence or by command */
    }
}

void rtcp_ingress(struct worker *worker, const struct ingress_packet *packet)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet part;

    if (rtcp_begin(&iterator, packet->data, packet->length) != 0) {
        worker_drop(worker, DROP_rtcp_malformed);
        return;
    }
    for (unsigned parts = 0; rtcp_next(&iterator, &part); parts++) {
        if (!rtcp_limit_admit(packet->transport, rtcp_limit_units(&part), worker->now_us)) {
            worker_drop(worker, DROP_rtcp_limit);
            return;
        }
        if (parts == PARTS_MAX || take(worker, packet->transport, &part) != 0) {
            worker_drop(worker, DROP_rtcp_malformed);
            return;
        }
    }
}
