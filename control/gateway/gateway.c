#include "control/gateway/gateway.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "control/gateway/listener.h"
#include "control/log.h"

#define TAG "gateway"

/* Commands of a turn that are posted together. More of them go in several parts, so that the gateway thread
 * need not wait for the last before it sends the first; reports, of which there may be several for each
 * websocket, wait for what follows. */
#define MAX_COLLECTED_COMMANDS 256

/* What one turn sends to many websockets waits for all of them in one copy, if it is as large as this. */
#define SHARED_FRAME_BYTES 4096

/* The main thread's half. */
struct gateway {
    struct listener *listener;
    struct gateway_handler handler;
    void *context;
    struct event *event;
    uint64_t *open_ws; /* by slot: the websocket that on_ws_open told of */
    bool collects;     /* a turn of events is being dealt with */
    struct mailbox_commands collected;
    struct output_shared *last_frame; /* of this turn, if it was a large one */
};

void gateway_config_init(struct gateway_config *config)
{
    *config = (struct gateway_config){
        .ws_path = "/meetmedia/signaling",
        .max_body_bytes = 5 << 20,
        .max_ws_message_bytes = 1000000,
        .max_ws_queue_bytes = 4000000,
        .max_connections = 4096,
        .header_timeout_s = 10,
        .idle_timeout_s = 5,
    };
}

static void post_collected(struct gateway *gateway)
{
    if (gateway->collected.count > 0 &&
        mailbox_post_commands(&gateway->listener->mailbox, &gateway->collected))
        listener_wake(gateway->listener);
    gateway->collected = (struct mailbox_commands){0};
}

/* What one turn has to say to a client travels in one piece, and costs one system call. */
static void post(struct gateway *gateway, struct mailbox_command *command)
{
    mailbox_append_command(&gateway->collected, command);
    bool is_report = command->kind == MAILBOX_REPORT;
    if (!gateway->collects || (!is_report && gateway->collected.count >= MAX_COLLECTED_COMMANDS))
        post_collected(gateway);
}

static struct mailbox_command *command_create(enum mailbox_command_kind kind, uint64_t handle)
{
    struct mailbox_command *command = calloc(1, sizeof(*command));

    if (command) {
        command->kind = kind;
        command->handle = handle;
    } else {
        log_every_s(10, log_error, TAG, "no memory for an answer");
    }
    return command;
}

static void on_upgrade(struct gateway *gateway, const struct mailbox_event *event)
{
    const struct gateway_handler *handler = &gateway->handler;
    const struct gateway_http_request *request = &event->request;
    const char *refusal = handler->on_ws_upgrade
                              ? handler->on_ws_upgrade(gateway->context, request)
                              : NULL;
    struct mailbox_command *command =
        command_create(refusal ? MAILBOX_REFUSE : MAILBOX_ACCEPT, event->handle);

    if (!command)
        return;
    if (refusal) {
        command->fields = strdup(refusal);
        if (command->fields)
            post(gateway, command);
        else
            mailbox_command_free(command);
        return;
    }
    post(gateway, command);
    gateway->open_ws[event->handle & 0xffff] = event->handle;
    handler->on_ws_open(gateway->context, event->handle, request->path, request->query, request->peer);
}

static void on_event(struct gateway *gateway, const struct mailbox_event *event)
{
    const struct gateway_handler *handler = &gateway->handler;
    uint64_t *open_ws = &gateway->open_ws[event->handle & 0xffff];

    switch (event->kind) {
    case MAILBOX_REQUEST:
        handler->on_http_request(gateway->context, &event->request);
        break;
    case MAILBOX_GONE:
        if (handler->on_http_gone)
            handler->on_http_gone(gateway->context, event->handle);
        break;
    case MAILBOX_UPGRADE:
        on_upgrade(gateway, event);
        break;
    case MAILBOX_MESSAGE:
        handler->on_ws_message(gateway->context, event->handle,
                               event->body ? event->body : (const uint8_t *)"", event->body_bytes,
                               event->binary);
        break;
    case MAILBOX_CLOSED:
        /* Not if the handshake was refused, or died on its way. */
        if (*open_ws == event->handle) {
            *open_ws = 0;
            handler->on_ws_close(gateway->context, event->handle);
        }
        break;
    }
}

static void on_readable(evutil_socket_t socket, short what, void *argument)
{
    struct gateway *gateway = argument;
    struct mailbox_events done = {0};
    eventfd_t count;

    (void)what;
    if (eventfd_read(socket, &count) && errno != EAGAIN)
        log_every_s(10, log_error, TAG, "cannot read the event descriptor: %s", strerror(errno));
    done.first = mailbox_take_events(&gateway->listener->mailbox);
    gateway->collects = true;
    for (struct mailbox_event *event = done.first; event; event = event->next) {
        on_event(gateway, event);
        done.last = event;
    }
    gateway->collects = false;
    output_shared_release(gateway->last_frame);
    gateway->last_frame = NULL;
    post_collected(gateway);
    if (done.first && mailbox_post_done(&gateway->listener->mailbox, &done))
        listener_wake(gateway->listener);
}

int gateway_create(const struct gateway_config *config, struct event_base *base,
                   const struct gateway_handler *handler, void *context, struct gateway **ret, char *error,
                   size_t size)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));

    if (!gateway) {
        snprintf(error, size, "no memory");
        return -ENOMEM;
    }
    gateway->handler = *handler;
    gateway->context = context;
    int result = listener_create(config, &gateway->listener, error, size);
    if (!result) {
        gateway->open_ws = calloc(gateway->listener->slot_count, sizeof(uint64_t));
        gateway->event =
            event_new(base, gateway->listener->event_fd, EV_READ | EV_PERSIST, on_readable, gateway);
        if (!gateway->open_ws || !gateway->event || event_add(gateway->event, NULL)) {
            snprintf(error, size, "no memory");
            result = -ENOMEM;
        }
    }
    if (result) {
        gateway_destroy(gateway);
        return result;
    }
    *ret = gateway;
    return 0;
}

void gateway_destroy(struct gateway *gateway)
{
    if (!gateway)
        return;
    if (gateway->event)
        event_free(gateway->event);
    listener_destroy(gateway->listener);
    output_shared_release(gateway->last_frame);
    free(gateway->open_ws);
    free(gateway);
}

int gateway_reload_certificate(struct gateway *gateway, char *error, size_t size)
{
    const struct gateway_config *config = &gateway->listener->config;
    struct certificate *certificate;

    if (!config->cert_path) {
        snprintf(error, size, "there is no TLS here");
        return -ENOTSUP;
    }
    int result = certificate_load(config->cert_path, config->key_path, &certificate, error, size);
    if (result)
        return result;
    struct mailbox_command *command = command_create(MAILBOX_CERTIFICATE, 0);
    if (!command) {
        certificate_destroy(certificate);
        snprintf(error, size, "no memory");
        return -ENOMEM;
    }
    command->certificate = certificate;
    post(gateway, command);
    return 0;
}

uint16_t gateway_port(const struct gateway *gateway)
{
    return gateway->listener->port;
}

/* Field values with control characters would end the field or the head: such fields are left out. */
static bool field_is_clean(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

static char *join_fields(const struct gateway_header *headers, size_t count)
{
    size_t size = 1;

    for (size_t i = 0; i < count; i++)
        size += strlen(headers[i].name) + strlen(headers[i].value) + 4;
    char *fields = malloc(size);
    if (!fields)
        return NULL;
    char *end = fields;
    *end = '\0';
    for (size_t i = 0; i < count; i++) {
        if (field_is_clean(headers[i].name) && field_is_clean(headers[i].value))
            end += sprintf(end, "%s: %s\r\n", headers[i].name, headers[i].value);
    }
    return fields;
}

void gateway_http_respond(struct gateway *gateway, uint64_t id, unsigned status, const char *content_type,
                          const struct gateway_header *headers, size_t header_count, const void *body,
                          size_t length)
{
    struct mailbox_command *command = command_create(MAILBOX_ANSWER, id);

    if (!command)
        return;
    command->status = status;
    command->content_type = content_type && field_is_clean(content_type) ? strdup(content_type) : NULL;
    command->fields = join_fields(headers, header_count);
    command->body = output_block_create(length);
    if (!command->fields || !command->body) {
        log_every_s(10, log_error, TAG, "no memory for an answer");
        mailbox_command_free(command);
        return;
    }
    if (length > 0)
        memcpy(command->body->data, body, length);
    post(gateway, command);
}

static bool is_frame(const struct output_shared *frame, const uint8_t *header, size_t header_bytes,
                     const void *data, size_t length)
{
    return frame && frame->length == header_bytes + length &&
           memcmp(frame->data, header, header_bytes) == 0 &&
           memcmp(frame->data + header_bytes, data, length) == 0;
}

/* A block of this frame; in a turn, a large one is the same as the last if it says the same. */
static struct output_block *make_frame(struct gateway *gateway, enum websocket_opcode opcode,
                                       const void *data, size_t length)
{
    uint8_t header[WEBSOCKET_MAX_SERVER_HEADER_BYTES];
    size_t header_bytes = websocket_write_header(header, opcode, length);
    bool is_shared = gateway->collects && length >= SHARED_FRAME_BYTES;
    uint8_t *frame;

    if (is_shared && is_frame(gateway->last_frame, header, header_bytes, data, length))
        return output_block_share(gateway->last_frame);
    struct output_block *block = is_shared ? NULL : output_block_create(header_bytes + length);
    if (is_shared) {
        struct output_shared *shared = output_shared_create(header_bytes + length);
        block = shared ? output_block_share(shared) : NULL;
        if (!block) {
            output_shared_release(shared);
            return NULL;
        }
        output_shared_release(gateway->last_frame);
        gateway->last_frame = shared;
        frame = shared->data;
    } else if (block) {
        frame = block->data;
    }
    if (!block)
        return NULL;
    memcpy(frame, header, header_bytes);
    if (length > 0)
        memcpy(frame + header_bytes, data, length);
    return block;
}

static void send_frame(struct gateway *gateway, enum mailbox_command_kind kind, uint64_t ws,
                       enum websocket_opcode opcode, const void *data, size_t length)
{
    struct mailbox_command *command = command_create(kind, ws);

    if (!command)
        return;
    command->body = make_frame(gateway, opcode, data, length);
    if (!command->body) {
        log_every_s(10, log_error, TAG, "no memory for a message");
        mailbox_command_free(command);
        return;
    }
    post(gateway, command);
}

void gateway_ws_send(struct gateway *gateway, uint64_t ws, const char *text, size_t length)
{
    send_frame(gateway, MAILBOX_SEND, ws, WEBSOCKET_TEXT, text, length);
}

void gateway_ws_report(struct gateway *gateway, uint64_t ws, const char *text, size_t length)
{
    send_frame(gateway, MAILBOX_REPORT, ws, WEBSOCKET_TEXT, text, length);
}

void gateway_ws_send_binary(struct gateway *gateway, uint64_t ws, const void *data, size_t length)
{
    send_frame(gateway, MAILBOX_SEND, ws, WEBSOCKET_BINARY, data, length);
}

void gateway_ws_close(struct gateway *gateway, uint64_t ws, uint16_t code)
{
    struct mailbox_command *command = command_create(MAILBOX_CLOSE, ws);

    if (!command)
        return;
    command->code = code;
    post(gateway, command);
}

void gateway_counters(const struct gateway *gateway, struct gateway_counters *ret)
{
    const struct listener_counters *counters = &gateway->listener->counters;

    *ret = (struct gateway_counters){
        .connections = atomic_load(&counters->connections),
        .connections_now = atomic_load(&counters->connections_now),
        .refused = atomic_load(&counters->refused),
        .cut = atomic_load(&counters->cut),
        .bad_requests = atomic_load(&counters->bad_requests),
        .timeouts = atomic_load(&counters->timeouts),
        .ws_protocol_errors = atomic_load(&counters->ws_protocol_errors),
        .ws_slow_readers = atomic_load(&counters->ws_slow_readers),
    };
}
