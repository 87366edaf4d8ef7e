/* The packet store: plain packets in slots of one size, a circle of them for each worker.
 *
 * A worker writes to its own circle alone; whoever else wants a packet is told its position, a number that is
 * never used twice and says the slot too. There are no reference counts: nobody holds a slot. A reader looks
 * whether the slot still holds its position before it reads and once more after the last byte was read (by
 * the cipher); what was overwritten in between is dropped and counted. So no reader, dead or alive, can stop
 * a writer, and a forwarded packet writes to no cache line that two workers share. A circle is thousands of
 * packets, a reference lives for microseconds.
 *
 * All consumers of a stream read the same slot, and will read it again for retransmission: a stream's history
 * is a list of positions. */
#pragma once

#include <stdatomic.h>

#include "shm/abi.h"

#define SHM_SLOT_BYTES 2048u
#define SHM_SLOT_FACTS_BYTES 192u
#define SHM_SLOT_DATA_BYTES (SHM_SLOT_BYTES - 256u)

struct shm_slot {
    SHM_ALIGNED _Atomic uint64_t life; /* position + 1 of the packet in it; 0 while it is written */
    uint64_t received_us;              /* CLOCK_MONOTONIC */
    shm_handle stream;                 /* of a packet; none of a datagram as it came */
    uint32_t length;
    uint32_t payload_type; /* index in the producer's list */
    uint32_t restarts;     /* of the stream, up to this packet */
    uint16_t sequence;     /* its number, as it was received */
    uint8_t reserved[26];
    uint8_t facts[SHM_SLOT_FACTS_BYTES]; /* what its worker parsed: struct packet_view of dataplane/ */
    uint8_t data[SHM_SLOT_DATA_BYTES];
};
SHM_STATIC_SIZE(struct shm_slot, SHM_SLOT_BYTES);

/* What a circle says of itself: a new process goes on with its numbers. */
struct shm_store_head {
    SHM_ALIGNED uint64_t next; /* position */
    uint8_t reserved[56];
};
SHM_STATIC_SIZE(struct shm_store_head, 64);

struct shm_segment;

struct packet_store {
    struct shm_slot *slots; /* of all workers */
    struct shm_store_head *head;
    struct shm_slot *own;
    uint64_t next;
    uint32_t count; /* slots of one worker */
    uint32_t workers;
};

/* worker: whose circle is written to. */
void packet_store_init(struct packet_store *store, const struct shm_segment *segment, uint32_t worker);

/* The oldest slot, to be filled; what it held is gone. */
struct shm_slot *packet_store_begin(struct packet_store *store);

/* Publishes the slot. Returns its position. */
uint64_t packet_store_commit(struct packet_store *store, struct shm_slot *slot);

/* Whether slot holds that packet, and did all the time since it was found: to be asked after the reading. */
static inline bool packet_store_holds(const struct shm_slot *slot, uint64_t position)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit((_Atomic uint64_t *)&slot->life, memory_order_relaxed) == position + 1;
}

/* The slot with the packet at position of worker's circle, or NULL when another is in its place by now. */
const struct shm_slot *packet_store_find(const struct packet_store *store, uint32_t worker,
                                         uint64_t position);
