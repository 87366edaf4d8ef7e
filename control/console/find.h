/* Finds what an administrator means: by its id, or by the beginning of it that nothing else has. Walks all
 * rooms, which is good enough for somebody who types. */
#pragma once

#include <stddef.h>

struct consumer;
struct peer;
struct peer_transport;
struct producer;
struct room;
struct rooms;

enum found_kind {
    FOUND_ROOM = 1,
    FOUND_PEER = 2, /* those that were invited and have not come too */
    FOUND_TRANSPORT = 4,
    FOUND_PRODUCER = 8,
    FOUND_CONSUMER = 16,
};
#define FOUND_ANY 31u

struct found {
    enum found_kind kind;
    const char *id;
    union {
        struct room *room;
        struct peer *peer;
        struct peer_transport *transport;
        struct producer *producer;
        struct consumer *consumer;
    };
};

/* Calls visit for everything of these kinds whose id begins so, until it returns a number other than 0, and
 * returns that. visit changes nothing. */
int find_each(const struct rooms *rooms, unsigned kinds, const char *prefix,
              int (*visit)(void *context, const struct found *found), void *context);

/* The only one. -ENOENT, or -ENOTUNIQ when several begin so; "" is never enough. */
int find_one(const struct rooms *rooms, unsigned kinds, const char *prefix, struct found *ret_found);

/* "room", "peer" and so on. */
const char *find_kind_name(enum found_kind kind);
/* 0 for no kind's name. */
unsigned find_kind_parse(const char *name);
