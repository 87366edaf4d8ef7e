#include "dataplane/mirror.h"

#include <errno.h>

#include "shm/seqlock.h"

static int check_free(const struct stream_table *table, shm_handle handle,
                      const struct shm_producer_row *initial)
{
    const struct shm_capacities *capacities = &table->segment->capacities;

    if (handle == SHM_HANDLE_NONE || shm_handle_index(handle) >= capacities->producers)
        return -ERANGE;
    if (table->producers[shm_handle_index(handle)].handle != SHM_HANDLE_NONE)
        return -EEXIST;
    for (unsigned i = 0; i < initial->encoding_count; i++) {
        uint32_t index = shm_handle_index(initial->streams[i]);
        if (initial->streams[i] == SHM_HANDLE_NONE || index >= capacities->streams)
            return -ERANGE;
        if (table->streams[index].handle != SHM_HANDLE_NONE)
            return -EEXIST;
        for (unsigned j = 0; j < i; j++) {
            if (initial->streams[i] == initial->streams[j])
                return -EEXIST;
        }
    }
    return 0;
}

int mirror_install(struct stream_table *table, uint32_t worker, shm_handle handle,
                   const struct shm_producer_row *initial, const struct shm_stream_row *initial_streams,
                   struct producer **ret_producer)
{
    int error = check_free(table, handle, initial);

    if (error != 0)
        return error;
    struct producer *producer = &table->producers[shm_handle_index(handle)];
    struct mirror *mirror = &table->mirrors[shm_handle_index(handle)];
    *mirror = (struct mirror){.row = *initial, .worker = worker};
    mirror->row.followers = 0;
    *producer =
        (struct producer){.handle = handle, .row = &mirror->row, .mirror = mirror, .clock = &mirror->clock};
    for (unsigned i = 0; i < initial->encoding_count; i++) {
        struct stream *stream = &table->streams[shm_handle_index(initial->streams[i])];
        mirror->streams[i] = initial_streams[i];
        *stream = (struct stream){
            .handle = initial->streams[i], .row = &mirror->streams[i], .producer = producer, .encoding = i};
        producer->streams[i] = stream;
    }
    *ret_producer = producer;
    return 0;
}

void mirror_remove(struct stream_table *table, struct producer *producer)
{
    while (producer->fanout.count > 0)
        consumer_remove(table, producer->fanout.lines[0].consumer);
    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        *producer->streams[i] = (struct stream){0};
    *producer = (struct producer){0};
}

/* A row of another worker, whole, or false when it is not the life of handle. */
static bool read_row(const struct stream_table *table, enum shm_section_kind kind, shm_handle handle,
                     struct shm_row *ret_row, size_t row_bytes)
{
    const struct shm_row *row = shm_segment_at(table->segment, kind, shm_handle_index(handle));

    return row && seqlock_read(&row->sequence, ret_row, row, row_bytes) == 0 &&
           ret_row->state == SHM_ROW_LIVE && ret_row->generation == shm_handle_generation(handle) &&
           ret_row->worker != table->worker && ret_row->worker < table->segment->capacities.workers;
}

struct producer *mirror_adopt(struct stream_table *table, shm_handle handle)
{
    struct shm_producer_row row;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct producer *producer;

    if (!read_row(table, SHM_SECTION_PRODUCER, handle, &row.row, sizeof(row)) || row.encoding_count == 0 ||
        row.encoding_count > MEDIA_ENCODINGS_MAX || row.payload_type_count == 0 ||
        row.payload_type_count > MEDIA_PAYLOAD_TYPES_MAX)
        return NULL;
    for (unsigned i = 0; i < row.encoding_count; i++) {
        if (!read_row(table, SHM_SECTION_STREAM, row.streams[i], &streams[i].row, sizeof(streams[i])))
            return NULL;
        const struct receive_stats *stats = &streams[i].stats;
        streams[i].stats = (struct receive_stats){
            .ssrc = stats->ssrc, .restarts = stats->restarts, .clock_rate = stats->clock_rate};
        streams[i].key_frame = (struct key_frame_request){0};
    }
    return mirror_install(table, row.row.worker, handle, &row, streams, &producer) == 0 ? producer : NULL;
}

struct stream *mirror_find_stream(const struct stream_table *table, uint32_t worker, shm_handle handle)
{
    struct stream *stream = stream_find(table, handle);
    const struct mirror *mirror = stream ? stream->producer->mirror : NULL;

    return mirror && mirror->worker == worker ? stream : NULL;
}
