#include "dataplane/forward.h"

#include "dataplane/allocation.h"
#include "dataplane/egress.h"
#include "dataplane/equalise.h"
#include "dataplane/layer_rates.h"
#include "dataplane/layer_switch.h"
#include "dataplane/pacer.h"
#include "dataplane/peers.h"
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

/* A key frame is asked for where one is needed, and control is told of a change. */
void forward_update(struct worker *worker, struct consumer *consumer)
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

static enum statistics_drop reason_to_ignore(const struct layer_switch *layer)
{
    if (layer->current >= 0)
        return DROP_consumer_other_layer;
    return layer->allowed < 0 ? DROP_consumer_suspended : DROP_consumer_waits_key_frame;
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
        forward_update(worker, consumer);
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

    if (row->paused) {
        drop(worker, consumer, DROP_consumer_paused);
        return false;
    }
    if (!transport_can_send(consumer->transport)) {
        drop(worker, consumer, DROP_consumer_no_address);
        return false;
    }
    switch (layer_switch_packet(layer, flight->stream->encoding, flight->view.key_frame)) {
    case LAYER_IGNORE:
        drop(worker, consumer, reason_to_ignore(layer));
        return false;
    case LAYER_BEGIN:
        switched = row->last_encoding != (int8_t)flight->stream->encoding;
        begin(worker, consumer, flight);
        row->media.svc.has_begun = 0;
        wanted = wants_layer(worker, consumer, flight);
        forward_update(worker, consumer);
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
    if (pacer_send(worker, consumer, &packet, &numbers) == 0 && consumer->transport->redundancy.level != 0)
        redundancy_sent(worker, consumer, &flight->view, &numbers);
}

static bool is_padding(const struct flight *flight)
{
    return flight->view.header.payload_length == 0;
}

static void add_flight(struct worker *worker, const struct flight *flight)
{
    struct forward_batch *batch = &worker->forward;
    struct stream *stream = flight->stream;
    struct producer *producer = stream->producer;

    if (producer->row->paused) {
        worker_drop(worker, DROP_producer_paused);
        return;
    }
    if (is_padding(flight) && !producer->mirror) /* counted once */
        worker_drop(worker, DROP_padding_only);
    if (!producer->consumers && producer->row->followers == 0)
        return;
    if (batch->count == PORT_BATCH)
        forward_flush(worker);
    struct flight *added = &batch->flights[batch->count++];
    *added = *flight;
    if (stream->last_flight)
        stream->last_flight->next = added;
    else
        batch->streams[batch->stream_count++] = stream;
    if (!stream->first_flight)
        stream->first_flight = added;
    stream->last_flight = added;
}

void forward_packet(struct worker *worker, struct stream *stream, const struct shm_payload_type *type,
                    uint8_t *data, const struct packet_view *view)
{
    struct flight flight = {.stream = stream,
                            .type = type,
                            .data = data,
                            .room = data + view->header.payload_offset + view->header.payload_length,
                            .restarts = stream->row->stats.restarts,
                            .view = *view};
    add_flight(worker, &flight);
}

void forward_stored(struct worker *worker, struct stream *stream, const struct stored_packet *packet)
{
    struct flight flight = {.stream = stream,
                            .type = packet->type,
                            .data = packet->data,
                            .source = packet->source,
                            .restarts = stream->row->stats.restarts,
                            .view = *packet->view};
    add_flight(worker, &flight);
}

void forward_flight(struct worker *worker, struct consumer *consumer, const struct flight *flight)
{
    if (catch_up_holds(consumer, flight))
        return;
    if (is_padding(flight))
        leave_out(consumer, flight);
    else if (wants(worker, consumer, flight))
        deliver(worker, consumer, flight);
}

/* What the next consumers need comes from memory while this one is served. */
static void prefetch(const struct consumer *consumer)
{
    const struct consumer *next = consumer->next_of_producer;

    if (!next)
        return;
    const uint8_t *row = (const uint8_t *)next->row;
    for (unsigned line = 0; line < SHM_CONSUMER_HOT_BYTES; line += SHM_CACHE_LINE)
        __builtin_prefetch(row + line, 1);
    __builtin_prefetch(next->transport);
    __builtin_prefetch(next->next_of_producer);
}

/* Stores what is this worker's. Other workers are told first, so that they work side by side. */
static void keep(struct worker *worker, struct flight *flight)
{
    const struct producer *producer = flight->stream->producer;

    for (; flight && !producer->mirror; flight = flight->next) {
        stored_keep(worker, flight);
        if (producer->row->followers != 0)
            peers_reference(worker, flight);
    }
}

/* Between key pictures, whether the layer above goes on without this one. */
static void note_dependence(const struct flight *flight)
{
    const struct svc_frame *frame = &flight->view.svc;
    unsigned above = svc_target(frame->spatial + 1u, frame->temporal);

    if (frame->is_layered && !frame->own_picture_only && frame->active >> above & 1)
        flight->stream->row->layers_apart = !(frame->present >> above & 1);
}

/* Returns the number of flights. */
static uint32_t measure(struct worker *worker, const struct flight *flight)
{
    struct layer_rates *rates = &flight->stream->row->rates;
    uint32_t count = 0;

    for (; flight; flight = flight->next, count++) {
        note_dependence(flight);
        layer_rates_packet(rates, flight->view.layer.spatial, flight->view.layer.temporal,
                           (uint32_t)flight->view.header.payload_offset + flight->view.header.payload_length,
                           worker->now_us);
    }
    return count;
}

static void flush_stream(struct worker *worker, struct stream *stream)
{
    struct flight *first = stream->first_flight;

    stream->first_flight = stream->last_flight = NULL;
    if (first->next)
        equalise(first);
    uint32_t count = measure(worker, first);
    keep(worker, first);
    for (struct consumer *consumer = stream->producer->consumers; consumer;
         consumer = consumer->next_of_producer) {
        prefetch(consumer);
        egress_keep_together(worker, count);
        for (const struct flight *flight = first; flight; flight = flight->next)
            forward_flight(worker, consumer, flight);
    }
}

void forward_flush(struct worker *worker)
{
    struct forward_batch *batch = &worker->forward;

    for (uint32_t i = 0; i < batch->stream_count; i++)
        flush_stream(worker, batch->streams[i]);
    batch->stream_count = 0;
    batch->count = 0;
}

bool forward_is_silent(const struct worker *worker, const struct stream *stream)
{
    uint64_t last_us = stream->row->stats.last_packet_us;
    uint64_t limit_us = stream->row->dtx ? LAYER_SWITCH_ALIVE_DTX_US : LAYER_SWITCH_ALIVE_US;

    return last_us == 0 || worker->now_us - last_us > limit_us;
}

static void note_life(struct worker *worker, struct stream *stream)
{
    struct producer *producer = stream->producer;
    bool is_first = true;

    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        is_first &= producer->streams[i] == stream || forward_is_silent(worker, producer->streams[i]);
    if (is_first)
        producer->alive_since_us = worker->now_us;
    stream->alive_since_us = worker->now_us;
}

void forward_revive(struct worker *worker, struct stream *stream)
{
    forward_flush(worker);
    note_life(worker, stream);
    for (struct consumer *consumer = stream->producer->consumers; consumer;
         consumer = consumer->next_of_producer)
        forward_update(worker, consumer);
}

static void begin_anew(struct worker *worker, struct consumer *consumer)
{
    forward_flush(worker);
    catch_up_forget(worker, consumer);
    layer_switch_reset(&consumer->row->media.layer);
    forward_update(worker, consumer);
}

void forward_resync(struct worker *worker, struct stream *stream)
{
    forward_flush(worker);
    for (struct consumer *consumer = stream->producer->consumers; consumer;
         consumer = consumer->next_of_producer) {
        /* Also who is sent nothing now, or another encoding: its numbers are those of what is gone. */
        if (consumer->row->last_encoding == (int8_t)stream->encoding)
            consumer->row->restart = 1;
    }
}

void forward_restart(struct worker *worker, struct stream *stream)
{
    forward_resync(worker, stream);
    for (struct consumer *consumer = stream->producer->consumers; consumer;
         consumer = consumer->next_of_producer) {
        if (consumer->row->media.layer.current == (int)stream->encoding)
            begin_anew(worker, consumer);
    }
}

void forward_begin(struct worker *worker, struct consumer *consumer)
{
    forward_flush(worker);
    layer_switch_reset(&consumer->row->media.layer);
    if (consumer->transport->row->available_bps != 0)
        allocation_turn(worker, consumer->transport);
    begin_anew(worker, consumer);
}

void forward_begin_producer(struct worker *worker, struct producer *producer)
{
    for (struct consumer *consumer = producer->consumers; consumer; consumer = consumer->next_of_producer)
        begin_anew(worker, consumer);
}

void forward_begin_transport(struct worker *worker, struct transport *transport)
{
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        begin_anew(worker, consumer);
}

void forward_turn(struct worker *worker, struct transport *transport)
{
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        forward_update(worker, consumer);
}
