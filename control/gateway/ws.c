#include "control/gateway/ws.h"

#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/gateway/http.h"
#include "control/gateway/listener.h"
#include "control/utf8.h"

/* Time for the peer to answer a close frame. */
#define CLOSE_S 5

static bool path_is_ours(const char *path, const char *ws_path)
{
    size_t length = strlen(ws_path);

    while (length > 0 && ws_path[length - 1] == '/')
        length--;
    return !strncmp(path, ws_path, length) && (path[length] == '\0' || path[length] == '/');
}

static void refuse_version(struct connection *connection)
{
    static const char answer[] = "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n"
                                 "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n";

    atomic_fetch_add(&connection->listener->counters.bad_requests, 1);
    connection_push_bytes(connection, answer, sizeof(answer) - 1);
    connection_finish(connection);
}

void ws_upgrade(struct connection *connection)
{
    const struct http_head *head = &connection->head;

    if (!path_is_ours(head->path, connection->listener->config.ws_path)) {
        /* No websocket here: the old server closes without a word. */
        atomic_fetch_add(&connection->listener->counters.bad_requests, 1);
        connection_finish(connection);
        return;
    }
    /* RFC 6455 section 4.4 */
    if (!head->ws_version || strcmp(head->ws_version, "13") != 0) {
        refuse_version(connection);
        return;
    }
    if (!head->ws_key || !websocket_accept(head->ws_key, connection->ws_accept)) {
        http_refuse_upgrade(connection, "Missing or invalid Sec-WebSocket-Key header");
        return;
    }
    if (head->chunked || head->content_length > 0) {
        http_refuse(connection, 400);
        return;
    }

    connection->state = CONNECTION_UPGRADE;
    connection_new_handle(connection);
    connection_disarm(connection);
    struct mailbox_event *event = connection_event(connection, MAILBOX_UPGRADE);
    if (!event)
        return;
    event->request.path = head->path;
    event->request.query = head->query;
    event->request.origin = head->origin;
    event->request.peer = event->peer;
    forwarded_client(connection->listener->config.trust, connection->peer, head->forwarded_for, event->peer);
    event->head = connection->head_bytes;
    connection->head_bytes = NULL;
    connection->head = (struct http_head){0};
    connection_post(connection, event);
}

void ws_accept(struct connection *connection)
{
    static const char head[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ";

    connection_push_bytes(connection, head, sizeof(head) - 1);
    connection_push_bytes(connection, connection->ws_accept, WEBSOCKET_ACCEPT_CHARS);
    connection_push_bytes(connection, "\r\n\r\n", 4);
    connection->state = CONNECTION_WEBSOCKET;
}

static void push_control(struct connection *connection, enum websocket_opcode opcode, const uint8_t *payload,
                         size_t length)
{
    struct output_block *block = output_block_create(WEBSOCKET_MAX_SERVER_HEADER_BYTES + length);

    if (block) {
        size_t header_bytes = websocket_write_header(block->data, opcode, length);
        if (length > 0)
            memcpy(block->data + header_bytes, payload, length);
        block->length = header_bytes + length;
    }
    connection_push(connection, block);
}

static void push_close(struct connection *connection, uint16_t code)
{
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    push_control(connection, WEBSOCKET_CLOSE, payload, code == WEBSOCKET_CLOSE_NO_CODE ? 0 : 2);
}

/* RFC 6455 section 7.1.7: fail the connection. */
static bool fail(struct connection *connection, uint16_t code)
{
    atomic_fetch_add(&connection->listener->counters.ws_protocol_errors, 1);
    if (connection->state == CONNECTION_WEBSOCKET)
        push_close(connection, code);
    connection_finish(connection);
    return false;
}

void ws_send(struct connection *connection, struct output_block *frame)
{
    if (connection->output.bytes + frame->length > connection->listener->config.max_ws_queue_bytes) {
        atomic_fetch_add(&connection->listener->counters.ws_slow_readers, 1);
        output_block_free(frame);
        connection->doomed = true;
        return;
    }
    connection_push(connection, frame);
}

void ws_close(struct connection *connection, uint16_t code)
{
    push_close(connection, code);
    connection->state = CONNECTION_CLOSING;
    connection->stalled_ticks = 0;
    connection_arm(connection, CLOSE_S);
}

/* RFC 6455 section 5.5.1: the peer's close frame is answered in kind, unless ours went first. */
static bool on_close_frame(struct connection *connection, const uint8_t *payload, size_t length)
{
    if (length > 0) {
        unsigned code = length > 1 ? (unsigned)payload[0] << 8 | payload[1] : 0;
        if (!websocket_close_code_valid(code))
            return fail(connection, WEBSOCKET_CLOSE_PROTOCOL_ERROR);
        if (!utf8_valid(payload + 2, length - 2))
            return fail(connection, WEBSOCKET_CLOSE_BAD_DATA);
    }
    if (connection->state == CONNECTION_WEBSOCKET)
        push_control(connection, WEBSOCKET_CLOSE, payload, length);
    connection_finish(connection);
    return false;
}

static bool on_control_frame(struct connection *connection, const struct websocket_header *header,
                             size_t header_bytes)
{
    struct buffer *input = &connection->input;
    size_t length = (size_t)header->payload_bytes;
    uint8_t payload[WEBSOCKET_MAX_CONTROL_BYTES];

    if (input->length < header_bytes + length)
        return false;
    memcpy(payload, input->data + header_bytes, length);
    websocket_unmask(payload, length, header->mask, 0);
    buffer_consume(input, header_bytes + length);

    if (header->opcode == WEBSOCKET_CLOSE)
        return on_close_frame(connection, payload, length);
    if (header->opcode == WEBSOCKET_PING && connection->state == CONNECTION_WEBSOCKET) {
        if (connection->output.bytes > connection->listener->config.max_ws_queue_bytes) {
            atomic_fetch_add(&connection->listener->counters.ws_slow_readers, 1);
            connection->doomed = true;
            return false;
        }
        push_control(connection, WEBSOCKET_PONG, payload, length);
    }
    return true;
}

static bool begin_frame(struct connection *connection)
{
    struct websocket_header header;
    int header_bytes = websocket_parse_header(connection->input.data, connection->input.length, &header);

    if (header_bytes == 0)
        return false;
    if (header_bytes < 0)
        return fail(connection, WEBSOCKET_CLOSE_PROTOCOL_ERROR);
    if (header.opcode & 0x8)
        return on_control_frame(connection, &header, (size_t)header_bytes);

    /* RFC 6455 section 5.4 */
    if ((header.opcode == WEBSOCKET_CONTINUATION) != (connection->message_opcode != 0))
        return fail(connection, WEBSOCKET_CLOSE_PROTOCOL_ERROR);
    if (header.payload_bytes > connection->listener->config.max_ws_message_bytes - connection->body.length) {
        counters_count(COUNTER_MESSAGES_TOO_LARGE);
        return fail(connection, WEBSOCKET_CLOSE_TOO_BIG);
    }
    if (header.opcode != WEBSOCKET_CONTINUATION)
        connection->message_opcode = header.opcode;
    buffer_consume(&connection->input, (size_t)header_bytes);
    connection->frame = header;
    connection->frame_bytes = 0;
    connection->in_frame = true;
    return true;
}

static bool end_message(struct connection *connection)
{
    bool binary = connection->message_opcode == WEBSOCKET_BINARY;

    connection->message_opcode = 0;
    if (connection->state == CONNECTION_CLOSING)
        return true;
    if (!binary && !utf8_valid(connection->body.data, connection->body.length))
        return fail(connection, WEBSOCKET_CLOSE_BAD_DATA);
    struct mailbox_event *event = connection_event(connection, MAILBOX_MESSAGE);
    if (!event)
        return false;
    event->binary = binary;
    connection_post(connection, event);
    return true;
}

static bool input_payload(struct connection *connection)
{
    struct buffer *input = &connection->input;
    uint64_t left = connection->frame.payload_bytes - connection->frame_bytes;
    size_t length = input->length < left ? input->length : (size_t)left;

    if (length == 0 && left > 0)
        return false;
    if (length > 0) {
        websocket_unmask(input->data, length, connection->frame.mask, connection->frame_bytes);
        if (connection->state == CONNECTION_WEBSOCKET &&
            connection_keep_body(connection, input->data, length))
            return fail(connection, WEBSOCKET_CLOSE_TRY_AGAIN_LATER);
        connection->frame_bytes += length;
        buffer_consume(input, length);
    }
    if (length < left)
        return true;
    connection->in_frame = false;
    return connection->frame.final ? end_message(connection) : true;
}

bool ws_input(struct connection *connection)
{
    return connection->in_frame ? input_payload(connection) : begin_frame(connection);
}
