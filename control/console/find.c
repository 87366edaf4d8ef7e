#include "control/console/find.h"

#include <errno.h>
#include <string.h>

#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

struct search {
    unsigned kinds;
    const char *prefix;
    size_t prefix_length;
    int (*visit)(void *context, const struct found *found);
    void *context;
};

static int offer(const struct search *search, const struct found *found)
{
    if (!(search->kinds & found->kind) || strncmp(found->id, search->prefix, search->prefix_length) != 0)
        return 0;
    return search->visit(search->context, found);
}

static int search_peer(const struct search *search, struct peer *peer)
{
    int stop = offer(search, &(struct found){.kind = FOUND_PEER, .id = peer->id, .peer = peer});
    struct peer_transport *transport;
    TAILQ_FOREACH(transport, &peer->transports, link)
    if (!stop)
        stop = offer(search, &(struct found){.kind = FOUND_TRANSPORT,
                                             .id = peer_transport_id(transport),
                                             .transport = transport});
    struct producer *producer;
    TAILQ_FOREACH(producer, &peer->producers, link)
    if (!stop)
        stop =
            offer(search, &(struct found){.kind = FOUND_PRODUCER, .id = producer->id, .producer = producer});
    struct consumer *consumer;
    TAILQ_FOREACH(consumer, &peer->consumers, peer_link)
    if (!stop)
        stop =
            offer(search, &(struct found){.kind = FOUND_CONSUMER, .id = consumer->id, .consumer = consumer});
    return stop;
}

int find_each(const struct rooms *rooms, unsigned kinds, const char *prefix,
              int (*visit)(void *context, const struct found *found), void *context)
{
    struct search search = {kinds, prefix, strlen(prefix), visit, context};
    for (struct room *room = rooms_next(rooms, NULL); room; room = rooms_next(rooms, room)) {
        int stop = offer(&search, &(struct found){.kind = FOUND_ROOM, .id = room->id, .room = room});
        struct peer *peer;
        TAILQ_FOREACH(peer, &room->peers, link)
        if (!stop)
            stop = search_peer(&search, peer);
        TAILQ_FOREACH(peer, &room->places, link)
        if (!stop)
            stop = search_peer(&search, peer);
        if (stop)
            return stop;
    }
    return 0;
}

static int take(void *context, const struct found *found)
{
    struct found *taken = context;
    if (taken->id)
        return -ENOTUNIQ;
    *taken = *found;
    return 0;
}

int find_one(const struct rooms *rooms, unsigned kinds, const char *prefix, struct found *ret_found)
{
    struct found taken = {.id = NULL};
    if (!*prefix)
        return -ENOENT;
    int error = find_each(rooms, kinds, prefix, take, &taken);
    if (!error && !taken.id)
        error = -ENOENT;
    if (!error)
        *ret_found = taken;
    return error;
}

static const struct {
    enum found_kind kind;
    const char *name;
} kinds_by_name[] = {
    {FOUND_ROOM, "room"},         {FOUND_PEER, "peer"},         {FOUND_TRANSPORT, "transport"},
    {FOUND_PRODUCER, "producer"}, {FOUND_CONSUMER, "consumer"},
};
#define KIND_COUNT (sizeof(kinds_by_name) / sizeof(kinds_by_name[0]))

const char *find_kind_name(enum found_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds_by_name[i].kind == kind)
            return kinds_by_name[i].name;
    return "thing";
}

unsigned find_kind_parse(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds_by_name[i].name, name) == 0)
            return kinds_by_name[i].kind;
    return 0;
}
