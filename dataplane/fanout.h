/* The consumers of a producer as forwarding goes through them: a line of cache for each, one behind the
 * other.
 *
 * A line says by itself which packets stop at it (the consumer is paused, has no address, is sent another
 * encoding), so that these cost no more than the line; and where all that the others need is, so that it can
 * be fetched while the consumer before is served. What it says is derived from the consumer's row and its
 * transport by fanout_refresh, and may lag behind to one side: a packet that could stop here may be let
 * through, and is then looked at as a whole; none is stopped that is to be sent. Consumers come and go by
 * commands, never while a packet is forwarded, so the lines stay where they are meanwhile. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/line_pool.h"
#include "shm/statistics.h"

struct consumer;
struct shm_consumer_row;
struct transport;

struct fanout_line {
    _Alignas(LINE_POOL_LINE_BYTES) struct consumer *consumer;
    struct shm_consumer_row *row;
    struct transport *transport;
    const struct shm_transport_row *transport_row;
    uint64_t dropped; /* packets that stopped here and are not yet in the row's count */
    uint8_t takes;    /* bit n: packets of encoding n are let through */
    uint8_t begins;   /* likewise, if they are of a key frame */
    uint8_t reason;   /* why others are not: enum statistics_drop */
};
_Static_assert(sizeof(struct fanout_line) == LINE_POOL_LINE_BYTES, "a consumer is one line");

struct fanout {
    struct fanout_line *lines; /* a block of the pool, NULL when there are none */
    uint32_t count;
    unsigned order; /* of the block */
};

/* Notes in consumer->line where it stands; what it takes is not known before fanout_refresh, so all.
 * -ENOMEM. */
int fanout_add(struct line_pool *pool, struct fanout *fanout, struct consumer *consumer);

/* The last consumer takes its place. */
void fanout_remove(struct line_pool *pool, struct fanout *fanout, struct consumer *consumer);

/* To be called when anything has changed that could let through what was stopped. */
void fanout_refresh(const struct consumer *consumer);

/* Whether a packet of that encoding, of a key frame or not, stops here. */
static inline bool fanout_stops(const struct fanout_line *line, unsigned encoding, bool key_frame)
{
    return !((line->takes | (key_frame ? line->begins : 0)) >> encoding & 1);
}

/* Whether nothing is stopped that the consumer would take: what tests look at. */
bool fanout_lets_through(const struct consumer *consumer);

/* Why the consumer is not sent what it ignores. */
enum statistics_drop fanout_reason(const struct consumer *consumer);

/* Packets that stopped are added to the row's count. */
void fanout_settle(const struct consumer *consumer);
