#include "dataplane/ssrc_map.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MIN_SLOTS 8u

int ssrc_map_init(struct ssrc_map *map, struct ssrc_map_slot *slots, uint32_t slot_count, uint32_t seed)
{
    if (slot_count < MIN_SLOTS || (slot_count & (slot_count - 1)) != 0)
        return -EINVAL;
    memset(slots, 0, slot_count * sizeof(*slots));
    *map =
        (struct ssrc_map){.slots = slots, .mask = slot_count - 1, .limit = slot_count / 4 * 3, .seed = seed};
    return 0;
}

/* Where a key's probing starts: the finalizer of MurmurHash3 over key and seed. */
static uint32_t ssrc_map_home(const struct ssrc_map *map, uint32_t transport, uint32_t ssrc)
{
    uint64_t hash = ((uint64_t)transport << 32 | ssrc) ^ map->seed * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdull;
    hash ^= hash >> 33;
    hash *= 0xc4ceb9fe1a85ec53ull;
    hash ^= hash >> 33;
    return (uint32_t)hash & map->mask;
}

/* The slot of a key, or the empty one where it belongs. Ends, because a quarter of the slots is empty. */
static uint32_t ssrc_map_probe(const struct ssrc_map *map, uint32_t transport, uint32_t ssrc)
{
    uint32_t i = ssrc_map_home(map, transport, ssrc);
    while (map->slots[i].used && (map->slots[i].ssrc != ssrc || map->slots[i].transport != transport))
        i = (i + 1) & map->mask;
    return i;
}

int ssrc_map_install(struct ssrc_map *map, uint32_t transport, uint32_t ssrc, uint32_t value)
{
    struct ssrc_map_slot *slot = &map->slots[ssrc_map_probe(map, transport, ssrc)];
    if (slot->used)
        return -EEXIST;
    if (map->count >= map->limit)
        return -ENOSPC;
    *slot = (struct ssrc_map_slot){.transport = transport, .ssrc = ssrc, .value = value, .used = 1};
    map->count++;
    return 0;
}

int ssrc_map_find(const struct ssrc_map *map, uint32_t transport, uint32_t ssrc, uint32_t *ret_value)
{
    const struct ssrc_map_slot *slot = &map->slots[ssrc_map_probe(map, transport, ssrc)];
    if (!slot->used)
        return -ENOENT;
    *ret_value = slot->value;
    return 0;
}

int ssrc_map_remove(struct ssrc_map *map, uint32_t transport, uint32_t ssrc)
{
    uint32_t hole = ssrc_map_probe(map, transport, ssrc);
    if (!map->slots[hole].used)
        return -ENOENT;

    /* What was pushed past the hole moves back, so that no probe ends too early. */
    for (uint32_t i = (hole + 1) & map->mask; map->slots[i].used; i = (i + 1) & map->mask) {
        uint32_t home = ssrc_map_home(map, map->slots[i].transport, map->slots[i].ssrc);
        if (((i - home) & map->mask) < ((i - hole) & map->mask))
            continue;
        map->slots[hole] = map->slots[i];
        hole = i;
    }
    map->slots[hole].used = 0;
    map->count--;
    return 0;
}
