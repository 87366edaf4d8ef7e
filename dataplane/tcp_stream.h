/* One TCP connection that carries packets, each behind its length in two bytes (RFC 4571 section 2).
 *
 * All bytes wait in two buffers of fixed size. What comes in is read as much as fits and taken apart in
 * place; what goes out waits while the peer does not read, and is refused once the buffer is full. A stream
 * that breaks the framing cannot be understood any more: its owner closes it. */
#pragma once

#include <stdbool.h>

#include "shm/datagram.h"

#define TCP_STREAM_FRAME_MAX 2048u /* PORT_BUFFER_BYTES */
#define TCP_STREAM_IN_BYTES 32768u
#define TCP_STREAM_OUT_BYTES 131072u

struct tcp_stream {
    int fd; /* non-blocking, owned; -1: unused */
    struct shm_address remote;
    uint32_t in_start;
    uint32_t in_end;
    uint32_t out_start;
    uint32_t out_end;
    uint8_t in[TCP_STREAM_IN_BYTES];
    uint8_t out[TCP_STREAM_OUT_BYTES];
};

/* Takes fd, which is made non-blocking and sends without delay. */
void tcp_stream_open(struct tcp_stream *stream, int fd, const struct shm_address *remote);
void tcp_stream_close(struct tcp_stream *stream);

/* Reads what waits. Packets that tcp_stream_next gave before are gone then. 0, -EAGAIN when nothing waits,
 * -ECONNRESET at the end, or the errno of recv. */
int tcp_stream_receive(struct tcp_stream *stream);

/* The next packet: 1 and where it is, 0 when none is whole, -EMSGSIZE for one that is too long. Empty ones
 * (keep-alives) are passed over. */
int tcp_stream_next(struct tcp_stream *stream, uint8_t **ret_data, uint32_t *ret_length);

/* Queues a packet of at most TCP_STREAM_FRAME_MAX bytes. -ENOBUFS when it does not fit: it is dropped whole.
 */
int tcp_stream_queue(struct tcp_stream *stream, const uint8_t *data, uint32_t length);

/* Writes what the peer takes. 0 when all is written, -EAGAIN when some waits, or the errno of send. */
int tcp_stream_send(struct tcp_stream *stream);

/* Bytes that wait for the peer. */
static inline uint32_t tcp_stream_waiting(const struct tcp_stream *stream)
{
    return stream->out_end - stream->out_start;
}
