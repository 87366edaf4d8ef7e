#include "control/room/floor.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <time.h>

#include "control/room/event.h"
#include "control/room/last_n.h"
#include "control/room/peer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

struct peer *floor_peer(struct speaker *speaker)
{
    return (struct peer *)(void *)((char *)speaker - offsetof(struct peer, speaker));
}

uint64_t floor_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void floor_init(struct room *room)
{
    speakers_init(&room->floor.speakers);
}

void floor_deinit(struct room *room)
{
    if (room->floor.levels_timer)
        event_free(room->floor.levels_timer);
}

void floor_add(struct peer *peer)
{
    speakers_add(&peer->room->floor.speakers, &peer->speaker);
}

void floor_remove(struct peer *peer)
{
    (void)floor_observe(peer, (struct floor_observer){.speaker = false});
    speakers_remove(&peer->room->floor.speakers, &peer->speaker);
    peer->has_departed = true;
}

static void notify(const struct room *room, bool levels, const char *method, json_t *data)
{
    struct event_text event = event_notification(method, data);
    struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    if (levels ? peer->observer.levels : peer->observer.speaker)
        outbox_notify(&peer->outbox, &event);
    event_text_deinit(&event);
}

static void on_levels_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct room *room = context;
    json_t *levels = json_array();
    struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    {
        if (!peer->level_changed)
            continue;
        peer->level_changed = false;
        json_array_append_new(levels, json_pack("{s:s,s:i}", "peerId", peer->id, "level",
                                                FLOOR_SILENCE_DBOV + (int)peer->speaker.loudness));
    }
    room->floor.levels_wait = false;
    notify(room, true, "audioLevels", json_pack("{s:o}", "levels", levels));
}

static void levels_changed(struct peer *peer)
{
    struct floor *floor = &peer->room->floor;
    struct timeval delay = {.tv_usec = FLOOR_LEVELS_MS * 1000};

    if (floor->levels_observers == 0)
        return;
    peer->level_changed = true;
    if (!floor->levels_wait)
        floor->levels_wait = event_add(floor->levels_timer, &delay) == 0;
}

void floor_hear(struct peer *peer, unsigned loudness, unsigned speech, uint64_t now_ms)
{
    struct room *room = peer->room;
    if (peer->has_departed)
        return;
    levels_changed(peer);
    if (!speakers_hear(&room->floor.speakers, &peer->speaker, loudness, speech, now_ms))
        return;
    notify(room, false, "activeSpeaker", json_pack("{s:s}", "peerId", peer->id));
    last_n_update(room);
}

int floor_observe(struct peer *peer, struct floor_observer wanted)
{
    struct room *room = peer->room;
    struct floor *floor = &room->floor;
    if (wanted.levels && !floor->levels_timer) {
        floor->levels_timer = event_new(rooms_get_config(room->rooms)->base, -1, 0, on_levels_timer, room);
        if (!floor->levels_timer)
            return -ENOMEM;
    }
    floor->levels_observers -= peer->observer.levels;
    floor->levels_observers += wanted.levels;
    peer->observer = wanted;
    return 0;
}

struct peer *floor_holder(const struct room *room)
{
    return room->floor.speakers.dominant ? floor_peer(room->floor.speakers.dominant) : NULL;
}

int floor_level(const struct peer *peer, uint64_t now_ms)
{
    return FLOOR_SILENCE_DBOV + (int)speaker_loudness(&peer->speaker, now_ms);
}
