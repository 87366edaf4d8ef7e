/* What all participants share. */
#pragma once

#include <stdint.h>

#include "tools/kolabmeet-load/api_client.h"
#include "tools/kolabmeet-load/dtls_client.h"
#include "tools/kolabmeet-load/flow.h"
#include "tools/kolabmeet-load/loop.h"
#include "tools/kolabmeet-load/options.h"
#include "tools/kolabmeet-load/packet_io.h"
#include "tools/kolabmeet-load/tally.h"
#include "tools/kolabmeet-load/udp_pool.h"

struct world {
    const struct options *options;
    struct loop loop;
    struct api_client *api;
    struct dtls_identity *identity;
    struct packet_io *io;
    struct udp_pool pool;
    struct flow_table flows;
    struct tally tally; /* since it was last taken */
    uint32_t last_ssrc; /* given out to sources and agents */
};

/* -errno, with a line on standard error. */
int world_init(struct world *world, const struct options *options);
void world_deinit(struct world *world);

uint32_t world_next_ssrc(struct world *world);
