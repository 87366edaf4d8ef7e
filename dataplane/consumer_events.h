/* What control is told of a consumer when it changes: its layers, its scores. What changes them is a packet
 * of whoever sends, or a report of whoever receives, as often as these like; so it is noted, and told in the
 * transport's turn, how it stands then, twice a second of each consumer at most. An event ring that is full
 * delays it, and it takes none of the room of other events. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CONSUMER_EVENTS_INTERVAL_US 500000u

struct consumer;
struct transport;
struct worker;

/* Of one consumer; all zeroes: nothing is to be told. */
struct consumer_events {
    uint64_t told_us;
    bool layers; /* changed since; likewise */
    bool score;
};

/* What is forwarded to it may have changed; only where there are layers to speak of. */
void consumer_events_layers(struct consumer *consumer);

/* Its score has, or one of its producer's. */
void consumer_events_score(struct consumer *consumer);

void consumer_events_turn(struct worker *worker, struct transport *transport);
