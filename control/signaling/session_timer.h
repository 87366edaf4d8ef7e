/* A one-shot timer of a session; a file of its own so that tests of sessions run on a clock of their own. */
#pragma once

struct event_base;
struct session_timer;

typedef void (*session_timer_fn)(void *context);

/* NULL when out of memory. */
struct session_timer *session_timer_create(struct event_base *base, session_timer_fn fire, void *context);
void session_timer_destroy(struct session_timer *timer);

/* Fires once, from the event loop; a timer that is running starts anew. */
void session_timer_set(struct session_timer *timer, unsigned delay_ms);
void session_timer_cancel(struct session_timer *timer);
