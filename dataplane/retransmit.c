#include "dataplane/retransmit.h"

#include <errno.h>

#include "dataplane/bitrate_window.h"
#include "dataplane/redundancy.h"
#include "dataplane/sent_map.h"
#include "dataplane/stored.h"
#include "dataplane/worker.h"

/* The name under which a number that cannot be answered is dropped. */
static enum statistics_drop drop_of(int error)
{
    switch (error) {
    case -EBUSY:
        return DROP_nack_repeated;
    case -EDQUOT:
        return DROP_nack_budget;
    case -EOPNOTSUPP:
        return DROP_nack_without_rtx;
    case -ENOENT:
        return DROP_nack_not_sent;
    default:
        return DROP_nack_too_old;
    }
}

static bool is_too_old(const struct worker *worker, const struct consumer *consumer, uint64_t received_us)
{
    uint32_t limit_us = consumer->row->kind == SHM_MEDIA_VIDEO ? RETRANSMIT_VIDEO_US : RETRANSMIT_AUDIO_US;

    return worker->now_us > received_us && worker->now_us - received_us > limit_us;
}

/* A packet that was sent before. */
struct sent_packet {
    struct stored_facts facts;
    struct stored_packet packet;
    struct rewrite_numbers numbers;
};

static int find(const struct worker *worker, const struct consumer *consumer, uint16_t sequence,
                struct sent_packet *ret_sent)
{
    const struct shm_consumer_row *row = consumer->row;
    struct sent_number number;
    struct packet_place place;

    if (row->restart) /* its numbers are those of another life of the stream */
        return -ESTALE;
    int error = sent_map_find(&row->media.rewrite, sequence, &number);

    if (error != 0)
        return error;
    const struct stream *stream = consumer->producer->streams[row->last_encoding];
    struct history history = stored_history(worker, stream);
    if (!history_find(&history, number.input, stream->row->stats.restarts, &place) ||
        stored_open(stream, &place, &ret_sent->facts, &ret_sent->packet) != 0 ||
        is_too_old(worker, consumer, ret_sent->facts.received_us))
        return -ETIME;
    if (sent_map_numbers(&row->media, &ret_sent->facts.view, &number, &ret_sent->numbers) != 0)
        return -ESTALE;
    return 0;
}

static int send_again(struct worker *worker, struct consumer *consumer, uint16_t sequence)
{
    struct shm_consumer_row *row = consumer->row;
    struct resend_limit *limit = consumer_resend(&worker->streams, consumer);
    struct sent_packet sent;

    if (row->rtx_ssrc == 0)
        return -EOPNOTSUPP;
    if (row->paused || row->last_encoding < 0)
        return -ENOENT;
    if (resend_limit_is_repeat(limit, sequence, row->media.stats.rtt_us, worker->now_us))
        return -EBUSY;
    int error = find(worker, consumer, sequence, &sent);
    if (error != 0)
        return error;
    if (!resend_limit_take_bytes(limit, sent.facts.view.header.payload_length))
        return -EDQUOT;
    error = stored_send_rtx(worker, consumer, &sent.packet, &sent.numbers);
    if (error < 0)
        return error;
    resend_limit_sent(limit, sequence, worker->now_us);
    unsigned repeats = redundancy_repeats(consumer->transport, (uint32_t)error, worker->now_us);
    while (repeats-- > 0 && stored_send_rtx(worker, consumer, &sent.packet, &sent.numbers) >= 0)
        consumer->transport->redundancy.copies++;
    return 0;
}

int retransmit_unasked(struct worker *worker, struct consumer *consumer, uint16_t sequence,
                       uint32_t min_bytes, uint32_t max_bytes)
{
    const struct shm_consumer_row *row = consumer->row;
    struct sent_packet sent;

    if (row->rtx_ssrc == 0 || row->paused || row->last_encoding < 0)
        return -ENOENT;
    int error = find(worker, consumer, sequence, &sent);
    if (error != 0)
        return error;
    uint32_t bytes = sent.facts.view.header.payload_length;
    return bytes < min_bytes || bytes > max_bytes
               ? -EMSGSIZE
               : stored_send_rtx(worker, consumer, &sent.packet, &sent.numbers);
}

/* Its share of its bitrate as it is now. */
static void refill(const struct worker *worker, struct consumer *consumer)
{
    resend_limit_refill(consumer_resend(&worker->streams, consumer),
                        bitrate_window_bps(&consumer->row->media.stats.bitrate, worker->now_us),
                        worker->now_us);
}

bool retransmit_is_too_much(const struct worker *worker, struct consumer *consumer, unsigned packets)
{
    const struct send_stats *stats = &consumer->row->media.stats;

    refill(worker, consumer);
    return stats->packets > 0 &&
           packets * (stats->bytes / stats->packets) > consumer_resend(&worker->streams, consumer)->bytes;
}

bool retransmit(struct worker *worker, struct consumer *consumer, uint16_t sequence)
{
    refill(worker, consumer);
    if (!resend_limit_take_item(consumer_resend(&worker->streams, consumer))) {
        worker_drop(worker, DROP_nack_quota);
        return false;
    }
    int error = send_again(worker, consumer, sequence);
    if (error < 0 && error != -ENOTCONN && error != -EMSGSIZE) /* which were counted */
        worker_drop(worker, drop_of(error));
    return error != -EDQUOT && error != -ETIME;
}
