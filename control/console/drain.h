/* Draining: nothing new is let in, and when the last room has closed and the webhook has been told, the event
 * loop ends. */
#pragma once

#include <stdbool.h>

struct drain;
struct event_base;
struct rooms;
struct webhook;

/* webhook may be NULL. */
int drain_create(struct event_base *base, struct rooms *rooms, const struct webhook *webhook,
                 struct drain **ret_drain);
/* Before the rooms go. */
void drain_destroy(struct drain *drain);

void drain_start(struct drain *drain);
void drain_stop(struct drain *drain);
