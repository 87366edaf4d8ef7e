#include "control/forwarder/removals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"
#include "control/log.h"

#define CAPACITY_MIN 64u

static int say(struct forwarder *forwarder, uint32_t worker, const struct removal *removal)
{
    Km__Remove remove = KM__REMOVE__INIT;
    remove.handle = removal->handle;
    return forwarder_send_now(forwarder, worker, (Km__Command__BodyCase)removal->body, &remove);
}

static void keep(struct removals *removals, const struct removal *removal)
{
    if (removals->first > removals->count) { /* what was said takes more room than what waits */
        memmove(removals->list, removals->list + removals->first, removals->count * sizeof *removals->list);
        removals->first = 0;
    }
    if (removals->first + removals->count == removals->capacity) {
        uint32_t capacity = removals->capacity ? removals->capacity * 2 : CAPACITY_MIN;
        struct removal *list = realloc(removals->list, capacity * sizeof *list);
        if (!list) {
            log_every_s(10, log_error, "forwarder", "no memory for what is to be removed");
            return;
        }
        removals->list = list;
        removals->capacity = capacity;
    }
    removals->list[removals->first + removals->count++] = *removal;
}

void removals_say(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body, uint64_t handle)
{
    const struct removal removal = {.handle = handle, .body = body};
    if (!forwarder->is_open)
        return;
    if (!removals_turn(forwarder, worker) || say(forwarder, worker, &removal) != 0)
        keep(&forwarder->workers[worker].removals, &removal);
}

bool removals_turn(struct forwarder *forwarder, uint32_t worker)
{
    struct removals *removals = &forwarder->workers[worker].removals;
    while (removals->count > 0) {
        if (say(forwarder, worker, &removals->list[removals->first]) != 0)
            return false;
        removals->first++;
        removals->count--;
    }
    removals->first = 0;
    return true;
}

void removals_forget(struct removals *removals)
{
    removals->first = removals->count = 0;
}

void removals_deinit(struct removals *removals)
{
    free(removals->list);
    *removals = (struct removals){0};
}
