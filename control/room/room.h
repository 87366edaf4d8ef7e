/* A room: its peers, in the order in which they came, and the places that were handed out and not taken yet.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <time.h>

#include "control/ids.h"
#include "control/room/floor.h"

struct event;
struct event_text;
struct peer;
struct rooms;

TAILQ_HEAD(peer_list, peer);

struct room {
    char id[IDS_UUID_BYTES];
    struct rooms *rooms;
    time_t created_at;
    struct peer_list places; /* nobody connected with them yet */
    struct peer_list peers;
    struct peer_list departed; /* the others know; what these had is still here, see room_bury */
    size_t place_count;
    size_t peer_count;
    bool came;    /* somebody was here */
    bool closing; /* all of it: what only some would lose need not be sorted out */
    struct floor floor;
    struct event *timer; /* of an empty room, until it closes */
    TAILQ_ENTRY(room) link;
};

/* Rooms call these two; everybody else rooms_open and room_close. */
int room_create(struct rooms *rooms, struct room **ret_room);
void room_destroy(struct room *room);

/* Closes it for good: peers are disconnected, the webhook is told, everything is freed. */
void room_close(struct room *room);
/* The same for all rooms at once, when the server ends: the rooms may come back, and no webhook is told. */
void room_end(struct room *room);

/* A place for one more peer. The oldest unused place gives way when there are too many; -ENOSPC when all are
 * taken, -ESHUTDOWN while the rooms are draining. */
int room_add_peer(struct room *room, unsigned role, struct peer **ret_peer);
/* NULL for none that came; peer_id may be NULL. */
struct peer *room_get_peer(struct room *room, const char *peer_id);
/* With its token, compared in constant time. NULL for none; arguments may be NULL. */
struct peer *room_find_peer(struct room *room, const char *peer_id, const char *auth_token);

/* To every peer that came, but except (or NULL). Steals data. */
void room_notify(struct room *room, const struct peer *except, const char *method, json_t *data);
/* The same for news of peers, which may wait a little at clients that hear many (gateway.h): in a large room
 * everybody is told of everybody who comes. Takes over event. */
void room_report(struct room *room, const struct peer *except, struct event_text event);
/* The same, to those that have any bit of role. */
void room_notify_role(struct room *room, unsigned role, const char *method, json_t *data);

/* For peer: it came for the first time, it goes for ever. */
void room_peer_came(struct room *room, struct peer *peer);
void room_peer_gone(struct room *room, struct peer *peer);
/* Closes what departed peers had, and frees them. */
void room_bury(struct room *room);
