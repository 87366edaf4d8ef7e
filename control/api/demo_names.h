/* The demo page's helper: rooms by name, so that two people who type the same name meet. */
#pragma once

#include <stddef.h>

struct demo_names;
struct room;
struct rooms;

#define DEMO_NAMES_MAX 1000
#define DEMO_NAME_BYTES_MAX 128

int demo_names_create(struct demo_names **ret_names);
void demo_names_destroy(struct demo_names *names);

/* The living room of that name, or NULL. */
struct room *demo_names_find(struct demo_names *names, struct rooms *rooms, const char *name);
/* Remembers it. -ENOSPC over DEMO_NAMES_MAX living rooms, -ENOMEM. */
int demo_names_add(struct demo_names *names, struct rooms *rooms, const char *name, const struct room *room);
