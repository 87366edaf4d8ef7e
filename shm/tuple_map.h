/* From a remote address to the transport that has proved (by ICE) to live there, and to its worker.
 *
 * Control is the only writer, and writes a tuple before it answers the check that validated it; workers only
 * read. A zeroed index by hash, with open addressing, says in which slot a tuple stands; slots are taken from
 * the first on, so that as many pages are touched as there are tuples, and not a page for each. A slot
 * carries a sequence of its own, so that a reader never sees half of it and never waits: one that is being
 * written reads as not there. The index entry of a tuple never moves. */
#pragma once

#include <stdatomic.h>

#include "shm/datagram.h"

struct shm_tuple_slot {
    _Atomic uint32_t sequence; /* odd while it is written */
    uint32_t state;            /* 0 free, 1 in use */
    struct shm_address remote;
    uint64_t transport;
    uint64_t worker; /* that owns it */
    uint64_t reserved[2];
};
SHM_STATIC_SIZE(struct shm_tuple_slot, 64);

/* A cache line of the index. An entry: 0 never used, UINT32_MAX deleted, else the number of its slot plus
 * one. */
#define SHM_TUPLE_ENTRIES 16u
struct shm_tuple_index {
    SHM_ALIGNED _Atomic uint32_t entries[SHM_TUPLE_ENTRIES];
};
SHM_STATIC_SIZE(struct shm_tuple_index, 64);

struct tuple_map {
    struct shm_tuple_slot *slots;
    _Atomic uint32_t *index;
    uint32_t mask;
    uint32_t first_free; /* control's: slots below it are in use, or in the list of free ones */
    uint32_t free_slot;  /* likewise: the first of that list + 1, 0 = none; see tuple_map.c */
    uint64_t seed[2];
};

/* capacity as in the segment's header: a power of two, of slots and of index entries. seed: the segment's
 * secret, the same for all, so that nobody who has many addresses can have them stand behind one another. */
void tuple_map_init(struct tuple_map *map, struct shm_tuple_slot *slots, struct shm_tuple_index *index,
                    uint32_t capacity, const uint64_t seed[2]);

/* The transport at remote with its worker, or SHM_HANDLE_NONE. */
shm_handle tuple_map_find(const struct tuple_map *map, const struct shm_address *remote,
                          uint32_t *ret_worker);

/* Control only. Inserts, or moves remote to another transport. -ENOSPC when the map is full: it is made four
 * times as large as what its transports may insert, so that probes stay short. */
int tuple_map_insert(struct tuple_map *map, const struct shm_address *remote, shm_handle transport,
                     uint32_t worker);
/* Control only. Removes remote if it belongs to transport. */
void tuple_map_remove(struct tuple_map *map, const struct shm_address *remote, shm_handle transport);
