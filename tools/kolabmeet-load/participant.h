/* One participant of a room, from the HTTP API to its last packet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kolabmeet-load/loss_sum.h"
#include "tools/kolabmeet-load/media_sink.h"
#include "tools/kolabmeet-load/media_source.h"
#include "tools/kolabmeet-load/rtcp_agent.h"
#include "tools/kolabmeet-load/rtp_parameters.h"
#include "tools/kolabmeet-load/signaling.h"
#include "tools/kolabmeet-load/transport.h"
#include "tools/kolabmeet-load/world.h"

enum participant_state { PARTICIPANT_JOINING, PARTICIPANT_READY, PARTICIPANT_FAILED };

struct participant_handler {
    void (*ready)(void *context, uint64_t join_ns);    /* all it wanted is connected */
    void (*failed)(void *context, const char *reason); /* not in it: participant_destroy() */
};

/* One of the two directions of a participant. */
struct participant_leg {
    struct participant *participant; /* NULL: not wanted */
    bool is_producing;
    bool is_connected;
    char id[64]; /* of the transport, by the server */
    struct transport *transport;
    struct rtcp_agent agent;
};

struct participant_sink {
    char id[64]; /* of the consumer, by the server */
    bool is_attached;
    struct media_sink sink;
};

struct participant {
    struct world *world;
    struct participant_handler handler;
    void *context;
    char room_id[64];
    enum participant_state state;
    uint64_t start_ns;
    struct signaling *signaling;
    struct rtp_offer offer;
    bool is_joined;
    struct participant_leg send;
    struct participant_leg receive;
    struct media_source sources[RTCP_AGENT_SOURCES_MAX];
    size_t source_count;
    size_t produced; /* of them the server knows */
    bool is_sending;
    struct participant_sink **sinks;
    size_t sink_count;
    uint64_t thrown_before; /* by the kernel, before the mark */
};

/* Begins to join. */
struct participant *participant_create(struct world *world, const char *room_id, bool publishes,
                                       bool subscribes, const struct participant_handler *handler,
                                       void *context);
/* Leaves. */
void participant_destroy(struct participant *participant);

/* Its sources begin as soon as it is ready, or stop. */
void participant_send(struct participant *participant, bool is_sending);

/* Measures from the marks of the flows on. */
void participant_mark(struct participant *participant);

/* Adds what its sinks have missed, and whose loss it was; is_over as for loss_sum_add(). Not in a handler of
 * packets. */
void participant_add_losses(const struct participant *participant, bool is_over, struct loss_sum *sum);

/* Packets a second of its video. */
void participant_set_video_rate(struct participant *participant, double packets_per_second);
