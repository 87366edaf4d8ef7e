#include "tools/kolabmeet-load/packet_io.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/srtp_memory.h"
#include "dataplane/srtp_receive_pool.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/packet_io_private.h"

static int make_pool(struct packet_io *io, uint32_t streams_max, uint32_t transports_max)
{
    io->pool_head = memory_take_aligned(1, sizeof *io->pool_head, SHM_CACHE_LINE);
    io->pool_streams = memory_take_aligned(streams_max, sizeof *io->pool_streams, SHM_CACHE_LINE);
    int error = srtp_receive_pool_create(io->pool_head, io->pool_streams, streams_max, &io->pool);
    return error != 0 ? error : srtp_memory_create(transports_max, &io->srtp_memory);
}

int packet_io_create(const struct packet_io_settings *settings, const struct flow_table *flows,
                     struct tally *tally, struct packet_io **ret_io)
{
    if (settings->backend->init() != 0)
        return -EIO;
    struct packet_io *io = memory_take(1, sizeof *io);
    io->backend = settings->backend;
    io->check_every = settings->check_every;
    io->lose_received = (uint32_t)(settings->lose_received * UINT32_MAX);
    io->lose_sent = (uint32_t)(settings->lose_sent * UINT32_MAX);
    io->dice = 2463534242u;
    io->flows = flows;
    io->tally = tally;
    io->slots = memory_take(PACKET_IO_SLOTS, PACKET_IO_SLOT_STRIDE);
    int error = make_pool(io, settings->streams_max, settings->transports_max);
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
    srtp_memory_destroy(io->srtp_memory);
    io->backend->deinit();
    free(io->pool_head);
    free(io->pool_streams);
    free(io->slots);
    free(io);
}

int packet_io_begin_session(struct packet_io *io, struct transport *transport, const struct dtls_keys *keys)
{
    const struct srtp_place place = {.state = &transport->srtp_state,
                                     .pool = io->pool,
                                     .memory = io->srtp_memory,
                                     .owner = (uintptr_t)transport};
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

/* The same ones in every run: xorshift. */
bool packet_io_loses(struct packet_io *io, uint32_t share)
{
    if (share == 0)
        return false;
    io->dice ^= io->dice << 13;
    io->dice ^= io->dice >> 17;
    io->dice ^= io->dice << 5;
    return io->dice < share;
}

/* What is received may be answered, so that goes first. */
void packet_io_flush(struct packet_io *io)
{
    packet_io_flush_received(io);
    packet_io_flush_sent(io);
}
