#include "control/signaling/signaling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/log.h"
#include "control/signaling/session.h"
#include "control/signaling/session_table.h"

struct signaling {
    struct session_config config;
    struct session_table table;
};

void signaling_config_init(struct signaling_config *config)
{
    *config = (struct signaling_config){
        .ping_interval_ms = 25 * 1000,
        .ping_timeout_ms = 20 * 1000,
        .connect_timeout_ms = 45 * 1000,
        .upgrade_timeout_ms = 10 * 1000,
        .linger_ms = 30 * 1000,
        .max_sessions = 8192,
        .message_bytes_max = SESSION_MESSAGE_BYTES_MAX,
    };
}

int signaling_create(const struct signaling_config *config, struct signaling **ret_signaling)
{
    struct signaling *signaling = calloc(1, sizeof(*signaling));
    if (!signaling)
        return -ENOMEM;
    signaling->config = (struct session_config){
        .base = config->base,
        .rooms = config->rooms,
        .ping_interval_ms = config->ping_interval_ms,
        .ping_timeout_ms = config->ping_timeout_ms,
        .connect_timeout_ms = config->connect_timeout_ms,
        .upgrade_timeout_ms = config->upgrade_timeout_ms,
        .linger_ms = config->linger_ms,
        .message_bytes_max = config->message_bytes_max,
        .limits = config->limits,
    };
    session_table_init(&signaling->table, config->max_sessions);
    *ret_signaling = signaling;
    return 0;
}

void signaling_destroy(struct signaling *signaling)
{
    if (!signaling)
        return;
    session_table_deinit(&signaling->table);
    free(signaling);
}

void signaling_set_gateway(struct signaling *signaling, struct gateway *gateway)
{
    signaling->config.gateway = gateway;
}

/* The session that a request with sid means, and has the credentials for. */
static struct session *find_session(struct signaling *signaling, const struct session_request *request)
{
    struct session *session = session_table_find_sid(&signaling->table, request->sid);
    return session && session_is_authentic(session, request) ? session : NULL;
}

static enum session_error check_upgrade(struct signaling *signaling, const char *query)
{
    struct session_request request;
    enum session_error error = session_request_parse(query, &request);
    if (error != SESSION_OK)
        return error;
    if (request.is_polling)
        return SESSION_BAD_REQUEST;
    if (!request.has_sid)
        return SESSION_OK;
    const struct session *session = find_session(signaling, &request);
    if (!session)
        return SESSION_UNKNOWN_SID;
    return session_may_upgrade(session) ? SESSION_OK : SESSION_BAD_REQUEST;
}

const char *signaling_check_upgrade(struct signaling *signaling, const char *query)
{
    enum session_error error = check_upgrade(signaling, query);
    return error == SESSION_OK ? NULL : session_request_message(error);
}

static int begin_session(struct signaling *signaling, const struct session_request *request,
                         uint64_t websocket, const char *address, struct session **ret_session)
{
    int result =
        session_open(&signaling->config, &signaling->table, request, websocket, address, ret_session);
    if (result == -EUSERS) {
        counters_count(COUNTER_CONNECTIONS_REFUSED);
        log_every_s(10, log_warn, "signaling", "refused a session of %s: it has too many", address);
    } else if (result == -ENOSPC) {
        counters_count(COUNTER_CONNECTIONS_REFUSED);
        log_every_s(10, log_warn, "signaling", "refused a session: there are %zu", signaling->table.limit);
    } else if (result) {
        log_every_s(10, log_error, "signaling", "cannot begin a session: %s", strerror(-result));
    }
    return result;
}

void signaling_open(struct signaling *signaling, uint64_t websocket, const char *query, const char *address)
{
    struct session_request request;
    struct session *session;
    if (session_request_parse(query, &request) != SESSION_OK) {
        gateway_ws_close(signaling->config.gateway, websocket, 0);
    } else if (request.has_sid) {
        session = find_session(signaling, &request);
        if (session && session_may_upgrade(session))
            session_upgrade(session, websocket);
        else
            gateway_ws_close(signaling->config.gateway, websocket, 0);
    } else if (begin_session(signaling, &request, websocket, address, &session)) {
        gateway_ws_close(signaling->config.gateway, websocket, 1013);
    }
}

void signaling_message(struct signaling *signaling, uint64_t websocket, const uint8_t *data, size_t length,
                       bool binary)
{
    struct session *session = session_table_find_handle(&signaling->table, websocket);
    if (session)
        session_receive(session, websocket, (const char *)data, length, binary);
}

static void lost(struct signaling *signaling, uint64_t handle)
{
    struct session *session = session_table_find_handle(&signaling->table, handle);
    if (session)
        session_lost(session, handle);
}

void signaling_close(struct signaling *signaling, uint64_t websocket)
{
    lost(signaling, websocket);
}

void signaling_http_gone(struct signaling *signaling, uint64_t request_id)
{
    lost(signaling, request_id);
}

bool signaling_owns_path(const char *path)
{
    size_t length = sizeof(SIGNALING_PATH) - 1;
    return strncmp(path, SIGNALING_PATH, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* What engine.io checks before a handshake, in its order. */
static enum session_error check_handshake(const struct gateway_http_request *http,
                                          const struct session_request *request, enum session_error parsed)
{
    if (parsed != SESSION_OK && parsed != SESSION_UNSUPPORTED_PROTOCOL)
        return parsed;
    if (strcmp(http->method, "GET") != 0)
        return SESSION_BAD_HANDSHAKE_METHOD;
    if (parsed == SESSION_OK && !request->is_polling)
        return SESSION_BAD_REQUEST; /* a websocket without its upgrade */
    return parsed;
}

static void begin_polling(struct signaling *signaling, const struct gateway_http_request *http,
                          const struct session_request *request)
{
    struct session *session;
    if (begin_session(signaling, request, 0, http->peer, &session))
        gateway_http_respond(signaling->config.gateway, http->id, 503, NULL, NULL, 0, NULL, 0);
    else
        session_poll(session, http);
}

static void go_on_polling(struct signaling *signaling, const struct gateway_http_request *http,
                          const struct session_request *request)
{
    struct session *session = find_session(signaling, request);
    if (!session)
        session_request_refuse(signaling->config.gateway, http->id, SESSION_UNKNOWN_SID);
    else if (!request->is_polling || !session_is_polling(session))
        session_request_refuse(signaling->config.gateway, http->id, SESSION_BAD_REQUEST);
    else
        session_poll(session, http);
}

void signaling_answer_http(struct signaling *signaling, const struct gateway_http_request *http)
{
    struct session_request request;
    enum session_error error = session_request_parse(http->query, &request);
    if (error == SESSION_OK && request.has_sid) {
        go_on_polling(signaling, http, &request);
        return;
    }
    error = check_handshake(http, &request, error);
    if (error == SESSION_OK)
        begin_polling(signaling, http, &request);
    else
        session_request_refuse(signaling->config.gateway, http->id, error);
}
