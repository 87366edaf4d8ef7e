/* A ring with one producer and one consumer, of records of any length, in shared memory.
 *
 * The producer reserves, writes and commits; the consumer peeks and releases, or pops a copy. Neither ever
 * waits. Both sides keep their own position privately and read the other's from the shared struct, where a
 * value that cannot be is answered by -EBADMSG, never followed: what stands in the ring was written by
 * another process. After -EBADMSG the consumer skips all that is queued. A producer that is killed between
 * reserve and commit leaves no trace.
 *
 * The consumer may sleep: it sets `sleeping`, looks once more, and blocks on a descriptor that the producer
 * writes to when ring_wants_wake() says so. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "shm/abi.h"

/* Positions are free-running byte counts; the data of capacity bytes (a power of two) follows the struct. */
struct shm_ring {
    SHM_ALIGNED struct {
        uint32_t capacity;
    } shared;
    SHM_ALIGNED struct {
        _Atomic uint64_t head;    /* committed bytes */
        _Atomic uint64_t refused; /* records that found the ring full */
    } producer;
    SHM_ALIGNED struct {
        _Atomic uint64_t tail; /* released bytes */
        _Atomic uint32_t sleeping;
        uint32_t reserved;
        _Atomic uint64_t corrupt; /* times the consumer met a record that cannot be */
    } consumer;
    SHM_ALIGNED uint8_t data[];
};
SHM_STATIC_SIZE(struct shm_ring, 192);

#define SHM_RING_BYTES(capacity) (sizeof(struct shm_ring) + (size_t)(capacity))

/* A ring that is empty behind these bytes goes on at its beginning. */
#define RING_START_OVER_BYTES (128u << 10)

/* A record costs 8 bytes more than its length, rounded up to 8. None is longer than a quarter of the ring. */
#define SHM_RING_RECORD_MAX(capacity) ((capacity) / 4 - 8)

struct ring_producer {
    struct shm_ring *ring;
    uint32_t capacity;
    uint32_t reserved_length;
    uint64_t head;
    uint64_t cached_tail;
    uint64_t reserved_head;
};

struct ring_consumer {
    struct shm_ring *ring;
    uint32_t capacity;
    uint64_t tail;
    uint64_t cached_head;
    uint64_t peeked_tail;
};

/* Makes an empty ring of zeroed memory of SHM_RING_BYTES(capacity). */
void ring_format(struct shm_ring *ring, uint32_t capacity);

/* Takes up one side where it (or the one before it) left off. capacity is the one this process knows from the
 * segment's header. -EBADMSG when the shared struct disagrees or its positions cannot be. */
int ring_producer_init(struct ring_producer *producer, struct shm_ring *ring, uint32_t capacity);
int ring_consumer_init(struct ring_consumer *consumer, struct shm_ring *ring, uint32_t capacity);

/* Room for a record of up to length bytes, 8-byte aligned, or NULL (counted) when there is none. */
void *ring_reserve(struct ring_producer *producer, uint32_t length);

/* Whether so many bytes are free, records' own included. */
bool ring_has_free(struct ring_producer *producer, uint32_t bytes);

/* Publishes the reserved record with its final length, at most what was reserved. */
void ring_commit(struct ring_producer *producer, uint32_t length);

/* ring_reserve, memcpy, ring_commit. -ENOBUFS when full, -EMSGSIZE when no ring of this size can hold it. */
int ring_push(struct ring_producer *producer, const void *data, uint32_t length);

/* The consumer sleeps: after a commit, write to its descriptor. Clears the flag, so that one producer wakes
 * once. */
bool ring_wants_wake(struct ring_producer *producer);

/* The oldest record in place, or NULL with *ret_length 0 when empty. The bytes stay valid until ring_release,
 * but the producer could still write them: read each byte once, or copy. A record that cannot be is skipped
 * with all that follows it, and counted. */
const void *ring_peek(struct ring_consumer *consumer, uint32_t *ret_length);
void ring_release(struct ring_consumer *consumer);

/* Copies the oldest record out and releases it. -EAGAIN when empty, -EMSGSIZE (record dropped) when longer
 * than size, -EBADMSG when the ring held what cannot be. */
int ring_pop(struct ring_consumer *consumer, void *ret_data, uint32_t size, uint32_t *ret_length);

/* Announces that this consumer is about to block; returns false (and takes it back) when a record is waiting.
 */
bool ring_sleep(struct ring_consumer *consumer);
void ring_awake(struct ring_consumer *consumer);
