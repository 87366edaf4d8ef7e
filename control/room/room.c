#include "control/room/room.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/log.h"
#include "control/room/event.h"
#include "control/room/peer.h"
#include "control/room/rooms.h"
#include "control/webhook/webhook.h"

static void set_timer(struct room *room, unsigned delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    event_add(room->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    room_close(context);
}

int room_create(struct rooms *rooms, struct room **ret_room)
{
    const struct rooms_config *config = rooms_get_config(rooms);
    struct room *room = calloc(1, sizeof(*room));
    if (!room)
        return -ENOMEM;
    room->rooms = rooms;
    room->created_at = time(NULL);
    TAILQ_INIT(&room->places);
    TAILQ_INIT(&room->peers);
    TAILQ_INIT(&room->departed);
    floor_init(room);
    int error = ids_uuid(room->id);
    if (!error && !(room->timer = event_new(config->base, -1, 0, on_timer, room)))
        error = -ENOMEM;
    if (error) {
        room_destroy(room);
        return error;
    }
    set_timer(room, config->unused_ms);
    *ret_room = room;
    return 0;
}

void room_destroy(struct room *room)
{
    if (!room)
        return;
    room_bury(room);
    struct peer *peer;
    while ((peer = TAILQ_FIRST(&room->places))) {
        TAILQ_REMOVE(&room->places, peer, link);
        peer_destroy(peer);
    }
    floor_deinit(room);
    if (room->timer)
        event_free(room->timer);
    free(room);
}

void room_end(struct room *room)
{
    log_info("room", "room %s closes", room->id);
    room->closing = true;
    struct peer *peer;
    /* All at once: nobody is told that the others have gone. */
    TAILQ_FOREACH(peer, &room->peers, link)
    peer_drop(peer);
    while ((peer = TAILQ_FIRST(&room->peers)))
        peer_close(peer);
    rooms_remove_room(room->rooms, room);
    room_destroy(room);
}

void room_close(struct room *room)
{
    webhook_post(rooms_get_config(room->rooms)->webhook,
                 json_pack("{s:s,s:s}", "roomId", room->id, "event", "roomClosed"));
    room_end(room);
}

int room_add_peer(struct room *room, unsigned role, struct peer **ret_peer)
{
    if (rooms_is_draining(room->rooms))
        return -ESHUTDOWN;
    if (room->place_count + room->peer_count >= rooms_get_config(room->rooms)->room_peers_max) {
        struct peer *oldest = TAILQ_FIRST(&room->places);
        if (!oldest) {
            log_every_s(10, log_warn, "room", "room %s is full: it has %zu peers", room->id,
                        room->peer_count);
            counters_count(COUNTER_PEERS_REFUSED);
            return -ENOSPC;
        }
        peer_close(oldest);
    }
    struct peer *peer;
    int error = peer_create(room, role, &peer);
    if (error)
        return error;
    TAILQ_INSERT_TAIL(&room->places, peer, link);
    room->place_count++;
    if (!room->came)
        set_timer(room, rooms_get_config(room->rooms)->unused_ms);
    *ret_peer = peer;
    return 0;
}

static struct peer *find_in(struct peer_list *list, const char *peer_id)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, list, link)
    if (strcmp(peer->id, peer_id) == 0)
        return peer;
    return NULL;
}

struct peer *room_get_peer(struct room *room, const char *peer_id)
{
    return peer_id ? find_in(&room->peers, peer_id) : NULL;
}

struct peer *room_find_peer(struct room *room, const char *peer_id, const char *auth_token)
{
    if (!peer_id || !auth_token || strlen(auth_token) != PEER_TOKEN_DIGITS)
        return NULL;
    struct peer *peer = find_in(&room->peers, peer_id);
    if (!peer)
        peer = find_in(&room->places, peer_id);
    if (!peer || CRYPTO_memcmp(peer->auth_token, auth_token, PEER_TOKEN_DIGITS) != 0)
        return NULL;
    return peer;
}

void room_notify(struct room *room, const struct peer *except, const char *method, json_t *data)
{
    struct event_text event = event_notification(method, data);
    struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    if (peer != except)
        outbox_notify(&peer->outbox, &event);
    event_text_deinit(&event);
}

void room_report(struct room *room, const struct peer *except, struct event_text event)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    if (peer != except)
        outbox_report(&peer->outbox, &event);
    event_text_deinit(&event);
}

void room_notify_role(struct room *room, unsigned role, const char *method, json_t *data)
{
    struct event_text event = event_notification(method, data);
    struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    if (peer->role & role)
        outbox_notify(&peer->outbox, &event);
    event_text_deinit(&event);
}

void room_peer_came(struct room *room, struct peer *peer)
{
    TAILQ_REMOVE(&room->places, peer, link);
    room->place_count--;
    TAILQ_INSERT_TAIL(&room->peers, peer, link);
    room->peer_count++;
    floor_add(peer);
    room->came = true;
    event_del(room->timer);
    rooms_peers_changed(room->rooms, 1);
}

void room_peer_gone(struct room *room, struct peer *peer)
{
    if (!peer->came) {
        TAILQ_REMOVE(&room->places, peer, link);
        room->place_count--;
        return;
    }
    TAILQ_REMOVE(&room->peers, peer, link);
    room->peer_count--;
    floor_remove(peer);
    if (room->peer_count == 0)
        set_timer(room, rooms_get_config(room->rooms)->room_linger_ms);
    rooms_peers_changed(room->rooms, -1);
}

void room_bury(struct room *room)
{
    struct peer *peer;
    while ((peer = TAILQ_FIRST(&room->departed))) {
        TAILQ_REMOVE(&room->departed, peer, link);
        peer_destroy(peer);
    }
}
