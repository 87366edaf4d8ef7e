/* The packet store: plain packets, a circle of chunks for each worker.
 *
 * A worker writes to its own circle alone, one packet behind the other, each as long as it needs to be.
 * Whoever else wants a packet is told its position, a byte offset that is never used twice: position /
 * SHM_CHUNK_BYTES is the serial number of a chunk, and the circle's table says at which place in memory the
 * chunk with that number stands. When a chunk is full, the next number goes to the place of the oldest chunk
 * if the newest packet in that is older than SHM_STORE_KEEP_US, else to a place that is free, and so to
 * memory that was not touched before. So a circle takes the memory of what came within that time, up to the
 * size that was configured, from where on the oldest chunk goes, however young it is; packet_store_trim gives
 * back what a busier time took.
 *
 * SHM_STORE_KEEP_US is what the users can use: retransmission sends nothing that is older
 * (RETRANSMIT_VIDEO_US), what the pacer queues goes within one second and is dropped after two
 * (PACER_LATE_US), and a receiver that begins is not shown an older key frame (CATCH_UP_AGE_MAX_US). Beside
 * that, references live for microseconds, and a stream's history names its 512 newest packets at most.
 *
 * There are no reference counts: nobody holds a packet. `first`, the number of the oldest chunk, is raised
 * before a byte of that chunk is written over. A reader looks at it before it reads and once more after the
 * last byte was read (by the cipher); what was overwritten in between is dropped and counted. Nothing that
 * stands in a chunk is asked whether it is a packet, since senders choose what stands there: positions alone
 * say so, and they are told when their packet is whole (`next` is behind it). So no reader, dead or alive,
 * can stop a writer, and a writer that is killed leaves nothing behind that is half a packet.
 *
 * All consumers of a stream read the same packet, and will read it again for retransmission: a stream's
 * history is a list of positions. */
#pragma once

#include <stdatomic.h>

#include "shm/abi.h"

#define SHM_CHUNK_BYTES 32768u /* a power of two, whole pages */
#define SHM_PACKET_FACTS_MAX 192u
#define SHM_PACKET_DATA_MAX 1792u
#define SHM_STORE_KEEP_US 2000000u
#define SHM_STORE_QUIET_US 4000000u /* a chunk that old was not needed for a new number either */

struct shm_packet {
    SHM_ALIGNED uint64_t received_us; /* CLOCK_MONOTONIC */
    shm_handle stream;                /* of a packet; none of a datagram as it came */
    uint32_t restarts;                /* of the stream, up to this packet */
    uint16_t sequence;                /* its number, as it was received */
    uint16_t payload_type;            /* index in the producer's list */
    uint16_t facts_bytes;             /* of what its worker parsed: struct packet_view of dataplane/ */
    uint16_t length;                  /* of what was received, behind that */
    uint8_t reserved[4];
    uint8_t bytes[]; /* both */
};
SHM_STATIC_SIZE(struct shm_packet, 64);

#define SHM_PACKET_HEAD_BYTES 32u

/* An entry of a circle's table, which is read in two ways. */
struct shm_store_chunk {
    _Atomic uint32_t place;  /* of the chunk whose number leaves this entry as remainder */
    uint32_t ended_ms;       /* when the newest packet came to that; low half, valid once it is full */
    uint32_t following_free; /* of the place with this entry's index: the next free one + 1, or 0 */
    uint32_t reserved;
};
SHM_STATIC_SIZE(struct shm_store_chunk, 16);

/* What a circle says of itself: a new process goes on with its numbers. */
struct shm_store_head {
    SHM_ALIGNED _Atomic uint64_t first; /* number of the oldest chunk that is whole */
    uint8_t reserved[56];
    SHM_ALIGNED _Atomic uint64_t next; /* position behind the newest packet */
    uint32_t begun;                    /* places from here on were never used */
    uint8_t reserved_next[52];
};
SHM_STATIC_SIZE(struct shm_store_head, 128);

struct shm_segment;

struct packet_store {
    /* Of all workers. */
    uint8_t *memory;
    uint8_t *tables;
    struct shm_store_head *heads;
    uint32_t table_bytes; /* of one worker */
    uint32_t count;       /* chunks of one worker */
    uint32_t workers;

    /* Of the own circle. */
    uint8_t *own_memory;
    struct shm_store_chunk *own_chunks;
    struct shm_store_head *head;
    uint64_t first;
    uint64_t next;
    uint64_t end; /* of the newest chunk; next where there is none */
    struct shm_packet *begun;
    uint32_t reserved; /* bytes of what was begun */
    uint32_t last_ms;  /* when the newest packet came */
    uint32_t free;     /* place + 1 of a list, 0 = none */
    int fd;            /* the segment's, borrowed */
    uint64_t own_offset;
};

/* A packet that a position led to. */
struct packet_place {
    const struct shm_packet *packet; /* NULL: none, what is told of it stays */
    const struct shm_store_head *head;
    uint64_t position;
};

/* worker: whose circle is written to. */
void packet_store_init(struct packet_store *store, const struct shm_segment *segment, uint32_t worker,
                       uint64_t now_us);

/* Room for a packet of so many bytes, facts and data, at most SHM_PACKET_FACTS_MAX and SHM_PACKET_DATA_MAX.
 * What has stood there is gone, also when the packet is not committed. */
struct shm_packet *packet_store_begin(struct packet_store *store, uint32_t bytes, uint64_t now_us);

/* Publishes what was begun last. */
struct packet_place packet_store_commit(struct packet_store *store);

/* Gives the memory of the oldest chunk back to the system, if the circle got along without it for
 * SHM_STORE_QUIET_US. Whether it was so. */
bool packet_store_trim(struct packet_store *store, uint64_t now_us);

/* Whether the packet stands there, and did all the time since it was found: to be asked after the reading. */
static inline bool packet_store_holds(const struct packet_place *place)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit((_Atomic uint64_t *)&place->head->first, memory_order_relaxed) <=
           place->position / SHM_CHUNK_BYTES;
}

/* How many bytes from packet->bytes on are of its chunk: more may not be read, whatever the packet says. */
static inline uint32_t packet_store_room(const struct packet_place *place)
{
    return SHM_CHUNK_BYTES - (uint32_t)(place->position % SHM_CHUNK_BYTES) - SHM_PACKET_HEAD_BYTES;
}

/* The packet at position of worker's circle. False when there is none (any more). */
bool packet_store_find(const struct packet_store *store, uint32_t worker, uint64_t position,
                       struct packet_place *ret_place);

/* Whose circle the place is in. */
static inline uint32_t packet_store_worker(const struct packet_store *store, const struct packet_place *place)
{
    return (uint32_t)(place->head - store->heads);
}
