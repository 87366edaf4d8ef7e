/* A stream's history: where its newest packets stand in the packet store, by sequence number.
 *
 * Written by the worker that owns the stream, read by all, without locks: every word is atomic by itself, and
 * what it says is true only if the packet there agrees (dataplane/history.h). So nothing is ever cleared, and a new
 * forwarder finds what the one before it stored. A word is a position plus 1; 0 = none. */
#pragma once

#include <stdatomic.h>

#include "shm/abi.h"

#define SHM_HISTORY_PACKETS 512u /* a power of two */

struct shm_history {
    SHM_ALIGNED _Atomic uint64_t newest; /* the packet with the highest sequence number */
    _Atomic uint64_t key_frame;          /* the first packet of the newest key frame */
    uint8_t reserved[48];
    _Atomic uint64_t packets[SHM_HISTORY_PACKETS]; /* by sequence % SHM_HISTORY_PACKETS */
};
SHM_STATIC_SIZE(struct shm_history, 64 + 8 * SHM_HISTORY_PACKETS);
