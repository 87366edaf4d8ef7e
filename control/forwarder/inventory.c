#include "control/forwarder/inventory.h"

#include "control/forwarder/forwarder_private.h"
#include "control/log.h"
#include "shm/rows.h"

static bool is_quiet(const struct forwarder *forwarder)
{
    for (uint32_t i = 0; i < forwarder->worker_count; i++)
        if (forwarder->workers[i].answers.count > 0)
            return false;
    return true;
}

static bool stands(const struct forwarder *forwarder, enum shm_section_kind kind, uint64_t handle)
{
    const struct shm_row *row = shm_segment_at(&forwarder->segment, kind, shm_handle_index(handle));
    return row->state != SHM_ROW_FREE && row->generation == shm_handle_generation(handle);
}

static bool sends_whole(const struct forwarder *forwarder, const struct object_transport *transport)
{
    const struct object_producer *producer;

    if (!stands(forwarder, SHM_SECTION_TRANSPORT, transport->handle))
        return false;
    LIST_FOREACH(producer, &transport->producers, by_transport)
    if (!stands(forwarder, SHM_SECTION_PRODUCER, producer->handle))
        return false;
    return true;
}

static bool receives_whole(const struct forwarder *forwarder, const struct object_transport *transport)
{
    const struct object_consumer *consumer;

    LIST_FOREACH(consumer, &transport->consumers, by_transport)
    if (!stands(forwarder, SHM_SECTION_CONSUMER, consumer->handle))
        return false;
    return true;
}

static void fail_unless(struct forwarder *forwarder,
                        bool (*is_whole)(const struct forwarder *, const struct object_transport *))
{
    for (uint32_t i = 0; i < forwarder->capacities.transports; i++) {
        uint64_t handle = forwarder->objects.transports[i].handle;
        const struct object_transport *transport = objects_find_transport(&forwarder->objects, handle);
        if (!transport || is_whole(forwarder, transport))
            continue;
        log_warn("forwarder",
                 "a transport, or what belongs to it, was being written when the forwarder ended");
        forwarder->handler.on_failed(forwarder->context, handle);
    }
}

/* With a producer all of its consumers are missing. They end with its transport, and those that received them
 * are none the worse. */
void inventory_turn(struct forwarder *forwarder)
{
    if (!forwarder->has_gone_on || forwarder->state != FORWARDER_READY || !is_quiet(forwarder))
        return;
    forwarder->has_gone_on = false;
    fail_unless(forwarder, sends_whole);
    fail_unless(forwarder, receives_whole);
}
