#include "shm/ring.h"

#include <errno.h>
#include <string.h>

/* In front of each record, 8-byte aligned. */
struct record {
    uint32_t length;
    uint32_t kind;
};

enum { RECORD_DATA = 1, RECORD_PADDING = 2 };

static uint64_t record_bytes(uint32_t length)
{
    return sizeof(struct record) + (((uint64_t)length + 7) & ~7ull);
}

static bool positions_are_sane(uint64_t head, uint64_t tail, uint32_t capacity)
{
    return head - tail <= capacity && (head & 7) == 0 && (tail & 7) == 0;
}

void ring_format(struct shm_ring *ring, uint32_t capacity)
{
    memset(ring, 0, sizeof *ring);
    ring->shared.capacity = capacity;
}

static int take_positions(struct shm_ring *ring, uint32_t capacity, uint64_t *ret_head, uint64_t *ret_tail)
{
    uint64_t head = atomic_load_explicit(&ring->producer.head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->consumer.tail, memory_order_acquire);
    if (ring->shared.capacity != capacity || !positions_are_sane(head, tail, capacity))
        return -EBADMSG;
    *ret_head = head;
    *ret_tail = tail;
    return 0;
}

int ring_producer_init(struct ring_producer *producer, struct shm_ring *ring, uint32_t capacity)
{
    struct ring_producer made = {.ring = ring, .capacity = capacity};
    int err = take_positions(ring, capacity, &made.head, &made.cached_tail);
    if (err == 0)
        *producer = made;
    return err;
}

int ring_consumer_init(struct ring_consumer *consumer, struct shm_ring *ring, uint32_t capacity)
{
    struct ring_consumer made = {.ring = ring, .capacity = capacity};
    int err = take_positions(ring, capacity, &made.cached_head, &made.tail);
    if (err == 0)
        *consumer = made;
    return err;
}

static bool has_room(struct ring_producer *producer, uint64_t bytes)
{
    if (producer->capacity - (producer->head - producer->cached_tail) >= bytes)
        return true;
    uint64_t tail = atomic_load_explicit(&producer->ring->consumer.tail, memory_order_acquire);
    if (!positions_are_sane(producer->head, tail, producer->capacity))
        return false;
    producer->cached_tail = tail;
    return producer->capacity - (producer->head - tail) >= bytes;
}

bool ring_has_free(struct ring_producer *producer, uint32_t bytes)
{
    return has_room(producer, bytes);
}

/* An empty ring starts over at its beginning: what no burst ever needed is never touched, and what is stays
 * in the caches. */
static bool starts_over(struct ring_producer *producer, uint32_t offset, uint64_t bytes)
{
    return offset >= RING_START_OVER_BYTES && bytes <= offset &&
           atomic_load_explicit(&producer->ring->consumer.tail, memory_order_acquire) == producer->head;
}

void *ring_reserve(struct ring_producer *producer, uint32_t length)
{
    struct shm_ring *ring = producer->ring;
    uint32_t offset = (uint32_t)producer->head & (producer->capacity - 1);
    uint32_t to_end = producer->capacity - offset;
    uint64_t bytes = record_bytes(length);
    uint32_t padding = bytes > to_end || starts_over(producer, offset, bytes) ? to_end : 0;

    if (length > SHM_RING_RECORD_MAX(producer->capacity) || !has_room(producer, padding + bytes)) {
        atomic_fetch_add_explicit(&ring->producer.refused, 1, memory_order_relaxed);
        return NULL;
    }
    if (padding > 0) {
        struct record *record = (struct record *)(ring->data + offset);
        record->length = padding - (uint32_t)sizeof *record;
        record->kind = RECORD_PADDING;
        offset = 0;
    }
    producer->reserved_head = producer->head + padding;
    producer->reserved_length = length;
    return ring->data + offset + sizeof(struct record);
}

void ring_commit(struct ring_producer *producer, uint32_t length)
{
    struct shm_ring *ring = producer->ring;
    uint32_t offset = (uint32_t)producer->reserved_head & (producer->capacity - 1);
    struct record *record = (struct record *)(ring->data + offset);

    if (length > producer->reserved_length)
        length = producer->reserved_length;
    record->length = length;
    record->kind = RECORD_DATA;
    producer->head = producer->reserved_head + record_bytes(length);
    atomic_store_explicit(&ring->producer.head, producer->head, memory_order_release);
}

int ring_push(struct ring_producer *producer, const void *data, uint32_t length)
{
    if (length > SHM_RING_RECORD_MAX(producer->capacity))
        return -EMSGSIZE;
    void *room = ring_reserve(producer, length);
    if (!room)
        return -ENOBUFS;
    memcpy(room, data, length);
    ring_commit(producer, length);
    return 0;
}

bool ring_wants_wake(struct ring_producer *producer)
{
    _Atomic uint32_t *sleeping = &producer->ring->consumer.sleeping;
    /* Orders the commit before the look at the flag; the consumer orders its two the other way round. */
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(sleeping, memory_order_relaxed) != 0 && atomic_exchange(sleeping, 0) != 0;
}

static void release_to(struct ring_consumer *consumer, uint64_t tail)
{
    consumer->tail = tail;
    atomic_store_explicit(&consumer->ring->consumer.tail, tail, memory_order_release);
}

static int skip_corrupt(struct ring_consumer *consumer)
{
    uint64_t head = atomic_load_explicit(&consumer->ring->producer.head, memory_order_acquire);
    atomic_fetch_add_explicit(&consumer->ring->consumer.corrupt, 1, memory_order_relaxed);
    consumer->cached_head = head & ~7ull;
    release_to(consumer, consumer->cached_head);
    return -EBADMSG;
}

/* Finds the oldest record and leaves it queued. */
static int look(struct ring_consumer *consumer, const void **ret_data, uint32_t *ret_length)
{
    struct shm_ring *ring = consumer->ring;

    for (;;) {
        if (consumer->tail == consumer->cached_head) {
            consumer->cached_head = atomic_load_explicit(&ring->producer.head, memory_order_acquire);
            if (consumer->tail == consumer->cached_head)
                return -EAGAIN;
            if (!positions_are_sane(consumer->cached_head, consumer->tail, consumer->capacity))
                return skip_corrupt(consumer);
        }
        uint32_t offset = (uint32_t)consumer->tail & (consumer->capacity - 1);
        const struct record *shared = (const struct record *)(ring->data + offset);
        /* Read once: the other process could change it between check and use. */
        uint32_t length = *(const volatile uint32_t *)&shared->length;
        uint32_t kind = *(const volatile uint32_t *)&shared->kind;
        uint64_t bytes = record_bytes(length);
        uint64_t to_end = consumer->capacity - offset;
        if (bytes > to_end || bytes > consumer->cached_head - consumer->tail)
            return skip_corrupt(consumer);
        if (kind == RECORD_PADDING && bytes == to_end) {
            release_to(consumer, consumer->tail + bytes);
            continue;
        }
        if (kind != RECORD_DATA)
            return skip_corrupt(consumer);
        consumer->peeked_tail = consumer->tail + bytes;
        *ret_data = ring->data + offset + sizeof *shared;
        *ret_length = length;
        return 0;
    }
}

const void *ring_peek(struct ring_consumer *consumer, uint32_t *ret_length)
{
    const void *data = NULL;
    *ret_length = 0;
    return look(consumer, &data, ret_length) == 0 ? data : NULL;
}

void ring_release(struct ring_consumer *consumer)
{
    release_to(consumer, consumer->peeked_tail);
}

int ring_pop(struct ring_consumer *consumer, void *ret_data, uint32_t size, uint32_t *ret_length)
{
    const void *data;
    uint32_t length;
    int err = look(consumer, &data, &length);
    if (err != 0)
        return err;
    if (length > size) {
        ring_release(consumer);
        return -EMSGSIZE;
    }
    memcpy(ret_data, data, length);
    *ret_length = length;
    ring_release(consumer);
    return 0;
}

bool ring_sleep(struct ring_consumer *consumer)
{
    struct shm_ring *ring = consumer->ring;
    atomic_store(&ring->consumer.sleeping, 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->producer.head, memory_order_acquire) == consumer->tail)
        return true;
    ring_awake(consumer);
    return false;
}

void ring_awake(struct ring_consumer *consumer)
{
    atomic_store_explicit(&consumer->ring->consumer.sleeping, 0, memory_order_relaxed);
}
