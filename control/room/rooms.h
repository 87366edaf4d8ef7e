/* All rooms of this server, and what they share. Main thread only.
 *
 * rooms ─ room ─ peer ─ peer_transport
 *                    ├─ producer ─ consumers of other peers
 *                    └─ consumer */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/room/outbox.h"

struct consumer;
struct event_base;
struct forwarder;
struct forwarder_level;
struct ortc_router;
struct plain_service;
struct producer;
struct room;
struct rooms;
struct webhook;
struct webrtc_service;

struct rooms_config {
    struct event_base *base;
    struct forwarder *forwarder;
    struct webrtc_service *webrtc;
    struct plain_service *plain;
    const struct ortc_router *router;
    const char *turn_server;        /* URLs by commas; NULL: none */
    const char *turn_static_secret; /* or NULL */
    struct webhook *webhook;        /* is told of closed rooms and answered join requests; or NULL */

    unsigned peer_grace_ms;      /* for a broken connection to come back */
    unsigned room_linger_ms;     /* a room lives on after its last peer left */
    unsigned unused_ms;          /* so long stays a room that nobody came for */
    unsigned place_ms;           /* and a place in it */
    unsigned request_timeout_ms; /* of a request to a client */
    unsigned request_tries;

    size_t rooms_max;
    size_t room_peers_max; /* handed-out places included */
    size_t nickname_max;   /* characters */
    size_t chat_bytes_max; /* of a chat message as JSON */
    size_t last_n;         /* cameras that a peer is sent, see last_n.h; 0: all */
};

/* The contract's times: 10 s, 10 s, an hour, 10 minutes, 20 s, 3 tries. 10000 rooms of 1000 peers, nicknames
 * of 512 characters, chat messages of 1 MB. The rest zero. */
void rooms_config_init(struct rooms_config *config);

/* Keeps what config points to. */
int rooms_create(const struct rooms_config *config, struct rooms **ret_rooms);
/* Closes all rooms; clients are told 41 and their websockets closed. */
void rooms_destroy(struct rooms *rooms);

const struct rooms_config *rooms_get_config(const struct rooms *rooms);

/* While draining there are no new rooms, and no new places in those that are there. */
void rooms_set_draining(struct rooms *rooms, bool draining);
bool rooms_is_draining(const struct rooms *rooms);

/* A new room. -ENOSPC when there are too many, -ESHUTDOWN while draining, -ENOMEM, -EIO. */
int rooms_open(struct rooms *rooms, struct room **ret_room);
/* NULL for none; id may be NULL. */
struct room *rooms_find(struct rooms *rooms, const char *id);

/* Oldest first; NULL after the last. */
struct room *rooms_next(const struct rooms *rooms, const struct room *room);

/* [{roomId, createdAt}], oldest first. */
json_t *rooms_list(const struct rooms *rooms);
/* {roomId: stats_room}, measured (stats.h). */
json_t *rooms_stats(const struct rooms *rooms);
size_t rooms_count(const struct rooms *rooms);
/* Peers that came, also while their connection is broken. */
size_t rooms_count_peers(const struct rooms *rooms);

/* What the forwarder's handler hands on. */
void rooms_forwarder_lost(struct rooms *rooms);
void rooms_transport_failed(struct rooms *rooms, uint64_t transport);
void rooms_layers_changed(struct rooms *rooms, uint64_t consumer, int spatial, int temporal);
/* now_ms as floor_now_ms says it. */
void rooms_audio_levels(struct rooms *rooms, const struct forwarder_level *levels, size_t count,
                        uint64_t now_ms);
void rooms_score_changed(struct rooms *rooms, uint64_t consumer, unsigned score, unsigned producer_score,
                         const unsigned *producer_scores, size_t count);

/* For room, peer and consumer. */
struct outbox_config rooms_outbox_config(struct rooms *rooms);
void rooms_remove_room(struct rooms *rooms, struct room *room);
void rooms_peers_changed(struct rooms *rooms, int difference);
int rooms_index_consumer(struct rooms *rooms, struct consumer *consumer);
void rooms_unindex_consumer(struct rooms *rooms, struct consumer *consumer);
int rooms_index_producer(struct rooms *rooms, struct producer *producer);
void rooms_unindex_producer(struct rooms *rooms, struct producer *producer);
