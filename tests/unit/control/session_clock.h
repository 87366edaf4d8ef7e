/* A clock for sessions that stands still until a test moves it: found by the linker before session_timer.c.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "control/signaling/session_timer.h"

struct session_timer {
    LIST_ENTRY(session_timer) link;
    session_timer_fn fire;
    void *context;
    int64_t due_ms; /* -1: does not run */
};

static LIST_HEAD(, session_timer) clock_timers = LIST_HEAD_INITIALIZER(clock_timers);
static int64_t clock_ms;

struct session_timer *session_timer_create(struct event_base *base, session_timer_fn fire, void *context)
{
    (void)base;
    struct session_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    timer->fire = fire;
    timer->context = context;
    timer->due_ms = -1;
    LIST_INSERT_HEAD(&clock_timers, timer, link);
    return timer;
}

void session_timer_destroy(struct session_timer *timer)
{
    if (!timer)
        return;
    LIST_REMOVE(timer, link);
    free(timer);
}

void session_timer_set(struct session_timer *timer, unsigned delay_ms)
{
    timer->due_ms = clock_ms + delay_ms;
}

void session_timer_cancel(struct session_timer *timer)
{
    timer->due_ms = -1;
}

/* Moves the clock by ms, and fires what falls due on the way, in its order. */
static inline void clock_advance(unsigned ms)
{
    int64_t end = clock_ms + ms;
    for (;;) {
        struct session_timer *timer, *next = NULL;
        LIST_FOREACH(timer, &clock_timers, link)
        if (timer->due_ms >= 0 && timer->due_ms <= end && (!next || timer->due_ms < next->due_ms))
            next = timer;
        if (!next)
            break;
        clock_ms = next->due_ms > clock_ms ? next->due_ms : clock_ms;
        next->due_ms = -1;
        next->fire(next->context);
    }
    clock_ms = end;
}
