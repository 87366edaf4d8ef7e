/* What control is told of a consumer when it changes: its layers, its scores. What changes them is a packet
 * of whoever sends, or a report of whoever receives, as often as these like. Layers are told at once, so that
 * each step of a beginning is heard of, while there are tokens: twice a second in the long run, and
 * CONSUMER_EVENTS_BURST in a row. Beyond that, and for scores always, it is noted, and told in the
 * transport's turn how it stands then. An event ring that is full delays it, and it takes none of the room of
 * Acks. */
#pragma once

#include "dataplane/transport_table.h"

#define CONSUMER_EVENTS_RATE 2u /* a second, of layers and of scores each */
#define CONSUMER_EVENTS_BURST 8u

struct consumer;
struct worker;

/* Of one consumer; all zeroes: nothing is to be told. */
struct consumer_events {
    struct token_bucket quota; /* for layers */
    uint32_t scored_ms;        /* when its score was told last */
    bool layers;               /* have changed since they were told; likewise */
    bool score;
};

/* What is forwarded to it may have changed; only where there are layers to speak of. */
void consumer_events_layers(struct worker *worker, struct consumer *consumer);

/* Its score has, or one of its producer's. */
void consumer_events_score(struct consumer *consumer);

void consumer_events_turn(struct worker *worker, struct transport *transport);
