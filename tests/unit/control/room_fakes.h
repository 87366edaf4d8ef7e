/* Stand-ins, found by the linker before the real ones, for what rooms and signaling drive: the forwarder,
 * WebRTC transports and the gateway. They remember what they were told. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/forwarder/forwarder.h"
#include "control/forwarder/numbers.h"
#include "control/gateway/gateway.h"
#include "control/ids.h"
#include "control/ortc/consume.h"
#include "control/ortc/dtls_parameters.h"
#include "control/transport/plain_transport.h"
#include "control/transport/webrtc_transport.h"

/* The forwarder: handles count up, each with its state. */

#define FAKE_HANDLES_MAX 4096

enum fake_kind { FAKE_GONE, FAKE_TRANSPORT, FAKE_PRODUCER, FAKE_CONSUMER };

struct fake_handle {
    enum fake_kind kind;
    bool paused;
    unsigned resumes; /* each makes the forwarder ask for a key frame */
    unsigned priority;
};

static struct {
    struct fake_handle handles[FAKE_HANDLES_MAX];
    size_t count;
    int error; /* of every install and pause, if not 0 */
    bool unhealthy;
    uint32_t rooms, peers;
} fake_forwarder;

static inline size_t fake_count(enum fake_kind kind)
{
    size_t found = 0;
    for (size_t i = 0; i < fake_forwarder.count; i++)
        found += fake_forwarder.handles[i].kind == kind;
    return found;
}

/* The handle that was made last, of that kind. */
static inline uint64_t fake_last(enum fake_kind kind)
{
    for (size_t i = fake_forwarder.count; i > 0; i--)
        if (fake_forwarder.handles[i - 1].kind == kind)
            return i;
    return 0;
}

static inline struct fake_handle *fake_get(uint64_t handle)
{
    return &fake_forwarder.handles[handle - 1];
}

static inline int fake_install(enum fake_kind kind, bool paused, unsigned priority, uint64_t *ret_handle)
{
    if (fake_forwarder.error)
        return fake_forwarder.error;
    if (fake_forwarder.count == FAKE_HANDLES_MAX)
        return -ENOSPC;
    fake_forwarder.handles[fake_forwarder.count++] =
        (struct fake_handle){.kind = kind, .paused = paused, .priority = priority};
    *ret_handle = fake_forwarder.count;
    return 0;
}

static inline int fake_pause(uint64_t handle, bool paused)
{
    if (fake_forwarder.error)
        return fake_forwarder.error;
    struct fake_handle *found = fake_get(handle);
    found->resumes += found->paused && !paused;
    found->paused = paused;
    return 0;
}

bool forwarder_is_healthy(const struct forwarder *forwarder)
{
    (void)forwarder;
    return !fake_forwarder.unhealthy;
}

void forwarder_label_transport(struct forwarder *forwarder, uint64_t transport, const char *room_id,
                               const char *peer_id)
{
    (void)forwarder;
    (void)transport;
    (void)room_id;
    (void)peer_id;
}

void forwarder_set_counts(struct forwarder *forwarder, uint32_t rooms, uint32_t peers)
{
    (void)forwarder;
    fake_forwarder.rooms = rooms;
    fake_forwarder.peers = peers;
}

int forwarder_install_producer(struct forwarder *forwarder, uint64_t transport,
                               const struct ortc_producer *producer, bool paused, uint64_t *ret_producer)
{
    (void)forwarder;
    (void)transport;
    (void)producer;
    return fake_install(FAKE_PRODUCER, paused, 0, ret_producer);
}

int forwarder_pause_producer(struct forwarder *forwarder, uint64_t producer, bool paused)
{
    (void)forwarder;
    return fake_pause(producer, paused);
}

void forwarder_remove_producer(struct forwarder *forwarder, uint64_t producer)
{
    (void)forwarder;
    fake_get(producer)->kind = FAKE_GONE;
}

int forwarder_install_consumer(struct forwarder *forwarder, uint64_t transport, uint64_t producer,
                               const struct ortc_consumer *consumer, unsigned priority, bool paused,
                               uint64_t *ret_consumer)
{
    (void)forwarder;
    (void)transport;
    (void)producer;
    (void)consumer;
    return fake_install(FAKE_CONSUMER, paused, priority, ret_consumer);
}

int forwarder_pause_consumer(struct forwarder *forwarder, uint64_t consumer, bool paused)
{
    (void)forwarder;
    return fake_pause(consumer, paused);
}

void forwarder_remove_consumer(struct forwarder *forwarder, uint64_t consumer)
{
    (void)forwarder;
    fake_get(consumer)->kind = FAKE_GONE;
}

/* Its numbers are made up. */

#define FAKE_PACKETS 17

json_t *numbers_of_transport(const struct forwarder *forwarder, uint64_t transport)
{
    (void)forwarder;
    (void)transport;
    return json_pack("{s:i,s:i}", "packetsReceived", FAKE_PACKETS, "recvBitrate", 1000);
}

json_t *numbers_of_producer(struct forwarder *forwarder, uint64_t producer)
{
    (void)forwarder;
    (void)producer;
    return json_pack("[{s:i}]", "packetCount", FAKE_PACKETS);
}

/* It has sent nothing yet. */
json_t *numbers_of_consumer(const struct forwarder *forwarder, uint64_t consumer)
{
    (void)forwarder;
    (void)consumer;
    return NULL;
}

/* Plain transports are real ones, with real sockets; these are the forwarder's part of them. */

static struct {
    struct sockaddr_storage remote; /* of the last that was connected */
    uint16_t rtcp_port;
    unsigned connects;
    bool learns; /* the last that was made */
    int fds[FAKE_HANDLES_MAX][2];
} fake_plain;

int forwarder_install_plain(struct forwarder *forwarder, const struct forwarder_plain *plain,
                            uint64_t *ret_transport)
{
    (void)forwarder;
    int error = fake_install(FAKE_TRANSPORT, false, 0, ret_transport);
    if (error)
        return error;
    fake_plain.learns = plain->learns_address;
    memcpy(fake_plain.fds[*ret_transport - 1], plain->fds, sizeof(plain->fds));
    return 0;
}

int forwarder_connect_plain(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                            uint16_t rtcp_port)
{
    (void)forwarder;
    (void)transport;
    if (fake_forwarder.error)
        return fake_forwarder.error;
    memcpy(&fake_plain.remote, remote,
           remote->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    fake_plain.rtcp_port = rtcp_port;
    fake_plain.connects++;
    return 0;
}

void forwarder_remove_transport(struct forwarder *forwarder, uint64_t transport)
{
    (void)forwarder;
    fake_get(transport)->kind = FAKE_GONE;
    for (unsigned i = 0; i < 2; i++)
        close(fake_plain.fds[transport - 1][i]);
}

/* WebRTC transports. */

struct webrtc_transport {
    char id[IDS_UUID_BYTES];
    uint64_t handle;
    bool connected;
};

int webrtc_transport_create(struct webrtc_service *service, bool consuming,
                            struct webrtc_transport **ret_transport)
{
    (void)service;
    (void)consuming;
    struct webrtc_transport *transport = calloc(1, sizeof(*transport));
    if (!transport)
        return -ENOMEM;
    int error = fake_install(FAKE_TRANSPORT, false, 0, &transport->handle);
    if (!error)
        error = ids_uuid(transport->id);
    if (error) {
        free(transport);
        return error;
    }
    *ret_transport = transport;
    return 0;
}

void webrtc_transport_destroy(struct webrtc_transport *transport)
{
    if (!transport)
        return;
    fake_get(transport->handle)->kind = FAKE_GONE;
    free(transport);
}

const char *webrtc_transport_id(const struct webrtc_transport *transport)
{
    return transport->id;
}

uint64_t webrtc_transport_handle(const struct webrtc_transport *transport)
{
    return transport->handle;
}

enum webrtc_ice_state webrtc_transport_ice_state(const struct webrtc_transport *transport)
{
    return transport->connected ? WEBRTC_ICE_COMPLETED : WEBRTC_ICE_NEW;
}

enum webrtc_dtls_state webrtc_transport_dtls_state(const struct webrtc_transport *transport)
{
    return transport->connected ? WEBRTC_DTLS_CONNECTED : WEBRTC_DTLS_NEW;
}

int webrtc_transport_describe(const struct webrtc_transport *transport, bool force_tcp,
                              json_t **ret_description)
{
    if (force_tcp)
        return -ENOTSUP;
    *ret_description = json_pack("{s:s,s:{},s:[],s:{}}", "id", transport->id, "iceParameters",
                                 "iceCandidates", "dtlsParameters");
    return 0;
}

int webrtc_transport_connect(struct webrtc_transport *transport, const struct dtls_parameters *parameters)
{
    (void)parameters;
    if (transport->connected)
        return -EALREADY;
    transport->connected = true;
    return 0;
}

json_t *webrtc_transport_restart_ice(struct webrtc_transport *transport)
{
    (void)transport;
    return fake_forwarder.error ? NULL : json_pack("{s:b}", "iceLite", 1);
}

/* The gateway: what each websocket was sent, and the last answer to an HTTP request. */

#define FAKE_SOCKETS_MAX 64
#define FAKE_FRAMES_MAX 256

static struct {
    char *frames[FAKE_FRAMES_MAX];
    size_t count;
    size_t read; /* by the test */
    bool closed;
    uint16_t close_code;
} fake_sockets[FAKE_SOCKETS_MAX];

static struct {
    unsigned answers;
    unsigned status;
    char type[64];
    char etag[64];
    char allow[64];
    char *body;
    size_t body_bytes;
} fake_http;

/* Every answer, in their order; fake_http is the last. */
#define FAKE_ANSWERS_MAX 256

static struct fake_answer {
    uint64_t id;
    unsigned status;
    char type[64];
    char *body;
} fake_answers[FAKE_ANSWERS_MAX];

static inline char *fake_copy(const void *data, size_t length)
{
    char *copy = calloc(1, length + 1);
    if (copy && length)
        memcpy(copy, data, length);
    return copy;
}

void gateway_ws_send(struct gateway *gateway, uint64_t ws, const char *text, size_t length)
{
    (void)gateway;
    if (fake_sockets[ws].count < FAKE_FRAMES_MAX)
        fake_sockets[ws].frames[fake_sockets[ws].count++] = fake_copy(text, length);
}

void gateway_ws_report(struct gateway *gateway, uint64_t ws, const char *text, size_t length)
{
    gateway_ws_send(gateway, ws, text, length);
}

void gateway_ws_close(struct gateway *gateway, uint64_t ws, uint16_t code)
{
    (void)gateway;
    fake_sockets[ws].closed = true;
    fake_sockets[ws].close_code = code;
}

void gateway_counters(const struct gateway *gateway, struct gateway_counters *ret)
{
    (void)gateway;
    *ret = (struct gateway_counters){.connections = 7};
}

void gateway_http_respond(struct gateway *gateway, uint64_t id, unsigned status, const char *content_type,
                          const struct gateway_header *headers, size_t header_count, const void *body,
                          size_t length)
{
    (void)gateway;
    if (fake_http.answers < FAKE_ANSWERS_MAX) {
        struct fake_answer *answer = &fake_answers[fake_http.answers];
        *answer = (struct fake_answer){.id = id, .status = status, .body = fake_copy(body, length)};
        snprintf(answer->type, sizeof(answer->type), "%s", content_type ? content_type : "");
    }
    fake_http.answers++;
    fake_http.status = status;
    snprintf(fake_http.type, sizeof(fake_http.type), "%s", content_type ? content_type : "");
    fake_http.etag[0] = fake_http.allow[0] = '\0';
    for (size_t i = 0; i < header_count; i++) {
        if (strcmp(headers[i].name, "ETag") == 0)
            snprintf(fake_http.etag, sizeof(fake_http.etag), "%s", headers[i].value);
        if (strcmp(headers[i].name, "Allow") == 0)
            snprintf(fake_http.allow, sizeof(fake_http.allow), "%s", headers[i].value);
    }
    free(fake_http.body);
    fake_http.body = fake_copy(body, length);
    fake_http.body_bytes = length;
}

static inline void fakes_reset(void)
{
    for (size_t i = 0; i < FAKE_SOCKETS_MAX; i++)
        for (size_t k = 0; k < fake_sockets[i].count; k++)
            free(fake_sockets[i].frames[k]);
    for (size_t i = 0; i < FAKE_ANSWERS_MAX; i++)
        free(fake_answers[i].body);
    free(fake_http.body);
    memset(fake_answers, 0, sizeof(fake_answers));
    memset(fake_sockets, 0, sizeof(fake_sockets));
    memset(&fake_http, 0, sizeof(fake_http));
    memset(&fake_forwarder, 0, sizeof(fake_forwarder));
    memset(&fake_plain, 0, sizeof(fake_plain));
}
