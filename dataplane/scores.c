#include "dataplane/scores.h"

#include "dataplane/consumer_events.h"
#include "dataplane/peers.h"
#include "dataplane/receive_stats.h"
#include "dataplane/score.h"
#include "dataplane/worker.h"

void scores_tell_consumers(const struct stream *stream)
{
    const struct fanout *fanout = &stream->producer->fanout;

    for (uint32_t i = 0; i < fanout->count; i++)
        consumer_events_score(fanout->lines[i].consumer);
}

/* On all workers. */
static void tell_consumers(struct stream *stream)
{
    scores_tell_consumers(stream);
    peers_note_stream(stream);
}

static struct score_totals stream_totals(const struct shm_stream_row *row)
{
    int64_t lost = receive_stats_lost(&row->stats);

    return (struct score_totals){.expected = row->stats.received + (uint64_t)(lost > 0 ? lost : 0),
                                 .received = row->stats.received,
                                 .repaired = row->stats.repaired,
                                 .retransmitted = row->stats.repaired};
}

static struct score_totals consumer_totals(const struct shm_consumer_row *row)
{
    const struct send_stats *stats = &row->media.stats;
    uint64_t lost = stats->packets_lost > 0 ? (uint64_t)stats->packets_lost : 0;

    return (struct score_totals){.expected = stats->packets,
                                 .received = lost < stats->packets ? stats->packets - lost : 0};
}

void scores_packet(struct stream *stream)
{
    struct shm_stream_row *row = stream->row;

    if (!score_is_silent(&row->score))
        return;
    struct score_totals totals = stream_totals(row);
    score_reset(&row->score, 10, &totals);
    tell_consumers(stream);
}

void scores_interval(struct stream *stream)
{
    struct score_totals totals = stream_totals(stream->row);

    if (!score_is_silent(&stream->row->score) && score_update(&stream->row->score, &totals))
        tell_consumers(stream);
}

void scores_report(struct consumer *consumer)
{
    struct score_totals totals = consumer_totals(consumer->row);

    if (score_update(&consumer->row->score, &totals))
        consumer_events_score(consumer);
}

void scores_switch(struct consumer *consumer)
{
    struct score_totals totals = consumer_totals(consumer->row);

    score_reset(&consumer->row->score, 10, &totals);
    consumer_events_score(consumer);
}

static bool fell_silent(const struct worker *worker, const struct stream *stream)
{
    const struct shm_stream_row *row = stream->row;
    uint64_t resumed_us = stream->producer->row->resumed_us;
    uint64_t since_us = row->stats.last_packet_us > resumed_us ? row->stats.last_packet_us : resumed_us;

    return !score_is_silent(&row->score) && score_is_inactive(since_us, row->dtx, worker->now_us);
}

void scores_turn(struct worker *worker, struct transport *transport)
{
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        struct producer *producer = transport->producers[i];
        if (!producer || producer->row->paused)
            continue;
        for (unsigned j = 0; j < producer->row->encoding_count; j++) {
            struct stream *stream = producer->streams[j];
            if (!fell_silent(worker, stream))
                continue;
            struct score_totals totals = stream_totals(stream->row);
            score_reset(&stream->row->score, 0, &totals);
            tell_consumers(stream);
        }
    }
}
