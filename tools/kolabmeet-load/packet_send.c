#include "tools/kolabmeet-load/packet_io_private.h"

uint8_t *packet_io_buffer(struct packet_io *io)
{
    if (io->send_count == PACKET_IO_SEND_MAX)
        packet_io_flush_sent(io);
    return io->send_buffers[io->send_count];
}

static void queue_send(struct packet_io *io, struct transport *transport, const struct srtp_protect_job *job)
{
    io->send_transports[io->send_count] = transport;
    io->send_jobs[io->send_count] = *job;
    io->send_count++;
}

void packet_io_send_rtp(struct packet_io *io, struct transport *transport, struct srtp_send_stream *stream,
                        uint64_t index, size_t bytes, size_t clear)
{
    const struct srtp_protect_job job = {
        .session = transport->srtp,
        .stream = stream,
        .index = index,
        .out = io->send_buffers[io->send_count],
        .out_capacity = PACKET_IO_PACKET_MAX,
        .head_bytes = (uint32_t)bytes,
        .clear_bytes = (uint32_t)clear,
        .kind = SRTP_KIND_RTP,
    };
    if (packet_io_loses(io, io->lose_sent)) {
        io->tally->thrown_away++;
        return;
    }
    queue_send(io, transport, &job);
}

void packet_io_send_rtcp(struct packet_io *io, struct transport *transport, size_t bytes)
{
    const struct srtp_protect_job job = {
        .session = transport->srtp,
        .out = io->send_buffers[io->send_count],
        .out_capacity = PACKET_IO_PACKET_MAX,
        .head_bytes = (uint32_t)bytes,
        .clear_bytes = 8,
        .kind = SRTP_KIND_RTCP,
    };
    queue_send(io, transport, &job);
}

/* Packets first up to before end, all of one socket. */
static void send_run(struct packet_io *io, size_t first, size_t end)
{
    unsigned count = 0;

    for (size_t i = first; i < end; i++) {
        if (io->send_jobs[i].status != SRTP_OK) {
            io->tally->send_failures++;
            continue;
        }
        io->send_vectors[count] = (struct iovec){io->send_jobs[i].out, io->send_jobs[i].length};
        io->send_heads[count].msg_hdr = (struct msghdr){.msg_iov = &io->send_vectors[count], .msg_iovlen = 1};
        udp_endpoint_address(&io->send_transports[i]->endpoint, &io->send_heads[count].msg_hdr,
                             io->send_controls[count]);
        count++;
    }
    unsigned sent = 0;
    while (sent < count) {
        int done = sendmmsg(io->send_transports[first]->endpoint.socket->watch.fd, io->send_heads + sent,
                            count - sent, 0);
        if (done <= 0)
            break;
        sent += (unsigned)done;
    }
    io->tally->send_failures += count - sent;
}

void packet_io_flush_sent(struct packet_io *io)
{
    size_t count = io->send_count;

    if (count == 0)
        return;
    io->backend->protect(io->send_jobs, count);
    for (size_t first = 0; first < count;) {
        const struct udp_socket *socket = io->send_transports[first]->endpoint.socket;
        size_t end = first + 1;
        while (end < count && io->send_transports[end]->endpoint.socket == socket)
            end++;
        send_run(io, first, end);
        first = end;
    }
    io->send_count = 0;
}
