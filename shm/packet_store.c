#include "shm/packet_store.h"

#include <fcntl.h>
#include <stddef.h>

#include "shm/segment.h"

#define PACKET_ALIGNMENT SHM_CACHE_LINE

_Static_assert(offsetof(struct shm_packet, bytes) == SHM_PACKET_HEAD_BYTES, "bytes follow the head");
_Static_assert(SHM_PACKET_HEAD_BYTES + SHM_PACKET_FACTS_MAX + SHM_PACKET_DATA_MAX <= SHM_CHUNK_BYTES,
               "a packet fits into a chunk");

static struct shm_store_chunk *entry_of(const struct packet_store *store, uint64_t serial)
{
    return &store->own_chunks[serial % store->count];
}

static uint64_t chunks_begun(const struct packet_store *store)
{
    return (store->next + SHM_CHUNK_BYTES - 1) / SHM_CHUNK_BYTES;
}

static void free_place(struct packet_store *store, uint32_t place)
{
    store->own_chunks[place].following_free = store->free;
    store->free = place + 1;
}

/* Finds out which places are used. False when what the head and the table say cannot be. */
static bool adopt(struct packet_store *store)
{
    const uint32_t used = UINT32_MAX;
    uint64_t begun = chunks_begun(store);

    if (store->first > begun || begun - store->first > store->count || store->head->begun > store->count)
        return false;
    for (uint32_t place = 0; place < store->head->begun; place++)
        store->own_chunks[place].following_free = 0;
    for (uint64_t serial = store->first; serial < begun; serial++) {
        uint32_t place = atomic_load_explicit(&entry_of(store, serial)->place, memory_order_relaxed);
        if (place >= store->head->begun || store->own_chunks[place].following_free == used)
            return false;
        store->own_chunks[place].following_free = used;
    }
    for (uint32_t place = store->head->begun; place-- > 0;) {
        if (store->own_chunks[place].following_free != used)
            free_place(store, place);
    }
    return true;
}

/* Behind all positions that were told, where the table is of no use. */
static void begin_anew(struct packet_store *store)
{
    uint64_t newest = chunks_begun(store);

    store->first = newest > store->first ? newest : store->first;
    store->next = store->first * SHM_CHUNK_BYTES;
    store->free = 0;
    store->head->begun = 0;
    atomic_store_explicit(&store->head->first, store->first, memory_order_relaxed);
    atomic_store_explicit(&store->head->next, store->next, memory_order_release);
}

void packet_store_init(struct packet_store *store, const struct shm_segment *segment, uint32_t worker,
                       uint64_t now_us)
{
    uint32_t count = segment->capacities.store_chunks;
    const struct shm_section *section = &segment->sections[SHM_SECTION_STORE];

    *store = (struct packet_store){
        .memory = shm_segment_section(segment, SHM_SECTION_STORE),
        .tables = shm_segment_section(segment, SHM_SECTION_STORE_CHUNKS),
        .heads = shm_segment_section(segment, SHM_SECTION_STORE_HEAD),
        .table_bytes = segment->sections[SHM_SECTION_STORE_CHUNKS].stride,
        .count = count,
        .workers = segment->capacities.workers,
        .own_memory = shm_segment_at(segment, SHM_SECTION_STORE, worker * count),
        .own_chunks = shm_segment_at(segment, SHM_SECTION_STORE_CHUNKS, worker),
        .head = shm_segment_at(segment, SHM_SECTION_STORE_HEAD, worker),
        .last_ms = (uint32_t)(now_us / 1000),
        .own_offset = section->offset + (uint64_t)worker * count * section->stride,
        .fd = segment->fd,
    };
    store->first = atomic_load_explicit(&store->head->first, memory_order_relaxed);
    store->next = atomic_load_explicit(&store->head->next, memory_order_relaxed);
    if (!adopt(store))
        begin_anew(store);
    else if (store->first == chunks_begun(store)) /* killed when the newest chunk had just been given up */
        store->next = store->first * SHM_CHUNK_BYTES;
    store->end = chunks_begun(store) * SHM_CHUNK_BYTES;
}

/* Takes the place of the oldest chunk: from here on nobody may believe what he reads there. */
static uint32_t take_oldest(struct packet_store *store)
{
    uint32_t place = atomic_load_explicit(&entry_of(store, store->first)->place, memory_order_relaxed);

    atomic_store_explicit(&store->head->first, ++store->first, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* no byte is written before that is seen */
    return place;
}

static uint32_t take_free(struct packet_store *store)
{
    if (store->free == 0)
        return store->head->begun++;
    uint32_t place = store->free - 1;
    store->free = store->own_chunks[place].following_free;
    return place;
}

static bool is_oldest_older(const struct packet_store *store, uint64_t now_us, uint32_t age_us)
{
    return (uint32_t)(now_us / 1000) - entry_of(store, store->first)->ended_ms > age_us / 1000;
}

static void begin_chunk(struct packet_store *store, uint64_t now_us)
{
    uint64_t serial = store->end / SHM_CHUNK_BYTES;
    uint64_t whole = serial - store->first;
    bool has_free = store->free != 0 || store->head->begun < store->count;

    if (whole > 0)
        entry_of(store, serial - 1)->ended_ms = store->last_ms;
    bool reuses = whole > 0 && (!has_free || is_oldest_older(store, now_us, SHM_STORE_KEEP_US));
    uint32_t place = reuses ? take_oldest(store) : take_free(store);
    atomic_store_explicit(&entry_of(store, serial)->place, place, memory_order_relaxed);
    store->next = store->end;
    store->end += SHM_CHUNK_BYTES;
}

static uint8_t *memory_at(uint8_t *circle, uint32_t place, uint64_t position)
{
    return circle + (uint64_t)place * SHM_CHUNK_BYTES + position % SHM_CHUNK_BYTES;
}

struct shm_packet *packet_store_begin(struct packet_store *store, uint32_t bytes, uint64_t now_us)
{
    store->reserved =
        (SHM_PACKET_HEAD_BYTES + bytes + PACKET_ALIGNMENT - 1) / PACKET_ALIGNMENT * PACKET_ALIGNMENT;
    if (store->reserved > store->end - store->next)
        begin_chunk(store, now_us);
    store->last_ms = (uint32_t)(now_us / 1000);
    uint64_t serial = store->end / SHM_CHUNK_BYTES - 1;
    uint32_t place = atomic_load_explicit(&entry_of(store, serial)->place, memory_order_relaxed);
    store->begun = (struct shm_packet *)memory_at(store->own_memory, place, store->next);
    return store->begun;
}

struct packet_place packet_store_commit(struct packet_store *store)
{
    struct packet_place place = {.packet = store->begun, .head = store->head, .position = store->next};

    store->next += store->reserved;
    atomic_store_explicit(&store->head->next, store->next, memory_order_release);
    return place;
}

bool packet_store_trim(struct packet_store *store, uint64_t now_us)
{
    uint64_t begun = store->end / SHM_CHUNK_BYTES;

    if (begun < store->first + 2 || !is_oldest_older(store, now_us, SHM_STORE_QUIET_US))
        return false;
    uint32_t place = take_oldest(store);
    (void)fallocate(store->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t)(store->own_offset + (uint64_t)place * SHM_CHUNK_BYTES), SHM_CHUNK_BYTES);
    free_place(store, place);
    return true;
}

bool packet_store_find(const struct packet_store *store, uint32_t worker, uint64_t position,
                       struct packet_place *ret_place)
{
    uint64_t serial = position / SHM_CHUNK_BYTES;

    if (worker >= store->workers || position % PACKET_ALIGNMENT != 0)
        return false;
    struct shm_store_head *head = &store->heads[worker];
    if (position >= atomic_load_explicit(&head->next, memory_order_acquire))
        return false;
    struct shm_store_chunk *chunks = (void *)(store->tables + (size_t)worker * store->table_bytes);
    uint32_t place = atomic_load_explicit(&chunks[serial % store->count].place, memory_order_relaxed);
    if (place >= store->count)
        return false;
    uint8_t *memory = store->memory + (uint64_t)worker * store->count * SHM_CHUNK_BYTES;
    struct packet_place found = {.packet = (struct shm_packet *)memory_at(memory, place, position),
                                 .head = head,
                                 .position = position};
    if (!packet_store_holds(&found)) /* nor is the place, where a newer chunk is told of by now */
        return false;
    *ret_place = found;
    return true;
}
