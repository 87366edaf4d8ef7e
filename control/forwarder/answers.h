/* What becomes of commands: a worker answers each, in their order, and which of them a killed forwarder took
 * along shows by the answers that do not come.
 *
 * A command that was at work when its forwarder was killed may be done, half done or not done, and must not
 * be done again: keys that are installed a second time would begin their SRTP indices anew. So the transport
 * that it was for is given up (on_failed of forwarder.h). Only removals are said once more. The same happens
 * to the transport of a refused installation, which can only be a defect. */
#pragma once

#include <stdint.h>

#include "proto/schema/forwarder.pb-c.h"

struct forwarder;

struct answers_entry {
    uint64_t sequence;
    uint64_t handle; /* of the transport that it is for; of what it removes, if it does */
    uint32_t body;   /* Km__Command__BodyCase */
};

/* Of one worker: those that are to be answered, oldest first. All zeroes: none. */
struct answers {
    struct answers_entry *entries; /* owned */
    uint32_t capacity;             /* a power of two */
    uint32_t first;
    uint32_t count;
};

/* Makes room for one more. -ENOMEM. To be called before the command is queued. */
int answers_reserve(struct answers *answers);

/* The command was queued, in the reserved room, under its sequence. */
void answers_expect(struct forwarder *forwarder, struct answers *answers, const Km__Command *command);

/* A worker answered. */
void answers_take(struct forwarder *forwarder, uint32_t worker, const Km__Ack *ack);

/* Nobody will answer any more. */
void answers_forget(struct answers *answers);
void answers_deinit(struct answers *answers);
