/* A room's speakers: what the forwarder hears of them, and who is told. Clients that ask for it
 * (observeSpeakers) hear activeSpeaker {peerId} when another peer gets the floor, and audioLevels {levels:
 * [{peerId, level}]} with what has changed in the last FLOOR_LEVELS_MS. Others hear neither: nothing tells
 * that a client of the contract would take them well, and levels are the most frequent of all notifications.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/room/speakers.h"

struct peer;
struct room;

#define FLOOR_LEVELS_MS 250u
#define FLOOR_SILENCE_DBOV (-127)

struct floor {
    struct speakers speakers; /* of the peers that came */
    unsigned levels_observers;
    struct event *levels_timer; /* NULL until a peer observes levels */
    bool levels_wait;           /* it runs */
};

/* What a peer has asked for. */
struct floor_observer {
    bool speaker;
    bool levels;
};

void floor_init(struct room *room);
void floor_deinit(struct room *room);
void floor_add(struct peer *peer);
void floor_remove(struct peer *peer);

/* CLOCK_MONOTONIC. */
uint64_t floor_now_ms(void);

/* A report of one of the peer's microphones. */
void floor_hear(struct peer *peer, unsigned loudness, unsigned speech, uint64_t now_ms);

/* Returns 0 or -ENOMEM. */
int floor_observe(struct peer *peer, struct floor_observer wanted);

/* Whose speaker it is. */
struct peer *floor_peer(struct speaker *speaker);
/* The peer that has the floor, or NULL. */
struct peer *floor_holder(const struct room *room);
/* In dBov, FLOOR_SILENCE_DBOV to 0. */
int floor_level(const struct peer *peer, uint64_t now_ms);
