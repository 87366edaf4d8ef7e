#include "control/room/rooms.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/forwarder/forwarder.h"
#include "control/log.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/stats.h"

struct rooms {
    struct rooms_config config;
    TAILQ_HEAD(, room) list; /* oldest first */
    void *by_id;             /* tsearch(3) tree of struct room */
    void *consumers;         /* likewise of struct consumer, by handle */
    void *producers;         /* and of struct producer */
    size_t count;
    size_t peer_count;
    uint64_t next_answer_id;
    bool draining;
};

void rooms_config_init(struct rooms_config *config)
{
    *config = (struct rooms_config){
        .peer_grace_ms = 10 * 1000,
        .room_linger_ms = 10 * 1000,
        .unused_ms = 3600 * 1000,
        .request_timeout_ms = 20 * 1000,
        .request_tries = 3,
        .place_ms = 600 * 1000,
        .rooms_max = 10000,
        .room_peers_max = 1000,
        .nickname_max = 512,
        .chat_bytes_max = 1000000,
    };
}

int rooms_create(const struct rooms_config *config, struct rooms **ret_rooms)
{
    struct rooms *rooms = calloc(1, sizeof(*rooms));
    if (!rooms)
        return -ENOMEM;
    rooms->config = *config;
    TAILQ_INIT(&rooms->list);
    *ret_rooms = rooms;
    return 0;
}

void rooms_destroy(struct rooms *rooms)
{
    if (!rooms)
        return;
    struct room *room;
    while ((room = TAILQ_FIRST(&rooms->list)))
        room_end(room);
    free(rooms);
}

const struct rooms_config *rooms_get_config(const struct rooms *rooms)
{
    return &rooms->config;
}

static int compare_rooms(const void *a, const void *b)
{
    return strcmp(((const struct room *)a)->id, ((const struct room *)b)->id);
}

static int compare_consumers(const void *a, const void *b)
{
    uint64_t left = ((const struct consumer *)a)->handle, right = ((const struct consumer *)b)->handle;
    return (left > right) - (left < right);
}

static int compare_producers(const void *a, const void *b)
{
    uint64_t left = ((const struct producer *)a)->handle, right = ((const struct producer *)b)->handle;
    return (left > right) - (left < right);
}

static void tell_counts(struct rooms *rooms)
{
    forwarder_set_counts(rooms->config.forwarder, (uint32_t)rooms->count, (uint32_t)rooms->peer_count);
}

void rooms_set_draining(struct rooms *rooms, bool draining)
{
    rooms->draining = draining;
}

bool rooms_is_draining(const struct rooms *rooms)
{
    return rooms->draining;
}

int rooms_open(struct rooms *rooms, struct room **ret_room)
{
    if (rooms->draining)
        return -ESHUTDOWN;
    if (rooms->count >= rooms->config.rooms_max) {
        log_every_s(10, log_warn, "room", "no room more: there are %zu", rooms->count);
        counters_count(COUNTER_ROOMS_REFUSED);
        return -ENOSPC;
    }
    struct room *room;
    int error = room_create(rooms, &room);
    if (error)
        return error;
    if (!tsearch(room, &rooms->by_id, compare_rooms)) {
        room_destroy(room);
        return -ENOMEM;
    }
    TAILQ_INSERT_TAIL(&rooms->list, room, link);
    rooms->count++;
    tell_counts(rooms);
    log_info("room", "room %s opens", room->id);
    *ret_room = room;
    return 0;
}

void rooms_remove_room(struct rooms *rooms, struct room *room)
{
    tdelete(room, &rooms->by_id, compare_rooms);
    TAILQ_REMOVE(&rooms->list, room, link);
    rooms->count--;
    tell_counts(rooms);
}

struct room *rooms_find(struct rooms *rooms, const char *id)
{
    if (!id || strlen(id) >= IDS_UUID_BYTES)
        return NULL;
    struct room key;
    strcpy(key.id, id);
    struct room *const *found = tfind(&key, &rooms->by_id, compare_rooms);
    return found ? *found : NULL;
}

struct room *rooms_next(const struct rooms *rooms, const struct room *room)
{
    return room ? TAILQ_NEXT(room, link) : TAILQ_FIRST(&rooms->list);
}

json_t *rooms_list(const struct rooms *rooms)
{
    json_t *list = json_array();
    const struct room *room;
    TAILQ_FOREACH(room, &rooms->list, link)
    json_array_append_new(
        list, json_pack("{s:s,s:I}", "roomId", room->id, "createdAt", (json_int_t)room->created_at));
    return list;
}

json_t *rooms_stats(const struct rooms *rooms)
{
    json_t *stats = json_object();
    const struct room *room;
    TAILQ_FOREACH(room, &rooms->list, link)
    json_object_set_new(stats, room->id, stats_room(room, true));
    return stats;
}

size_t rooms_count(const struct rooms *rooms)
{
    return rooms->count;
}

size_t rooms_count_peers(const struct rooms *rooms)
{
    return rooms->peer_count;
}

void rooms_peers_changed(struct rooms *rooms, int difference)
{
    rooms->peer_count += (size_t)difference;
    tell_counts(rooms);
}

struct outbox_config rooms_outbox_config(struct rooms *rooms)
{
    return (struct outbox_config){
        .base = rooms->config.base,
        .next_answer_id = &rooms->next_answer_id,
        .timeout_ms = rooms->config.request_timeout_ms,
        .tries = rooms->config.request_tries,
    };
}

int rooms_index_consumer(struct rooms *rooms, struct consumer *consumer)
{
    return tsearch(consumer, &rooms->consumers, compare_consumers) ? 0 : -ENOMEM;
}

void rooms_unindex_consumer(struct rooms *rooms, struct consumer *consumer)
{
    struct consumer *const *found = tfind(consumer, &rooms->consumers, compare_consumers);
    if (found && *found == consumer)
        tdelete(consumer, &rooms->consumers, compare_consumers);
}

int rooms_index_producer(struct rooms *rooms, struct producer *producer)
{
    return tsearch(producer, &rooms->producers, compare_producers) ? 0 : -ENOMEM;
}

void rooms_unindex_producer(struct rooms *rooms, struct producer *producer)
{
    struct producer *const *found = tfind(producer, &rooms->producers, compare_producers);
    if (found && *found == producer)
        tdelete(producer, &rooms->producers, compare_producers);
}

void rooms_audio_levels(struct rooms *rooms, const struct forwarder_level *levels, size_t count,
                        uint64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct producer key = {.handle = levels[i].producer};
        struct producer *const *found = tfind(&key, &rooms->producers, compare_producers);
        if (found)
            producer_heard(*found, levels[i].loudness, levels[i].speech, now_ms);
    }
}

static struct consumer *find_consumer(struct rooms *rooms, uint64_t handle)
{
    struct consumer key = {.handle = handle};
    struct consumer *const *found = tfind(&key, &rooms->consumers, compare_consumers);
    return found ? *found : NULL;
}

void rooms_layers_changed(struct rooms *rooms, uint64_t handle, int spatial, int temporal)
{
    struct consumer *consumer = find_consumer(rooms, handle);
    if (consumer)
        consumer_layers_changed(consumer, spatial, temporal);
}

void rooms_score_changed(struct rooms *rooms, uint64_t handle, unsigned score, unsigned producer_score,
                         const unsigned *producer_scores, size_t count)
{
    struct consumer *consumer = find_consumer(rooms, handle);
    if (consumer)
        consumer_score_changed(consumer, score, producer_score, producer_scores, count);
}

static void close_producers(struct peer *peer)
{
    struct producer *producer;
    while ((producer = TAILQ_FIRST(&peer->producers)))
        producer_close(producer);
}

/* No notification of the contract says that transports are gone: the client has to join anew. */
static void close_transports(struct peer *peer)
{
    struct peer_transport *transport;
    bool had_transports = !TAILQ_EMPTY(&peer->transports);
    while ((transport = TAILQ_FIRST(&peer->transports)))
        peer_transport_destroy(transport);
    if (had_transports)
        peer_depart(peer);
}

void rooms_forwarder_lost(struct rooms *rooms)
{
    struct room *room;
    struct peer *peer;
    struct peer *next;
    /* Closing the producers closes every consumer there is. */
    TAILQ_FOREACH(room, &rooms->list, link)
    {
        room->closing = true;
        room_bury(room);
        TAILQ_FOREACH(peer, &room->peers, link) close_producers(peer);
        for (peer = TAILQ_FIRST(&room->peers); peer; peer = next) {
            next = TAILQ_NEXT(peer, link); /* this one may depart */
            close_transports(peer);
        }
        room_bury(room);
        room->closing = false;
    }
    log_warn("room", "the forwarder has gone: all transports are closed, and their peers are disconnected");
}

static struct peer *find_owner(struct rooms *rooms, uint64_t handle)
{
    struct room *room;
    struct peer *peer;
    struct peer_transport *transport;
    TAILQ_FOREACH(room, &rooms->list, link)
    TAILQ_FOREACH(peer, &room->peers, link)
    TAILQ_FOREACH(transport, &peer->transports, link)
    if (peer_transport_handle(transport) == handle)
        return peer;
    return NULL;
}

void rooms_transport_failed(struct rooms *rooms, uint64_t handle)
{
    struct peer *peer = find_owner(rooms, handle);
    if (!peer)
        return;
    log_warn("room", "a transport has failed: its peer is disconnected");
    peer_close(peer);
}
