#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "control/api/demo_names.h"
#include "control/ids.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

struct demo_name {
    char room_id[IDS_UUID_BYTES];
    char name[DEMO_NAME_BYTES_MAX + 1];
    TAILQ_ENTRY(demo_name) link;
};

struct demo_names {
    TAILQ_HEAD(, demo_name) list;
    size_t count;
};

int demo_names_create(struct demo_names **ret_names)
{
    struct demo_names *names = calloc(1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    TAILQ_INIT(&names->list);
    *ret_names = names;
    return 0;
}

static void remove_name(struct demo_names *names, struct demo_name *name)
{
    TAILQ_REMOVE(&names->list, name, link);
    names->count--;
    free(name);
}

void demo_names_destroy(struct demo_names *names)
{
    struct demo_name *name;
    while (names && (name = TAILQ_FIRST(&names->list)))
        remove_name(names, name);
    free(names);
}

static void forget_closed_rooms(struct demo_names *names, struct rooms *rooms)
{
    struct demo_name *name = TAILQ_FIRST(&names->list);
    while (name) {
        struct demo_name *next = TAILQ_NEXT(name, link);
        if (!rooms_find(rooms, name->room_id))
            remove_name(names, name);
        name = next;
    }
}

struct room *demo_names_find(struct demo_names *names, struct rooms *rooms, const char *name)
{
    const struct demo_name *found;
    TAILQ_FOREACH(found, &names->list, link)
    {
        struct room *room = strcmp(found->name, name) == 0 ? rooms_find(rooms, found->room_id) : NULL;
        if (room)
            return room;
    }
    return NULL;
}

int demo_names_add(struct demo_names *names, struct rooms *rooms, const char *name, const struct room *room)
{
    forget_closed_rooms(names, rooms);
    if (names->count >= DEMO_NAMES_MAX)
        return -ENOSPC;
    struct demo_name *added = calloc(1, sizeof(*added));
    if (!added)
        return -ENOMEM;
    strncpy(added->name, name, DEMO_NAME_BYTES_MAX);
    memcpy(added->room_id, room->id, sizeof(added->room_id));
    TAILQ_INSERT_TAIL(&names->list, added, link);
    names->count++;
    return 0;
}
