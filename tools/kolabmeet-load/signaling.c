#include "tools/kolabmeet-load/signaling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/engineio.h"
#include "proto/wire/socketio.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/websocket.h"

struct pending {
    struct pending *next;
    uint64_t id;
    signaling_answer_fn answer;
    void *context;
};

struct signaling {
    struct websocket *websocket;
    struct signaling_handler handler;
    void *context;
    uint64_t next_id;
    struct pending *pending;
};

static void send_text(struct signaling *signaling, const char *text)
{
    websocket_send(signaling->websocket, text, strlen(text));
}

static void send_packet(struct signaling *signaling, enum socketio_type type, uint64_t id, const char *json)
{
    struct socketio_packet packet = {.type = type, .has_ack = true, .ack = id};
    size_t json_bytes = strlen(json);
    char *text = memory_take(SOCKETIO_PREFIX_MAX + json_bytes, 1);

    int prefix_bytes = socketio_write_prefix(text, SOCKETIO_PREFIX_MAX, &packet);
    if (prefix_bytes > 0) {
        memcpy(text + prefix_bytes, json, json_bytes);
        websocket_send(signaling->websocket, text, (size_t)prefix_bytes + json_bytes);
    }
    free(text);
}

void signaling_acknowledge(struct signaling *signaling, uint64_t id)
{
    send_packet(signaling, SOCKETIO_ACK, id, "[null]");
}

void signaling_request(struct signaling *signaling, const char *method, json_t *data,
                       signaling_answer_fn answer, void *context)
{
    json_t *event = json_pack("[s, {s:s, s:o*}]", "request", "method", method, "data", data);
    char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;

    if (!text)
        abort();
    if (answer) {
        struct pending *pending = memory_take(1, sizeof *pending);
        *pending = (struct pending){signaling->pending, signaling->next_id, answer, context};
        signaling->pending = pending;
    }
    send_packet(signaling, SOCKETIO_EVENT, signaling->next_id++, text);
    free(text);
    json_decref(event);
}

static void take_event(struct signaling *signaling, const struct socketio_packet *packet, json_t *event)
{
    const char *name = json_string_value(json_array_get(event, 0));
    const json_t *message = json_array_get(event, 1);
    const char *method = json_string_value(json_object_get(message, "method"));
    const json_t *data = json_object_get(message, "data");

    if (!name || !method)
        return;
    if (packet->has_ack)
        signaling->handler.requested(signaling->context, packet->ack, method, data);
    else
        signaling->handler.notified(signaling->context, method, data);
}

/* Acknowledgements are (error, response): an error is anything but null. */
static void take_answer(struct signaling *signaling, uint64_t id, json_t *arguments)
{
    struct pending **link = &signaling->pending;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    struct pending *pending = *link;
    if (!pending)
        return;
    *link = pending->next;
    json_t *error = json_array_get(arguments, 0);
    json_t *response = json_array_get(arguments, 1);
    if (error && !json_is_null(error))
        response = NULL;
    else if (!response)
        response = json_null();
    signaling_answer_fn answer = pending->answer;
    void *context = pending->context;
    free(pending);
    answer(context, response);
}

static void take_packet(struct signaling *signaling, const char *data, size_t length)
{
    struct socketio_packet packet;

    if (socketio_parse(data, length, &packet) != 0)
        return;
    if (packet.type == SOCKETIO_DISCONNECT) {
        signaling->handler.ended(signaling->context, "disconnected by the server");
        return;
    }
    if (packet.type != SOCKETIO_EVENT && packet.type != SOCKETIO_ACK)
        return;
    json_t *json = json_loadb(packet.json, packet.json_length, 0, NULL);
    if (json && packet.type == SOCKETIO_EVENT)
        take_event(signaling, &packet, json);
    else if (json)
        take_answer(signaling, packet.ack, json);
    json_decref(json);
}

static void message(void *context, const char *text, size_t length)
{
    struct signaling *signaling = context;
    struct engineio_packet packet;

    if (engineio_parse(text, length, &packet) != 0)
        return;
    if (packet.type == ENGINEIO_PING)
        send_text(signaling, "3");
    else if (packet.type == ENGINEIO_OPEN)
        send_text(signaling, "40");
    else if (packet.type == ENGINEIO_MESSAGE)
        take_packet(signaling, packet.data, packet.length);
}

static void ended(void *context, const char *reason)
{
    struct signaling *signaling = context;
    signaling->handler.ended(signaling->context, reason);
}

int signaling_open(struct loop *loop, const struct stream_target *target, const char *query,
                   const struct signaling_handler *handler, void *context, struct signaling **ret_signaling)
{
    static const struct websocket_handler websocket_handler = {message, ended};
    struct signaling *signaling = memory_take(1, sizeof *signaling);
    char path[1024];

    signaling->handler = *handler;
    signaling->context = context;
    snprintf(path, sizeof path, "/meetmedia/signaling/?EIO=4&transport=websocket&%s", query);
    int error = websocket_open(loop, target, path, &websocket_handler, signaling, &signaling->websocket);
    if (error != 0) {
        free(signaling);
        return error;
    }
    *ret_signaling = signaling;
    return 0;
}

void signaling_close(struct signaling *signaling)
{
    if (!signaling)
        return;
    send_text(signaling, "41");
    websocket_close(signaling->websocket);
    while (signaling->pending) {
        struct pending *next = signaling->pending->next;
        free(signaling->pending);
        signaling->pending = next;
    }
    free(signaling);
}
