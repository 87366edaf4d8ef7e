#include "tests/bench/room.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dataplane/commands.h"
#include "dataplane/forward.h"
#include "dataplane/mirror.h"
#include "shm/address.h"

void room_keys(uint32_t peer, uint8_t ret_receive[SRTP_KEY_MAX], uint8_t ret_send[SRTP_KEY_MAX])
{
    for (unsigned i = 0; i < SRTP_KEY_MAX; i++) {
        ret_receive[i] = (uint8_t)(peer * 31 + (peer >> 8) + i * 7);
        ret_send[i] = (uint8_t)(ret_receive[i] ^ 0x5a);
    }
}

static void complain(const char *what, uint32_t number, int error, const char *reason)
{
    fprintf(stderr, "%s %u: %s %s\n", what, number, strerror(-error), reason);
}

struct transport *room_add_peer(struct worker *worker, enum srtp_profile profile, uint32_t peer,
                                const struct sockaddr_in *name)
{
    shm_handle handle = shm_handle_make(peer, 1);
    struct shm_transport_row row = {.rtcp_ssrc = 5};
    struct transport *transport;
    struct shm_address address;
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];

    room_keys(peer, receive, send);
    shm_address_from_sockaddr((const struct sockaddr *)name, &address);
    int error = tuple_map_insert(&worker->tuples, &address, handle, worker->index);
    if (error == 0)
        error =
            transport_install(&worker->transports, worker->segment, handle, &row, worker->now_us, &transport);
    if (error == 0)
        error = transport_set_keys(&worker->transports, transport, profile, receive, send);
    if (error != 0) {
        complain("peer", peer, error, "");
        return NULL;
    }
    transport_select(transport, &address, true, worker->now_us);
    return transport;
}

/* The rows of a camera. False with a message. */
static bool describe_camera(shm_handle transport, uint32_t camera, struct shm_producer_row *ret_row,
                            struct shm_stream_row ret_streams[MEDIA_ENCODINGS_MAX])
{
    Km__InstallProducer message = KM__INSTALL_PRODUCER__INIT;
    Km__PayloadType type = KM__PAYLOAD_TYPE__INIT;
    Km__PayloadType *types[] = {&type};
    Km__Encoding encoding = KM__ENCODING__INIT;
    Km__Encoding *encodings[] = {&encoding};
    const char *reason = "";

    type.codec = KM__CODEC__VP8;
    type.clock_rate = 90000;
    type.payload_type = 96;
    type.router_payload_type = 101;
    encoding.stream = shm_handle_make(camera, 1);
    encoding.ssrc = ROOM_CAMERA_SSRC + camera;
    encoding.rid = (char *)"";
    message.producer = shm_handle_make(camera, 1);
    message.transport = transport;
    message.kind = KM__MEDIA_KIND__VIDEO;
    message.mid = (char *)"0";
    message.cname = (char *)"camera";
    message.n_payload_types = message.n_encodings = 1;
    message.payload_types = types;
    message.encodings = encodings;
    int error = commands_read_producer(&message, ret_row, ret_streams, &reason);
    if (error != 0)
        complain("camera", camera, error, reason);
    return error == 0;
}

struct producer *room_add_camera(struct worker *worker, struct transport *transport, uint32_t camera)
{
    struct shm_producer_row row;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct producer *producer;

    if (!describe_camera(transport->handle, camera, &row, streams))
        return NULL;
    int error =
        producer_install(&worker->streams, transport, shm_handle_make(camera, 1), &row, streams, &producer);
    if (error != 0) {
        complain("camera", camera, error, "");
        return NULL;
    }
    return producer;
}

struct producer *room_add_mirror(struct worker *worker, struct worker *owner, const struct producer *camera)
{
    uint32_t number = shm_handle_index(camera->handle);
    struct shm_producer_row row;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX];
    struct producer *producer;

    if (!describe_camera(camera->transport->handle, number, &row, streams))
        return NULL;
    int error = mirror_install(&worker->streams, owner->index, camera->handle, &row, streams, &producer);
    if (error != 0) {
        complain("mirror", number, error, "");
        return NULL;
    }
    camera->row->followers |= 1ull << worker->index;
    return producer;
}

struct consumer *room_add_consumer(struct worker *worker, struct producer *producer,
                                   struct transport *transport, uint32_t number, bool is_paused)
{
    static const Km__HeaderExtension__Uri uris[] = {KM__HEADER_EXTENSION__URI__MID,
                                                    KM__HEADER_EXTENSION__URI__ABS_SEND_TIME,
                                                    KM__HEADER_EXTENSION__URI__TRANSPORT_WIDE_CC};
    Km__InstallConsumer message = KM__INSTALL_CONSUMER__INIT;
    Km__HeaderExtension extensions[3];
    Km__HeaderExtension *list[3];
    struct shm_consumer_row row;
    struct consumer *consumer;
    const char *reason = "";

    for (unsigned i = 0; i < 3; i++) {
        km__header_extension__init(&extensions[i]);
        extensions[i].uri = uris[i];
        extensions[i].id = 1 + 2 * i;
        list[i] = &extensions[i];
    }
    message.consumer = shm_handle_make(number, 1);
    message.transport = transport->handle;
    message.producer = producer->handle;
    message.ssrc = ROOM_CONSUMER_SSRC + number;
    message.paused = is_paused;
    message.mid = (char *)"0";
    message.n_header_extensions = 3;
    message.header_extensions = list;
    int error = commands_read_consumer(worker, &message, producer, &row, &reason);
    if (error == 0)
        error = consumer_install(&worker->streams, transport, producer, message.consumer, &row, &consumer);
    if (error != 0) {
        complain("consumer", number, error, reason);
        return NULL;
    }
    forward_begin(worker, consumer);
    return consumer;
}

void room_refresh_consent(struct worker *worker)
{
    const struct transport_table *table = &worker->transports;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->transports[i].handle != SHM_HANDLE_NONE)
            table->transports[i].row->consent_us =
                (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    }
}
