#include "control/forwarder/mirrors.h"

#include <errno.h>

#include "control/forwarder/forwarder_private.h"

static bool is_mirrored(const struct object_producer *producer, uint32_t worker)
{
    return worker != producer->worker && producer->consumers_by_worker[worker] > 0;
}

static int send_mirror(struct forwarder *forwarder, const struct object_producer *producer, uint32_t worker)
{
    Km__MirrorProducer message = KM__MIRROR_PRODUCER__INIT;

    message.producer = km__install_producer__unpack(NULL, producer->installed_bytes, producer->installed);
    if (!message.producer)
        return -ENOMEM;
    message.producer->paused = producer->paused;
    message.worker = producer->worker;
    int err = forwarder_send_message(forwarder, worker, KM__COMMAND__BODY_MIRROR_PRODUCER, &message);
    km__install_producer__free_unpacked(message.producer, NULL);
    return err;
}

static int send_follower(struct forwarder *forwarder, const struct object_producer *producer, uint32_t worker,
                         bool follows)
{
    Km__SetFollower message = KM__SET_FOLLOWER__INIT;

    message.producer = producer->handle;
    message.worker = worker;
    message.follows = follows;
    return forwarder_send_message(forwarder, producer->worker, KM__COMMAND__BODY_SET_FOLLOWER, &message);
}

int mirrors_add(struct forwarder *forwarder, const struct object_producer *producer, uint32_t worker)
{
    if (worker == producer->worker || is_mirrored(producer, worker))
        return 0;
    int err = send_mirror(forwarder, producer, worker);
    if (err != 0)
        return err;
    err = send_follower(forwarder, producer, worker, true);
    if (err != 0)
        removals_say(forwarder, worker, KM__COMMAND__BODY_REMOVE_PRODUCER, producer->handle);
    return err;
}

void mirrors_trim(struct forwarder *forwarder, const struct object_producer *producer, uint32_t worker)
{
    if (worker == producer->worker || is_mirrored(producer, worker))
        return;
    (void)send_follower(forwarder, producer, worker, false);
    removals_say(forwarder, worker, KM__COMMAND__BODY_REMOVE_PRODUCER, producer->handle);
}

void mirrors_pause(struct forwarder *forwarder, const struct object_producer *producer, bool paused)
{
    Km__Pause message = KM__PAUSE__INIT;

    message.handle = producer->handle;
    message.paused = paused;
    for (uint32_t i = 0; i < forwarder->worker_count; i++)
        if (is_mirrored(producer, i))
            (void)forwarder_send_message(forwarder, i, KM__COMMAND__BODY_PAUSE_PRODUCER, &message);
}

void mirrors_remove(struct forwarder *forwarder, const struct object_producer *producer)
{
    for (uint32_t i = 0; i < forwarder->worker_count; i++)
        if (is_mirrored(producer, i))
            removals_say(forwarder, i, KM__COMMAND__BODY_REMOVE_PRODUCER, producer->handle);
}
