#include "tools/kolabmeet-load/packet_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/srtp_receive_pool.h"
#include "proto/wire/demux.h"
#include "proto/wire/rtp_ext.h"
#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/transport.h"

#define RECEIVE_SLOTS 128   /* datagrams, or runs of them by GRO, before the batch is worked off */
#define RECEIVE_CALL_MIN 16 /* of one system call, if there are so many */
#define RECEIVE_CALLS_A_ROUND 16
#define RECEIVE_SLOT_BYTES 65536
#define RECEIVE_SLOT_STRIDE (RECEIVE_SLOT_BYTES + 4096 + 192) /* so that slots do not share cache sets */
#define RECEIVE_JOBS_MAX 4096
#define SEND_MAX 256
#define CONTROL_BYTES 128

struct arrival {
    struct transport *transport;
    struct media_sink *sink; /* NULL: RTCP */
    uint64_t arrival_ns;
    uint32_t ssrc;
};

struct packet_io {
    const struct srtp_backend *backend;
    uint32_t check_every;
    uint32_t unchecked; /* since the last one that was decrypted */
    const struct flow_table *flows;
    struct tally *tally;
    struct srtp_receive_pool *pool;
    struct srtp_receive_head *pool_head;
    struct srtp_receive_stream *pool_streams;

    struct udp_socket *shared; /* NULL: none */
    uint8_t *slots;
    size_t slot_count;
    struct mmsghdr receive_heads[RECEIVE_SLOTS];
    struct iovec receive_vectors[RECEIVE_SLOTS];
    _Alignas(struct cmsghdr) uint8_t receive_controls[RECEIVE_SLOTS][CONTROL_BYTES];
    struct srtp_unprotect_job open_jobs[RECEIVE_JOBS_MAX];
    struct arrival arrivals[RECEIVE_JOBS_MAX];
    size_t open_count;

    uint8_t send_buffers[SEND_MAX][PACKET_IO_PACKET_MAX];
    struct srtp_protect_job send_jobs[SEND_MAX];
    struct transport *send_transports[SEND_MAX];
    struct mmsghdr send_heads[SEND_MAX];
    struct iovec send_vectors[SEND_MAX];
    _Alignas(struct cmsghdr) uint8_t send_controls[SEND_MAX][UDP_CONTROL_BYTES];
    size_t send_count;
};

static int make_pool(struct packet_io *io, uint32_t streams_max)
{
    io->pool_head = memory_take(1, sizeof *io->pool_head);
    io->pool_streams = memory_take_aligned(streams_max, sizeof *io->pool_streams, SHM_CACHE_LINE);
    return srtp_receive_pool_create(io->pool_head, io->pool_streams, streams_max, &io->pool);
}

int packet_io_create(const struct packet_io_settings *settings, const struct flow_table *flows,
                     struct tally *tally, struct packet_io **ret_io)
{
    if (settings->backend->init() != 0)
        return -EIO;
    struct packet_io *io = memory_take(1, sizeof *io);
    io->backend = settings->backend;
    io->check_every = settings->check_every;
    io->flows = flows;
    io->tally = tally;
    io->slots = memory_take(RECEIVE_SLOTS, RECEIVE_SLOT_STRIDE);
    int error = make_pool(io, settings->streams_max);
    if (error != 0) {
        packet_io_destroy(io);
        return error;
    }
    *ret_io = io;
    return 0;
}

void packet_io_destroy(struct packet_io *io)
{
    if (!io)
        return;
    srtp_receive_pool_destroy(io->pool);
    io->backend->deinit();
    free(io->pool_head);
    free(io->pool_streams);
    free(io->slots);
    free(io);
}

int packet_io_begin_session(struct packet_io *io, struct transport *transport, const struct dtls_keys *keys)
{
    const struct srtp_place place = {
        .state = &transport->srtp_state, .pool = io->pool, .owner = (uintptr_t)transport};
    return io->backend->create(keys->profile, keys->receive, keys->send, &place, &transport->srtp);
}

void packet_io_end_session(struct packet_io *io, struct transport *transport)
{
    io->backend->retire(transport->srtp);
    transport->srtp = NULL;
}

void packet_io_add_sink(struct packet_io *io, struct transport *transport, struct media_sink *sink)
{
    sink_map_add(&transport->sinks, sink->ssrc, sink);
    io->backend->keep(transport->srtp, sink->ssrc);
    if (sink->rtx_ssrc != 0) {
        sink_map_add(&transport->sinks, sink->rtx_ssrc, sink);
        io->backend->keep(transport->srtp, sink->rtx_ssrc);
    }
}

void packet_io_remove_sink(struct packet_io *io, struct transport *transport, const struct media_sink *sink)
{
    sink_map_remove(&transport->sinks, sink->ssrc);
    io->backend->forget(transport->srtp, sink->ssrc);
    if (sink->rtx_ssrc != 0) {
        sink_map_remove(&transport->sinks, sink->rtx_ssrc);
        io->backend->forget(transport->srtp, sink->rtx_ssrc);
    }
}

/* ---- receiving */

static void take_feedback_number(struct transport *transport, const uint8_t *data,
                                 const struct rtp_header *header, uint64_t arrival_ns)
{
    struct rtp_ext_element element;
    uint16_t sequence;

    if (rtp_ext_find(data, header, transport->twcc_extension, &element) &&
        rtp_ext_read_transport_sequence(data + element.offset, element.length, &sequence) == 0)
        twcc_collector_take(&transport->twcc, sequence, arrival_ns);
}

static void deliver_rtp(struct packet_io *io, const struct arrival *arrival, const uint8_t *data,
                        size_t length, bool is_open)
{
    struct tally *tally = io->tally;
    struct transport *transport = arrival->transport;
    struct media_sink *sink = arrival->sink;
    struct rtp_header header;
    struct stamp stamp;

    if ((is_open ? rtp_parse(data, length, &header) : rtp_parse_header(data, length, &header)) != 0) {
        tally->malformed++;
        return;
    }
    if (transport->twcc_extension != 0)
        take_feedback_number(transport, data, &header, arrival->arrival_ns);
    if (!is_open) {
        if (arrival->ssrc == sink->ssrc)
            media_sink_take(sink, tally, io->flows, header.sequence, header.timestamp, arrival->arrival_ns,
                            NULL);
        return;
    }
    tally->opened++;
    if (header.payload_length == 0)
        tally->padding++;
    else if (!stamp_read(data + header.payload_offset, header.payload_length, &stamp))
        tally->foreign++;
    else if (arrival->ssrc == sink->ssrc)
        media_sink_take(sink, tally, io->flows, header.sequence, header.timestamp, arrival->arrival_ns,
                        &stamp);
    else
        media_sink_take_repair(sink, tally, arrival->arrival_ns, &stamp);
}

static void deliver(struct packet_io *io, const struct arrival *arrival, const struct srtp_unprotect_job *job)
{
    switch (job->status) {
    case SRTP_OK:
        if (job->kind == SRTP_KIND_RTP) {
            deliver_rtp(io, arrival, job->data, job->length, true);
        } else {
            io->tally->rtcp++;
            arrival->transport->handler.rtcp(arrival->transport->context, job->data, job->length);
        }
        break;
    case SRTP_REPLAYED:
        io->tally->replayed++;
        break;
    case SRTP_MALFORMED:
        io->tally->malformed++;
        break;
    case SRTP_FORGED:
    case SRTP_FAILED:
        io->tally->forged++;
        break;
    }
}

static void flush_received(struct packet_io *io)
{
    size_t count = io->open_count;

    if (count > 0)
        io->backend->unprotect(io->open_jobs, count);
    io->open_count = 0;
    for (size_t i = 0; i < count; i++)
        deliver(io, &io->arrivals[i], &io->open_jobs[i]);
    io->slot_count = 0;
}

static void queue_open(struct packet_io *io, const struct arrival *arrival, enum srtp_kind kind,
                       uint8_t *data, size_t length)
{
    io->arrivals[io->open_count] = *arrival;
    io->open_jobs[io->open_count] = (struct srtp_unprotect_job){
        .session = arrival->transport->srtp, .data = data, .length = (uint32_t)length, .kind = kind};
    io->open_count++;
}

static bool is_to_be_opened(struct packet_io *io, const struct media_sink *sink, uint32_t ssrc)
{
    if (++io->unchecked >= io->check_every || media_sink_is_blind(sink) || ssrc != sink->ssrc) {
        io->unchecked = 0;
        return true;
    }
    return false;
}

static void take_rtp(struct packet_io *io, struct transport *transport, uint8_t *data, size_t length,
                     uint64_t arrival_ns)
{
    struct arrival arrival = {.transport = transport, .arrival_ns = arrival_ns};

    io->tally->received++;
    io->tally->received_bytes += length;
    if (length < RTP_FIXED_HEADER_BYTES || !transport->srtp) {
        io->tally->malformed++;
        return;
    }
    arrival.ssrc = load_be32(data + 8);
    arrival.sink = sink_map_find(&transport->sinks, arrival.ssrc);
    if (!arrival.sink)
        io->tally->unknown_ssrc++;
    else if (is_to_be_opened(io, arrival.sink, arrival.ssrc))
        queue_open(io, &arrival, SRTP_KIND_RTP, data, length);
    else
        deliver_rtp(io, &arrival, data, length, false);
}

static void take_datagram(struct packet_io *io, struct transport *transport, uint8_t *data, size_t length,
                          uint64_t arrival_ns)
{
    struct arrival arrival = {.transport = transport, .arrival_ns = arrival_ns};

    switch (demux_classify(data, length)) {
    case DEMUX_RTP:
        take_rtp(io, transport, data, length, arrival_ns);
        break;
    case DEMUX_RTCP:
        if (transport->srtp)
            queue_open(io, &arrival, SRTP_KIND_RTCP, data, length);
        break;
    default:
        transport_take_control(transport, data, length);
    }
}

/* When the kernel received it, and the length of the packets it put together. */
static void read_control(struct msghdr *head, uint64_t *ret_realtime_ns, size_t *ret_segment_bytes)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(head); control; control = CMSG_NXTHDR(head, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(control), sizeof time);
            *ret_realtime_ns = (uint64_t)time.tv_sec * CLOCK_SECOND_NS + (uint64_t)time.tv_nsec;
        } else if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
            int bytes;
            memcpy(&bytes, CMSG_DATA(control), sizeof bytes);
            *ret_segment_bytes = (size_t)bytes;
        }
    }
}

static void take_run(struct packet_io *io, struct transport *transport, struct mmsghdr *head, uint64_t now_ns,
                     uint64_t realtime_ns)
{
    uint8_t *data = head->msg_hdr.msg_iov->iov_base;
    size_t left = head->msg_len;
    size_t segment_bytes = left;
    uint64_t kernel_ns = realtime_ns;

    io->tally->datagrams++;
    read_control(&head->msg_hdr, &kernel_ns, &segment_bytes);
    uint64_t arrival_ns = kernel_ns < realtime_ns ? now_ns - (realtime_ns - kernel_ns) : now_ns;
    if (segment_bytes == 0)
        segment_bytes = left;
    while (left > 0) {
        size_t length = left < segment_bytes ? left : segment_bytes;
        take_datagram(io, transport, data, length, arrival_ns);
        data += length;
        left -= length;
    }
}

/* Fills free slots; the number of messages. */
static int receive_some(struct packet_io *io, const struct udp_socket *socket)
{
    if (io->slot_count + RECEIVE_CALL_MIN > RECEIVE_SLOTS || io->open_count > RECEIVE_JOBS_MAX / 2)
        flush_received(io);
    struct transport *owners[RECEIVE_SLOTS];
    size_t room = RECEIVE_SLOTS - io->slot_count;
    if (!socket->is_shared && room > RECEIVE_CALL_MIN)
        room = RECEIVE_CALL_MIN;
    for (size_t i = 0; i < room; i++) {
        io->receive_vectors[i] =
            (struct iovec){io->slots + (io->slot_count + i) * RECEIVE_SLOT_STRIDE, RECEIVE_SLOT_BYTES};
        io->receive_heads[i].msg_hdr = (struct msghdr){
            .msg_iov = &io->receive_vectors[i],
            .msg_iovlen = 1,
            .msg_control = io->receive_controls[i],
            .msg_controllen = CONTROL_BYTES,
        };
    }
    int count = recvmmsg(socket->watch.fd, io->receive_heads, (unsigned)room, 0, NULL);
    if (count <= 0)
        return 0;
    io->tally->receive_calls++;
    io->slot_count += (size_t)count;
    uint64_t now_ns = clock_ns();
    uint64_t realtime_ns = clock_read_ns(CLOCK_REALTIME);
    for (int i = 0; i < count; i++) {
        owners[i] = udp_socket_owner(socket, &io->receive_heads[i].msg_hdr);
        __builtin_prefetch(owners[i]);
    }
    for (int i = 0; i < count; i++)
        if (owners[i])
            take_run(io, owners[i], &io->receive_heads[i], now_ns, realtime_ns);
    return count;
}

void packet_io_receive(struct packet_io *io, struct udp_socket *socket)
{
    receive_some(io, socket);
}

void packet_io_share(struct packet_io *io, struct udp_socket *socket)
{
    io->shared = socket;
}

void packet_io_poll(struct packet_io *io)
{
    for (unsigned calls = 0; io->shared && calls < RECEIVE_CALLS_A_ROUND; calls++)
        if (receive_some(io, io->shared) < RECEIVE_CALL_MIN)
            break;
}

/* ---- sending */

uint8_t *packet_io_buffer(struct packet_io *io)
{
    if (io->send_count == SEND_MAX)
        packet_io_flush(io);
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
    io->tally->sent++;
    io->tally->sent_bytes += bytes + srtp_trailer_bytes(SRTP_AEAD_AES_128_GCM, SRTP_KIND_RTP);
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

static void flush_sent(struct packet_io *io)
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

/* What is received may be answered, so that goes first. */
void packet_io_flush(struct packet_io *io)
{
    flush_received(io);
    flush_sent(io);
}
