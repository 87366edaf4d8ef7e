/* The segment: one sealed memfd that holds all that both processes share.
 *
 * Control creates it with capacities that never change, the forwarder attaches to the descriptor it is
 * handed. The file is sealed against growing and shrinking, so that a mapping can never fault; its pages are
 * locked where the limits allow and left out of core dumps, because they hold keys. The header says magic,
 * ABI version, the size of itself and of each section's elements; attaching refuses what differs, and says
 * why. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shm/abi.h"

/* "kolabmt" and a line feed, as eight bytes in memory. */
#define SHM_MAGIC 0x0a746d62616c6f6bull

/* A row of the table of sections. All of a worker's rings stand in one section each, strided by worker. */
enum shm_section_kind {
    SHM_SECTION_LIVENESS,     /* struct shm_liveness: [0] control, [1] the forwarder, [2 + n] worker n */
    SHM_SECTION_COMMAND_RING, /* control -> worker: Command messages */
    SHM_SECTION_EVENT_RING,   /* worker -> control: Event messages */
    SHM_SECTION_PUNT_RING,    /* worker -> control: struct shm_datagram, STUN and DTLS from the network */
    SHM_SECTION_INJECT_RING,  /* control -> worker: struct shm_datagram, answers to send */
    SHM_SECTION_TUPLE_MAP,    /* struct shm_tuple_slot, written by control */
    SHM_SECTION_TUPLE_INDEX,  /* struct shm_tuple_index, likewise */
    SHM_SECTION_TRANSPORT,    /* struct shm_transport_row, written by the worker that owns the transport */
    SHM_SECTION_PRODUCER,     /* struct shm_producer_row, likewise */
    SHM_SECTION_STREAM,       /* struct shm_stream_row, likewise */
    SHM_SECTION_CONSUMER,     /* struct shm_consumer_row, likewise */
    SHM_SECTION_PEER_RING,    /* worker -> worker: struct shm_peer_record, row from * workers + to */
    SHM_SECTION_STORE_HEAD,   /* struct shm_store_head, by its worker */
    SHM_SECTION_STORE_CHUNKS, /* by worker: store_chunks of struct shm_store_chunk, by that worker */
    SHM_SECTION_STORE,        /* chunks of SHM_CHUNK_BYTES, store_chunks a worker, by that worker */
    SHM_SECTION_HISTORY,      /* struct shm_history, by stream, written by the worker that owns it */
    SHM_SECTION_SRTP_HEAD,    /* struct srtp_receive_head, by worker */
    SHM_SECTION_SRTP_RECEIVE, /* struct srtp_receive_stream: shm_segment_srtp_streams for each worker */
    SHM_SECTION_TWCC, /* struct twcc_feedback_state, by transport: of those that send to us, see has_twcc */
    SHM_SECTION_COUNT
};

struct shm_section {
    uint64_t offset; /* bytes from the start of the segment, cache-line aligned */
    uint32_t stride; /* bytes of one element */
    uint32_t count;  /* elements */
};

#define SHM_STORE_MIB 64u

struct shm_capacities {
    uint32_t workers;
    uint32_t transports;
    uint32_t producers;
    uint32_t streams;
    uint32_t consumers;
    uint32_t tuples;             /* a power of two */
    uint32_t command_ring_bytes; /* powers of two, all four */
    uint32_t event_ring_bytes;
    uint32_t punt_ring_bytes;
    uint32_t inject_ring_bytes;
    uint32_t peer_ring_bytes; /* a power of two */
    uint32_t store_chunks;    /* of each worker, at least 2 */
};

struct shm_header {
    uint64_t magic;
    uint32_t abi_version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    uint64_t created_us; /* CLOCK_REALTIME */
    uint64_t secret[2];  /* random; what it is used for must not be aimed at, or forged, from outside */
    struct shm_capacities capacities;
    struct shm_section sections[SHM_SECTION_COUNT];
};

/* This process's own copy of what the header said when it was checked: the shared one is not looked at again.
 */
struct shm_segment {
    struct shm_header *header; /* the mapping */
    size_t bytes;
    int fd; /* owned */
    uint64_t secret[2];
    struct shm_capacities capacities;
    struct shm_section sections[SHM_SECTION_COUNT];
};

/* The capacities of design.md: 8,192 transports, 16,384 streams, 262,144 consumers, a packet store of
 * SHM_STORE_MIB. */
struct shm_capacities shm_capacities_default(uint32_t workers);

/* How many chunks each worker gets of a packet store of that size. */
uint32_t shm_store_chunks(uint32_t store_mib, uint32_t workers);

/* Creates, sizes, seals and maps a new segment. -EINVAL for capacities of 0 or no power of two where one is
 * needed, else the errno of the system call. On success the caller owns *ret_segment until
 * shm_segment_deinit. */
int shm_segment_create(const struct shm_capacities *capacities, struct shm_segment *ret_segment);

/* Maps the segment behind fd and checks its header. Takes fd over on success only. -EPROTO with the reason in
 * words in ret_why (at most why_bytes with its end) when the other side was built otherwise. */
int shm_segment_attach(int fd, struct shm_segment *ret_segment, char *ret_why, size_t why_bytes);

/* Unmaps and closes. With wipe, all of the content is zeroed first (the last process of a deployment does
 * so). */
void shm_segment_deinit(struct shm_segment *segment, bool wipe);

/* Element index of a section, or NULL beyond its count. */
void *shm_segment_at(const struct shm_segment *segment, enum shm_section_kind kind, uint32_t index);

/* The part of SHM_SECTION_SRTP_RECEIVE that each worker has, in elements. */
uint32_t shm_segment_srtp_streams(const struct shm_capacities *capacities);

/* First element of a section. */
void *shm_segment_section(const struct shm_segment *segment, enum shm_section_kind kind);
