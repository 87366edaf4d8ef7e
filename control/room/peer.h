/* A peer: made by the HTTP API as a place in a room, taken by a client that knows its token.
 *
 * place ── attach ──► connected ◄── attach / broken ──► away ── grace over ──► closed
 *                         └──────────── leave ────────────────────────────────► closed */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "control/ids.h"
#include "control/room/event.h"
#include "control/room/floor.h"
#include "control/room/outbox.h"
#include "control/room/role.h"
#include "control/room/room.h"

#define PEER_TOKEN_DIGITS 32

struct consumer;
struct ortc_capabilities;
struct peer_transport;
struct producer;

TAILQ_HEAD(transport_list, peer_transport);
TAILQ_HEAD(producer_list, producer);
TAILQ_HEAD(consumer_list, consumer);

struct peer {
    char id[IDS_UUID_BYTES];
    char auth_token[PEER_TOKEN_DIGITS + 1];
    struct room *room;
    unsigned role;
    json_t *nickname;                       /* false before a join; NULL: the client gave none */
    json_t *raised_hand;                    /* false at first; NULL: undefined */
    json_t *language;                       /* null or a string */
    struct ortc_capabilities *capabilities; /* NULL: receives nothing */
    struct event_text info;                 /* see peer_info; without text: to be written */
    bool came;                              /* was connected at least once */
    bool joined;
    struct outbox outbox;
    struct event *timer; /* of an unused place, or of a broken connection */

    struct transport_list transports;
    struct producer_list producers;
    struct consumer_list consumers;
    bool has_departed; /* the others know; only what it had is still here */
    struct speaker speaker;
    struct floor_observer observer;
    bool level_changed;   /* and observers have not heard it yet */
    unsigned camera_rank; /* among the cameras of its room, see last_n.h */
    bool rank_applied;    /* its consumers are as that says */
    size_t transport_count;
    size_t producer_count;
    TAILQ_ENTRY(peer) link;
};

/* Rooms call these two. */
int peer_create(struct room *room, unsigned role, struct peer **ret_peer);
void peer_destroy(struct peer *peer);

/* A client came with the peer's token: it gets roomReady the first time, roomBack later. An older link is
 * dropped. */
void peer_attach(struct peer *peer, const struct link *link);
/* The connection broke: the client has some seconds to come back. context is the link's; an old link is
 * ignored. */
void peer_detach(struct peer *peer, const void *context);
/* Disconnects the client; nothing more is sent to the peer, which is to be closed. */
void peer_drop(struct peer *peer);
/* Drops and closes the peer: the others are told, then everything it had is gone. */
void peer_close(struct peer *peer);
/* The same without a word to the client, which went by itself. */
void peer_leave(struct peer *peer);

/* As peer_close, in two steps: the client is disconnected and the others are told; what it had goes with
 * room_bury, which tells them of each closed consumer. */
void peer_depart(struct peer *peer);

/* {id, language, nickname, role, raisedHand}, kept until one of them changes: everybody who joins is told of
 * everybody. Without text when there is no memory. */
const struct event_text *peer_info(struct peer *peer);
/* Steals data. */
void peer_notify(struct peer *peer, const char *method, json_t *data);

/* These tell the room, if it is a change. NULL is undefined. */
void peer_set_nickname(struct peer *peer, json_t *nickname);
void peer_set_raised_hand(struct peer *peer, json_t *raised_hand);
void peer_set_language(struct peer *peer, json_t *language);
/* Who gains PUBLISHER puts the hand down; who loses it loses the language, and nothing of what it produces is
 * forwarded until it is one again. */
void peer_set_role(struct peer *peer, unsigned role);

/* NULL for none; id may be NULL. */
struct peer_transport *peer_find_transport(const struct peer *peer, const char *id);
struct producer *peer_find_producer(const struct peer *peer, const char *id);
struct consumer *peer_find_consumer(const struct peer *peer, const char *id);
/* The first transport that was made with `consuming`, or NULL. */
struct peer_transport *peer_consuming_transport(const struct peer *peer);
