/* A gateway on a loopback port with a handler that echoes, and raw sockets to drive it with. The gateway's
 * "main thread" is a thread of the harness, so that the test itself may block. */
#pragma once

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/gateway/gateway.h"

#define MASK "\x11\x22\x33\x44"

struct harness {
    struct event_base *base;
    struct gateway *gateway;
    struct gateway_config config;
    pthread_t thread;
    int stop_fd;
    uint64_t held; /* the request to /hold */
    _Atomic unsigned held_seen;
    _Atomic unsigned gone;
    _Atomic unsigned ws_opened;
    _Atomic unsigned ws_closed;
    _Atomic unsigned ws_messages;
    uint64_t crowd[64]; /* the websockets that were opened first */
};

/* GET /hold waits until GET /release; everything else is echoed as text. */
static void harness_on_request(void *context, const struct gateway_http_request *request)
{
    struct harness *harness = context;
    const struct gateway_header headers[] = {{"X-Test", "yes"}, {"X-Evil", "a\r\nInjected: 1"}};
    static char text[6000];

    if (!strcmp(request->path, "/hold")) {
        harness->held = request->id;
        atomic_fetch_add(&harness->held_seen, 1);
        return;
    }
    if (!strcmp(request->path, "/release"))
        gateway_http_respond(harness->gateway, harness->held, 200, "text/plain", NULL, 0, "released", 8);
    if (!strcmp(request->path, "/nothing")) {
        gateway_http_respond(harness->gateway, request->id, 204, NULL, NULL, 0, NULL, 0);
        return;
    }
    if (!strcmp(request->path, "/big")) {
        char *big = calloc(1, 1 << 20);
        gateway_http_respond(harness->gateway, request->id, 200, NULL, NULL, 0, big, 1 << 20);
        free(big);
        return;
    }
    int length =
        snprintf(text, sizeof(text), "%s %s ?%s token=%s body=%zu:%.40s%s", request->method, request->path,
                 request->query, request->auth_token ? request->auth_token : "-", request->body_bytes,
                 (const char *)request->body, request->too_large ? " TOO LARGE" : "");
    gateway_http_respond(harness->gateway, request->id, 200, "text/plain", headers, 2, text, (size_t)length);
    /* A second answer, and one to nobody, are harmless. */
    gateway_http_respond(harness->gateway, request->id, 500, NULL, NULL, 0, NULL, 0);
    gateway_http_respond(harness->gateway, 12345, 500, NULL, NULL, 0, NULL, 0);
}

static void harness_on_gone(void *context, uint64_t id)
{
    struct harness *harness = context;

    (void)id;
    atomic_fetch_add(&harness->gone, 1);
}

static const char *harness_on_upgrade(void *context, const struct gateway_http_request *request)
{
    (void)context;
    return strstr(request->query, "refuse") ? "Transport unknown" : NULL;
}

static void harness_on_open(void *context, uint64_t ws, const char *path, const char *query, const char *peer)
{
    struct harness *harness = context;
    char text[512];

    unsigned number = atomic_fetch_add(&harness->ws_opened, 1);
    if (number < 64)
        harness->crowd[number] = ws;
    int length = snprintf(text, sizeof(text), "open %s ?%s %s", path, query, peer);
    gateway_ws_send(harness->gateway, ws, text, (size_t)length);
}

static void harness_on_message(void *context, uint64_t ws, const uint8_t *data, size_t length, bool binary)
{
    struct harness *harness = context;
    unsigned number;

    atomic_fetch_add(&harness->ws_messages, 1);
    if (binary) {
        gateway_ws_send_binary(harness->gateway, ws, data, length);
    } else if (sscanf((const char *)data, "close:%u", &number) == 1) {
        gateway_ws_send(harness->gateway, ws, "bye", 3);
        gateway_ws_close(harness->gateway, ws, (uint16_t)number);
        gateway_ws_send(harness->gateway, ws, "too late", 8);
    } else if (sscanf((const char *)data, "flood:%u", &number) == 1) {
        char *block = calloc(1, 100000);
        for (unsigned i = 0; i < number; i++)
            gateway_ws_send(harness->gateway, ws, block, 100000);
        free(block);
    } else if (sscanf((const char *)data, "reports:%u", &number) == 1) {
        for (unsigned i = 0; i < number; i++)
            gateway_ws_report(harness->gateway, ws, "report", 6);
        gateway_ws_send(harness->gateway, ws, "reported", 8);
        for (unsigned i = 0; i < number; i++)
            gateway_ws_report(harness->gateway, ws, "later", 5);
    } else if (sscanf((const char *)data, "crowd:%u", &number) == 1) {
        char *block = calloc(1, number);
        for (unsigned i = 0; i < 64 && harness->crowd[i]; i++) {
            block[0] = (char)('a' + i / 32); /* two halves that are told different things */
            gateway_ws_send(harness->gateway, harness->crowd[i], block, number);
        }
        free(block);
    } else {
        gateway_ws_send(harness->gateway, ws, (const char *)data, length);
    }
}

static void harness_on_close(void *context, uint64_t ws)
{
    struct harness *harness = context;

    (void)ws;
    atomic_fetch_add(&harness->ws_closed, 1);
}

static void harness_on_stop(evutil_socket_t socket, short what, void *argument)
{
    struct harness *harness = argument;

    (void)socket;
    (void)what;
    event_base_loopbreak(harness->base);
}

static void *harness_run(void *argument)
{
    struct harness *harness = argument;
    struct event *stop = event_new(harness->base, harness->stop_fd, EV_READ, harness_on_stop, harness);

    event_add(stop, NULL);
    event_base_dispatch(harness->base);
    event_free(stop);
    return NULL;
}

static inline void harness_init(struct harness *harness)
{
    *harness = (struct harness){0};
    gateway_config_init(&harness->config);
    harness->config.host = "127.0.0.1";
}

static inline void harness_start(struct harness *harness)
{
    static const struct gateway_handler handler = {
        .on_http_request = harness_on_request,
        .on_http_gone = harness_on_gone,
        .on_ws_upgrade = harness_on_upgrade,
        .on_ws_open = harness_on_open,
        .on_ws_message = harness_on_message,
        .on_ws_close = harness_on_close,
    };
    char error[GATEWAY_ERROR_MAX] = "";

    harness->base = event_base_new();
    harness->stop_fd = eventfd(0, EFD_CLOEXEC);
    int result = gateway_create(&harness->config, harness->base, &handler, harness, &harness->gateway, error,
                                sizeof(error));
    if (result)
        print_error("gateway_create: %s\n", error);
    assert_int_equal(result, 0);
    assert_int_equal(pthread_create(&harness->thread, NULL, harness_run, harness), 0);
}

static inline void harness_stop(struct harness *harness)
{
    eventfd_write(harness->stop_fd, 1);
    pthread_join(harness->thread, NULL);
    gateway_destroy(harness->gateway);
    event_base_free(harness->base);
    close(harness->stop_fd);
}

static inline int harness_connect(const struct harness *harness)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(gateway_port(harness->gateway)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval limit = {.tv_sec = 30};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

static inline void put(int client, const void *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client, bytes, length, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes = (const char *)bytes + sent;
        length -= (size_t)sent;
    }
}

static inline void put_text(int client, const char *text)
{
    put(client, text, strlen(text));
}

/* Reads exactly `length` bytes. */
static inline void get(int client, void *bytes, size_t length)
{
    while (length > 0) {
        ssize_t got = recv(client, bytes, length, 0);
        assert_true(got > 0);
        bytes = (char *)bytes + got;
        length -= (size_t)got;
    }
}

/* True if the server has ended the connection without sending anything more. */
static inline bool is_closed(int client)
{
    char byte;
    ssize_t got = recv(client, &byte, 1, 0);

    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* Waits until an atomic counter has a value, for 30 s at most. */
static inline void wait_for(_Atomic unsigned *counter, unsigned value)
{
    for (int i = 0; i < 3000 && atomic_load(counter) < value; i++)
        usleep(10000);
    assert_int_equal(atomic_load(counter), value);
}

/* One answer: its head in `head`, the body's length by Content-Length, the body in `body` (NUL added). */
static inline void get_answer(int client, bool is_head, char *head, size_t head_size, char *body,
                              size_t body_size)
{
    size_t have = 0;
    size_t length = 0;

    while (have < 4 || memcmp(head + have - 4, "\r\n\r\n", 4) != 0) {
        assert_true(have + 1 < head_size);
        get(client, head + have++, 1);
    }
    head[have] = '\0';
    const char *field = strstr(head, "Content-Length: ");
    if (field && !is_head)
        length = strtoul(field + 16, NULL, 10);
    assert_true(length < body_size);
    get(client, body, length);
    body[length] = '\0';
}

/* Sends the request, asserts the status line, and leaves the body in a static buffer. */
static inline const char *ask(int client, const char *request, const char *status_line)
{
    static char head[8192], body[8192];

    put_text(client, request);
    get_answer(client, !strncmp(request, "HEAD", 4), head, sizeof(head), body, sizeof(body));
    if (strncmp(head, status_line, strlen(status_line)) != 0)
        print_error("got: %s\n", head);
    assert_memory_equal(head, status_line, strlen(status_line));
    return body;
}

/* A masked client frame. */
static inline void put_frame(int client, uint8_t first, const void *payload, size_t length)
{
    uint8_t header[14] = {first};
    size_t header_bytes = 2;
    uint8_t *masked = malloc(length + 1);

    header[1] = (uint8_t)(0x80 | (length < 126 ? length : length < 65536 ? 126 : 127));
    for (unsigned i = 0, extended = length < 126 ? 0 : length < 65536 ? 2 : 8; i < extended; i++)
        header[header_bytes++] = (uint8_t)(length >> 8 * (extended - 1 - i));
    memcpy(header + header_bytes, MASK, 4);
    for (size_t i = 0; i < length; i++)
        masked[i] = (uint8_t)(((const uint8_t *)payload)[i] ^ MASK[i & 3]);
    put(client, header, header_bytes + 4);
    put(client, masked, length);
    free(masked);
}

/* One server frame; returns the payload's length and the first byte. */
static inline size_t get_frame(int client, uint8_t *ret_first, uint8_t *payload, size_t size)
{
    uint8_t header[2], extended[8];
    uint64_t length;

    get(client, header, 2);
    length = header[1];
    assert_true(length < 128);
    if (length >= 126) {
        unsigned count = length == 126 ? 2 : 8;
        get(client, extended, count);
        length = 0;
        for (unsigned i = 0; i < count; i++)
            length = length << 8 | extended[i];
    }
    assert_true(length < size);
    get(client, payload, (size_t)length);
    payload[length] = '\0';
    *ret_first = header[0];
    return (size_t)length;
}

static inline void expect_frame(int client, uint8_t first, const char *payload, size_t length)
{
    uint8_t got[4096], got_first;
    size_t got_length = get_frame(client, &got_first, got, sizeof(got));

    assert_int_equal(got_first, first);
    assert_int_equal(got_length, length);
    assert_memory_equal(got, payload, length);
}

#define WS_REQUEST(target)                                                                                   \
    "GET " target " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"        \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* A websocket past its 101 and the handler's first message. */
static inline int harness_connect_ws(const struct harness *harness)
{
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    static const char opened[] = "open /meetmedia/signaling/ ?EIO=4&x=%41 127.0.0.1";
    char head[sizeof(answer)] = "";
    int client = harness_connect(harness);

    put_text(client,
             WS_REQUEST("/meetmedia/signaling/?EIO=4&x=%41") "Sec-WebSocket-Extensions: permessage-deflate; "
                                                             "client_max_window_bits\r\n\r\n");
    get(client, head, sizeof(answer) - 1);
    assert_string_equal(head, answer);
    expect_frame(client, 0x81, opened, sizeof(opened) - 1);
    return client;
}
