#include <netinet/udp.h>
#include <string.h>

#include "proto/wire/demux.h"
#include "proto/wire/rtp_ext.h"
#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/packet_io_private.h"

#define RECEIVE_CALL_MIN 16 /* of one system call, if there are so many */
#define RECEIVE_CALLS_A_ROUND 16
#define DRAIN_CALLS_MAX 16384
#define PROBATOR_SSRC 1234u /* of mediasoup-client */

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
        media_sink_take_repair(sink, tally, load_be16(data + header.payload_offset), arrival->arrival_ns,
                               &stamp);
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

/* Works off what is queued; the slots stay in use. */
static void open_queued(struct packet_io *io)
{
    size_t count = io->open_count;

    if (count > 0)
        io->backend->unprotect(io->open_jobs, count);
    io->open_count = 0;
    for (size_t i = 0; i < count; i++)
        deliver(io, &io->arrivals[i], &io->open_jobs[i]);
}

void packet_io_flush_received(struct packet_io *io)
{
    open_queued(io);
    io->slot_count = 0;
}

static void queue_open(struct packet_io *io, const struct arrival *arrival, enum srtp_kind kind,
                       uint8_t *data, size_t length)
{
    if (io->open_count == PACKET_IO_JOBS_MAX) /* long runs by GRO: more packets than slots */
        open_queued(io);
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

/* Padding that asks whether there is room for more: a browser has a receiver for it, and reports it. */
static void take_probe(struct packet_io *io, const struct arrival *arrival, const uint8_t *data,
                       size_t length)
{
    struct rtp_header header;

    if (rtp_parse_header(data, length, &header) != 0) {
        io->tally->malformed++;
        return;
    }
    io->tally->padding++;
    if (arrival->transport->twcc_extension != 0)
        take_feedback_number(arrival->transport, data, &header, arrival->arrival_ns);
}

static void take_rtp(struct packet_io *io, struct transport *transport, uint8_t *data, size_t length,
                     uint64_t arrival_ns)
{
    struct arrival arrival = {.transport = transport, .arrival_ns = arrival_ns};

    if (packet_io_loses(io, io->lose_received)) {
        io->tally->thrown_away++;
        return;
    }
    io->tally->received++;
    io->tally->received_bytes += length;
    if (length < RTP_FIXED_HEADER_BYTES || !transport->srtp) {
        io->tally->malformed++;
        return;
    }
    arrival.ssrc = load_be32(data + 8);
    arrival.sink = sink_map_find(&transport->sinks, arrival.ssrc);
    if (arrival.ssrc == PROBATOR_SSRC)
        take_probe(io, &arrival, data, length);
    else if (!arrival.sink)
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
        transport->endpoint.read++;
        take_datagram(io, transport, data, length, arrival_ns);
        data += length;
        left -= length;
    }
}

/* Fills free slots; the number of messages. */
static int receive_some(struct packet_io *io, const struct udp_socket *socket)
{
    if (io->slot_count + RECEIVE_CALL_MIN > PACKET_IO_SLOTS)
        packet_io_flush_received(io);
    struct transport *owners[PACKET_IO_SLOTS];
    size_t room = PACKET_IO_SLOTS - io->slot_count;
    if (!socket->is_shared && room > RECEIVE_CALL_MIN)
        room = RECEIVE_CALL_MIN;
    for (size_t i = 0; i < room; i++) {
        io->receive_vectors[i] =
            (struct iovec){io->slots + (io->slot_count + i) * PACKET_IO_SLOT_STRIDE, PACKET_IO_SLOT_BYTES};
        io->receive_heads[i].msg_hdr = (struct msghdr){
            .msg_iov = &io->receive_vectors[i],
            .msg_iovlen = 1,
            .msg_control = io->receive_controls[i],
            .msg_controllen = PACKET_IO_CONTROL_BYTES,
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

void packet_io_drain(struct packet_io *io, struct udp_socket *socket)
{
    for (unsigned calls = 0; calls < DRAIN_CALLS_MAX; calls++)
        if (receive_some(io, socket) < RECEIVE_CALL_MIN)
            break;
    packet_io_flush(io);
}
