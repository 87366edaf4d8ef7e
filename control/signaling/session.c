#include "control/signaling/session.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway/gateway.h"
#include "control/ids.h"
#include "control/json_input.h"
#include "control/room/peer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/signaling/dispatch.h"
#include "control/signaling/query.h"
#include "proto/wire/engineio.h"
#include "proto/wire/socketio.h"

#define CREDENTIAL_BYTES 64

struct session {
    const struct session_config *config;
    uint64_t websocket;
    char peer_id[CREDENTIAL_BYTES];
    char room_id[CREDENTIAL_BYTES];
    char auth_token[CREDENTIAL_BYTES];
    struct peer *peer; /* while it is connected */
    bool closed;       /* nothing more is read */
    bool awaits_pong;
    struct event *heartbeat;
    struct event *connect_timer; /* while there is no peer */
};

static void set_timer(struct event *timer, unsigned delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    event_add(timer, &delay);
}

static void send_text(struct session *session, const char *text, size_t length)
{
    if (!session->closed)
        gateway_ws_send(session->config->gateway, session->websocket, text, length);
}

/* Without a code, as the clients know it: they see 1005. What the peer is told from now on waits for its
 * return. */
static void close_websocket(struct session *session)
{
    if (session->closed)
        return;
    session->closed = true;
    struct peer *peer = session->peer;
    session->peer = NULL;
    if (peer)
        peer_detach(peer, session);
    event_del(session->heartbeat);
    event_del(session->connect_timer);
    gateway_ws_close(session->config->gateway, session->websocket, 0);
}

static void send_packet(struct session *session, const struct socketio_packet *head, const char *json,
                        size_t length)
{
    char *text = malloc(SOCKETIO_PREFIX_MAX + length);
    if (!text)
        return;
    int prefix = socketio_write_prefix(text, SOCKETIO_PREFIX_MAX, head);
    if (prefix > 0) {
        memcpy(text + prefix, json, length);
        send_text(session, text, (size_t)prefix + length);
    }
    free(text);
}

static void link_send(void *context, const char *event, size_t length, int64_t answer_id)
{
    struct socketio_packet head = {.type = SOCKETIO_EVENT};
    if (answer_id != LINK_NO_ANSWER) {
        head.has_ack = true;
        head.ack = (uint64_t)answer_id;
    }
    send_packet(context, &head, event, length);
}

static void link_drop(void *context, bool close)
{
    struct session *session = context;
    session->peer = NULL;
    send_text(session, "41", 2);
    if (close)
        close_websocket(session);
    else
        set_timer(session->connect_timer, session->config->connect_timeout_ms);
}

static const struct link_verbs link_verbs = {.send = link_send, .drop = link_drop};

static void on_heartbeat(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct session *session = context;
    if (session->awaits_pong) {
        close_websocket(session);
        return;
    }
    session->awaits_pong = true;
    send_text(session, "2", 1);
    set_timer(session->heartbeat, session->config->ping_timeout_ms);
}

static void on_connect_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    close_websocket(context);
}

static void read_credential(const char *query, const char *name, char *ret_value)
{
    if (query_find(query, name, ret_value, CREDENTIAL_BYTES))
        ret_value[0] = '\0';
}

static void send_open(struct session *session, const char *sid)
{
    char text[256];
    int length = snprintf(text, sizeof(text),
                          "0{\"sid\":\"%s\",\"upgrades\":[],\"pingInterval\":%u,\"pingTimeout\":%u,"
                          "\"maxPayload\":%d}",
                          sid, session->config->ping_interval_ms, session->config->ping_timeout_ms,
                          SESSION_MESSAGE_BYTES_MAX);
    send_text(session, text, (size_t)length);
}

int session_create(const struct session_config *config, uint64_t websocket, const char *query,
                   struct session **ret_session)
{
    char sid[IDS_SID_BYTES];
    int error = ids_sid(sid);
    if (error)
        return error;
    struct session *session = calloc(1, sizeof(*session));
    if (!session)
        return -ENOMEM;
    session->config = config;
    session->websocket = websocket;
    session->heartbeat = event_new(config->base, -1, 0, on_heartbeat, session);
    session->connect_timer = event_new(config->base, -1, 0, on_connect_timeout, session);
    if (!session->heartbeat || !session->connect_timer) {
        session_destroy(session);
        return -ENOMEM;
    }
    read_credential(query, "peerId", session->peer_id);
    read_credential(query, "roomId", session->room_id);
    read_credential(query, "authToken", session->auth_token);
    send_open(session, sid);
    set_timer(session->heartbeat, config->ping_interval_ms);
    set_timer(session->connect_timer, config->connect_timeout_ms);
    *ret_session = session;
    return 0;
}

void session_destroy(struct session *session)
{
    if (!session)
        return;
    if (session->peer)
        peer_detach(session->peer, session);
    if (session->heartbeat)
        event_free(session->heartbeat);
    if (session->connect_timer)
        event_free(session->connect_timer);
    explicit_bzero(session->auth_token, sizeof(session->auth_token));
    free(session);
}

uint64_t session_websocket(const struct session *session)
{
    return session->websocket;
}

static void connect_peer(struct session *session)
{
    char sid[IDS_SID_BYTES], text[64];
    if (session->peer || ids_sid(sid)) {
        close_websocket(session);
        return;
    }
    int length = snprintf(text, sizeof(text), "40{\"sid\":\"%s\"}", sid);
    send_text(session, text, (size_t)length);

    struct room *room = rooms_find(session->config->rooms, session->room_id);
    struct peer *peer = room ? room_find_peer(room, session->peer_id, session->auth_token) : NULL;
    if (!peer) {
        link_drop(session, true);
        return;
    }
    event_del(session->connect_timer);
    session->peer = peer;
    peer_attach(peer, &(struct link){.verbs = &link_verbs, .context = session});
}

static void refuse_namespace(struct session *session, const struct socketio_packet *packet)
{
    static const char reason[] = "{\"message\":\"Invalid namespace\"}";
    struct socketio_packet head = {
        .type = SOCKETIO_CONNECT_ERROR,
        .name_space = packet->name_space,
        .name_space_length = packet->name_space_length,
    };
    send_packet(session, &head, reason, sizeof(reason) - 1);
}

/* The client has said goodbye. Its websocket stays open: it may connect again, or close it itself. */
static void disconnect_peer(struct session *session)
{
    struct peer *peer = session->peer;
    if (!peer) {
        close_websocket(session);
        return;
    }
    session->peer = NULL;
    set_timer(session->connect_timer, session->config->connect_timeout_ms);
    peer_leave(peer);
}

static bool is_event_name(const json_t *name)
{
    static const char *const reserved[] = {"connect",       "connect_error", "disconnect",
                                           "disconnecting", "newListener",   "removeListener"};
    if (json_is_number(name))
        return true;
    if (!json_is_string(name))
        return false;
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcmp(json_string_value(name), reserved[i]) == 0)
            return false;
    return true;
}

static void acknowledge(struct session *session, uint64_t ack, const json_t *arguments)
{
    char *text = arguments ? json_dumps(arguments, JSON_COMPACT) : NULL;
    if (!text)
        return;
    struct socketio_packet head = {.type = SOCKETIO_ACK, .has_ack = true, .ack = ack};
    send_packet(session, &head, text, strlen(text));
    free(text);
}

static void receive_event(struct session *session, const struct socketio_packet *packet, const json_t *event)
{
    const json_t *name = json_array_get(event, 0);
    if (!is_event_name(name)) {
        close_websocket(session);
        return;
    }
    if (!json_is_string(name) || strcmp(json_string_value(name), "request") != 0)
        return;
    struct peer *peer = session->peer;
    struct dispatch_result result = dispatch_request(peer, json_array_get(event, 1));
    /* A request may have closed the peer that asked. */
    if (session->peer) {
        if (packet->has_ack)
            acknowledge(session, packet->ack, result.acknowledgement);
        dispatch_follow(peer, &result);
    }
    json_decref(result.acknowledgement);
}

static void receive_answer(struct session *session, const struct socketio_packet *packet,
                           const json_t *arguments)
{
    const json_t *error = json_array_get(arguments, 0);
    bool failed = error && !json_is_null(error) && !json_is_false(error);
    outbox_answer(&session->peer->outbox, packet->ack, failed);
}

static void receive_json(struct session *session, const struct socketio_packet *packet)
{
    json_t *array;
    if (!session->peer || json_input_parse(packet->json, packet->json_length, &array)) {
        close_websocket(session);
        return;
    }
    if (packet->type == SOCKETIO_EVENT)
        receive_event(session, packet, array);
    else
        receive_answer(session, packet, array);
    json_decref(array);
}

static void receive_packet(struct session *session, const struct socketio_packet *packet)
{
    bool is_main = packet->name_space_length == 1;
    if (!is_main) {
        if (packet->type == SOCKETIO_CONNECT)
            refuse_namespace(session, packet);
        else
            close_websocket(session);
        return;
    }
    switch (packet->type) {
    case SOCKETIO_CONNECT:
        connect_peer(session);
        break;
    case SOCKETIO_DISCONNECT:
        disconnect_peer(session);
        break;
    case SOCKETIO_EVENT:
    case SOCKETIO_ACK:
        receive_json(session, packet);
        break;
    case SOCKETIO_CONNECT_ERROR:
    case SOCKETIO_BINARY_EVENT:
    case SOCKETIO_BINARY_ACK:
        close_websocket(session);
        break;
    }
}

/* An event or acknowledgement without arguments at all, "2", "20" or "30": socket.io passes over it. */
static bool is_without_arguments(const char *data, size_t length)
{
    if (length == 0 || (data[0] != '0' + SOCKETIO_EVENT && data[0] != '0' + SOCKETIO_ACK))
        return false;
    for (size_t i = 1; i < length; i++)
        if (data[i] < '0' || data[i] > '9')
            return false;
    return true;
}

static void receive_message(struct session *session, const char *data, size_t length)
{
    struct socketio_packet packet;
    if (socketio_parse(data, length, &packet) == 0)
        receive_packet(session, &packet);
    else if (!session->peer || !is_without_arguments(data, length))
        close_websocket(session);
}

void session_receive(struct session *session, const char *text, size_t length)
{
    if (session->closed)
        return;
    struct engineio_packet packet;
    if (engineio_parse(text, length, &packet)) {
        close_websocket(session);
        return;
    }
    switch (packet.type) {
    case ENGINEIO_MESSAGE:
        receive_message(session, packet.data, packet.length);
        break;
    case ENGINEIO_PONG:
        if (session->awaits_pong) {
            session->awaits_pong = false;
            set_timer(session->heartbeat, session->config->ping_interval_ms);
        }
        break;
    case ENGINEIO_PING: /* only servers ping in protocol 4 */
        close_websocket(session);
        break;
    case ENGINEIO_OPEN:
    case ENGINEIO_CLOSE:
    case ENGINEIO_UPGRADE:
    case ENGINEIO_NOOP:
        break;
    }
}

void session_receive_binary(struct session *session)
{
    close_websocket(session);
}
