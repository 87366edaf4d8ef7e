#include "shm/packet_store.h"

#include <stddef.h>

#include "shm/segment.h"

void packet_store_init(struct packet_store *store, const struct shm_segment *segment, uint32_t worker)
{
    uint32_t count = segment->capacities.store_slots;

    *store = (struct packet_store){
        .slots = shm_segment_section(segment, SHM_SECTION_STORE),
        .head = shm_segment_at(segment, SHM_SECTION_STORE_HEAD, worker),
        .count = count,
        .workers = segment->capacities.workers,
    };
    store->own = store->slots + (size_t)worker * count;
    store->next = store->head->next;
}

struct shm_slot *packet_store_begin(struct packet_store *store)
{
    struct shm_slot *slot = &store->own[store->next % store->count];

    atomic_store_explicit(&slot->life, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* no byte is written before that is seen */
    return slot;
}

uint64_t packet_store_commit(struct packet_store *store, struct shm_slot *slot)
{
    uint64_t position = store->next++;

    store->head->next = store->next;
    atomic_store_explicit(&slot->life, position + 1, memory_order_release);
    return position;
}

const struct shm_slot *packet_store_find(const struct packet_store *store, uint32_t worker, uint64_t position)
{
    if (worker >= store->workers)
        return NULL;
    const struct shm_slot *slot = &store->slots[(size_t)worker * store->count + position % store->count];
    uint64_t life = atomic_load_explicit((_Atomic uint64_t *)&slot->life, memory_order_acquire);
    return life == position + 1 ? slot : NULL;
}
