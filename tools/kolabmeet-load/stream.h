/* A TCP connection in the loop, by TLS where asked for (any certificate will do: what is measured is not who
 * it is). Writes are kept until they can go. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tools/kolabmeet-load/loop.h"

struct stream_target {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    bool is_tls;
    char authority[300]; /* host:port, for the Host header */
};

struct stream_handler {
    void (*opened)(void *context);
    void (*received)(void *context, const uint8_t *data, size_t length);
    /* By the peer or by an error, never by stream_close(); the stream is to be closed still. */
    void (*ended)(void *context, const char *reason);
};

struct stream;

/* http(s)://host:port, resolved. -EINVAL, -EHOSTUNREACH when the name has no address. */
int stream_target_parse(const char *url, struct stream_target *ret_target);

int stream_open(struct loop *loop, const struct stream_target *target, const struct stream_handler *handler,
                void *context, struct stream **ret_stream);
void stream_write(struct stream *stream, const void *data, size_t length);

/* Also in a handler. What has not been sent is not sent any more. */
void stream_close(struct stream *stream);
