#include "dataplane/counters.h"

#include <string.h>
#include <time.h>

#include "dataplane/bandwidth.h"
#include "dataplane/bitrate_window.h"
#include "dataplane/layer_rates.h"
#include "dataplane/layer_switch.h"
#include "dataplane/receive_stats.h"
#include "dataplane/svc_filter.h"
#include "dataplane/worker.h"

static uint64_t realtime_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t to_realtime_us(const struct worker *worker, uint64_t monotonic_us)
{
    return monotonic_us == 0 ? 0 : worker->realtime_offset_us + monotonic_us;
}

/* The port counts for itself; what is new there goes into the totals. */
static void take_port_counters(struct worker *worker)
{
    struct statistics_worker *totals = &worker->totals;
    const struct port_counters *port = &worker->port->counters;
    struct port_counters *seen = &worker->port_seen;

    totals->packets_received = port->received_packets;
    totals->bytes_received = port->received_bytes;
    totals->packets_sent = port->sent_packets;
    totals->bytes_sent = port->sent_bytes;
    totals->drops[DROP_too_long] += port->oversized - seen->oversized;
    totals->drops[DROP_send_queue_full] += port->send_full - seen->send_full;
    totals->drops[DROP_send_error] += port->send_failed - seen->send_failed;
    totals->drops[DROP_receive_buffer_overflow] += port->overflowed - seen->overflowed;
    *seen = *port;
}

static void take_overflow(struct worker *worker)
{
    uint64_t overflowed = atomic_load_explicit(&worker->overflowed, memory_order_relaxed);

    worker->totals.drops[DROP_receive_buffer_overflow] += overflowed - worker->overflowed_seen;
    worker->overflowed_seen = overflowed;
}

static void publish_stages(struct worker *worker)
{
    struct statistics_stages *stages = &worker->stages.totals;
    const struct port_counters *port = &worker->port->counters;

    stages_calibrate(&worker->stages, worker->now_us);
    stages->receive_calls = port->receive_calls;
    stages->joined_messages = port->joined_messages;
    stages->send_calls = port->send_calls;
    stages->sent_runs = port->sent_runs;
    stages->sent_in_runs = port->sent_in_runs;
    statistics_publish(worker->statistics, STATISTICS_STAGE, worker->index, stages, sizeof(*stages));
}

void counters_publish(struct worker *worker)
{
    struct statistics_worker *totals = &worker->totals;

    if (worker->now_us - worker->published_us < COUNTERS_INTERVAL_US)
        return;
    worker->published_us = worker->now_us;
    totals->updated_us = realtime_us();
    worker->realtime_offset_us = totals->updated_us - worker->now_us;
    take_port_counters(worker);
    take_overflow(worker);
    publish_stages(worker);
    totals->transports = worker->transports.count;
    totals->producers = worker->streams.producer_count;
    totals->consumers = worker->streams.consumer_count;
    statistics_publish(worker->statistics, STATISTICS_WORKER, worker->index, totals, sizeof(*totals));
}

static uint16_t layer_kbps(const struct worker *worker, struct shm_stream_row *row, unsigned layer)
{
    uint32_t kbps = layer_rates_up_to(&row->rates, layer / STATISTICS_TEMPORAL_LAYERS,
                                      layer % STATISTICS_TEMPORAL_LAYERS, worker->now_us) /
                    1000;
    return kbps > UINT16_MAX ? UINT16_MAX : (uint16_t)kbps;
}

static void publish_stream(struct worker *worker, struct stream *stream)
{
    struct shm_stream_row *row = stream->row;
    const struct producer *producer = stream->producer;
    int64_t lost = receive_stats_lost(&row->stats);
    struct statistics_stream block = {
        .ssrc = row->stats.ssrc,
        .handle = stream->handle,
        .producer = producer->handle,
        .transport = producer->transport->handle,
        .packets = row->stats.packets,
        .bytes = row->stats.bytes,
        .packets_lost = lost > 0 ? (uint64_t)lost : 0,
        .key_frames = row->key_frames,
        .jitter = receive_stats_jitter(&row->stats),
        .clock_rate = row->stats.clock_rate,
        .bitrate_bps = bitrate_window_bps(&row->stats.bitrate, worker->now_us),
        .fraction_lost = row->stats.fraction_lost,
        .encoding = stream->encoding,
        .kind = producer->row->kind,
        .codec = row->codec,
        .nack_count = row->nack_messages,
        .nack_packets = row->nacks_sent,
        .rtt_us = producer->transport->row->sender_rtt_us,
        .pli_count = row->plis_sent,
        .fir_count = row->firs_sent,
        .score = row->score.value,
        .paused = producer->row->paused,
        .packets_retransmitted = row->rtx_packets,
        .packets_repaired = row->repaired,
        .packets_discarded = row->stats.repeats + row->stats.strays,
        .rtx_ssrc = producer->transport->demux[producer->place].encodings[stream->encoding].rtx_ssrc,
        .audio_loudness = stream->level.loudness,
        .audio_speech = stream->level.speech,
    };

    for (unsigned i = 0; i < STATISTICS_LAYERS; i++)
        block.layer_kbps[i] = layer_kbps(worker, row, i);
    statistics_publish(worker->statistics, STATISTICS_STREAM, shm_handle_index(stream->handle), &block,
                       sizeof(block));
}

/* The spatial layer within the encoding that is aimed at. */
static int wanted_layer(const struct layer_switch *layer, const struct svc_filter *svc)
{
    int allowed = layer_switch_allowed(layer);
    return layer->count > 1 ? layer->target : allowed < svc->top ? allowed : svc->top;
}

static enum layer_reason reason_of(const struct shm_consumer_row *row)
{
    const struct layer_switch *layer = &row->media.layer;

    if (row->paused)
        return LAYER_REASON_PAUSED;
    return layer->target >= 0 && layer->current != layer->target ? LAYER_REASON_KEY_FRAME
                                                                 : (enum layer_reason)layer->reason;
}

static void publish_consumer(struct worker *worker, struct consumer *consumer)
{
    struct shm_consumer_row *row = consumer->row;
    struct send_stats *stats = &row->media.stats;
    const struct layer_switch *layer = &row->media.layer;
    int within = 0, temporal; /* of the layers of one encoding */

    fanout_settle(consumer);
    svc_filter_layers(&row->media.svc, &within, &temporal);
    struct statistics_consumer block = {
        .ssrc = row->ssrc,
        .handle = consumer->handle,
        .producer = row->producer,
        .transport = row->transport,
        .packets = stats->packets,
        .bytes = stats->bytes,
        .packets_dropped = row->packets_dropped,
        .packets_lost = stats->packets_lost > 0 ? (uint32_t)stats->packets_lost : 0,
        .fraction_lost = stats->fraction_lost,
        .jitter = stats->jitter,
        .rtt_us = stats->rtt_us,
        .bitrate_bps = bitrate_window_bps(&stats->bitrate, worker->now_us),
        .nack_count = row->nack_messages,
        .nack_packets = stats->nacks,
        .packets_retransmitted = stats->retransmissions,
        .rtx_ssrc = row->rtx_ssrc,
        .priority = row->priority,
        .pli_count = stats->plis,
        .fir_count = stats->firs,
        .spatial_layer = layer->current < 0 ? -1 : layer->current + within,
        .temporal_layer = layer->reported_temporal < 0 ? 0 : layer->reported_temporal,
        .kind = row->kind,
        .paused = row->paused,
        .score = row->score.value,
        .layer_switches = row->layer_switches,
        .target_spatial_layer = layer->target >= 0 && row->media.svc.has_begun
                                    ? wanted_layer(layer, &row->media.svc)
                                    : layer->target,
        .preferred_spatial_layer = layer->preferred,
        .allowed_spatial_layer = layer_switch_allowed(layer),
        .allowed_temporal_layer = layer->allowed_temporal,
        .layer_reason = reason_of(row),
    };

    statistics_publish(worker->statistics, STATISTICS_CONSUMER, shm_handle_index(consumer->handle), &block,
                       sizeof(block));
}

static uint32_t transport_rtt_us(const struct transport *transport)
{
    for (const struct consumer *consumer = transport->consumers; consumer;
         consumer = consumer->next_of_transport) {
        if (consumer->row->media.stats.rtt_us != 0)
            return consumer->row->media.stats.rtt_us;
    }
    return transport->row->sender_rtt_us;
}

void counters_publish_transport(struct worker *worker, const struct transport *transport)
{
    struct shm_transport_row *row = transport->row;
    struct statistics_transport block = {
        .worker = worker->index,
        .handle = transport->handle,
        .created_us = to_realtime_us(worker, row->created_us),
        .packets_received = row->packets_received,
        .bytes_received = row->bytes_received,
        .packets_sent = row->packets_sent,
        .bytes_sent = row->bytes_sent,
        .drops_srtp = row->drops_srtp,
        .last_consent_us = to_realtime_us(worker, row->consent_us),
        .receive_bitrate_bps = bitrate_window_bps(&row->receive_bitrate, worker->now_us),
        .send_bitrate_bps = bitrate_window_bps(&row->send_bitrate, worker->now_us),
        .remote_port = row->selected.port,
        .has_keys = row->has_keys,
        .has_consent = row->has_consent,
        .srtp_profile = row->srtp_profile,
        .rtt_us = transport_rtt_us(transport),
        .twcc_feedbacks = row->twcc_feedbacks_sent,
        .bandwidth.feedback_packets = row->twcc_feedbacks_received,
        .twcc_packets_lost = row->twcc_packets_lost,
        .max_incoming_bps = row->remb.bitrate_bps,
        .protocol = row->selected.protocol,
    };

    block.copies = transport->redundancy.copies;
    bandwidth_statistics(transport, &block.bandwidth);

    memcpy(block.remote_ip, row->selected.ip, sizeof(block.remote_ip));
    statistics_publish(worker->statistics, STATISTICS_TRANSPORT, transport->index, &block, sizeof(block));
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        const struct producer *producer = transport->producers[i];
        for (unsigned j = 0; producer && j < producer->row->encoding_count; j++)
            publish_stream(worker, producer->streams[j]);
    }
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        publish_consumer(worker, consumer);
}

void counters_clear_transport(struct worker *worker, shm_handle handle)
{
    static const struct statistics_transport none;
    statistics_publish(worker->statistics, STATISTICS_TRANSPORT, shm_handle_index(handle), &none,
                       sizeof(none));
}

void counters_clear_producer(struct worker *worker, const struct producer *producer)
{
    static const struct statistics_stream none;

    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        statistics_publish(worker->statistics, STATISTICS_STREAM,
                           shm_handle_index(producer->streams[i]->handle), &none, sizeof(none));
}

void counters_clear_consumer(struct worker *worker, shm_handle handle)
{
    static const struct statistics_consumer none;
    statistics_publish(worker->statistics, STATISTICS_CONSUMER, shm_handle_index(handle), &none,
                       sizeof(none));
}
