/* Mirrors: a producer's packets reach consumers on other workers because each such worker has a mirror of the
 * producer, and the producer's worker knows of its followers (proto/schema/forwarder.proto).
 *
 * The commands to one worker are executed in order, those to two are not. So the mirror stands in the same
 * ring as, and before, the consumers that need it; and the owner's order to send packets may come early or
 * late: packets without a mirror are dropped there, a mirror without packets waits. Nobody waits for an
 * answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct forwarder;
struct object_consumer;
struct object_producer;

/* Before the first consumer of producer on worker is installed. Does nothing when there is a mirror, or need
 * be none. -EAGAIN when a ring is full: nothing has changed then. */
int mirrors_add(struct forwarder *forwarder, const struct object_producer *producer, uint32_t worker);

/* Takes it away again when no consumer on worker is left. */
void mirrors_trim(struct forwarder *forwarder, const struct object_producer *producer, uint32_t worker);

/* Sends pause or remove to all mirrors of producer; whoever sends it to the owner, too. */
void mirrors_pause(struct forwarder *forwarder, const struct object_producer *producer, bool paused);
void mirrors_remove(struct forwarder *forwarder, const struct object_producer *producer);
