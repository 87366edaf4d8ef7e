#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/json_input.h"
#include "control/log.h"
#include "control/room/peer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/signaling/dispatch.h"
#include "control/signaling/session_private.h"
#include "proto/wire/socketio.h"

static void send_packet_by(void (*send)(struct session *, const char *, size_t), struct session *session,
                           const struct socketio_packet *head, const char *json, size_t length)
{
    char *text = malloc(SOCKETIO_PREFIX_MAX + length);
    if (!text)
        return;
    int prefix = socketio_write_prefix(text, SOCKETIO_PREFIX_MAX, head);
    if (prefix > 0) {
        memcpy(text + prefix, json, length);
        send(session, text, (size_t)prefix + length);
    }
    free(text);
}

static void send_packet(struct session *session, const struct socketio_packet *head, const char *json,
                        size_t length)
{
    send_packet_by(session_send, session, head, json, length);
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

static void link_report(void *context, const char *event, size_t length)
{
    const struct socketio_packet head = {.type = SOCKETIO_EVENT};
    send_packet_by(session_report, context, &head, event, length);
}

static void link_drop(void *context, bool close)
{
    struct session *session = context;
    session->peer = NULL;
    session_send(session, "41", 2);
    if (close)
        session_close(session);
    else
        session_timer_set(session->connect_timer, session->config->connect_timeout_ms);
}

static const struct link_verbs link_verbs = {.send = link_send, .report = link_report, .drop = link_drop};

void session_socketio_detach(struct session *session)
{
    struct peer *peer = session->peer;
    session->peer = NULL;
    if (peer)
        peer_detach(peer, session);
}

/* In protocol 3 the socket.io id is the one of engine.io. */
static int send_connected(struct session *session)
{
    char sid[IDS_SID_BYTES], text[64];
    if (session->protocol == ENGINEIO_PROTOCOL_3) {
        session_send(session, "40", 2);
        return 0;
    }
    int result = ids_sid(sid);
    if (result)
        return result;
    int length = snprintf(text, sizeof(text), "40{\"sid\":\"%s\"}", sid);
    session_send(session, text, (size_t)length);
    return 0;
}

void session_socketio_connect(struct session *session)
{
    if (session->peer || send_connected(session)) {
        session_close(session);
        return;
    }
    const struct session_credentials *credentials = &session->credentials;
    struct room *room = rooms_find(session->config->rooms, credentials->room_id);
    struct peer *peer = room ? room_find_peer(room, credentials->peer_id, credentials->auth_token) : NULL;
    if (!peer) {
        counters_count(COUNTER_LOGINS_REFUSED);
        log_every_s(1, log_info, "signaling", "refused a client from %s: unknown room, peer or token",
                    session->address);
        link_drop(session, true);
        return;
    }
    log_info("signaling", "peer %s of room %s is connected from %s", peer->id, room->id, session->address);
    session_timer_cancel(session->connect_timer);
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
static void dissession_socketio_connect(struct session *session)
{
    struct peer *peer = session->peer;
    if (!peer) {
        session_close(session);
        return;
    }
    session->peer = NULL;
    session_timer_set(session->connect_timer, session->config->connect_timeout_ms);
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

static void acknowledge(struct session *session, uint64_t ack, const struct event_text *arguments)
{
    struct socketio_packet head = {.type = SOCKETIO_ACK, .has_ack = true, .ack = ack};
    if (arguments->text)
        send_packet(session, &head, arguments->text, arguments->length);
}

/* Whether the client may have one request more now. */
static bool may_ask(const struct session *session)
{
    switch (address_limits_take(session->config->limits, session->address, address_limits_now_ms())) {
    case ADDRESS_LIMITS_OK:
        return true;
    case ADDRESS_LIMITS_ADDRESS:
        counters_count(COUNTER_REQUESTS_LIMITED);
        break;
    case ADDRESS_LIMITS_ALL:
        counters_count(COUNTER_REQUESTS_LIMITED_ALL);
        break;
    }
    log_every_s(10, log_warn, "signaling", "refused a request from %s: too many", session->address);
    return false;
}

static void receive_event(struct session *session, const struct socketio_packet *packet, const json_t *event)
{
    const json_t *name = json_array_get(event, 0);
    if (!is_event_name(name)) {
        session_close(session);
        return;
    }
    if (!json_is_string(name) || strcmp(json_string_value(name), "request") != 0)
        return;
    struct peer *peer = session->peer;
    const json_t *body = json_array_get(event, 1);
    struct dispatch_result result = may_ask(session) ? dispatch_request(peer, body) : dispatch_refuse(body);
    /* A request may have closed the peer that asked. */
    if (session->peer) {
        if (packet->has_ack)
            acknowledge(session, packet->ack, &result.acknowledgement);
        dispatch_follow(peer, &result);
    }
    event_text_deinit(&result.acknowledgement);
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
        session_close(session);
        return;
    }
    if (packet->type == SOCKETIO_EVENT)
        receive_event(session, packet, array);
    else
        receive_answer(session, packet, array);
    json_decref(array);
}

/* Clients of protocol 3 append a query to a namespace. */
static void cut_query(struct socketio_packet *packet)
{
    const char *query = memchr(packet->name_space, '?', packet->name_space_length);
    if (query)
        packet->name_space_length = (size_t)(query - packet->name_space);
}

static void receive_packet(struct session *session, struct socketio_packet *packet)
{
    if (session->protocol == ENGINEIO_PROTOCOL_3)
        cut_query(packet);
    bool is_main = packet->name_space_length == 1;
    if (!is_main) {
        if (packet->type == SOCKETIO_CONNECT)
            refuse_namespace(session, packet);
        else
            session_close(session);
        return;
    }
    switch (packet->type) {
    case SOCKETIO_CONNECT:
        session_socketio_connect(session);
        break;
    case SOCKETIO_DISCONNECT:
        dissession_socketio_connect(session);
        break;
    case SOCKETIO_EVENT:
    case SOCKETIO_ACK:
        receive_json(session, packet);
        break;
    case SOCKETIO_CONNECT_ERROR:
    case SOCKETIO_BINARY_EVENT:
    case SOCKETIO_BINARY_ACK:
        session_close(session);
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

void session_socketio_receive(struct session *session, const char *data, size_t length)
{
    struct socketio_packet packet;
    if (socketio_parse(data, length, &packet) == 0)
        receive_packet(session, &packet);
    else if (!session->peer || !is_without_arguments(data, length))
        session_close(session);
}
