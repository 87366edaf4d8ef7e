#include "control/console/drain.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "control/log.h"
#include "control/room/rooms.h"
#include "control/webhook/webhook.h"

#define LOOK_MS 100
/* Looks that must all find nothing: clients and the console are told by then. */
#define LOOKS_EMPTY 3

struct drain {
    struct event_base *base;
    struct rooms *rooms;
    const struct webhook *webhook;
    struct event *timer;
    unsigned looks_empty;
};

static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct drain *drain = context;
    (void)fd;
    (void)what;
    bool empty = rooms_count(drain->rooms) == 0 && webhook_pending(drain->webhook) == 0;
    drain->looks_empty = empty ? drain->looks_empty + 1 : 0;
    if (drain->looks_empty < LOOKS_EMPTY)
        return;
    log_info("console", "drained: ending");
    event_base_loopexit(drain->base, NULL);
}

int drain_create(struct event_base *base, struct rooms *rooms, const struct webhook *webhook,
                 struct drain **ret_drain)
{
    struct drain *drain = calloc(1, sizeof(*drain));
    if (!drain)
        return -ENOMEM;
    *drain = (struct drain){.base = base, .rooms = rooms, .webhook = webhook};
    drain->timer = event_new(base, -1, EV_PERSIST, on_look, drain);
    if (!drain->timer) {
        free(drain);
        return -ENOMEM;
    }
    *ret_drain = drain;
    return 0;
}

void drain_destroy(struct drain *drain)
{
    if (!drain)
        return;
    event_free(drain->timer);
    free(drain);
}

void drain_start(struct drain *drain)
{
    struct timeval interval = {.tv_usec = LOOK_MS * 1000L};
    rooms_set_draining(drain->rooms, true);
    drain->looks_empty = 0;
    event_add(drain->timer, &interval);
}

void drain_stop(struct drain *drain)
{
    rooms_set_draining(drain->rooms, false);
    event_del(drain->timer);
}
