#include "tools/kolabmeet-load/sink_map.h"

#include <stdlib.h>

#include "tools/kolabmeet-load/memory.h"

#define FIRST_SIZE 8

static size_t slot_of(const struct sink_map *map, uint32_t ssrc)
{
    size_t at = (ssrc * 2654435761u) >> 7 & (map->size - 1);
    while (map->slots[at].sink && map->slots[at].ssrc != ssrc)
        at = (at + 1) & (map->size - 1);
    return at;
}

static void insert(struct sink_map *map, uint32_t ssrc, struct media_sink *sink)
{
    struct sink_map_slot *slot = &map->slots[slot_of(map, ssrc)];
    map->count += slot->sink ? 0 : 1;
    *slot = (struct sink_map_slot){ssrc, sink};
}

/* All of them anew, into size slots. */
static void rebuild(struct sink_map *map, size_t size)
{
    struct sink_map old = *map;

    *map = (struct sink_map){.slots = memory_take(size, sizeof *map->slots), .size = size};
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].sink)
            insert(map, old.slots[i].ssrc, old.slots[i].sink);
    free(old.slots);
}

void sink_map_add(struct sink_map *map, uint32_t ssrc, struct media_sink *sink)
{
    if (2 * (map->count + 1) > map->size)
        rebuild(map, map->size > 0 ? 2 * map->size : FIRST_SIZE);
    insert(map, ssrc, sink);
}

void sink_map_remove(struct sink_map *map, uint32_t ssrc)
{
    if (map->size == 0)
        return;
    map->slots[slot_of(map, ssrc)].sink = NULL;
    rebuild(map, map->size); /* what stood behind it may have to move up */
}

struct media_sink *sink_map_find(const struct sink_map *map, uint32_t ssrc)
{
    return map->size == 0 ? NULL : map->slots[slot_of(map, ssrc)].sink;
}

void sink_map_deinit(struct sink_map *map)
{
    free(map->slots);
    *map = (struct sink_map){0};
}
