#include "control/gateway/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway/http_answer.h"
#include "control/gateway/listener.h"
#include "control/gateway/static_file.h"
#include "control/gateway/ws.h"

/* A body over the limit is swallowed up to this multiple of it, so that the client gets to read its answer.
 */
#define DISCARD_LIMITS 16

void http_release(struct connection *connection)
{
    const struct gateway_config *config = &connection->listener->config;

    connection_introduce(connection);
    connection_drop_body(connection);
    free(connection->head_bytes);
    connection->head_bytes = NULL;
    connection->head = (struct http_head){0};
    connection->handle = 0;
    if (connection->close_after_answer) {
        connection_finish(connection);
        return;
    }
    connection->state = CONNECTION_HEAD;
    connection->stalled_ticks = 0;
    connection_arm(connection, connection->input.length ? config->header_timeout_s : config->idle_timeout_s);
}

void http_refuse(struct connection *connection, unsigned status)
{
    char answer[128];
    int length = snprintf(answer, sizeof(answer), "HTTP/1.1 %u %s\r\nConnection: close\r\n\r\n", status,
                          http_answer_reason(status));

    atomic_fetch_add(&connection->listener->counters.bad_requests, 1);
    connection_push_bytes(connection, answer, (size_t)length);
    connection_finish(connection);
}

void http_refuse_upgrade(struct connection *connection, const char *text)
{
    char answer[512];
    int length = snprintf(answer, sizeof(answer),
                          "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
                          "Content-Length: %zu\r\n\r\n%.255s",
                          strnlen(text, 255), text);

    atomic_fetch_add(&connection->listener->counters.bad_requests, 1);
    connection->handle = 0; /* the main thread knows */
    connection_push_bytes(connection, answer, (size_t)length);
    connection_finish(connection);
}

/* HTTP/1.1 without Host: what node answers. */
static void refuse_without_host(struct connection *connection)
{
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

    atomic_fetch_add(&connection->listener->counters.bad_requests, 1);
    connection_push_bytes(connection, answer, sizeof(answer) - 1);
    connection_finish(connection);
}

static void push_answer(struct connection *connection, struct http_answer *answer, struct output_block *body)
{
    bool bodiless = answer->status < 200 || answer->status == 204 || answer->status == 304;

    answer->content_length = body ? body->length : 0;
    answer->has_content_length = !bodiless;
    answer->keep_alive_s = connection->close_after_answer ? 0 : connection->listener->config.idle_timeout_s;
    connection_push(connection, http_answer_head(answer));
    if (body && body->length > 0 && !bodiless && strcmp(connection->head.method, "HEAD") != 0)
        connection_push(connection, body);
    else
        output_block_free(body);
    http_release(connection);
}

void http_answer(struct connection *connection, struct mailbox_command *command)
{
    struct http_answer answer = {
        .status = command->status,
        .content_type = command->content_type,
        .fields = command->fields,
    };
    struct output_block *body = command->body;

    command->body = NULL;
    push_answer(connection, &answer, body);
}

static bool is_demo_path(const struct connection *connection, const char *path)
{
    if (!connection->listener->config.demo_root)
        return false;
    if (!strcmp(path, "/") || !strcmp(path, "/demo"))
        return true;
    return !strncmp(path, "/demo/", 6) && strcmp(path, "/demo/api") != 0 &&
           strncmp(path, "/demo/api/", 10) != 0;
}

static struct output_block *text_block(const char *text)
{
    struct output_block *block = output_block_create(strlen(text));

    if (block)
        memcpy(block->data, text, block->length);
    return block;
}

static void redirect(struct connection *connection, const char *location)
{
    struct http_answer answer = {.status = 302};
    char fields[1200];

    snprintf(fields, sizeof(fields), "Location: %.1100s\r\n", location);
    answer.fields = fields;
    push_answer(connection, &answer, NULL);
}

static void answer_file(struct connection *connection, const char *path)
{
    struct http_answer answer = {.status = 200};
    struct static_file file = {0};
    char fields[192];
    int result = static_file_load(connection->listener->config.demo_root, path, &file);

    if (result == -EISDIR && strlen(path) < 1024) {
        char slashed[1100];
        snprintf(slashed, sizeof(slashed), "/demo%s/", path);
        redirect(connection, slashed);
        return;
    }
    if (result) {
        answer.status = result == -EACCES ? 403 : 404;
        answer.content_type = "text/plain; charset=utf-8";
        push_answer(connection, &answer, text_block(http_answer_reason(answer.status)));
        return;
    }

    snprintf(fields, sizeof(fields),
             "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\nETag: %s\r\n", file.etag);
    answer.fields = fields;
    answer.content_type = file.content_type;
    if (connection->head.if_none_match && strstr(connection->head.if_none_match, file.etag)) {
        answer.status = 304;
        answer.content_type = NULL;
    }
    push_answer(connection, &answer, file.content);
}

static void answer_demo(struct connection *connection)
{
    const char *path = connection->head.path;

    if (strcmp(connection->head.method, "GET") != 0 && strcmp(connection->head.method, "HEAD") != 0) {
        struct http_answer answer = {.status = 405, .fields = "Allow: GET, HEAD\r\n"};
        push_answer(connection, &answer, NULL);
    } else if (strncmp(path, "/demo/", 6) != 0) {
        redirect(connection, "/demo/");
    } else {
        answer_file(connection, path + strlen("/demo"));
    }
}

/* The request is complete: hands it to whoever answers it. */
static void deliver(struct connection *connection)
{
    const struct http_head *head = &connection->head;

    if (is_demo_path(connection, head->path)) {
        answer_demo(connection);
        return;
    }

    connection->state = CONNECTION_ANSWER;
    connection_new_handle(connection);
    connection_disarm(connection);
    struct mailbox_event *event = connection_event(connection, MAILBOX_REQUEST);
    if (!event)
        return;
    /* The method is looked at again when the answer comes; the event takes the bytes that it stands in. */
    char *copy = strdup(head->method);
    if (!copy) {
        mailbox_event_free(event);
        connection->doomed = true;
        return;
    }
    forwarded_client(connection->listener->config.trust, connection->peer, head->forwarded_for, event->peer);
    event->head = connection->head_bytes;
    event->request = (struct gateway_http_request){
        .id = connection->handle,
        .method = head->method,
        .path = head->path,
        .query = head->query,
        .peer = event->peer,
        .auth_token = head->auth_token,
        .content_type = head->content_type,
        .content_encoding = head->content_encoding,
        .accept_encoding = head->accept_encoding,
        .if_none_match = head->if_none_match,
        .host = head->host,
        .origin = head->origin,
        .has_body = head->has_content_length || head->chunked,
        .content_length_known = head->has_content_length,
        .content_length = head->content_length,
        .too_large = connection->too_large,
        .body = event->body ? event->body : (const uint8_t *)"",
        .body_bytes = event->body_bytes,
    };
    connection->head_bytes = copy;
    connection->head = (struct http_head){.method = copy};
    connection_post(connection, event);
}

/* Keeps a piece of the body, or counts it if it is over the limit. False if the request can not be read on.
 */
static bool take_body(struct connection *connection, const uint8_t *bytes, size_t length)
{
    size_t limit = connection->listener->config.max_body_bytes;

    if (!connection->too_large && connection->body.length + length > limit) {
        connection->too_large = true;
        connection_drop_body(connection);
    }
    if (connection->too_large) {
        connection->discarded_bytes += length;
        if (connection->discarded_bytes / DISCARD_LIMITS <= limit)
            return true;
        connection->close_after_answer = true;
        deliver(connection);
        return false;
    }
    if (length > 0 && connection_keep_body(connection, bytes, length)) {
        http_refuse(connection, 503);
        return false;
    }
    return true;
}

static bool input_body(struct connection *connection)
{
    struct buffer *input = &connection->input;
    size_t used;
    bool ended;

    if (connection->head.chunked) {
        const uint8_t *piece;
        size_t piece_bytes;
        int result =
            chunked_decode(&connection->chunked, input->data, input->length, &used, &piece, &piece_bytes);
        if (result < 0) {
            http_refuse(connection, 400);
            return false;
        }
        ended = result > 0;
        if (!take_body(connection, piece, piece_bytes))
            return false;
    } else {
        used = input->length < connection->body_left ? input->length : (size_t)connection->body_left;
        if (!take_body(connection, input->data, used))
            return false;
        connection->body_left -= used;
        ended = connection->body_left == 0;
    }
    if (used == 0 && !ended)
        return false;
    buffer_consume(input, used);
    if (ended)
        deliver(connection);
    return true;
}

static void begin_request(struct connection *connection)
{
    const struct http_head *head = &connection->head;
    size_t limit = connection->listener->config.max_body_bytes;

    connection->close_after_answer = !head->keep_alive;
    connection->too_large = head->content_length > limit;
    connection->discarded_bytes = 0;
    connection->body_ticks = 0;
    connection->body_left = head->content_length;
    connection->chunked = (struct chunked){0};

    if (head->minor_version > 0 && !head->host) {
        refuse_without_host(connection);
    } else if (head->wants_websocket) {
        ws_upgrade(connection);
    } else if (!head->chunked && head->content_length == 0) {
        deliver(connection);
    } else if (connection->too_large &&
               (head->expect_continue || head->content_length / DISCARD_LIMITS > limit)) {
        connection->close_after_answer = true;
        deliver(connection);
    } else {
        connection->state = CONNECTION_BODY;
        connection_arm(connection, connection->listener->config.header_timeout_s);
        if (head->expect_continue)
            connection_push_bytes(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
}

static bool input_head(struct connection *connection)
{
    struct buffer *input = &connection->input;

    /* RFC 9112 section 2.2: empty lines before a request are ignored. */
    while (input->length >= 2 && !memcmp(input->data, "\r\n", 2))
        buffer_consume(input, 2);
    if (input->length == 0 || (input->length == 1 && input->data[0] == '\r'))
        return false;

    const char *bytes = (const char *)input->data;
    if (!http_head_plausible(bytes, input->length)) {
        http_refuse(connection, 400);
        return false;
    }
    size_t end = http_head_end(bytes, input->length, connection->scanned);
    if (end == 0 && input->length <= HTTP_HEAD_MAX_BYTES) {
        connection->scanned = input->length;
        return false;
    }
    connection->scanned = 0;
    if (end == 0 || end > HTTP_HEAD_MAX_BYTES) {
        http_refuse(connection, 431);
        return false;
    }

    connection->head_bytes = malloc(end + 1);
    if (!connection->head_bytes) {
        connection->doomed = true;
        return false;
    }
    memcpy(connection->head_bytes, bytes, end);
    connection->head_bytes[end] = '\0';
    buffer_consume(input, end);
    int status = http_head_parse(connection->head_bytes, end, &connection->head);
    if (status) {
        http_refuse(connection, (unsigned)status);
        return false;
    }
    begin_request(connection);
    return true;
}

bool http_input(struct connection *connection)
{
    return connection->state == CONNECTION_BODY ? input_body(connection) : input_head(connection);
}
