#include "control/room/last_n.h"

#include <stddef.h>
#include <string.h>

#include "control/ortc/produce.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

/* What a rank means to the others: all see it, those see it who stand before it themselves, nobody does. */
enum place { NO_CAMERA, SEEN, EDGE, UNSEEN };

static size_t get_n(const struct room *room)
{
    return rooms_get_config(room->rooms)->last_n;
}

bool last_n_is_camera(const struct producer *producer)
{
    const char *source = json_string_value(json_object_get(producer->app_data, "source"));
    return producer->ortc->kind == MEDIA_VIDEO && (!source || strcmp(source, "screen") != 0);
}

static bool has_camera(const struct peer *peer)
{
    const struct producer *producer;
    TAILQ_FOREACH(producer, &peer->producers, link)
    if (last_n_is_camera(producer) && !producer->paused && !producer->silenced)
        return true;
    return false;
}

static enum place place_of(unsigned rank, size_t n)
{
    if (rank == LAST_N_NO_CAMERA)
        return NO_CAMERA;
    if (rank == n)
        return EDGE;
    return rank < n ? SEEN : UNSEEN;
}

bool last_n_hides(const struct consumer *consumer)
{
    size_t n = get_n(consumer->peer->room);
    if (n == 0 || !last_n_is_camera(consumer->producer))
        return false;
    switch (place_of(consumer->producer->peer->camera_rank, n)) {
    case UNSEEN:
        return true;
    case EDGE: /* a viewer is not one of its own N */
        return consumer->peer->camera_rank >= n;
    case NO_CAMERA:
    case SEEN:
        break;
    }
    return false;
}

/* False when the forwarder takes no orders: to be tried again with the next update. */
static bool apply(const struct peer *peer)
{
    const struct producer *producer;
    struct consumer *consumer;
    bool done = true;
    TAILQ_FOREACH(producer, &peer->producers, link)
    {
        if (!last_n_is_camera(producer))
            continue;
        TAILQ_FOREACH(consumer, &producer->consumers, producer_link)
        done &= consumer_hide(consumer, last_n_hides(consumer)) == 0;
    }
    return done;
}

void last_n_update(struct room *room)
{
    size_t n = get_n(room);
    if (n == 0 || room->closing)
        return;
    struct speaker *speaker;
    unsigned next_rank = 0;
    TAILQ_FOREACH(speaker, &room->floor.speakers.order, link)
    {
        struct peer *peer = floor_peer(speaker);
        unsigned rank = has_camera(peer) ? next_rank++ : LAST_N_NO_CAMERA;
        /* Whose place is as before is seen by the same viewers, unless they themselves have moved. */
        peer->rank_applied &= place_of(rank, n) == place_of(peer->camera_rank, n) && rank != n;
        peer->camera_rank = rank;
    }
    struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    if (!peer->rank_applied)
        peer->rank_applied = apply(peer);
}
