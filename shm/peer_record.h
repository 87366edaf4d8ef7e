/* What workers tell one another: records of one size in a ring for each ordered pair of them
 * (SHM_SECTION_PEER_RING, row from * workers + to). A record that finds its ring full is dropped and counted;
 * everything that must not be lost is said again sooner or later. */
#pragma once

#include "shm/abi.h"
#include "shm/datagram.h"

enum shm_peer_kind {
    SHM_PEER_REFERENCE = 1, /* a packet of a stream that you have consumers of */
    SHM_PEER_DATAGRAM = 2,  /* a datagram that the kernel gave to me and that is yours */
    SHM_PEER_KEY_FRAME = 3, /* a consumer here cannot go on without a key frame of your stream */
    SHM_PEER_STREAM = 4,    /* what you need to know of my stream beside its packets */
    SHM_PEER_LOSS = 5       /* what a receiver here has lost of your stream */
};

/* The part of a stream's and its sender's state that consumers elsewhere need. */
struct shm_peer_stream {
    int64_t clock_offset_us; /* struct sender_clock of the transport */
    uint64_t clock_updated_us;
    uint64_t sr_ntp; /* of struct receive_stats */
    uint32_t sr_rtp;
    uint8_t score;
    uint8_t reserved[3];
};
SHM_STATIC_SIZE(struct shm_peer_stream, 32);

struct shm_peer_record {
    uint32_t kind; /* enum shm_peer_kind */
    uint32_t reserved;
    uint64_t position; /* REFERENCE, DATAGRAM: in the store of the worker that says it */
    shm_handle stream; /* all but DATAGRAM */
    union {
        struct shm_address remote;     /* DATAGRAM */
        struct shm_peer_stream values; /* STREAM */
        uint32_t fraction_lost;        /* LOSS: in 256ths */
    };
};
SHM_STATIC_SIZE(struct shm_peer_record, 56); /* with a ring's own 8 bytes: one cache line */
