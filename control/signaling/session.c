#include "control/signaling/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway/gateway.h"
#include "control/signaling/session_private.h"

static void on_heartbeat(void *context)
{
    struct session *session = context;
    if (session->protocol == ENGINEIO_PROTOCOL_3 || session->awaits_pong) {
        session_abort(session);
        return;
    }
    session->awaits_pong = true;
    session_send(session, "2", 1);
    session_timer_set(session->heartbeat_timer, session->config->ping_timeout_ms);
}

/* In protocol 4 the server pings; in protocol 3 the client does, and the server waits for it. */
static void start_heartbeat(struct session *session)
{
    unsigned delay_ms = session->config->ping_interval_ms;
    if (session->protocol == ENGINEIO_PROTOCOL_3)
        delay_ms += session->config->ping_timeout_ms;
    session_timer_set(session->heartbeat_timer, delay_ms);
}

static void on_connect_timeout(void *context)
{
    session_close(context);
}

static void on_end(void *context)
{
    struct session *session = context;
    session_table_remove(session->table, session);
}

static struct session *create(const struct session_config *config, struct session_table *table,
                              const struct session_request *request)
{
    struct session *session = calloc(1, sizeof(*session));
    if (!session)
        return NULL;
    session->config = config;
    session->table = table;
    session->protocol = request->protocol;
    session->credentials = request->credentials;
    session->websocket.session = session;
    session_polling_init(&session->polling, session);
    const struct {
        struct session_timer **timer;
        session_timer_fn fire;
    } timers[] = {
        {&session->heartbeat_timer, on_heartbeat},
        {&session->connect_timer, on_connect_timeout},
        {&session->upgrade_timer, session_upgrade_on_timeout},
        {&session->noop_timer, session_upgrade_on_noop},
        {&session->end_timer, on_end},
    };
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        *timers[i].timer = session_timer_create(config->base, timers[i].fire, session);
        if (!*timers[i].timer) {
            session_destroy(session);
            return NULL;
        }
    }
    return session;
}

static void send_open(struct session *session)
{
    char text[256];
    int length =
        snprintf(text, sizeof(text),
                 "0{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%u,\"pingTimeout\":%u,"
                 "\"maxPayload\":%zu}",
                 session->sid, session->is_polling ? "\"websocket\"" : "", session->config->ping_interval_ms,
                 session->config->ping_timeout_ms, session->config->message_bytes_max);
    session_send(session, text, (size_t)length);
}

int session_open(const struct session_config *config, struct session_table *table,
                 const struct session_request *request, uint64_t websocket, const char *address,
                 struct session **ret_session)
{
    struct session *session = create(config, table, request);
    if (!session)
        return -ENOMEM;
    if (!address_limits_connect(config->limits, address)) {
        session_destroy(session);
        return -EUSERS;
    }
    snprintf(session->address, sizeof(session->address), "%s", address);
    session->is_polling = websocket == 0;
    int result = ids_sid(session->sid);
    if (!result)
        result = session_table_add(table, session);
    if (result) {
        session_destroy(session);
        return result;
    }
    result = session_table_set(table, &session->websocket, websocket);
    if (result) {
        session_table_remove(table, session);
        return result;
    }
    send_open(session);
    start_heartbeat(session);
    session_timer_set(session->connect_timer, config->connect_timeout_ms);
    if (session->protocol == ENGINEIO_PROTOCOL_3)
        session_socketio_connect(session);
    *ret_session = session;
    return 0;
}

bool session_is_authentic(const struct session *session, const struct session_request *request)
{
    return session->state != SESSION_FINISHED && session_request_is_authentic(request, &session->credentials);
}

void session_destroy(struct session *session)
{
    if (!session)
        return;
    session_socketio_detach(session);
    if (session->address[0])
        address_limits_disconnect(session->config->limits, session->address);
    session_polling_deinit(&session->polling);
    session_timer_destroy(session->heartbeat_timer);
    session_timer_destroy(session->connect_timer);
    session_timer_destroy(session->upgrade_timer);
    session_timer_destroy(session->noop_timer);
    session_timer_destroy(session->end_timer);
    explicit_bzero(&session->credentials, sizeof(session->credentials));
    free(session);
}

void session_doom(struct session *session)
{
    if (session->state == SESSION_FINISHED)
        return;
    session->state = SESSION_FINISHED;
    session_timer_cancel(session->heartbeat_timer);
    session_timer_cancel(session->connect_timer);
    session_upgrade_abandon(session);
    session_polling_release(session);
    session_timer_set(session->end_timer, 0);
}

void session_finish(struct session *session)
{
    session_socketio_detach(session);
    session_doom(session);
}

void session_close(struct session *session)
{
    if (session->state != SESSION_OPEN)
        return;
    session->state = SESSION_CLOSING;
    session_socketio_detach(session);
    session_timer_cancel(session->heartbeat_timer);
    session_timer_cancel(session->connect_timer);
    if (session->is_polling) {
        session_upgrade_abandon(session);
        session_timer_set(session->end_timer, session->config->linger_ms);
        session_polling_end(session);
    } else {
        /* Without a code, as the clients know it: they see 1005. session_lost follows. */
        gateway_ws_close(session->config->gateway, session->websocket.value, 0);
    }
}

void session_abort(struct session *session)
{
    session_close(session);
    if (session->is_polling)
        session_finish(session);
}

void session_send(struct session *session, const char *packet, size_t length)
{
    if (session->state != SESSION_OPEN)
        return;
    if (session->is_polling)
        session_polling_send(session, packet, length);
    else
        gateway_ws_send(session->config->gateway, session->websocket.value, packet, length);
}

void session_report(struct session *session, const char *packet, size_t length)
{
    if (session->state == SESSION_OPEN && !session->is_polling)
        gateway_ws_report(session->config->gateway, session->websocket.value, packet, length);
    else
        session_send(session, packet, length);
}

static void receive_ping(struct session *session)
{
    if (session->protocol != ENGINEIO_PROTOCOL_3) {
        session_close(session);
        return;
    }
    start_heartbeat(session);
    session_send(session, "3", 1);
}

static void receive_pong(struct session *session)
{
    if (session->protocol != ENGINEIO_PROTOCOL_4) {
        session_close(session);
    } else if (session->awaits_pong) {
        session->awaits_pong = false;
        start_heartbeat(session);
    }
}

void session_receive_packet(struct session *session, const struct engineio_packet *packet)
{
    if (packet->type == ENGINEIO_CLOSE) {
        /* A websocket says so itself. */
        if (session->is_polling)
            session_finish(session);
        return;
    }
    if (session->state != SESSION_OPEN)
        return;
    switch (packet->type) {
    case ENGINEIO_MESSAGE:
        session_socketio_receive(session, packet->data, packet->length);
        break;
    case ENGINEIO_PING:
        receive_ping(session);
        break;
    case ENGINEIO_PONG:
        receive_pong(session);
        break;
    case ENGINEIO_OPEN:
    case ENGINEIO_CLOSE:
    case ENGINEIO_UPGRADE:
    case ENGINEIO_NOOP:
        break;
    }
}

void session_receive(struct session *session, uint64_t websocket, const char *data, size_t length,
                     bool binary)
{
    struct engineio_packet packet;
    if (session->state != SESSION_OPEN || session->websocket.value != websocket)
        return;
    if (session->is_polling)
        session_upgrade_receive(session, data, length, binary);
    else if (binary || engineio_parse(data, length, &packet))
        session_close(session);
    else
        session_receive_packet(session, &packet);
}

void session_lost(struct session *session, uint64_t handle)
{
    bool is_transport = !session->is_polling || handle == session->polling.get.value;
    if (handle == session->websocket.value)
        session_table_set(session->table, &session->websocket, 0);
    else
        session_table_set(session->table, &session->polling.get, 0);
    if (is_transport)
        session_finish(session);
    else
        session_upgrade_abandon(session);
}
