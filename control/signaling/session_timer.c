#include "control/signaling/session_timer.h"

#include <event2/event.h>
#include <stdlib.h>

struct session_timer {
    struct event *event;
    session_timer_fn fire;
    void *context;
};

static void on_event(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    const struct session_timer *timer = context;
    timer->fire(timer->context);
}

struct session_timer *session_timer_create(struct event_base *base, session_timer_fn fire, void *context)
{
    struct session_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    timer->fire = fire;
    timer->context = context;
    timer->event = event_new(base, -1, 0, on_event, timer);
    if (!timer->event) {
        free(timer);
        return NULL;
    }
    return timer;
}

void session_timer_destroy(struct session_timer *timer)
{
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
}

void session_timer_set(struct session_timer *timer, unsigned delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    event_add(timer->event, &delay);
}

void session_timer_cancel(struct session_timer *timer)
{
    event_del(timer->event);
}
