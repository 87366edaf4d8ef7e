#include "control/forwarder/tuples.h"

#include <errno.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"
#include "control/log.h"
#include "shm/address.h"

void tuples_steer(struct forwarder *forwarder, bool wanted)
{
    char why[200];

    if (forwarder->worker_count < 2 || !wanted)
        return;
    if (steering_create(forwarder->descriptors.media_socket, forwarder->worker_count, &forwarder->steering,
                        why, sizeof why) != 0)
        log_warn("forwarder", "%s; workers hand over what is not theirs, which costs more", why);
}

uint32_t tuples_find(const struct object_transport *object, const struct shm_address *remote)
{
    uint32_t i = 0;
    while (i < object->tuple_count && memcmp(&object->tuples[i], remote, sizeof *remote) != 0)
        i++;
    return i;
}

/* Whether a transport gets its media at this address, and has said so lately. Its source alone proves
 * nothing: who may send checks for one transport could name the address of another in them. */
static bool is_home(const struct forwarder *forwarder, uint64_t transport, const struct shm_address *remote)
{
    struct statistics_transport block;
    uint32_t index = shm_handle_index(transport);

    return statistics_read(&forwarder->statistics, STATISTICS_TRANSPORT, index, &block, sizeof block) == 0 &&
           block.handle == transport && block.has_consent && block.protocol == remote->protocol &&
           block.remote_port == remote->port &&
           memcmp(block.remote_ip, remote->ip, sizeof block.remote_ip) == 0 &&
           forwarder_wall_clock_us() < block.last_consent_us + TUPLES_HOME_US;
}

static bool is_taken(struct forwarder *forwarder, uint64_t transport, const struct shm_address *remote)
{
    uint32_t worker;
    uint64_t owner = tuple_map_find(&forwarder->tuples, remote, &worker);

    return owner != 0 && owner != transport && objects_find_transport(&forwarder->objects, owner) &&
           is_home(forwarder, owner, remote);
}

int tuples_resolve(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                   struct object_transport **ret_object, struct shm_address *ret_address)
{
    struct shm_address address;
    struct object_transport *object = objects_find_transport(&forwarder->objects, transport);

    if (!object)
        return -ESTALE;
    if (!shm_address_from_sockaddr(remote, &address))
        return -EAFNOSUPPORT;
    *ret_object = object;
    *ret_address = address;
    return 0;
}

int forwarder_add_tuple(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote)
{
    struct shm_address address;
    struct object_transport *object;
    int err = tuples_resolve(forwarder, transport, remote, &object, &address);

    if (err != 0)
        return err;
    uint32_t at = tuples_find(object, &address);
    if (at == OBJECTS_TUPLES_MAX)
        return -ENOSPC;
    if (is_taken(forwarder, transport, &address))
        return -EADDRINUSE;
    /* Also when it stands there already: another transport may have taken the address since. */
    err = tuple_map_insert(&forwarder->tuples, &address, transport, object->worker);
    if (err != 0)
        return err;
    if (at == object->tuple_count)
        object->tuples[object->tuple_count++] = address;
    /* What the kernel cannot be told, workers hand over. */
    err = steering_insert(forwarder->steering, &address, object->worker);
    if (err != 0)
        log_every_s(60, log_warn, "forwarder", "the kernel takes no more addresses to steer by: %s",
                    strerror(-err));
    return 0;
}

/* Unless another transport has taken the address since. */
static void forget(struct forwarder *forwarder, const struct shm_address *remote, uint64_t transport)
{
    uint32_t worker;
    if (tuple_map_find(&forwarder->tuples, remote, &worker) != transport)
        return;
    tuple_map_remove(&forwarder->tuples, remote, transport);
    steering_remove(forwarder->steering, remote);
}

void forwarder_remove_tuple(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote)
{
    struct shm_address address;
    struct object_transport *object;

    if (tuples_resolve(forwarder, transport, remote, &object, &address) != 0)
        return;
    uint32_t at = tuples_find(object, &address);
    if (at == object->tuple_count)
        return;
    forget(forwarder, &address, transport);
    object->tuples[at] = object->tuples[--object->tuple_count];
}

void tuples_forget(struct forwarder *forwarder, const struct object_transport *object)
{
    for (uint32_t i = 0; i < object->tuple_count; i++)
        forget(forwarder, &object->tuples[i], object->handle);
}

void tuples_forget_all(struct forwarder *forwarder)
{
    const struct objects *objects = &forwarder->objects;

    for (uint32_t i = 0; i < objects->transport_handles.capacity; i++)
        if (objects->transport_handles.live[i])
            tuples_forget(forwarder, &objects->transports[i]);
}
