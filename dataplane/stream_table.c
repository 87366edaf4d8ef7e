#include "dataplane/stream_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/mirror.h"
#include "dataplane/row.h"
#include "dataplane/zero_pages.h"

_Static_assert(sizeof(struct shm_consumer_row) + sizeof(struct consumer) + sizeof(struct fanout_line) +
                       sizeof(struct statistics_consumer) <=
                   960,
               "what a consumer costs in tables");

/* What an SSRC is mapped to: index of the stream, and whether it is the one of its RTX. */
static uint32_t ssrc_value(shm_handle stream, bool is_rtx)
{
    return shm_handle_index(stream) << 1 | (is_rtx ? 1 : 0);
}

/* An SSRC is unique in its transport already (stream_demux), and the map has room for every one there can be.
 */
static void map_ssrcs(struct stream_table *table, const struct producer *producer)
{
    const struct demux_producer *demux = &producer->transport->demux[producer->place];

    for (unsigned i = 0; i < demux->encoding_count; i++) {
        const struct demux_encoding *encoding = &demux->encodings[i];
        if (encoding->ssrc != 0)
            ssrc_map_install(&table->ssrcs, producer->transport->index, encoding->ssrc,
                             ssrc_value(producer->row->streams[i], false));
        if (encoding->rtx_ssrc != 0)
            ssrc_map_install(&table->ssrcs, producer->transport->index, encoding->rtx_ssrc,
                             ssrc_value(producer->row->streams[i], true));
    }
}

static void unmap_ssrcs(struct stream_table *table, const struct producer *producer)
{
    const struct demux_producer *demux = &producer->transport->demux[producer->place];

    for (unsigned i = 0; i < demux->encoding_count; i++) {
        ssrc_map_remove(&table->ssrcs, producer->transport->index, demux->encodings[i].ssrc);
        ssrc_map_remove(&table->ssrcs, producer->transport->index, demux->encodings[i].rtx_ssrc);
    }
}

static int merge_extensions(struct media_extension_map *map, const struct media_extension_map *more)
{
    for (unsigned id = 1; id < MEDIA_EXTENSION_IDS; id++) {
        if (more->kind_by_id[id] == MEDIA_EXTENSION_NONE)
            continue;
        int error = packet_view_map_id(map, (uint8_t)id, more->kind_by_id[id]);
        if (error != 0)
            return error;
    }
    return 0;
}

static void rebuild_extensions(struct transport *transport)
{
    memset(&transport->extensions, 0, sizeof(transport->extensions));
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        if (transport->producers[i])
            merge_extensions(&transport->extensions, &transport->producers[i]->row->extensions);
    }
}

static struct producer *link_producer(struct stream_table *table, struct transport *transport,
                                      shm_handle handle, struct shm_producer_row *row, unsigned place)
{
    struct producer *producer = &table->producers[shm_handle_index(handle)];

    *producer = (struct producer){.handle = handle,
                                  .row = row,
                                  .transport = transport,
                                  .place = place,
                                  .clock = &transport->row->clock};
    for (unsigned i = 0; i < row->encoding_count; i++) {
        uint32_t index = shm_handle_index(row->streams[i]);
        struct stream *stream = &table->streams[index];
        *stream = (struct stream){.handle = row->streams[i],
                                  .row = shm_segment_at(table->segment, SHM_SECTION_STREAM, index),
                                  .producer = producer,
                                  .encoding = i,
                                  .nacks = &table->nacks[index]};
        nack_reset(stream->nacks);
        producer->streams[i] = stream;
    }
    transport->producers[place] = producer;
    map_ssrcs(table, producer);
    table->producer_count++;
    return producer;
}

/* NULL without memory. */
static struct consumer *link_consumer(struct stream_table *table, struct transport *transport,
                                      struct producer *producer, shm_handle handle,
                                      struct shm_consumer_row *row)
{
    struct consumer *consumer = &table->consumers[shm_handle_index(handle)];

    *consumer = (struct consumer){.handle = handle,
                                  .row = row,
                                  .transport = transport,
                                  .producer = producer,
                                  .next_of_transport = transport->consumers};
    if (fanout_add(&table->lines, &producer->fanout, consumer) != 0) {
        *consumer = (struct consumer){0};
        return NULL;
    }
    if (transport->consumers)
        transport->consumers->previous_of_transport = shm_handle_index(handle) + 1;
    transport->consumers = consumer;
    consumer_map_install(&table->consumer_ssrcs, consumer);
    table->consumer_count++;
    return consumer;
}

/* Whether all of a producer's rows belong together, as they do unless its worker died in the middle. */
static bool rows_agree(const struct stream_table *table, shm_handle producer,
                       const struct shm_producer_row *row)
{
    if (row->encoding_count == 0 || row->encoding_count > MEDIA_ENCODINGS_MAX)
        return false;
    for (unsigned i = 0; i < row->encoding_count; i++) {
        struct shm_stream_row *stream =
            shm_segment_at(table->segment, SHM_SECTION_STREAM, shm_handle_index(row->streams[i]));
        if (!stream || !row_adopt(&stream->row, sizeof(*stream), table->worker) ||
            stream->producer != producer || stream->row.generation != shm_handle_generation(row->streams[i]))
            return false;
    }
    return true;
}

static void adopt_producer(struct stream_table *table, const struct transport_table *transports,
                           struct shm_producer_row *row, uint32_t index)
{
    shm_handle handle = shm_handle_make(index, row->row.generation);
    struct transport *transport = transport_find(transports, row->transport);
    unsigned place;

    if (!transport || !rows_agree(table, handle, row) ||
        stream_demux_install(transport->demux, TRANSPORT_PRODUCERS_MAX, &transport->row->retired, &row->demux,
                             &place) != 0) {
        row_remove(&row->row, sizeof(*row));
        return;
    }
    link_producer(table, transport, handle, row, place);
    rebuild_extensions(transport);
}

static void adopt_rows(struct stream_table *table, const struct transport_table *transports)
{
    const struct shm_segment *segment = table->segment;
    const struct shm_capacities *capacities = &segment->capacities;

    for (uint32_t i = row_next_touched(segment, SHM_SECTION_PRODUCER, 0); i < capacities->producers;
         i = row_next_touched(segment, SHM_SECTION_PRODUCER, i + 1)) {
        struct shm_producer_row *row = shm_segment_at(segment, SHM_SECTION_PRODUCER, i);
        if (row_adopt(&row->row, sizeof(*row), table->worker))
            adopt_producer(table, transports, row, i);
    }
    for (uint32_t i = row_next_touched(segment, SHM_SECTION_STREAM, 0); i < capacities->streams;
         i = row_next_touched(segment, SHM_SECTION_STREAM, i + 1)) {
        struct shm_stream_row *row = shm_segment_at(segment, SHM_SECTION_STREAM, i);
        if (row_adopt(&row->row, sizeof(*row), table->worker) && table->streams[i].handle == SHM_HANDLE_NONE)
            row_remove(&row->row, sizeof(*row));
    }
    for (uint32_t i = row_next_touched(segment, SHM_SECTION_CONSUMER, 0); i < capacities->consumers;
         i = row_next_touched(segment, SHM_SECTION_CONSUMER, i + 1)) {
        struct shm_consumer_row *row = shm_segment_at(segment, SHM_SECTION_CONSUMER, i);
        if (!row_adopt(&row->row, sizeof(*row), table->worker))
            continue;
        struct transport *transport = transport_find(transports, row->transport);
        struct producer *producer = producer_find(table, row->producer);
        if (transport && !producer)
            producer = mirror_adopt(table, row->producer);
        if (!transport || !producer ||
            !link_consumer(table, transport, producer, shm_handle_make(i, row->row.generation), row))
            row_remove(&row->row, sizeof(*row));
    }
}

/* A fanout's block has up to four times the lines of its consumers; the rest is for blocks that lie badly. */
#define LINES_FOR_A_CONSUMER 8u

/* Slots for twice as many SSRCs (media and RTX) as there can be streams, three quarters full at most. */
static uint32_t ssrc_slot_count(uint32_t streams)
{
    uint32_t count = 8;
    while (count / 4 * 3 < 2 * streams)
        count *= 2;
    return count;
}

int stream_table_init(struct stream_table *table, const struct shm_segment *segment, uint32_t worker,
                      const struct transport_table *transports, uint32_t seed)
{
    const struct shm_capacities *capacities = &segment->capacities;
    uint32_t slots = ssrc_slot_count(capacities->streams);

    *table = (struct stream_table){.segment = segment, .worker = worker};
    table->producers = calloc(capacities->producers, sizeof(*table->producers));
    table->streams = calloc(capacities->streams, sizeof(*table->streams));
    table->nacks = calloc(capacities->streams, sizeof(*table->nacks));
    table->consumers = zero_pages_map(capacities->consumers * sizeof(*table->consumers));
    table->resends = calloc(capacities->consumers, sizeof(*table->resends));
    table->mirrors = calloc(capacities->producers, sizeof(*table->mirrors));
    table->ssrc_slots = calloc(slots, sizeof(*table->ssrc_slots));
    if (!table->producers || !table->streams || !table->nacks || !table->consumers || !table->resends ||
        !table->mirrors || !table->ssrc_slots ||
        consumer_map_init(&table->consumer_ssrcs, table->consumers) != 0 ||
        line_pool_init(&table->lines, LINES_FOR_A_CONSUMER * capacities->consumers) != 0) {
        stream_table_deinit(table);
        return -ENOMEM;
    }
    ssrc_map_init(&table->ssrcs, table->ssrc_slots, slots, seed);
    adopt_rows(table, transports);
    return 0;
}

void stream_table_deinit(struct stream_table *table)
{
    free(table->producers);
    free(table->streams);
    free(table->nacks);
    if (table->consumers)
        zero_pages_unmap(table->consumers, table->segment->capacities.consumers * sizeof(*table->consumers));
    consumer_map_deinit(&table->consumer_ssrcs);
    free(table->resends);
    free(table->mirrors);
    line_pool_deinit(&table->lines);
    free(table->ssrc_slots);
    *table = (struct stream_table){0};
}

struct producer *producer_find(const struct stream_table *table, shm_handle handle)
{
    uint32_t index = shm_handle_index(handle);

    if (handle == SHM_HANDLE_NONE || index >= table->segment->capacities.producers)
        return NULL;
    return table->producers[index].handle == handle ? &table->producers[index] : NULL;
}

struct stream *stream_find(const struct stream_table *table, shm_handle handle)
{
    uint32_t index = shm_handle_index(handle);

    if (handle == SHM_HANDLE_NONE || index >= table->segment->capacities.streams)
        return NULL;
    return table->streams[index].handle == handle ? &table->streams[index] : NULL;
}

struct consumer *consumer_find(const struct stream_table *table, shm_handle handle)
{
    uint32_t index = shm_handle_index(handle);

    if (handle == SHM_HANDLE_NONE || index >= table->segment->capacities.consumers)
        return NULL;
    return table->consumers[index].handle == handle ? &table->consumers[index] : NULL;
}

static int check_handle(const struct stream_table *table, enum shm_section_kind kind, shm_handle handle)
{
    const struct shm_row *row = shm_segment_at(table->segment, kind, shm_handle_index(handle));
    return row ? row_check_free(row, handle) : -ERANGE;
}

static int check_producer(const struct stream_table *table, shm_handle handle,
                          const struct shm_producer_row *initial)
{
    int error = check_handle(table, SHM_SECTION_PRODUCER, handle);

    for (unsigned i = 0; error == 0 && i < initial->encoding_count; i++) {
        error = check_handle(table, SHM_SECTION_STREAM, initial->streams[i]);
        for (unsigned j = 0; j < i; j++) {
            if (initial->streams[i] == initial->streams[j])
                error = -EEXIST;
        }
    }
    return error;
}

int producer_install(struct stream_table *table, struct transport *transport, shm_handle handle,
                     const struct shm_producer_row *initial, const struct shm_stream_row *initial_streams,
                     struct producer **ret_producer)
{
    unsigned place;
    struct media_extension_map extensions = transport->extensions;
    int error = check_producer(table, handle, initial);

    if (error == 0)
        error = merge_extensions(&extensions, &initial->extensions);
    if (error == 0)
        error = stream_demux_install(transport->demux, TRANSPORT_PRODUCERS_MAX, &transport->row->retired,
                                     &initial->demux, &place);
    if (error != 0)
        return error;

    transport->extensions = extensions;
    for (unsigned i = 0; i < initial->encoding_count; i++) {
        struct shm_stream_row *row =
            shm_segment_at(table->segment, SHM_SECTION_STREAM, shm_handle_index(initial->streams[i]));
        row_install(&row->row, &initial_streams[i].row, sizeof(*row), initial->streams[i], table->worker);
    }
    struct shm_producer_row *row =
        shm_segment_at(table->segment, SHM_SECTION_PRODUCER, shm_handle_index(handle));
    row_install(&row->row, &initial->row, sizeof(*row), handle, table->worker);
    *ret_producer = link_producer(table, transport, handle, row, place);
    return 0;
}

void producer_remove(struct stream_table *table, struct producer *producer)
{
    struct transport *transport = producer->transport;

    while (producer->fanout.count > 0)
        consumer_remove(table, producer->fanout.lines[0].consumer);
    unmap_ssrcs(table, producer);
    stream_demux_remove(&transport->demux[producer->place], &transport->row->retired);
    transport->producers[producer->place] = NULL;
    for (unsigned i = 0; i < producer->row->encoding_count; i++) {
        struct stream *stream = producer->streams[i];
        row_remove(&stream->row->row, sizeof(*stream->row));
        *stream = (struct stream){0};
    }
    row_remove(&producer->row->row, sizeof(*producer->row));
    *producer = (struct producer){0};
    table->producer_count--;
    rebuild_extensions(transport);
}

int consumer_install(struct stream_table *table, struct transport *transport, struct producer *producer,
                     shm_handle handle, const struct shm_consumer_row *initial,
                     struct consumer **ret_consumer)
{
    int error = check_handle(table, SHM_SECTION_CONSUMER, handle);

    if (error != 0)
        return error;
    struct shm_consumer_row *row =
        shm_segment_at(table->segment, SHM_SECTION_CONSUMER, shm_handle_index(handle));
    row_install(&row->row, &initial->row, sizeof(*row), handle, table->worker);
    *ret_consumer = link_consumer(table, transport, producer, handle, row);
    if (*ret_consumer)
        return 0;
    row_remove(&row->row, sizeof(*row));
    return -ENOMEM;
}

void consumer_remove(struct stream_table *table, struct consumer *consumer)
{
    fanout_remove(&table->lines, &consumer->producer->fanout, consumer);
    if (consumer->previous_of_transport != 0)
        table->consumers[consumer->previous_of_transport - 1].next_of_transport = consumer->next_of_transport;
    else
        consumer->transport->consumers = consumer->next_of_transport;
    if (consumer->next_of_transport)
        consumer->next_of_transport->previous_of_transport = consumer->previous_of_transport;
    consumer_map_remove(&table->consumer_ssrcs, consumer);
    struct resend_limit *resend = consumer_resend(table, consumer);
    if (resend->refilled_us != 0)
        *resend = (struct resend_limit){0};
    row_remove(&consumer->row->row, sizeof(*consumer->row));
    *consumer = (struct consumer){0};
    table->consumer_count--;
}

static int match_known(const struct stream_table *table, const struct transport *transport, uint32_t value,
                       const struct packet_view *view, struct stream_match *ret_match)
{
    struct stream *stream = &table->streams[value >> 1];
    struct producer *producer = stream->producer;
    bool is_rtx = (value & 1) != 0;
    unsigned index;
    int error = stream_demux_payload_type(&transport->demux[producer->place], view->header.payload_type,
                                          is_rtx, &index);

    if (error != 0)
        return error;
    *ret_match = (struct stream_match){stream, &producer->row->payload_types[index], is_rtx};
    return 0;
}

int stream_match(struct stream_table *table, struct transport *transport, const uint8_t *packet,
                 const struct packet_view *view, struct stream_match *ret_match)
{
    uint32_t value;
    struct stream_demux_match match;

    if (ssrc_map_find(&table->ssrcs, transport->index, view->header.ssrc, &value) == 0)
        return match_known(table, transport, value, view, ret_match);
    int error = stream_demux_find(transport->demux, TRANSPORT_PRODUCERS_MAX, &transport->row->retired, packet,
                                  view, &match);
    if (error != 0)
        return error;

    struct producer *producer = transport->producers[match.producer];
    struct stream *stream = producer->streams[match.encoding];
    producer->row->demux = transport->demux[match.producer]; /* what was learned outlives this process */
    ssrc_map_install(&table->ssrcs, transport->index, view->header.ssrc,
                     ssrc_value(stream->handle, match.is_rtx));
    *ret_match =
        (struct stream_match){stream, &producer->row->payload_types[match.payload_type], match.is_rtx};
    return 0;
}

struct stream *stream_find_ssrc(const struct stream_table *table, const struct transport *transport,
                                uint32_t ssrc)
{
    uint32_t value;

    if (ssrc_map_find(&table->ssrcs, transport->index, ssrc, &value) != 0 || (value & 1) != 0)
        return NULL;
    return &table->streams[value >> 1];
}
