#include "tools/kolabmeet-load/world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TRANSPORT_STREAMS (SRTP_GUESTS_MAX + 1)

static void round_begin(void *context)
{
    packet_io_poll(context);
}

static void round_end(void *context)
{
    packet_io_flush(context);
}

/* A sink may have two SSRCs; in a search the number of sinks grows. */
static uint32_t streams_max(const struct options *options)
{
    uint64_t streams = 2 * options_consumers(options) + 2 * TRANSPORT_STREAMS * options_participants(options);
    if (options->search == SEARCH_SUBSCRIBERS)
        streams = streams * 32 + 65536;
    return streams < 4000000 ? (uint32_t)streams : 4000000;
}

/* Each has one for what it sends, and one for what it receives. */
static uint32_t transports_max(const struct options *options)
{
    uint64_t transports = 2 * (uint64_t)options_participants(options);
    if (options->search == SEARCH_SUBSCRIBERS)
        transports = transports * 32 + 4096;
    return transports < 200000 ? (uint32_t)transports : 200000;
}

int world_init(struct world *world, const struct options *options)
{
    const char *what = "epoll";

    memset(world, 0, sizeof *world);
    world->options = options;
    world->last_ssrc = 1000;
    int error = loop_init(&world->loop);
    if (error == 0) {
        what = "DTLS certificate";
        error = dtls_identity_create(options->profile, &world->identity);
    }
    if (error == 0) {
        const struct packet_io_settings settings = {
            .backend = options->backend,
            .check_every = options->check_every,
            .lose_received = options->lose_received,
            .lose_sent = options->lose_sent,
            .streams_max = streams_max(options),
            .transports_max = transports_max(options),
        };
        what = "SRTP";
        error = packet_io_create(&settings, &world->flows, &world->tally, &world->io);
    }
    if (error != 0) {
        fprintf(stderr, "kolabmeet-load: %s: %s\n", what, strerror(-error));
        world_deinit(world);
        return error;
    }
    world->api = api_client_create(&world->loop, &options->target, options->token);
    const struct udp_pool_settings sockets = {
        .is_sharing = options->shares_socket,
        .network = options->local_network,
        .prefix_bits = options->local_prefix_bits,
        .buffer_bytes = (int)options->receive_buffer_kib * 1024,
    };
    udp_pool_init(&world->pool, &world->loop, world->io, &sockets);
    world->loop.round_begin = round_begin;
    world->loop.round_end = round_end;
    world->loop.context = world->io;
    return 0;
}

void world_deinit(struct world *world)
{
    api_client_destroy(world->api);
    udp_pool_deinit(&world->pool);
    packet_io_destroy(world->io);
    dtls_identity_destroy(world->identity);
    flow_table_deinit(&world->flows);
    loop_deinit(&world->loop);
}

uint32_t world_next_ssrc(struct world *world)
{
    world->last_ssrc += 7919; /* not neighbours of each other */
    return world->last_ssrc;
}
