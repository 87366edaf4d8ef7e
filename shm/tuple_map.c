#include "shm/tuple_map.h"

#include <errno.h>
#include <string.h>

#include "shm/seqlock.h"

enum { SLOT_NEVER = 0, SLOT_USED = 1, SLOT_DELETED = 2 };

/* The part of a slot behind its sequence that a reader copies. */
struct slot_body {
    uint64_t sequence_and_state;
    struct shm_address remote;
    uint64_t transport;
    uint64_t worker;
};
_Static_assert(sizeof(struct slot_body) == 48, "the words of struct shm_tuple_slot up to worker");

static uint32_t hash(const struct tuple_map *map, const struct shm_address *remote)
{
    uint64_t words[3];
    memcpy(words, remote, sizeof words);
    uint64_t h = (words[0] ^ map->seed[0]) * 0x9e3779b97f4a7c15ull;
    h = (h ^ words[1] ^ h >> 32) * 0xbf58476d1ce4e5b9ull;
    h = (h ^ words[2] ^ map->seed[1] ^ h >> 29) * 0x94d049bb133111ebull;
    return (uint32_t)(h ^ h >> 32);
}

static bool same(const struct shm_address *a, const struct shm_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void tuple_map_init(struct tuple_map *map, struct shm_tuple_slot *slots, uint32_t capacity,
                    const uint64_t seed[2])
{
    map->slots = slots;
    map->mask = capacity - 1;
    memcpy(map->seed, seed, sizeof map->seed);
}

shm_handle tuple_map_find(const struct tuple_map *map, const struct shm_address *remote, uint32_t *ret_worker)
{
    uint32_t start = hash(map, remote);
    for (uint32_t i = 0; i <= map->mask; i++) {
        struct shm_tuple_slot *slot = &map->slots[(start + i) & map->mask];
        struct slot_body body;
        if (seqlock_read(&slot->sequence, &body, slot, sizeof body) != 0)
            continue;
        uint32_t state = (uint32_t)(body.sequence_and_state >> 32);
        if (state == SLOT_NEVER)
            return SHM_HANDLE_NONE;
        if (state == SLOT_USED && same(&body.remote, remote)) {
            *ret_worker = (uint32_t)body.worker;
            return body.transport;
        }
    }
    return SHM_HANDLE_NONE;
}

static void write_slot(struct shm_tuple_slot *slot, uint32_t state, const struct shm_address *remote,
                       shm_handle transport, uint32_t worker)
{
    seqlock_write_begin(&slot->sequence);
    __atomic_store_n(&slot->state, state, __ATOMIC_RELAXED);
    seqlock_copy(&slot->remote, remote, sizeof slot->remote);
    __atomic_store_n(&slot->transport, transport, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->worker, worker, __ATOMIC_RELAXED);
    seqlock_write_end(&slot->sequence);
}

/* The slot that holds remote, else NULL and the slot where it may go (NULL when there is none). */
static struct shm_tuple_slot *find_slot(struct tuple_map *map, const struct shm_address *remote,
                                        struct shm_tuple_slot **ret_free)
{
    uint32_t start = hash(map, remote);
    *ret_free = NULL;
    for (uint32_t i = 0; i <= map->mask; i++) {
        struct shm_tuple_slot *slot = &map->slots[(start + i) & map->mask];
        if (slot->state == SLOT_USED && same(&slot->remote, remote))
            return slot;
        if (slot->state != SLOT_USED && !*ret_free)
            *ret_free = slot;
        if (slot->state == SLOT_NEVER)
            return NULL;
    }
    return NULL;
}

int tuple_map_insert(struct tuple_map *map, const struct shm_address *remote, shm_handle transport,
                     uint32_t worker)
{
    struct shm_tuple_slot *room;
    struct shm_tuple_slot *slot = find_slot(map, remote, &room);
    if (!slot)
        slot = room;
    if (!slot)
        return -ENOSPC;
    write_slot(slot, SLOT_USED, remote, transport, worker);
    return 0;
}

void tuple_map_remove(struct tuple_map *map, const struct shm_address *remote, shm_handle transport)
{
    static const struct shm_address nowhere;
    struct shm_tuple_slot *room;
    struct shm_tuple_slot *slot = find_slot(map, remote, &room);
    if (!slot || slot->transport != transport)
        return;
    write_slot(slot, SLOT_DELETED, &nowhere, SHM_HANDLE_NONE, 0);

    /* Deleted slots that end a probe chain need not be probed any more. */
    uint32_t index = (uint32_t)(slot - map->slots);
    if (map->slots[(index + 1) & map->mask].state != SLOT_NEVER)
        return;
    while (map->slots[index].state == SLOT_DELETED) {
        write_slot(&map->slots[index], SLOT_NEVER, &nowhere, SHM_HANDLE_NONE, 0);
        index = (index - 1) & map->mask;
    }
}
