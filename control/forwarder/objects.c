#include "control/forwarder/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/abi.h"

#define TRANSPORT_WEIGHT 1u
#define CONSUMING_TRANSPORT_WEIGHT 3u
#define STREAM_WEIGHT 4u

int objects_init(struct objects *objects, const struct shm_capacities *c)
{
    memset(objects, 0, sizeof *objects);
    objects->workers = c->workers;
    objects->transports = calloc(c->transports, sizeof *objects->transports);
    objects->producers = calloc(c->producers, sizeof *objects->producers);
    objects->consumers = calloc(c->consumers, sizeof *objects->consumers);
    objects->load_by_worker = calloc(c->workers, sizeof *objects->load_by_worker);
    if (!objects->transports || !objects->producers || !objects->consumers || !objects->load_by_worker ||
        handles_init(&objects->transport_handles, c->transports) != 0 ||
        handles_init(&objects->producer_handles, c->producers) != 0 ||
        handles_init(&objects->stream_handles, c->streams) != 0 ||
        handles_init(&objects->consumer_handles, c->consumers) != 0) {
        objects_deinit(objects);
        return -ENOMEM;
    }
    return 0;
}

void objects_reset(struct objects *objects)
{
    for (uint32_t i = 0; i < objects->transport_handles.capacity; i++)
        if (objects->transport_handles.live[i])
            objects_free_transport(objects, &objects->transports[i]);
}

void objects_deinit(struct objects *objects)
{
    objects_reset(objects);
    free(objects->transports);
    free(objects->producers);
    free(objects->consumers);
    free(objects->load_by_worker);
    handles_deinit(&objects->transport_handles);
    handles_deinit(&objects->producer_handles);
    handles_deinit(&objects->stream_handles);
    handles_deinit(&objects->consumer_handles);
    memset(objects, 0, sizeof *objects);
}

uint32_t objects_least_loaded(const struct objects *objects)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < objects->workers; i++)
        if (objects->load_by_worker[i] < objects->load_by_worker[best])
            best = i;
    return best;
}

struct object_transport *objects_add_transport(struct objects *objects, uint32_t worker, bool consuming)
{
    uint64_t handle = handles_take(&objects->transport_handles);
    if (handle == SHM_HANDLE_NONE)
        return NULL;
    struct object_transport *transport = &objects->transports[shm_handle_index(handle)];
    memset(transport, 0, sizeof *transport);
    transport->handle = handle;
    transport->worker = worker;
    transport->plain_fds[0] = transport->plain_fds[1] = -1;
    transport->weight = consuming ? CONSUMING_TRANSPORT_WEIGHT : TRANSPORT_WEIGHT;
    objects->load_by_worker[worker] += transport->weight;
    return transport;
}

static void free_streams(struct objects *objects, const struct object_producer *producer)
{
    for (uint32_t i = 0; i < producer->stream_count; i++)
        handles_free(&objects->stream_handles, producer->streams[i]);
}

struct object_producer *objects_add_producer(struct objects *objects, struct object_transport *transport,
                                             uint32_t streams)
{
    struct object_producer made = {.transport = transport->handle, .worker = transport->worker};

    if (streams > OBJECTS_ENCODINGS_MAX)
        return NULL;
    while (made.stream_count < streams) {
        uint64_t stream = handles_take(&objects->stream_handles);
        if (stream == SHM_HANDLE_NONE)
            break;
        made.streams[made.stream_count++] = stream;
    }
    if (made.stream_count == streams)
        made.handle = handles_take(&objects->producer_handles);
    if (made.handle == SHM_HANDLE_NONE) {
        free_streams(objects, &made);
        return NULL;
    }
    struct object_producer *producer = &objects->producers[shm_handle_index(made.handle)];
    *producer = made;
    LIST_INSERT_HEAD(&transport->producers, producer, by_transport);
    objects->load_by_worker[producer->worker] += STREAM_WEIGHT;
    return producer;
}

struct object_consumer *objects_add_consumer(struct objects *objects, struct object_transport *transport,
                                             struct object_producer *producer)
{
    uint64_t handle = handles_take(&objects->consumer_handles);
    if (handle == SHM_HANDLE_NONE)
        return NULL;
    struct object_consumer *consumer = &objects->consumers[shm_handle_index(handle)];
    consumer->handle = handle;
    consumer->transport = transport->handle;
    consumer->worker = transport->worker;
    consumer->producer = producer;
    producer->consumers_by_worker[consumer->worker]++;
    objects->load_by_worker[consumer->worker] += STREAM_WEIGHT;
    LIST_INSERT_HEAD(&transport->consumers, consumer, by_transport);
    LIST_INSERT_HEAD(&producer->consumers, consumer, by_producer);
    return consumer;
}

struct object_transport *objects_find_transport(struct objects *objects, uint64_t handle)
{
    return handles_is_live(&objects->transport_handles, handle)
               ? &objects->transports[shm_handle_index(handle)]
               : NULL;
}

struct object_producer *objects_find_producer(struct objects *objects, uint64_t handle)
{
    return handles_is_live(&objects->producer_handles, handle) ? &objects->producers[shm_handle_index(handle)]
                                                               : NULL;
}

struct object_consumer *objects_find_consumer(struct objects *objects, uint64_t handle)
{
    return handles_is_live(&objects->consumer_handles, handle) ? &objects->consumers[shm_handle_index(handle)]
                                                               : NULL;
}

void objects_free_consumer(struct objects *objects, struct object_consumer *consumer)
{
    LIST_REMOVE(consumer, by_transport);
    LIST_REMOVE(consumer, by_producer);
    consumer->producer->consumers_by_worker[consumer->worker]--;
    objects->load_by_worker[consumer->worker] -= STREAM_WEIGHT;
    handles_free(&objects->consumer_handles, consumer->handle);
}

void objects_free_producer(struct objects *objects, struct object_producer *producer)
{
    while (!LIST_EMPTY(&producer->consumers))
        objects_free_consumer(objects, LIST_FIRST(&producer->consumers));
    LIST_REMOVE(producer, by_transport);
    free_streams(objects, producer);
    free(producer->installed);
    producer->installed = NULL;
    objects->load_by_worker[producer->worker] -= STREAM_WEIGHT;
    handles_free(&objects->producer_handles, producer->handle);
}

void objects_free_transport(struct objects *objects, struct object_transport *transport)
{
    while (!LIST_EMPTY(&transport->consumers))
        objects_free_consumer(objects, LIST_FIRST(&transport->consumers));
    while (!LIST_EMPTY(&transport->producers))
        objects_free_producer(objects, LIST_FIRST(&transport->producers));
    for (unsigned i = 0; i < 2; i++)
        if (transport->plain_fds[i] >= 0)
            close(transport->plain_fds[i]);
    objects->load_by_worker[transport->worker] -= transport->weight;
    handles_free(&objects->transport_handles, transport->handle);
}
