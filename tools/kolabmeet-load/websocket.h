/* A websocket of text messages (RFC 6455), the client's side, over a stream. */
#pragma once

#include "tools/kolabmeet-load/stream.h"

struct websocket_handler {
    void (*message)(void *context, const char *text, size_t length);
    /* By the server or by an error, never by websocket_close(); it is to be closed still. */
    void (*ended)(void *context, const char *reason);
};

struct websocket;

/* path with its query. Messages may be sent at once: they wait for the answer to the upgrade. */
int websocket_open(struct loop *loop, const struct stream_target *target, const char *path,
                   const struct websocket_handler *handler, void *context, struct websocket **ret_websocket);
void websocket_send(struct websocket *websocket, const char *text, size_t length);

/* Also in a handler. Without the closing handshake, as when a tab is closed. */
void websocket_close(struct websocket *websocket);
