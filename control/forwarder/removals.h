/* Removals are not refused: one that finds its worker's ring full waits here, and is said before anything
 * else is. Otherwise its row would stand for ever, and who gets its place in the table next would be refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/schema/forwarder.pb-c.h"

struct forwarder;

struct removal {
    uint64_t handle;
    uint32_t body; /* Km__Command__BodyCase, of those with a Km__Remove */
};

/* Of one worker: those that wait, oldest first. All zeroes: none. */
struct removals {
    struct removal *list; /* owned */
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
};

/* Tells the worker to remove it, now or later. */
void removals_say(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body, uint64_t handle);

/* Says what waits, as far as there is room. True: nothing waits any more. */
bool removals_turn(struct forwarder *forwarder, uint32_t worker);

/* Nothing stands any more. */
void removals_forget(struct removals *removals);
void removals_deinit(struct removals *removals);
