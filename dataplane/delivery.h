/* One consumer's part in forwarding: which encodings and layers it is sent, and under which numbers. */
#pragma once

#include "dataplane/forward.h"

/* A packet for one consumer, in its turn: after those that the store still has for it (catch_up.h). What it
 * is not sent is counted by the reason. */
void delivery_flight(struct worker *worker, struct consumer *consumer, const struct flight *flight);

/* The consumer chooses anew what it is sent: something that the choice depends on has changed. A key frame is
 * asked for where one is needed, and control is told of a change. */
void delivery_update(struct worker *worker, struct consumer *consumer);
