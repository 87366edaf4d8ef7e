#include "dataplane/rtcp_egress.h"

#include <errno.h>
#include <string.h>

#include "dataplane/egress.h"
#include "dataplane/forward.h"
#include "dataplane/key_frame.h"
#include "dataplane/ntp_time.h"
#include "dataplane/peers.h"
#include "dataplane/receive_stats.h"
#include "dataplane/remb_cap.h"
#include "dataplane/rtcp_report.h"
#include "dataplane/scores.h"
#include "dataplane/send_stats.h"
#include "dataplane/twcc_feedback.h"
#include "dataplane/worker.h"
#include "proto/wire/rtcp_feedback.h"

/* What is due about every second need not be looked at in every turn. */
#define REPORT_TURNS (200000u / TRANSPORT_TURN_US)

#define NACKS_A_PACKET 250u /* at worst an item of four bytes each */

/* Sends a packet of its own; length as the writers of proto/wire return it. */
static bool commit(struct worker *worker, struct srtp_protect_job *job, int length)
{
    if (length <= 0) {
        egress_cancel(worker);
        return false;
    }
    job->head_bytes = (uint32_t)length;
    job->clear_bytes = 8;
    egress_commit(worker);
    return true;
}

static uint32_t room(const struct srtp_protect_job *job)
{
    return job->out_capacity - SRTP_TRAILER_MAX;
}

/* The SSRC that a stream has, or is going to have; 0 when its first packet must say. */
static uint32_t stream_ssrc(const struct stream *stream)
{
    const struct producer *producer = stream->producer;
    return producer->transport->demux[producer->place].encodings[stream->encoding].ssrc;
}

static void ask_key_frame(struct worker *worker, struct stream *stream)
{
    struct shm_stream_row *row = stream->row;
    struct transport *transport = stream->producer->transport;
    uint8_t feedback = stream->producer->row->feedback;
    uint32_t ssrc = stream_ssrc(stream);
    int length;

    if (ssrc == 0 || !transport_can_send_rtcp(transport) ||
        !(feedback & (SHM_FEEDBACK_PLI | SHM_FEEDBACK_FIR)))
        return;
    struct srtp_protect_job *job = egress_begin(worker, transport, SRTP_KIND_RTCP);
    if (!job)
        return;
    if (feedback & SHM_FEEDBACK_PLI) {
        length = rtcp_write_pli(job->out, room(job), transport->row->rtcp_ssrc, ssrc);
        row->plis_sent++;
    } else {
        length =
            rtcp_write_fir(job->out, room(job), transport->row->rtcp_ssrc, ssrc, (uint8_t)row->firs_sent);
        row->firs_sent++;
    }
    commit(worker, job, length);
    key_frame_request_sent(&row->key_frame, worker->now_us);
}

void rtcp_egress_request_key_frame(struct worker *worker, struct stream *stream)
{
    if (stream->producer->mirror) {
        peers_request_key_frame(worker, stream);
        return;
    }
    key_frame_request(&stream->row->key_frame);
    if (key_frame_request_due(&stream->row->key_frame, KEY_FRAME_INTERVAL_US, worker->now_us))
        ask_key_frame(worker, stream);
}

void rtcp_egress_nack(struct worker *worker, struct stream *stream, const uint16_t *sequences, size_t count)
{
    struct transport *transport = stream->producer->transport;
    uint32_t ssrc = stream_ssrc(stream);

    while (count > 0 && ssrc != 0 && transport_can_send(transport)) {
        size_t part = count < NACKS_A_PACKET ? count : NACKS_A_PACKET;
        struct srtp_protect_job *job = egress_begin(worker, transport, SRTP_KIND_RTCP);
        if (!job)
            return;
        if (commit(worker, job,
                   rtcp_write_nack(job->out, room(job), transport->row->rtcp_ssrc, ssrc, sequences, part))) {
            stream->row->nack_messages++;
            stream->row->nacks_sent += (uint32_t)part;
        }
        sequences += part;
        count -= part;
    }
}

static void repeat_key_frame_requests(struct worker *worker, struct producer *producer)
{
    bool consumed = producer->fanout.count > 0 || producer->row->followers != 0;

    for (unsigned i = 0; i < producer->row->encoding_count; i++) {
        struct stream *stream = producer->streams[i];
        struct key_frame_request *request = &stream->row->key_frame;
        if (!consumed || producer->row->paused || forward_is_silent(worker, stream))
            key_frame_request_cancel(request);
        else if (key_frame_request_due(request, KEY_FRAME_INTERVAL_US, worker->now_us))
            ask_key_frame(worker, stream);
    }
}

static void send_transport_feedback(struct worker *worker, struct transport *transport)
{
    struct shm_transport_row *row = transport->row;

    /* A turn early rather than a turn late: the feedback is to be no older than its interval. */
    if (!transport->twcc || !twcc_feedback_due(transport->twcc, worker->now_us + TRANSPORT_TURN_US))
        return;
    for (;;) {
        struct srtp_protect_job *job = egress_begin(worker, transport, SRTP_KIND_RTCP);
        if (!job)
            return;
        if (!commit(
                worker, job,
                twcc_feedback_write(transport->twcc, row->rtcp_ssrc, worker->now_us, job->out, room(job))))
            return;
        row->twcc_feedbacks_sent++;
    }
}

static void send_bitrate_cap(struct worker *worker, struct transport *transport)
{
    struct shm_transport_row *row = transport->row;
    uint32_t ssrcs[TRANSPORT_PRODUCERS_MAX * MEDIA_ENCODINGS_MAX];
    size_t count = 0;

    if (!remb_cap_due(&row->remb, worker->now_us))
        return;
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        const struct producer *producer = transport->producers[i];
        for (unsigned j = 0; producer && j < producer->row->encoding_count; j++) {
            uint32_t ssrc = stream_ssrc(producer->streams[j]);
            if (ssrc != 0)
                ssrcs[count++] = ssrc;
        }
    }
    struct srtp_protect_job *job = egress_begin(worker, transport, SRTP_KIND_RTCP);
    if (job)
        commit(worker, job,
               remb_cap_write(&row->remb, row->rtcp_ssrc, ssrcs, count, worker->now_us, job->out, room(job)));
}

/* Compounds of as many packets as fit. */
struct report_writer {
    struct worker *worker;
    struct transport *transport;
    struct srtp_protect_job *job; /* NULL: none begun */
    struct rtcp_compound compound;
};

static bool writer_begin(struct report_writer *writer)
{
    if (!writer->job) {
        writer->job = egress_begin(writer->worker, writer->transport, SRTP_KIND_RTCP);
        if (writer->job)
            rtcp_report_begin(&writer->compound, writer->job->out, room(writer->job));
    }
    return writer->job != NULL;
}

static void writer_end(struct report_writer *writer)
{
    if (writer->job)
        commit(writer->worker, writer->job, (int)writer->compound.length);
    writer->job = NULL;
}

static void add_sender_report(struct report_writer *writer, const struct rtcp_sender_info *info,
                              const char *cname)
{
    size_t length = strnlen(cname, SHM_CNAME_BYTES);

    if (!writer_begin(writer) || rtcp_report_add_sender(&writer->compound, info, cname, length) != -ENOSPC)
        return;
    writer_end(writer);
    if (writer_begin(writer))
        rtcp_report_add_sender(&writer->compound, info, cname, length);
}

static void add_receiver_block(struct report_writer *writer, const struct rtcp_report_block *block)
{
    uint32_t own_ssrc = writer->transport->row->rtcp_ssrc;

    if (!writer_begin(writer) || rtcp_report_add_receiver(&writer->compound, own_ssrc, block) != -ENOSPC)
        return;
    writer_end(writer);
    if (writer_begin(writer))
        rtcp_report_add_receiver(&writer->compound, own_ssrc, block);
}

static void report_consumer(struct report_writer *writer, struct consumer *consumer)
{
    struct worker *worker = writer->worker;
    struct shm_consumer_row *row = consumer->row;
    struct send_stats *stats = &row->media.stats;
    struct rtcp_sender_info info;

    if (row->paused || stats->packets == 0 || !rtcp_report_due(stats->next_report_us, worker->now_us))
        return;
    bool young = stats->next_report_us == 0;
    uint64_t interval_us =
        row->kind == SHM_MEDIA_VIDEO || young ? RTCP_REPORT_VIDEO_US : RTCP_REPORT_AUDIO_US;
    stats->next_report_us = rtcp_report_next_us(interval_us, worker_random(worker), worker->now_us);

    struct stream_clock source = {.rate = stats->clock_rate};
    if (row->last_encoding >= 0)
        source = receive_stats_clock(&consumer->producer->streams[row->last_encoding]->row->stats);
    if (send_stats_sender_info(stats, &row->media.rewrite, consumer->producer->clock, &source, worker->now_us,
                               &info) != 0)
        return;
    info.ssrc = row->ssrc;
    add_sender_report(writer, &info, consumer->producer->row->cname);
}

static void report_streams(struct report_writer *writer)
{
    struct worker *worker = writer->worker;
    struct transport *transport = writer->transport;
    struct rtcp_report_state *report = &transport->row->report;
    bool reported = false;

    if (!rtcp_report_due(report->next_us, worker->now_us))
        return;
    report->next_us = rtcp_report_next_us(RTCP_REPORT_VIDEO_US, worker_random(worker), worker->now_us);
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        struct producer *producer = transport->producers[i];
        for (unsigned j = 0; producer && j < producer->row->encoding_count; j++) {
            struct stream *stream = producer->streams[j];
            struct rtcp_report_block block;
            if (receive_stats_report_block(&stream->row->stats, worker->now_us, &block) != 0)
                continue;
            uint8_t worst = receiver_loss_worst(&stream->loss, worker->now_us);
            block.fraction_lost = worst > block.fraction_lost ? worst : block.fraction_lost;
            add_receiver_block(writer, &block);
            scores_interval(stream);
            reported = true;
        }
    }
    if (reported && writer_begin(writer)) /* whose answer says the round trip */
        rtcp_report_add_rrtr(&writer->compound, transport->row->rtcp_ssrc, worker->now_us);
    if (report->rrtr_arrival_us != 0 && writer_begin(writer))
        rtcp_report_add_dlrr(&writer->compound, report, transport->row->rtcp_ssrc, worker->now_us);
}

static void send_reports(struct worker *worker, struct transport *transport)
{
    struct report_writer writer = {.worker = worker, .transport = transport};

    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        report_consumer(&writer, consumer);
    report_streams(&writer);
    writer_end(&writer);
}

void rtcp_egress_turn(struct worker *worker, struct transport *transport)
{
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        if (transport->producers[i])
            repeat_key_frame_requests(worker, transport->producers[i]);
    }
    if (!transport_can_send_rtcp(transport))
        return;
    send_transport_feedback(worker, transport);
    if (transport->turns % REPORT_TURNS == 0) {
        send_bitrate_cap(worker, transport);
        send_reports(worker, transport);
    }
}
