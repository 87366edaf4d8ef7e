#include "dataplane/tcp_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH_BYTES 2u

/* Little in the kernel: what waits there is late, and cannot be dropped. */
#define SEND_BUFFER_BYTES (128 << 10)

void tcp_stream_open(struct tcp_stream *stream, int fd, const struct shm_address *remote)
{
    int one = 1;
    int bytes = SEND_BUFFER_BYTES;
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    stream->fd = fd;
    stream->remote = *remote;
    stream->in_start = stream->in_end = 0;
    stream->out_start = stream->out_end = 0;
}

void tcp_stream_close(struct tcp_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* The waiting bytes to the front of their buffer. */
static void move_up(uint8_t *buffer, uint32_t *start, uint32_t *end)
{
    if (*start == 0)
        return;
    memmove(buffer, buffer + *start, *end - *start);
    *end -= *start;
    *start = 0;
}

int tcp_stream_receive(struct tcp_stream *stream)
{
    move_up(stream->in, &stream->in_start, &stream->in_end);
    if (stream->in_end == TCP_STREAM_IN_BYTES)
        return -EAGAIN;
    ssize_t length =
        recv(stream->fd, stream->in + stream->in_end, TCP_STREAM_IN_BYTES - stream->in_end, MSG_DONTWAIT);
    if (length < 0)
        return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (length == 0)
        return -ECONNRESET;
    stream->in_end += (uint32_t)length;
    return 0;
}

int tcp_stream_next(struct tcp_stream *stream, uint8_t **ret_data, uint32_t *ret_length)
{
    uint32_t length = 0;

    while (length == 0) {
        const uint8_t *head = stream->in + stream->in_start;
        uint32_t waiting = stream->in_end - stream->in_start;
        if (waiting < LENGTH_BYTES)
            return 0;
        length = (uint32_t)head[0] << 8 | head[1];
        if (length > TCP_STREAM_FRAME_MAX)
            return -EMSGSIZE;
        if (waiting < LENGTH_BYTES + length)
            return 0;
        stream->in_start += LENGTH_BYTES + length;
    }
    *ret_data = stream->in + stream->in_start - length;
    *ret_length = length;
    return 1;
}

int tcp_stream_queue(struct tcp_stream *stream, const uint8_t *data, uint32_t length)
{
    if (TCP_STREAM_OUT_BYTES - tcp_stream_waiting(stream) < LENGTH_BYTES + length)
        return -ENOBUFS;
    if (TCP_STREAM_OUT_BYTES - stream->out_end < LENGTH_BYTES + length)
        move_up(stream->out, &stream->out_start, &stream->out_end);
    uint8_t *out = stream->out + stream->out_end;
    out[0] = (uint8_t)(length >> 8);
    out[1] = (uint8_t)length;
    memcpy(out + LENGTH_BYTES, data, length);
    stream->out_end += LENGTH_BYTES + length;
    return 0;
}

int tcp_stream_send(struct tcp_stream *stream)
{
    while (tcp_stream_waiting(stream) > 0) {
        ssize_t sent = send(stream->fd, stream->out + stream->out_start, tcp_stream_waiting(stream),
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EWOULDBLOCK ? -EAGAIN : -errno;
        stream->out_start += (uint32_t)sent;
    }
    stream->out_start = stream->out_end = 0;
    return 0;
}
