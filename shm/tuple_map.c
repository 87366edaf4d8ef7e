#include "shm/tuple_map.h"

#include <errno.h>
#include <string.h>

#include "shm/seqlock.h"

enum { SLOT_FREE = 0, SLOT_USED = 1 };

#define ENTRY_NEVER 0u
#define ENTRY_DELETED UINT32_MAX

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

void tuple_map_init(struct tuple_map *map, struct shm_tuple_slot *slots, struct shm_tuple_index *index,
                    uint32_t capacity, const uint64_t seed[2])
{
    map->slots = slots;
    map->index = index->entries;
    map->mask = capacity - 1;
    memcpy(map->seed, seed, sizeof map->seed);
    map->first_free = 0;
    map->free_slot = 0;
}

shm_handle tuple_map_find(const struct tuple_map *map, const struct shm_address *remote, uint32_t *ret_worker)
{
    uint32_t start = hash(map, remote);
    for (uint32_t i = 0; i <= map->mask; i++) {
        uint32_t entry = atomic_load_explicit(&map->index[(start + i) & map->mask], memory_order_acquire);
        struct slot_body body;
        if (entry == ENTRY_NEVER)
            return SHM_HANDLE_NONE;
        if (entry - 1 > map->mask) /* deleted */
            continue;
        const struct shm_tuple_slot *slot = &map->slots[entry - 1];
        if (seqlock_read(&slot->sequence, &body, slot, sizeof body) != 0)
            continue;
        if (body.sequence_and_state >> 32 == SLOT_USED && same(&body.remote, remote)) {
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

/* Control is the only writer: what it reads needs no order. */
static uint32_t entry_at(const struct tuple_map *map, uint32_t at)
{
    return atomic_load_explicit(&map->index[at & map->mask], memory_order_relaxed);
}

/* The place in the index of remote, or -1; then the place where it may go (-1 when there is none). */
static int64_t find_place(const struct tuple_map *map, const struct shm_address *remote, int64_t *ret_room)
{
    uint32_t start = hash(map, remote);
    *ret_room = -1;
    for (uint32_t i = 0; i <= map->mask; i++) {
        uint32_t at = (start + i) & map->mask;
        uint32_t entry = entry_at(map, at);
        if (entry - 1 <= map->mask) {
            const struct shm_tuple_slot *slot = &map->slots[entry - 1];
            if (slot->state == SLOT_USED && same(&slot->remote, remote))
                return at;
            continue;
        }
        if (*ret_room < 0)
            *ret_room = at;
        if (entry == ENTRY_NEVER)
            return -1;
    }
    return -1;
}

/* A slot that was filled just before its writer was killed stands in no index, and is free too. */
static bool is_free(const struct tuple_map *map, uint32_t slot)
{
    int64_t room;

    if (map->slots[slot].state != SLOT_USED)
        return true;
    int64_t place = find_place(map, &map->slots[slot].remote, &room);
    return place < 0 || entry_at(map, (uint32_t)place) != slot + 1;
}

/* One that was given back, which names the next such one in place of a transport; else one never used. */
static bool take_slot(struct tuple_map *map, uint32_t *ret_slot)
{
    if (map->free_slot != 0) {
        *ret_slot = map->free_slot - 1;
        uint64_t next = map->slots[*ret_slot].transport;
        map->free_slot = next <= map->mask + 1ull ? (uint32_t)next : 0; /* the memory is shared */
        return true;
    }
    while (map->first_free <= map->mask && !is_free(map, map->first_free))
        map->first_free++;
    if (map->first_free > map->mask)
        return false;
    *ret_slot = map->first_free++;
    return true;
}

int tuple_map_insert(struct tuple_map *map, const struct shm_address *remote, shm_handle transport,
                     uint32_t worker)
{
    int64_t room;
    int64_t place = find_place(map, remote, &room);

    if (place >= 0) {
        write_slot(&map->slots[entry_at(map, (uint32_t)place) - 1], SLOT_USED, remote, transport, worker);
        return 0;
    }
    uint32_t slot;
    if (room < 0 || !take_slot(map, &slot))
        return -ENOSPC;
    write_slot(&map->slots[slot], SLOT_USED, remote, transport, worker);
    atomic_store_explicit(&map->index[room], slot + 1, memory_order_release);
    return 0;
}

void tuple_map_remove(struct tuple_map *map, const struct shm_address *remote, shm_handle transport)
{
    static const struct shm_address nowhere;
    int64_t room;
    int64_t place = find_place(map, remote, &room);

    if (place < 0)
        return;
    uint32_t at = (uint32_t)place, slot = entry_at(map, at) - 1;
    if (map->slots[slot].transport != transport)
        return;
    atomic_store_explicit(&map->index[at], ENTRY_DELETED, memory_order_release);
    write_slot(&map->slots[slot], SLOT_FREE, &nowhere, map->free_slot, 0);
    map->free_slot = slot + 1;

    /* Deleted entries that end a probe chain need not be probed any more. */
    if (entry_at(map, at + 1) != ENTRY_NEVER)
        return;
    for (; entry_at(map, at) == ENTRY_DELETED; at--)
        atomic_store_explicit(&map->index[at & map->mask], ENTRY_NEVER, memory_order_release);
}
