#include "tools/kolabmeet-load/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/bytes.h"
#include "tools/kolabmeet-load/buffer.h"
#include "tools/kolabmeet-load/http_response.h"
#include "tools/kolabmeet-load/memory.h"

#define FRAME_HEAD_MAX 14
#define MESSAGE_MAX (16u << 20)

enum opcode { OPCODE_TEXT = 1, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10 };

struct websocket {
    struct stream *stream;
    struct websocket_handler handler;
    void *context;
    struct buffer input;
    struct buffer waiting; /* frames for after the upgrade */
    bool is_upgraded;
    bool is_ended;
    bool is_in_handler;
    bool is_closed; /* in a handler: freed once that returns */
};

static void release(struct websocket *websocket)
{
    stream_close(websocket->stream);
    buffer_deinit(&websocket->input);
    buffer_deinit(&websocket->waiting);
    free(websocket);
}

void websocket_close(struct websocket *websocket)
{
    if (!websocket)
        return;
    if (websocket->is_in_handler)
        websocket->is_closed = true;
    else
        release(websocket);
}

static void end(struct websocket *websocket, const char *reason)
{
    if (websocket->is_ended || websocket->is_closed)
        return;
    websocket->is_ended = true;
    websocket->handler.ended(websocket->context, reason);
}

/* The mask is one of zeroes: it is asked for, and hides nothing from a server that is ours. */
static void send_frame(struct websocket *websocket, enum opcode opcode, const char *data, size_t length)
{
    uint8_t head[FRAME_HEAD_MAX] = {(uint8_t)(0x80 | opcode)};
    size_t head_bytes = 2;

    if (length < 126) {
        head[1] = (uint8_t)(0x80 | length);
    } else if (length < 65536) {
        head[1] = 0x80 | 126;
        store_be16(head + 2, (uint16_t)length);
        head_bytes = 4;
    } else {
        head[1] = 0x80 | 127;
        store_be64(head + 2, length);
        head_bytes = 10;
    }
    head_bytes += 4;
    if (websocket->is_upgraded) {
        stream_write(websocket->stream, head, head_bytes);
        stream_write(websocket->stream, data, length);
    } else {
        buffer_append(&websocket->waiting, head, head_bytes);
        buffer_append(&websocket->waiting, data, length);
    }
}

void websocket_send(struct websocket *websocket, const char *text, size_t length)
{
    send_frame(websocket, OPCODE_TEXT, text, length);
}

static void take_frame(struct websocket *websocket, uint8_t first, const char *data, size_t length)
{
    switch (first & 0x0f) {
    case OPCODE_TEXT:
        if (first & 0x80)
            websocket->handler.message(websocket->context, data, length);
        else
            end(websocket, "a fragmented message");
        break;
    case OPCODE_PING:
        send_frame(websocket, OPCODE_PONG, data, length);
        break;
    case OPCODE_PONG:
        break;
    case OPCODE_CLOSE:
        end(websocket, "websocket closed by the server");
        break;
    default:
        end(websocket, "a frame of unknown type");
    }
}

/* False when the next frame is not all there yet. */
static bool next_frame(struct websocket *websocket)
{
    const uint8_t *data = (const uint8_t *)websocket->input.data;
    size_t available = websocket->input.length;
    size_t head_bytes = 2;

    if (available < 2)
        return false;
    uint64_t length = data[1] & 0x7f;
    if (length == 126) {
        head_bytes = 4;
        length = available >= 4 ? load_be16(data + 2) : 0;
    } else if (length == 127) {
        head_bytes = 10;
        length = available >= 10 ? load_be64(data + 2) : 0;
    }
    if (data[1] & 0x80 || length > MESSAGE_MAX) {
        end(websocket, "a frame that no server sends");
        return false;
    }
    if (available < head_bytes || available - head_bytes < length)
        return false;
    take_frame(websocket, data[0], websocket->input.data + head_bytes, (size_t)length);
    buffer_take(&websocket->input, head_bytes + (size_t)length);
    return true;
}

static bool take_upgrade(struct websocket *websocket)
{
    struct http_response response;
    int got = http_response_read(websocket->input.data, websocket->input.length, &response);

    if (got == 0)
        return false;
    if (got < 0 || response.status != 101) {
        end(websocket, "the upgrade to websocket is refused");
        return false;
    }
    buffer_take(&websocket->input, response.bytes);
    websocket->is_upgraded = true;
    stream_write(websocket->stream, websocket->waiting.data, websocket->waiting.length);
    buffer_deinit(&websocket->waiting);
    return true;
}

static void opened(void *context)
{
    (void)context;
}

static void received(void *context, const uint8_t *data, size_t length)
{
    struct websocket *websocket = context;

    buffer_append(&websocket->input, data, length);
    websocket->is_in_handler = true;
    if (websocket->is_upgraded || take_upgrade(websocket))
        while (!websocket->is_closed && !websocket->is_ended && next_frame(websocket))
            ;
    websocket->is_in_handler = false;
    if (websocket->is_closed)
        release(websocket);
}

static void ended(void *context, const char *reason)
{
    struct websocket *websocket = context;

    websocket->is_in_handler = true;
    end(websocket, reason);
    websocket->is_in_handler = false;
    if (websocket->is_closed)
        release(websocket);
}

int websocket_open(struct loop *loop, const struct stream_target *target, const char *path,
                   const struct websocket_handler *handler, void *context, struct websocket **ret_websocket)
{
    static const struct stream_handler stream_handler = {opened, received, ended};
    struct websocket *websocket = memory_take(1, sizeof *websocket);
    char *request;

    websocket->handler = *handler;
    websocket->context = context;
    int error = stream_open(loop, target, &stream_handler, websocket, &websocket->stream);
    if (error != 0) {
        free(websocket);
        return error;
    }
    int length = asprintf(&request,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a29sYWJtZWV0LWxvYWQuLg==\r\n\r\n",
                          path, target->authority);
    if (length < 0)
        abort();
    stream_write(websocket->stream, request, (size_t)length);
    free(request);
    *ret_websocket = websocket;
    return 0;
}
