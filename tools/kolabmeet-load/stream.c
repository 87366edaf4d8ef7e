#include "tools/kolabmeet-load/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/kolabmeet-load/buffer.h"
#include "tools/kolabmeet-load/memory.h"

enum phase { PHASE_CONNECT, PHASE_HANDSHAKE, PHASE_OPEN, PHASE_ENDED };

struct stream {
    struct loop *loop;
    struct loop_watch watch;
    struct stream_handler handler;
    void *context;
    SSL *ssl; /* NULL: plain */
    enum phase phase;
    bool is_in_handler;
    bool is_closed; /* in a handler: freed once that returns */
    struct buffer pending;
};

static SSL_CTX *shared_context(void)
{
    static SSL_CTX *context;
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        if (context)
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    }
    return context;
}

static void release(struct stream *stream)
{
    SSL_free(stream->ssl);
    if (stream->watch.fd >= 0) {
        loop_watch_remove(stream->loop, &stream->watch);
        close(stream->watch.fd);
    }
    buffer_deinit(&stream->pending);
    free(stream);
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->is_in_handler)
        stream->is_closed = true;
    else
        release(stream);
}

static void end(struct stream *stream, const char *reason)
{
    if (stream->phase == PHASE_ENDED || stream->is_closed)
        return;
    stream->phase = PHASE_ENDED;
    loop_watch_change(stream->loop, &stream->watch, 0);
    stream->handler.ended(stream->context, reason);
}

static void watch_for(struct stream *stream, bool writable)
{
    loop_watch_change(stream->loop, &stream->watch, EPOLLIN | (writable ? EPOLLOUT : 0));
}

/* As read() and write(): bytes, 0 at the end, or -EAGAIN, or another error. */
static ssize_t result_of(struct stream *stream, int done)
{
    if (done > 0)
        return done;
    switch (SSL_get_error(stream->ssl, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        ERR_clear_error();
        return -EIO;
    }
}

static ssize_t read_some(struct stream *stream, uint8_t *buffer, size_t capacity)
{
    if (stream->ssl)
        return result_of(stream, SSL_read(stream->ssl, buffer, (int)capacity));
    ssize_t got = recv(stream->watch.fd, buffer, capacity, 0);
    return got < 0 ? -errno : got;
}

static ssize_t write_some(struct stream *stream, const uint8_t *data, size_t length)
{
    if (stream->ssl)
        return result_of(stream, SSL_write(stream->ssl, data, (int)length));
    ssize_t sent = send(stream->watch.fd, data, length, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

static void flush(struct stream *stream)
{
    while (stream->pending.length > 0) {
        ssize_t sent = write_some(stream, (const uint8_t *)stream->pending.data, stream->pending.length);
        if (sent == -EAGAIN) {
            watch_for(stream, true);
            return;
        }
        if (sent <= 0) { /* reading will say why, from the loop */
            stream->pending.length = 0;
            break;
        }
        buffer_take(&stream->pending, (size_t)sent);
    }
    watch_for(stream, false);
}

void stream_write(struct stream *stream, const void *data, size_t length)
{
    buffer_append(&stream->pending, data, length);
    if (stream->phase == PHASE_OPEN)
        flush(stream);
}

static void opened(struct stream *stream)
{
    stream->phase = PHASE_OPEN;
    stream->handler.opened(stream->context);
    if (!stream->is_closed && stream->phase == PHASE_OPEN)
        flush(stream);
}

static void shake_hands(struct stream *stream)
{
    int done = SSL_connect(stream->ssl);
    if (done == 1) {
        opened(stream);
        return;
    }
    int error = SSL_get_error(stream->ssl, done);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        watch_for(stream, error == SSL_ERROR_WANT_WRITE);
    else
        end(stream, "TLS handshake failed");
    ERR_clear_error();
}

static void connected(struct stream *stream)
{
    int error = 0;
    socklen_t length = sizeof error;

    getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        end(stream, strerror(error));
        return;
    }
    if (!stream->ssl) {
        opened(stream);
        return;
    }
    stream->phase = PHASE_HANDSHAKE;
    shake_hands(stream);
}

static void read_all(struct stream *stream)
{
    uint8_t buffer[16384];

    while (stream->phase == PHASE_OPEN && !stream->is_closed) {
        ssize_t got = read_some(stream, buffer, sizeof buffer);
        if (got == -EAGAIN)
            return;
        if (got <= 0) {
            end(stream, got == 0 ? "closed by the server" : strerror((int)-got));
            return;
        }
        stream->handler.received(stream->context, buffer, (size_t)got);
    }
}

static void ready(void *context, uint32_t events)
{
    struct stream *stream = context;

    stream->is_in_handler = true;
    if (stream->phase == PHASE_CONNECT && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        connected(stream);
    else if (stream->phase == PHASE_HANDSHAKE)
        shake_hands(stream);
    if (stream->phase == PHASE_OPEN && !stream->is_closed && events & EPOLLOUT)
        flush(stream);
    if (stream->phase == PHASE_OPEN)
        read_all(stream);
    stream->is_in_handler = false;
    if (stream->is_closed)
        release(stream);
}

static int start(struct stream *stream, const struct stream_target *target)
{
    const int one = 1;

    stream->watch.fd =
        socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (stream->watch.fd < 0)
        return -errno;
    setsockopt(stream->watch.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(stream->watch.fd, (const struct sockaddr *)&target->address, target->address_bytes) != 0 &&
        errno != EINPROGRESS)
        return -errno;
    if (target->is_tls) {
        stream->ssl = shared_context() ? SSL_new(shared_context()) : NULL;
        if (!stream->ssl || SSL_set_fd(stream->ssl, stream->watch.fd) != 1)
            return -ENOMEM;
        SSL_set_mode(stream->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    return loop_watch_add(stream->loop, &stream->watch, EPOLLOUT);
}

int stream_open(struct loop *loop, const struct stream_target *target, const struct stream_handler *handler,
                void *context, struct stream **ret_stream)
{
    struct stream *stream = memory_take(1, sizeof *stream);

    stream->loop = loop;
    stream->handler = *handler;
    stream->context = context;
    stream->watch = (struct loop_watch){.fd = -1, .ready = ready, .context = stream};
    int error = start(stream, target);
    if (error != 0) {
        release(stream);
        return error;
    }
    *ret_stream = stream;
    return 0;
}
