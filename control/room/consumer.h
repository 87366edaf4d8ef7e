/* A producer as one other peer receives it. The client is asked to take it by the request newConsumer; video
 * flows once it has answered. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/ids.h"
#include "control/ortc/types.h"
#include "control/room/peer.h"

struct outbox_entry;

/* As last told by the forwarder. */
struct consumer_score {
    uint8_t own;
    uint8_t producer;
    uint8_t encodings[ORTC_MAX_ENCODINGS]; /* of the producer */
    uint8_t encoding_count;
    bool known;
};

/* There are many: what follows from the producer and the peer's capabilities is worked out when asked for. */
struct consumer {
    char id[IDS_UUID_BYTES];
    struct peer *peer; /* who receives */
    struct producer *producer;
    struct peer_transport *transport;
    uint64_t handle; /* the forwarder's */
    uint32_t ssrc;
    unsigned mid;
    struct outbox_entry *request; /* newConsumer, until it is answered */
    bool started;                 /* answered, or audio */
    bool paused;                  /* by its client */
    bool hidden;                  /* by the server, see last_n.h */
    bool told_paused;             /* what its client heard last of producer and server */
    int spatial_layer;            /* as last told by the forwarder; -1: nothing */
    int temporal_layer;
    struct consumer_score score;
    TAILQ_ENTRY(consumer) peer_link;
    TAILQ_ENTRY(consumer) producer_link;
};

/* Makes it and asks the client to take it. -ENOTSUP when the peer can't receive it (no consuming transport,
 * no codec in common, not joined, its own), -EEXIST when it already does, -ENOSPC or -EAGAIN from the
 * forwarder, -ENOMEM, -EIO. */
int consumer_create(struct producer *producer, struct peer *peer);
/* Frees it; with notify its client is told, if it can have heard of it. */
void consumer_close(struct consumer *consumer, bool notify);

int consumer_pause(struct consumer *consumer, bool paused);
/* An error of the forwarder changes nothing. */
int consumer_hide(struct consumer *consumer, bool hidden);
/* Its producer was paused or goes on: the client is told, if that is news. */
void consumer_tell(struct consumer *consumer);
/* Whether media may flow as far as the consumer is concerned. */
bool consumer_is_paused(const struct consumer *consumer);

/* As its client was told. New references; NULL when out of memory, and for a score that is not known yet. */
json_t *consumer_rtp_parameters(const struct consumer *consumer);
json_t *consumer_score(const struct consumer *consumer);

/* Events of the forwarder; the client is told. */
void consumer_layers_changed(struct consumer *consumer, int spatial, int temporal);
void consumer_score_changed(struct consumer *consumer, unsigned score, unsigned producer_score,
                            const unsigned *producer_scores, size_t count);
