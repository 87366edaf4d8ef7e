#include "dataplane/delivery.h"

#include "dataplane/layer_rates.h"
#include "dataplane/layer_switch.h"
#include "dataplane/pacer.h"
#include "dataplane/receive_stats.h"
#include "dataplane/redundancy.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/scores.h"
#include "dataplane/stored.h"
#include "dataplane/svc_filter.h"
#include "dataplane/vp8_continuity.h"
#include "dataplane/worker.h"

static void drop(struct worker *worker, struct consumer *consumer, enum statistics_drop reason)
{
    consumer->row->packets_dropped++;
    worker_drop(worker, reason);
}

/* Streams that begin together with their producer have nothing to prove; nor where nothing is estimated, and
 * so a receiver's bandwidth does not come into it. */
static bool is_newcomer(const struct worker *worker, const struct consumer *consumer,
                        const struct stream *stream)
{
    return consumer->transport->row->available_bps != 0 &&
           worker->now_us < stream->alive_since_us + LAYER_SWITCH_PROVEN_US &&
           stream->alive_since_us >= stream->producer->alive_since_us + LAYER_SWITCH_PROVEN_US;
}

static struct layer_view view_of(const struct worker *worker, const struct consumer *consumer,
                                 const struct stream *stream)
{
    return (struct layer_view){.last_packet_us = stream->row->stats.last_packet_us,
                               .dtx = stream->row->dtx,
                               .is_newcomer = is_newcomer(worker, consumer, stream)};
}

/* Which layers there are to tell of is said by the type of the producer (ConsumerType in forwarder.proto). */
static bool has_layers(const struct producer *producer)
{
    return producer->row->type != SHM_CONSUMER_SIMPLE;
}

/* The spatial layer within the encoding that the consumer is to get. */
static unsigned wanted_layer(const struct consumer *consumer)
{
    const struct media_consumer *media = &consumer->row->media;
    int allowed = media->layer.count == 1 ? media->layer.allowed_layer : (int)MEDIA_SPATIAL_LAYERS_MAX - 1;

    return (unsigned)(allowed < (int)media->svc.top ? allowed : media->svc.top);
}

/* Layers of the encoding that is sent: one that died is not waited for, another one needs a key frame. */
static void update_layers(struct worker *worker, struct consumer *consumer)
{
    struct media_consumer *media = &consumer->row->media;

    if (!media->svc.has_begun || media->layer.current < 0)
        return;
    struct stream *stream = consumer->producer->streams[media->layer.current];
    int top = layer_rates_top(&stream->row->rates, worker->now_us);
    media->svc.top = (uint8_t)(top >= 0 ? top : (int)MEDIA_SPATIAL_LAYERS_MAX - 1);
    if (media->layer.allowed_layer < top)
        media->layer.reason = LAYER_REASON_ESTIMATE;
    else if (top >= 0 && top + 1 < stream->row->spatial_layers)
        media->layer.reason = LAYER_REASON_DEAD;
    if (svc_filter_needs_key_frame(&media->svc, wanted_layer(consumer),
                                   (unsigned)layer_switch_wanted_temporal(&media->layer)))
        rtcp_egress_request_key_frame(worker, stream);
}

void delivery_update(struct worker *worker, struct consumer *consumer)
{
    struct producer *producer = consumer->producer;
    struct layer_switch *layer = &consumer->row->media.layer;
    struct layer_view views[MEDIA_ENCODINGS_MAX];

    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        views[i] = view_of(worker, consumer, producer->streams[i]);
    if (!consumer->row->paused && !producer->row->paused && transport_can_send(consumer->transport)) {
        int encoding = layer_switch_update(layer, views, worker->now_us);
        if (encoding >= 0)
            catch_up_want(worker, consumer, (unsigned)encoding);
        else
            update_layers(worker, consumer);
    }
    fanout_refresh(consumer);
    if (has_layers(producer))
        consumer_events_layers(worker, consumer);
}

/* Ties the consumer's numbers to this packet: what it was sent before may have been another encoding. */
static void begin(struct worker *worker, struct consumer *consumer, const struct flight *flight)
{
    struct shm_consumer_row *row = consumer->row;
    const struct shm_stream_row *to = flight->stream->row;
    int encoding = (int)flight->stream->encoding;
    const struct stream *before =
        row->last_encoding >= 0 ? consumer->producer->streams[row->last_encoding] : flight->stream;
    struct rewrite_start start = {
        .sequence = flight->view.header.sequence,
        .timestamp = flight->view.header.timestamp,
        .same_stream = row->last_encoding == encoding,
        .from = receive_stats_clock(&before->row->stats),
        .to = receive_stats_clock(&to->stats),
        .now_us = worker->now_us,
        .squeeze = consumer->catch_up.is_active,
        .squeeze_end = consumer->catch_up.squeeze_end,
    };

    rewrite_sync(&row->media.rewrite, &start);
    if (flight->view.has_vp8)
        vp8_continuity_sync(&row->media.vp8, &flight->view.vp8);
    svc_filter_resume(&row->media.svc);
    row->last_encoding = (int8_t)encoding;
    row->restart = 0;
    row->media.stats.next_report_us = 0; /* the clock of the last one may be off by some 10 ms now */
}

/* The numbers of what the consumer is being sent close up behind a packet that it does not get. */
static void leave_out(struct consumer *consumer, const struct flight *flight)
{
    struct media_consumer *media = &consumer->row->media;

    if (consumer->row->restart || media->layer.current != (int)flight->stream->encoding)
        return; /* the numbers are not those of this stream */
    if (rewrite_drop(&media->rewrite, flight->view.header.sequence) == 0 && flight->view.has_vp8)
        vp8_continuity_drop(&media->vp8, &flight->view.vp8);
}

/* Whether the packet is of a layer, within its encoding, that the consumer is sent. */
static bool wants_layer(struct worker *worker, struct consumer *consumer, const struct flight *flight)
{
    struct media_consumer *media = &consumer->row->media;
    struct svc_filter *svc = &media->svc;
    int spatial, temporal, before = -1;

    if (!flight->view.svc.is_layered)
        return layer_switch_temporal(&media->layer, &flight->view.layer, flight->view.key_frame);
    if (!svc->has_begun)
        svc_filter_init(svc);
    svc_filter_layers(svc, &before, &temporal);
    bool wanted =
        svc_filter_packet(svc, flight->view.header.timestamp, &flight->view.svc, wanted_layer(consumer),
                          (unsigned)layer_switch_wanted_temporal(&media->layer));
    if (!svc_filter_layers(svc, &spatial, &temporal))
        return wanted;
    media->layer.temporal = (int8_t)temporal;
    if (before >= 0 && spatial != before) {
        consumer->row->layer_switches++;
        delivery_update(worker, consumer);
    }
    return wanted;
}

static enum statistics_drop reason_to_leave_out(const struct consumer *consumer, const struct flight *flight)
{
    bool is_thinned = (int)flight->view.layer.temporal > (int)consumer->row->media.layer.temporal;
    return is_thinned ? DROP_consumer_temporal_layer : DROP_consumer_other_layer;
}

/* Whether the consumer is to get this packet. */
static bool wants(struct worker *worker, struct consumer *consumer, const struct flight *flight)
{
    struct shm_consumer_row *row = consumer->row;
    struct layer_switch *layer = &row->media.layer;
    bool switched, wanted = false;

    if (row->paused || !transport_can_send(consumer->transport)) {
        drop(worker, consumer, fanout_reason(consumer));
        return false;
    }
    switch (layer_switch_packet(layer, flight->stream->encoding, flight->view.key_frame)) {
    case LAYER_IGNORE:
        drop(worker, consumer, fanout_reason(consumer));
        return false;
    case LAYER_BEGIN:
        switched = row->last_encoding != (int8_t)flight->stream->encoding;
        begin(worker, consumer, flight);
        row->media.svc.has_begun = 0;
        wanted = wants_layer(worker, consumer, flight);
        delivery_update(worker, consumer);
        if (switched && has_layers(consumer->producer)) {
            row->layer_switches++;
            scores_switch(consumer);
        }
        break;
    case LAYER_FORWARD:
        if (row->restart)
            begin(worker, consumer, flight);
        wanted = wants_layer(worker, consumer, flight);
        break;
    }
    if (!wanted) {
        leave_out(consumer, flight);
        drop(worker, consumer, reason_to_leave_out(consumer, flight));
    }
    return wanted;
}

static void deliver(struct worker *worker, struct consumer *consumer, const struct flight *flight)
{
    struct media_consumer *media = &consumer->row->media;
    struct rtp_header header = flight->view.header;
    struct rewrite_numbers numbers = {.marker = svc_filter_is_last(&media->svc, &flight->view.svc)};

    svc_filter_note_targets(&media->svc, &flight->view.svc);
    numbers.has_targets = svc_filter_targets(&media->svc, &flight->view.svc, &numbers.targets);
    header.marker |= numbers.marker;
    /* Numbers first: a packet that they refuse must not count as a picture. */
    if (rewrite_sequence(&media->rewrite, &header, worker->now_us, &numbers) != 0 ||
        (flight->view.has_vp8 && vp8_continuity_packet(&media->vp8, &flight->view.vp8, &numbers) != 0)) {
        drop(worker, consumer, DROP_late);
        return;
    }
    struct stored_packet packet = {
        .data = flight->data, .view = &flight->view, .type = flight->type, .source = flight->source};
    const struct transport *transport = consumer->transport;
    if (pacer_send(worker, consumer, &packet, &numbers) == 0 && transport->estimator &&
        transport->redundancy.level != REDUNDANCY_LEVEL_NONE)
        redundancy_sent(worker, consumer, &flight->view, &numbers);
}

void delivery_flight(struct worker *worker, struct consumer *consumer, const struct flight *flight)
{
    if (catch_up_holds(consumer, flight))
        return;
    if (flight_is_padding(flight))
        leave_out(consumer, flight);
    else if (wants(worker, consumer, flight))
        deliver(worker, consumer, flight);
}
