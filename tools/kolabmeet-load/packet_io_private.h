/* Between the files of packet_io. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "tools/kolabmeet-load/packet_io.h"
#include "tools/kolabmeet-load/transport.h"

#define PACKET_IO_SLOTS 128 /* datagrams, or runs of them by GRO, before the batch is worked off */
#define PACKET_IO_SLOT_BYTES 65536
/* So that slots do not share cache sets. */
#define PACKET_IO_SLOT_STRIDE (PACKET_IO_SLOT_BYTES + 4096 + 192)
#define PACKET_IO_JOBS_MAX 1024
#define PACKET_IO_SEND_MAX 256
#define PACKET_IO_CONTROL_BYTES 128

struct arrival {
    struct transport *transport;
    struct media_sink *sink; /* NULL: RTCP */
    uint64_t arrival_ns;
    uint32_t ssrc;
};

struct packet_io {
    const struct srtp_backend *backend;
    uint32_t check_every;
    uint32_t lose_received; /* of 2^32 */
    uint32_t lose_sent;
    uint32_t dice;
    uint32_t unchecked; /* since the last one that was decrypted */
    const struct flow_table *flows;
    struct tally *tally;
    struct srtp_receive_pool *pool;
    struct srtp_memory *srtp_memory;
    struct srtp_receive_head *pool_head;
    struct srtp_receive_stream *pool_streams;

    struct udp_socket *shared; /* NULL: none */
    uint8_t *slots;
    size_t slot_count;
    struct mmsghdr receive_heads[PACKET_IO_SLOTS];
    struct iovec receive_vectors[PACKET_IO_SLOTS];
    _Alignas(struct cmsghdr) uint8_t receive_controls[PACKET_IO_SLOTS][PACKET_IO_CONTROL_BYTES];
    struct srtp_unprotect_job open_jobs[PACKET_IO_JOBS_MAX];
    struct arrival arrivals[PACKET_IO_JOBS_MAX];
    size_t open_count;

    uint8_t send_buffers[PACKET_IO_SEND_MAX][PACKET_IO_PACKET_MAX];
    struct srtp_protect_job send_jobs[PACKET_IO_SEND_MAX];
    struct transport *send_transports[PACKET_IO_SEND_MAX];
    struct mmsghdr send_heads[PACKET_IO_SEND_MAX];
    struct iovec send_vectors[PACKET_IO_SEND_MAX];
    _Alignas(struct cmsghdr) uint8_t send_controls[PACKET_IO_SEND_MAX][UDP_CONTROL_BYTES];
    size_t send_count;
};

/* Whether this media packet is one of share (of 2^32). */
bool packet_io_loses(struct packet_io *io, uint32_t share);

void packet_io_flush_received(struct packet_io *io);
void packet_io_flush_sent(struct packet_io *io);
