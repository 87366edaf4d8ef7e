#include "control/room/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/log.h"
#include "control/ortc/capabilities.h"
#include "control/room/consumer.h"
#include "control/room/ice_servers.h"
#include "control/room/last_n.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/rooms.h"

static void set_timer(struct peer *peer, unsigned delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    event_add(peer->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct peer *peer = context;
    if (!peer->came)
        counters_count(COUNTER_PLACES_EXPIRED);
    peer_close(peer);
}

int peer_create(struct room *room, unsigned role, struct peer **ret_peer)
{
    const struct rooms_config *config = rooms_get_config(room->rooms);
    struct peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return -ENOMEM;
    peer->room = room;
    peer->role = role;
    peer->camera_rank = LAST_N_NO_CAMERA;
    peer->nickname = json_false();
    peer->raised_hand = json_false();
    peer->language = json_null();
    TAILQ_INIT(&peer->transports);
    TAILQ_INIT(&peer->producers);
    TAILQ_INIT(&peer->consumers);
    struct outbox_config outbox = rooms_outbox_config(room->rooms);
    outbox_init(&peer->outbox, &outbox);

    int error = ids_uuid(peer->id);
    if (!error)
        error = ids_hex(peer->auth_token, PEER_TOKEN_DIGITS);
    if (!error && !(peer->timer = event_new(config->base, -1, 0, on_timer, peer)))
        error = -ENOMEM;
    if (error) {
        peer_destroy(peer);
        return error;
    }
    set_timer(peer, config->place_ms);
    *ret_peer = peer;
    return 0;
}

void peer_destroy(struct peer *peer)
{
    if (!peer)
        return;
    struct producer *producer;
    while ((producer = TAILQ_FIRST(&peer->producers)))
        producer_close(producer);
    struct consumer *consumer;
    while ((consumer = TAILQ_FIRST(&peer->consumers)))
        consumer_close(consumer, false);
    struct peer_transport *transport;
    while ((transport = TAILQ_FIRST(&peer->transports)))
        peer_transport_destroy(transport);
    outbox_deinit(&peer->outbox);
    if (peer->timer)
        event_free(peer->timer);
    ortc_capabilities_destroy(peer->capabilities);
    json_decref(peer->nickname);
    json_decref(peer->raised_hand);
    json_decref(peer->language);
    event_text_deinit(&peer->info);
    OPENSSL_cleanse(peer->auth_token, sizeof(peer->auth_token));
    free(peer);
}

static json_t *room_ready(const struct peer *peer)
{
    const struct rooms_config *config = rooms_get_config(peer->room->rooms);
    return json_pack("{s:o,s:s}", "iceServers",
                     ice_servers(config->turn_server, config->turn_static_secret, peer->id, time(NULL)),
                     "roomId", peer->room->id);
}

void peer_attach(struct peer *peer, const struct link *link)
{
    struct link old = peer->outbox.link;
    if (old.verbs) {
        outbox_detach(&peer->outbox);
        old.verbs->drop(old.context, false);
    }
    event_del(peer->timer);

    struct event_text first;
    if (peer->came) {
        first = event_notification("roomBack", json_object());
    } else {
        peer->came = true;
        room_peer_came(peer->room, peer);
        first = event_notification("roomReady", room_ready(peer));
    }
    outbox_attach(&peer->outbox, link, &first);
    event_text_deinit(&first);
}

void peer_detach(struct peer *peer, const void *context)
{
    if (peer->outbox.link.context != context)
        return;
    outbox_detach(&peer->outbox);
    set_timer(peer, rooms_get_config(peer->room->rooms)->peer_grace_ms);
}

void peer_drop(struct peer *peer)
{
    struct link link = peer->outbox.link;
    outbox_close(&peer->outbox);
    if (link.verbs)
        link.verbs->drop(link.context, true);
}

static void say_farewell(struct peer *peer)
{
    outbox_close(&peer->outbox);
    event_del(peer->timer);
    room_peer_gone(peer->room, peer);
    if (!peer->came)
        return;
    log_info("room", "peer %s has left room %s", peer->id, peer->room->id);
    room_report(peer->room, NULL, event_notification("peerClosed", json_pack("{s:s}", "peerId", peer->id)));
}

void peer_leave(struct peer *peer)
{
    say_farewell(peer);
    peer_destroy(peer);
}

void peer_depart(struct peer *peer)
{
    peer_drop(peer);
    say_farewell(peer);
    TAILQ_INSERT_TAIL(&peer->room->departed, peer, link);
}

void peer_close(struct peer *peer)
{
    peer_drop(peer);
    peer_leave(peer);
}

const struct event_text *peer_info(struct peer *peer)
{
    if (!peer->info.text)
        peer->info = event_text_dump(json_pack("{s:s,s:O,s:O*,s:i,s:O*}", "id", peer->id, "language",
                                               peer->language, "nickname", peer->nickname, "role",
                                               (int)peer->role, "raisedHand", peer->raised_hand));
    return &peer->info;
}

void peer_notify(struct peer *peer, const char *method, json_t *data)
{
    struct event_text event = event_notification(method, data);
    outbox_notify(&peer->outbox, &event);
    event_text_deinit(&event);
}

static void tell_change(struct peer *peer, const char *method, const char *key, json_t *value)
{
    room_report(peer->room, NULL,
                event_notification(method, json_pack("{s:s,s:O*}", "peerId", peer->id, key, value)));
}

static void replace(struct peer *peer, json_t **place, json_t *value)
{
    json_t *old = *place;
    *place = json_incref(value);
    json_decref(old);
    event_text_deinit(&peer->info);
}

static bool is_same(const json_t *a, const json_t *b)
{
    return a == b || (a && b && json_equal(a, b));
}

void peer_set_nickname(struct peer *peer, json_t *nickname)
{
    if (is_same(peer->nickname, nickname))
        return;
    replace(peer, &peer->nickname, nickname);
    tell_change(peer, "changeNickname", "nickname", nickname);
}

static double as_number(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : json_is_true(value);
}

/* As JavaScript's == for numbers, booleans, null and undefined: clients see 1 and true as the same hand. */
static bool is_like(const json_t *a, const json_t *b)
{
    bool a_is_nothing = !a || json_is_null(a);
    bool b_is_nothing = !b || json_is_null(b);
    if (a_is_nothing || b_is_nothing)
        return a_is_nothing && b_is_nothing;
    return as_number(a) == as_number(b);
}

void peer_set_raised_hand(struct peer *peer, json_t *raised_hand)
{
    if (is_like(peer->raised_hand, raised_hand))
        return;
    replace(peer, &peer->raised_hand, raised_hand);
    tell_change(peer, "changeRaisedHand", "raisedHand", raised_hand);
}

void peer_set_language(struct peer *peer, json_t *language)
{
    if (is_same(peer->language, language))
        return;
    replace(peer, &peer->language, language);
    tell_change(peer, "changeLanguage", "language", language);
}

static void silence_producers(struct peer *peer, bool silenced)
{
    struct producer *producer, *next;
    for (producer = TAILQ_FIRST(&peer->producers); producer; producer = next) {
        next = TAILQ_NEXT(producer, link);
        producer_silence(producer, silenced);
    }
}

void peer_set_role(struct peer *peer, unsigned role)
{
    if (role == peer->role)
        return;
    bool gains = role & ~peer->role & ROLE_PUBLISHER, loses = ~role & peer->role & ROLE_PUBLISHER;
    peer->role = role;
    event_text_deinit(&peer->info);
    if (gains || loses)
        silence_producers(peer, loses);
    if (gains)
        peer_set_raised_hand(peer, json_false());
    if (loses)
        peer_set_language(peer, json_null());
    room_report(
        peer->room, NULL,
        event_notification("changeRole", json_pack("{s:s,s:i}", "peerId", peer->id, "role", (int)role)));
}

struct peer_transport *peer_find_transport(const struct peer *peer, const char *id)
{
    struct peer_transport *transport;
    TAILQ_FOREACH(transport, &peer->transports, link)
    if (id && strcmp(peer_transport_id(transport), id) == 0)
        return transport;
    return NULL;
}

struct producer *peer_find_producer(const struct peer *peer, const char *id)
{
    struct producer *producer;
    TAILQ_FOREACH(producer, &peer->producers, link)
    if (id && strcmp(producer->id, id) == 0)
        return producer;
    return NULL;
}

struct consumer *peer_find_consumer(const struct peer *peer, const char *id)
{
    struct consumer *consumer;
    TAILQ_FOREACH(consumer, &peer->consumers, peer_link)
    if (id && strcmp(consumer->id, id) == 0)
        return consumer;
    return NULL;
}

struct peer_transport *peer_consuming_transport(const struct peer *peer)
{
    struct peer_transport *transport;
    TAILQ_FOREACH(transport, &peer->transports, link)
    if (transport->consuming)
        return transport;
    return NULL;
}
