#include "control/forwarder/plain_sockets.h"

#include <errno.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"
#include "control/log.h"

static bool is_joined(const struct forwarder *forwarder)
{
    return forwarder->state == FORWARDER_JOINED || forwarder->state == FORWARDER_READY;
}

/* Whether the next one may be tried. */
static bool hand_over(struct forwarder *forwarder, struct object_transport *object)
{
    int err =
        endpoint_send_plain(forwarder->process.socket, object->handle, object->worker, object->plain_fds);
    object->plain_waits = err != 0;
    forwarder->plain_waits |= err != 0;
    if (err != 0 && err != -EAGAIN)
        log_every_s(5, log_warn, "forwarder", "the sockets of a plain transport cannot be handed over: %s",
                    strerror(-err));
    return err == 0;
}

void plain_sockets_adopt(struct forwarder *forwarder, struct object_transport *object, const int fds[2])
{
    memcpy(object->plain_fds, fds, sizeof object->plain_fds);
    object->plain_waits = true;
    if (is_joined(forwarder) && !forwarder->plain_waits)
        (void)hand_over(forwarder, object);
    else
        forwarder->plain_waits = true;
}

void plain_sockets_hand_over(struct forwarder *forwarder)
{
    struct objects *objects = &forwarder->objects;
    bool goes_on = true;

    if (!forwarder->plain_waits || !is_joined(forwarder))
        return;
    forwarder->plain_waits = false;
    for (uint32_t i = 0; goes_on && i < objects->transport_handles.capacity; i++) {
        struct object_transport *object = &objects->transports[i];
        if (objects->transport_handles.live[i] && object->plain_fds[0] >= 0 && object->plain_waits)
            goes_on = hand_over(forwarder, object);
    }
}

void plain_sockets_recall(struct forwarder *forwarder)
{
    struct objects *objects = &forwarder->objects;

    for (uint32_t i = 0; i < objects->transport_handles.capacity; i++)
        if (objects->transport_handles.live[i] && objects->transports[i].plain_fds[0] >= 0)
            forwarder->plain_waits = objects->transports[i].plain_waits = true;
}
