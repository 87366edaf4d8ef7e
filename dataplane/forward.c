#include "dataplane/forward.h"

#include "dataplane/allocation.h"
#include "dataplane/delivery.h"
#include "dataplane/egress.h"
#include "dataplane/equalise.h"
#include "dataplane/layer_rates.h"
#include "dataplane/layer_switch.h"
#include "dataplane/peers.h"
#include "dataplane/stored.h"
#include "dataplane/worker.h"

static void add_flight(struct worker *worker, const struct flight *flight)
{
    struct forward_batch *batch = &worker->forward;
    struct stream *stream = flight->stream;
    struct producer *producer = stream->producer;

    if (producer->row->paused) {
        worker_drop(worker, DROP_producer_paused);
        return;
    }
    if (flight_is_padding(flight) && !producer->mirror) /* counted once */
        worker_drop(worker, DROP_padding_only);
    if (producer->fanout.count == 0 && producer->row->followers == 0)
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

/* Stores what is this worker's, and tells other workers. */
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

/* What is the same for all consumers of a stream's packets of a round. */
struct volley {
    struct flight *first;
    unsigned encoding;
    uint32_t packets;
    uint32_t paddings; /* of them */
    bool has_key_frame;
};

static struct volley measure(struct worker *worker, struct stream *stream, struct flight *first)
{
    struct volley volley = {.first = first, .encoding = stream->encoding};

    for (const struct flight *flight = first; flight; flight = flight->next) {
        note_dependence(flight);
        layer_rates_packet(&stream->row->rates, flight->view.layer.spatial, flight->view.layer.temporal,
                           (uint32_t)flight->view.header.payload_offset + flight->view.header.payload_length,
                           worker->now_us);
        volley.packets++;
        volley.paddings += flight_is_padding(flight);
        volley.has_key_frame |= flight->view.key_frame;
    }
    return volley;
}

/* The next line from i on at which the packets do not stop. */
static uint32_t next_taker(struct worker *worker, const struct fanout *fanout, const struct volley *volley,
                           uint32_t i)
{
    uint32_t stopped = volley->packets - volley->paddings;

    for (; i < fanout->count; i++) {
        struct fanout_line *line = &fanout->lines[i];
        if (!fanout_stops(line, volley->encoding, volley->has_key_frame))
            break;
        line->dropped += stopped;
        worker_drop_many(worker, (enum statistics_drop)line->reason, stopped);
    }
    return i;
}

static void prefetch(const struct fanout_line *line)
{
    const uint8_t *row = (const uint8_t *)line->row;

    for (unsigned offset = 0; offset < SHM_CONSUMER_HOT_BYTES; offset += SHM_CACHE_LINE)
        __builtin_prefetch(row + offset, 1);
    __builtin_prefetch(line->consumer);
    __builtin_prefetch(line->transport, 1);
    __builtin_prefetch(line->transport_row);
    __builtin_prefetch(&line->transport_row->packets_sent, 1);
    __builtin_prefetch(&line->transport_row->send_bitrate, 1);
}

/* What the next one needs comes from memory while one is served. */
static void fan_out(struct worker *worker, const struct fanout *fanout, const struct volley *volley)
{
    uint32_t i = next_taker(worker, fanout, volley, 0);

    while (i < fanout->count) {
        struct consumer *consumer = fanout->lines[i].consumer;
        i = next_taker(worker, fanout, volley, i + 1);
        if (i < fanout->count)
            prefetch(&fanout->lines[i]);
        egress_keep_together(worker, volley->packets);
        for (const struct flight *flight = volley->first; flight; flight = flight->next)
            delivery_flight(worker, consumer, flight);
    }
}

static void flush_stream(struct worker *worker, struct stream *stream)
{
    struct volley volley = measure(worker, stream, stream->first_flight);

    stream->first_flight = stream->last_flight = NULL;
    fan_out(worker, &stream->producer->fanout, &volley);
}

/* Other workers are told of everything, and woken, before the first consumer here is served: they work side by
 * side. */
void forward_flush(struct worker *worker)
{
    struct forward_batch *batch = &worker->forward;

    for (uint32_t i = 0; i < batch->stream_count; i++) {
        struct flight *first = batch->streams[i]->first_flight;
        if (first->next)
            equalise(first);
        keep(worker, first);
    }
    peers_wake(worker);
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
    const struct fanout *fanout = &stream->producer->fanout;

    forward_flush(worker);
    note_life(worker, stream);
    for (uint32_t i = 0; i < fanout->count; i++)
        delivery_update(worker, fanout->lines[i].consumer);
}

static void begin_anew(struct worker *worker, struct consumer *consumer)
{
    forward_flush(worker);
    catch_up_forget(worker, consumer);
    layer_switch_reset(&consumer->row->media.layer);
    delivery_update(worker, consumer);
}

void forward_resync(struct worker *worker, struct stream *stream)
{
    const struct fanout *fanout = &stream->producer->fanout;

    forward_flush(worker);
    for (uint32_t i = 0; i < fanout->count; i++) {
        struct shm_consumer_row *row = fanout->lines[i].row;
        /* Also who is sent nothing now, or another encoding: its numbers are those of what is gone. */
        if (row->last_encoding == (int8_t)stream->encoding)
            row->restart = 1;
    }
}

void forward_restart(struct worker *worker, struct stream *stream)
{
    const struct fanout *fanout = &stream->producer->fanout;

    forward_resync(worker, stream);
    for (uint32_t i = 0; i < fanout->count; i++) {
        if (fanout->lines[i].row->media.layer.current == (int)stream->encoding)
            begin_anew(worker, fanout->lines[i].consumer);
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
    for (uint32_t i = 0; i < producer->fanout.count; i++)
        begin_anew(worker, producer->fanout.lines[i].consumer);
}

void forward_begin_transport(struct worker *worker, struct transport *transport)
{
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        begin_anew(worker, consumer);
}

void forward_turn(struct worker *worker, struct transport *transport)
{
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        delivery_update(worker, consumer);
}
