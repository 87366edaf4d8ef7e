#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/counters.h"
#include "control/gateway/gateway.h"
#include "control/log.h"
#include "control/signaling/session_private.h"
#include "control/utf8.h"

#define CONTENT_TYPE "text/plain; charset=UTF-8"

static const struct gateway_header no_store = {.name = "Cache-Control", .value = "no-store"};

void session_polling_init(struct session_polling *polling, struct session *session)
{
    polling->get.session = session;
    STAILQ_INIT(&polling->queue);
}

static void empty_queue(struct session_polling *polling)
{
    struct session_queued *queued;
    while ((queued = STAILQ_FIRST(&polling->queue))) {
        STAILQ_REMOVE_HEAD(&polling->queue, link);
        free(queued);
    }
    polling->queue_bytes = 0;
}

void session_polling_deinit(struct session_polling *polling)
{
    empty_queue(polling);
}

bool session_is_polling(const struct session *session)
{
    return session->is_polling;
}

static void answer(struct session *session, uint64_t request_id, unsigned status, const char *content_type,
                   const char *body, size_t length)
{
    gateway_http_respond(session->config->gateway, request_id, status, content_type, &no_store, 1, body,
                         length);
}

static char *write_payload(const struct session *session, size_t *ret_length)
{
    const struct session_polling *polling = &session->polling;
    const struct session_queued *queued;
    size_t capacity = 0;
    STAILQ_FOREACH(queued, &polling->queue, link)
    capacity += ENGINEIO_PREFIX_MAX + queued->length;
    char *payload = malloc(capacity), *to = payload;
    if (!payload)
        return NULL;
    STAILQ_FOREACH(queued, &polling->queue, link)
    {
        to += engineio_write_prefix(to, session->protocol, to == payload, queued->packet, queued->length);
        memcpy(to, queued->packet, queued->length);
        to += queued->length;
    }
    *ret_length = (size_t)(to - payload);
    return payload;
}

/* The GET that hangs is about to be answered. */
static uint64_t take_get(struct session *session)
{
    uint64_t get = session->polling.get.value;
    session_table_set(session->table, &session->polling.get, 0);
    return get;
}

void session_polling_flush(struct session *session)
{
    struct session_polling *polling = &session->polling;
    size_t length;
    if (!polling->get.value || STAILQ_EMPTY(&polling->queue))
        return;
    char *payload = write_payload(session, &length);
    if (payload)
        answer(session, take_get(session), 200, CONTENT_TYPE, payload, length);
    else
        answer(session, take_get(session), 503, NULL, NULL, 0);
    empty_queue(polling);
    if (!payload)
        session_doom(session);
    free(payload);
}

void session_polling_end(struct session *session)
{
    if (!session->polling.get.value)
        return;
    if (STAILQ_EMPTY(&session->polling.queue)) {
        session_polling_push(session, "1", 1);
        session_polling_flush(session);
        session_doom(session);
    } else {
        session_polling_flush(session);
    }
}

void session_polling_release(struct session *session)
{
    char payload[ENGINEIO_PREFIX_MAX + 1];
    if (!session->polling.get.value)
        return;
    size_t length = engineio_write_prefix(payload, session->protocol, true, "6", 1);
    payload[length++] = '6';
    answer(session, take_get(session), 200, CONTENT_TYPE, payload, length);
}

void session_polling_push(struct session *session, const char *packet, size_t length)
{
    struct session_polling *polling = &session->polling;
    struct session_queued *queued = NULL;
    if (polling->queue_bytes + length <= SESSION_QUEUE_BYTES_MAX)
        queued = malloc(sizeof(*queued) + length);
    else
        log_every_s(10, log_info, "signaling", "a client does not poll: dropped with %zu bytes waiting",
                    polling->queue_bytes);
    if (!queued) {
        session_doom(session);
        return;
    }
    queued->length = length;
    memcpy(queued->packet, packet, length);
    STAILQ_INSERT_TAIL(&polling->queue, queued, link);
    polling->queue_bytes += sizeof(*queued) + length;
}

void session_polling_send(struct session *session, const char *packet, size_t length)
{
    session_polling_push(session, packet, length);
    session_polling_flush(session);
}

void session_polling_move(struct session *session, uint64_t websocket)
{
    const struct session_queued *queued;
    session_polling_release(session);
    STAILQ_FOREACH(queued, &session->polling.queue, link)
    gateway_ws_send(session->config->gateway, websocket, queued->packet, queued->length);
    empty_queue(&session->polling);
}

static void receive_get(struct session *session, uint64_t request_id)
{
    if (session->polling.get.value) {
        answer(session, request_id, 400, NULL, NULL, 0);
        session_abort(session);
    } else if (session_table_set(session->table, &session->polling.get, request_id)) {
        answer(session, request_id, 503, NULL, NULL, 0);
        session_abort(session);
    } else if (session->state == SESSION_CLOSING) {
        session_polling_end(session);
    } else {
        session_polling_flush(session);
        session_upgrade_hurry(session);
    }
}

static bool is_binary(const char *content_type)
{
    static const char binary[] = "application/octet-stream";
    return content_type && strncasecmp(content_type, binary, sizeof(binary) - 1) == 0;
}

/* False when the payload is malformed; what comes before is received. */
static bool receive_payload(struct session *session, const struct gateway_http_request *request)
{
    struct engineio_iterator iterator;
    struct engineio_packet packet;
    int result;
    if (is_binary(request->content_type) || !utf8_valid(request->body, request->body_bytes))
        return false;
    engineio_begin(&iterator, session->protocol, (const char *)request->body, request->body_bytes);
    while ((result = engineio_next(&iterator, &packet)) > 0)
        session_receive_packet(session, &packet);
    return result == 0;
}

static void receive_post(struct session *session, const struct gateway_http_request *request)
{
    if (request->too_large || request->body_bytes > session->config->message_bytes_max) {
        counters_count(COUNTER_MESSAGES_TOO_LARGE);
        answer(session, request->id, 413, NULL, NULL, 0);
    } else if (receive_payload(session, request)) {
        /* engine.io says text/html, lest a browser offers it as a download. */
        answer(session, request->id, 200, "text/html", "ok", 2);
    } else {
        session_request_refuse(session->config->gateway, request->id, SESSION_BAD_REQUEST);
        session_abort(session);
    }
}

void session_poll(struct session *session, const struct gateway_http_request *request)
{
    if (strcmp(request->method, "GET") == 0)
        receive_get(session, request->id);
    else if (strcmp(request->method, "POST") == 0)
        receive_post(session, request);
    else
        session_request_refuse(session->config->gateway, request->id, SESSION_BAD_REQUEST);
}
