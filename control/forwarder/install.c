/* The calls of forwarder.h that install, change and remove objects: each is a check, a handle and a command.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"
#include "control/forwarder/messages.h"
#include "control/forwarder/mirrors.h"
#include "control/forwarder/plain_sockets.h"
#include "control/forwarder/tuples.h"
#include "shm/address.h"
#include "shm/ufrag.h"

static int send_pause(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body,
                      uint64_t handle, bool paused)
{
    Km__Pause pause = KM__PAUSE__INIT;
    pause.handle = handle;
    pause.paused = paused;
    return forwarder_send_message(forwarder, worker, body, &pause);
}

uint32_t forwarder_pick_worker(const struct forwarder *forwarder)
{
    return objects_least_loaded(&forwarder->objects);
}

/* The message says all but the handle. */
static int add_transport(struct forwarder *forwarder, uint32_t worker, bool consuming,
                         Km__InstallTransport *message, struct object_transport **ret_object)
{
    if (worker >= forwarder->worker_count)
        return -EINVAL;
    if (!forwarder->is_open)
        return -EAGAIN;
    struct object_transport *object = objects_add_transport(&forwarder->objects, worker, consuming);
    if (!object)
        return -ENOSPC;
    message->transport = object->handle;
    int err = forwarder_send_message(forwarder, worker, KM__COMMAND__BODY_INSTALL_TRANSPORT, message);
    if (err != 0) {
        objects_free_transport(&forwarder->objects, object);
        return err;
    }
    *ret_object = object;
    return 0;
}

int forwarder_install_transport(struct forwarder *forwarder, uint32_t worker,
                                const struct forwarder_transport *transport, uint64_t *ret_transport)
{
    Km__InstallTransport message = KM__INSTALL_TRANSPORT__INIT;
    struct object_transport *object;

    message.ice_ufrag = (char *)transport->ice_ufrag;
    message.ice_password = (char *)transport->ice_password;
    message.max_incoming_bitrate_bps = transport->max_incoming_bitrate_bps;
    message.initial_outgoing_bitrate_bps = transport->initial_outgoing_bitrate_bps;
    message.min_outgoing_bitrate_bps = transport->min_outgoing_bitrate_bps;
    message.max_outgoing_bitrate_bps = transport->max_outgoing_bitrate_bps;
    int err = add_transport(forwarder, worker, transport->consuming, &message, &object);
    if (err == 0)
        *ret_transport = object->handle;
    return err;
}

int forwarder_install_plain(struct forwarder *forwarder, const struct forwarder_plain *plain,
                            uint64_t *ret_transport)
{
    Km__InstallTransport message = KM__INSTALL_TRANSPORT__INIT;
    struct object_transport *object;

    message.plain = plain->learns_address ? KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_LEARNED
                                          : KM__INSTALL_TRANSPORT__PLAIN__ADDRESS_GIVEN;
    int err = add_transport(forwarder, forwarder_pick_worker(forwarder), plain->consuming, &message, &object);
    if (err != 0)
        return err;
    plain_sockets_adopt(forwarder, object, plain->fds);
    *ret_transport = object->handle;
    return 0;
}

int forwarder_connect_plain(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                            uint16_t rtcp_port)
{
    Km__ConnectPlain message = KM__CONNECT_PLAIN__INIT;
    struct shm_address address;
    struct object_transport *object;
    int err = tuples_resolve(forwarder, transport, remote, &object, &address);

    if (err != 0)
        return err;
    message.transport = transport;
    message.address.data = address.ip;
    message.address.len = sizeof address.ip;
    message.port = address.port;
    message.rtcp_port = rtcp_port;
    message.scope = address.scope;
    return forwarder_send_message(forwarder, object->worker, KM__COMMAND__BODY_CONNECT_PLAIN, &message);
}

void forwarder_seal_ufrag(const struct forwarder *forwarder, char *ufrag)
{
    ufrag_seal(forwarder->segment.secret, ufrag);
}

int forwarder_set_ice_credentials(struct forwarder *forwarder, uint64_t transport, const char *ufrag,
                                  const char *password)
{
    Km__SetIceCredentials message = KM__SET_ICE_CREDENTIALS__INIT;
    struct object_transport *object = objects_find_transport(&forwarder->objects, transport);
    if (!object)
        return -ESTALE;
    message.transport = transport;
    message.ice_ufrag = (char *)ufrag;
    message.ice_password = (char *)password;
    return forwarder_send_message(forwarder, object->worker, KM__COMMAND__BODY_SET_ICE_CREDENTIALS, &message);
}

int forwarder_select_tuple(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                           bool nominated)
{
    Km__SelectTuple message = KM__SELECT_TUPLE__INIT;
    struct shm_address address;
    struct object_transport *object;
    int err = tuples_resolve(forwarder, transport, remote, &object, &address);

    if (err != 0)
        return err;
    if (tuples_find(object, &address) == object->tuple_count)
        return -ENOENT;
    message.transport = transport;
    message.address.data = address.ip;
    message.address.len = sizeof address.ip;
    message.port = address.port;
    message.scope = address.scope;
    message.protocol = address.protocol;
    message.nominated = nominated;
    return forwarder_send_message(forwarder, object->worker, KM__COMMAND__BODY_SELECT_TUPLE, &message);
}

int forwarder_install_keys(struct forwarder *forwarder, uint64_t transport,
                           enum forwarder_srtp_profile profile, const uint8_t *receive_key,
                           const uint8_t *send_key, size_t key_bytes)
{
    Km__InstallKeys message = KM__INSTALL_KEYS__INIT;
    struct object_transport *object = objects_find_transport(&forwarder->objects, transport);
    if (!object)
        return -ESTALE;
    message.transport = transport;
    message.profile = (Km__SrtpProfile)profile;
    message.receive_key.data = (uint8_t *)receive_key;
    message.receive_key.len = key_bytes;
    message.send_key.data = (uint8_t *)send_key;
    message.send_key.len = key_bytes;
    return forwarder_send_message(forwarder, object->worker, KM__COMMAND__BODY_INSTALL_KEYS, &message);
}

/* Its worker was told, or will be: with the consumer goes what only it needed. */
static void free_consumer(struct forwarder *forwarder, struct object_consumer *object)
{
    struct object_producer *producer = object->producer;
    uint32_t worker = object->worker;
    objects_free_consumer(&forwarder->objects, object);
    mirrors_trim(forwarder, producer, worker);
}

void forwarder_remove_transport(struct forwarder *forwarder, uint64_t transport)
{
    struct object_transport *object = objects_find_transport(&forwarder->objects, transport);
    if (!object)
        return;
    tuples_forget(forwarder, object);
    while (!LIST_EMPTY(&object->consumers))
        free_consumer(forwarder, LIST_FIRST(&object->consumers));
    struct object_producer *producer;
    LIST_FOREACH(producer, &object->producers, by_transport)
    mirrors_remove(forwarder, producer);
    removals_say(forwarder, object->worker, KM__COMMAND__BODY_REMOVE_TRANSPORT, transport);
    objects_free_transport(&forwarder->objects, object);
}

int forwarder_inject(struct forwarder *forwarder, uint32_t worker, const struct sockaddr *remote,
                     const uint8_t *data, size_t length)
{
    struct shm_address address;
    if (worker >= forwarder->worker_count)
        return -EINVAL;
    if (!forwarder->is_open)
        return -EAGAIN;
    if (!shm_address_from_sockaddr(remote, &address))
        return -EAFNOSUPPORT;
    int err = channel_inject(&forwarder->workers[worker].channel, &address, data, length);
    if (err == 0)
        forwarder_told(&forwarder->workers[worker]);
    return err;
}

int forwarder_pass_connection(struct forwarder *forwarder, uint32_t worker, const struct sockaddr *remote,
                              int fd)
{
    struct shm_address address;
    if (worker >= forwarder->worker_count)
        return -EINVAL;
    if (forwarder->state != FORWARDER_JOINED && forwarder->state != FORWARDER_READY)
        return -EAGAIN;
    if (!shm_address_from_sockaddr(remote, &address))
        return -EAFNOSUPPORT;
    address.protocol = SHM_PROTOCOL_TCP;
    return endpoint_send_connection(forwarder->process.socket, &address, worker, fd);
}

int forwarder_install_producer(struct forwarder *forwarder, uint64_t transport,
                               const struct ortc_producer *producer, bool paused, uint64_t *ret_producer)
{
    Km__InstallProducer message;
    struct message_storage storage;
    struct object_transport *owner = objects_find_transport(&forwarder->objects, transport);

    if (!owner)
        return -ESTALE;
    struct object_producer *object =
        objects_add_producer(&forwarder->objects, owner, (uint32_t)producer->encoding_count);
    if (!object)
        return -ENOSPC;
    message_of_producer(producer, object->streams, &storage, &message);
    message.producer = object->handle;
    message.transport = transport;
    message.paused = paused;
    object->paused = paused;
    object->installed_bytes = (uint32_t)km__install_producer__get_packed_size(&message);
    object->installed = malloc(object->installed_bytes);
    int err = object->installed ? 0 : -ENOMEM;
    if (err == 0) {
        km__install_producer__pack(&message, object->installed);
        err = forwarder_send_message(forwarder, owner->worker, KM__COMMAND__BODY_INSTALL_PRODUCER, &message);
    }
    if (err != 0) {
        objects_free_producer(&forwarder->objects, object);
        return err;
    }
    *ret_producer = object->handle;
    return 0;
}

int forwarder_pause_producer(struct forwarder *forwarder, uint64_t producer, bool paused)
{
    struct object_producer *object = objects_find_producer(&forwarder->objects, producer);
    if (!object)
        return -ESTALE;
    int err = send_pause(forwarder, object->worker, KM__COMMAND__BODY_PAUSE_PRODUCER, producer, paused);
    if (err != 0)
        return err;
    object->paused = paused;
    mirrors_pause(forwarder, object, paused);
    return 0;
}

void forwarder_remove_producer(struct forwarder *forwarder, uint64_t producer)
{
    struct object_producer *object = objects_find_producer(&forwarder->objects, producer);
    if (!object)
        return;
    mirrors_remove(forwarder, object);
    removals_say(forwarder, object->worker, KM__COMMAND__BODY_REMOVE_PRODUCER, producer);
    objects_free_producer(&forwarder->objects, object);
}

int forwarder_install_consumer(struct forwarder *forwarder, uint64_t transport, uint64_t producer,
                               const struct ortc_consumer *consumer, unsigned priority, bool paused,
                               uint64_t *ret_consumer)
{
    Km__InstallConsumer message;
    struct message_storage storage;
    struct object_transport *owner = objects_find_transport(&forwarder->objects, transport);
    struct object_producer *source = objects_find_producer(&forwarder->objects, producer);

    if (!owner || !source)
        return -ESTALE;
    int err = mirrors_add(forwarder, source, owner->worker);
    if (err != 0)
        return err;
    struct object_consumer *object = objects_add_consumer(&forwarder->objects, owner, source);
    if (!object) {
        mirrors_trim(forwarder, source, owner->worker);
        return -ENOSPC;
    }
    message_of_consumer(consumer, &storage, &message);
    message.consumer = object->handle;
    message.transport = transport;
    message.producer = producer;
    message.priority = priority;
    message.paused = paused;
    err = forwarder_send_message(forwarder, owner->worker, KM__COMMAND__BODY_INSTALL_CONSUMER, &message);
    if (err != 0) {
        free_consumer(forwarder, object);
        return err;
    }
    *ret_consumer = object->handle;
    return 0;
}

int forwarder_pause_consumer(struct forwarder *forwarder, uint64_t consumer, bool paused)
{
    struct object_consumer *object = objects_find_consumer(&forwarder->objects, consumer);
    if (!object)
        return -ESTALE;
    return send_pause(forwarder, object->worker, KM__COMMAND__BODY_PAUSE_CONSUMER, consumer, paused);
}

void forwarder_remove_consumer(struct forwarder *forwarder, uint64_t consumer)
{
    struct object_consumer *object = objects_find_consumer(&forwarder->objects, consumer);
    if (!object)
        return;
    removals_say(forwarder, object->worker, KM__COMMAND__BODY_REMOVE_CONSUMER, consumer);
    free_consumer(forwarder, object);
}
