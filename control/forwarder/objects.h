/* What control remembers of the objects it has installed: enough to free handles and tuples when their owner
 * goes. A transport owns its producers and consumers, a producer its streams and consumers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/forwarder/handles.h"
#include "shm/datagram.h"
#include "shm/segment.h"

#define OBJECTS_TUPLES_MAX 8u /* of one transport */
#define OBJECTS_ENCODINGS_MAX 4u
#define OBJECTS_WORKERS_MAX 64u

struct object_consumer {
    uint64_t handle;
    uint64_t transport;
    uint32_t worker;
    struct object_producer *producer;
    LIST_ENTRY(object_consumer) by_transport;
    LIST_ENTRY(object_consumer) by_producer;
};

struct object_producer {
    uint64_t handle;
    uint64_t transport;
    uint32_t worker;
    uint32_t stream_count;
    uint64_t streams[OBJECTS_ENCODINGS_MAX];
    uint8_t *installed; /* packed InstallProducer, for mirrors; owned */
    uint32_t installed_bytes;
    bool paused;
    uint32_t consumers_by_worker[OBJECTS_WORKERS_MAX]; /* how many */
    LIST_ENTRY(object_producer) by_transport;
    LIST_HEAD(, object_consumer) consumers;
};

struct object_transport {
    uint64_t handle;
    uint32_t worker;
    uint32_t weight;
    uint32_t tuple_count;
    struct shm_address tuples[OBJECTS_TUPLES_MAX];
    int plain_fds[2]; /* owned; -1: not a plain transport */
    bool plain_waits; /* they are to be handed over */
    LIST_HEAD(, object_producer) producers;
    LIST_HEAD(, object_consumer) consumers;
};

struct objects {
    struct handles transport_handles;
    struct handles producer_handles;
    struct handles stream_handles;
    struct handles consumer_handles;
    struct object_transport *transports; /* by index of the handle */
    struct object_producer *producers;
    struct object_consumer *consumers;
    uint32_t *load_by_worker; /* see objects_least_loaded */
    uint32_t workers;
};

int objects_init(struct objects *objects, const struct shm_capacities *capacities);
void objects_deinit(struct objects *objects);
/* Every object is gone, every handle is stale. */
void objects_reset(struct objects *objects);

/* The worker that has least to do: a producer or a consumer is a stream to decrypt or to encrypt and weighs
 * 4. A transport by itself weighs 1, or 3 when it is made for consuming: most streams are consumers, and
 * clients that make their transports in turns must not all consume on one worker. */
uint32_t objects_least_loaded(const struct objects *objects);

/* NULL when full. */
struct object_transport *objects_add_transport(struct objects *objects, uint32_t worker, bool consuming);
struct object_producer *objects_add_producer(struct objects *objects, struct object_transport *transport,
                                             uint32_t streams);
struct object_consumer *objects_add_consumer(struct objects *objects, struct object_transport *transport,
                                             struct object_producer *producer);

/* NULL for a stale handle. */
struct object_transport *objects_find_transport(struct objects *objects, uint64_t handle);
struct object_producer *objects_find_producer(struct objects *objects, uint64_t handle);
struct object_consumer *objects_find_consumer(struct objects *objects, uint64_t handle);

/* With all that they own. The tuples of a transport are the caller's to remove before. */
void objects_free_transport(struct objects *objects, struct object_transport *transport);
void objects_free_producer(struct objects *objects, struct object_producer *producer);
void objects_free_consumer(struct objects *objects, struct object_consumer *consumer);
