/* One worker: a thread that runs each packet to completion, with its port, its rings and its tables.
 *
 * In its loop there is no lock, no log and no system call but packet I/O and waking others; only commands
 * allocate (engine_allocation_test.c); the clock is read once a round, and once more before a sleep. Every packet that ends here has a name in STATISTICS_DROPS. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "dataplane/allocation.h"
#include "dataplane/arena.h"
#include "dataplane/audio_levels.h"
#include "dataplane/egress.h"
#include "dataplane/forward.h"
#include "dataplane/pacer.h"
#include "dataplane/peers.h"
#include "dataplane/port.h"
#include "dataplane/punt.h"
#include "dataplane/repairs.h"
#include "dataplane/stages.h"
#include "dataplane/stream_table.h"
#include "dataplane/transport_table.h"
#include "shm/liveness.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/statistics.h"
#include "shm/tuple_map.h"

enum worker_poll {
    WORKER_POLL_ADAPTIVE, /* spin a little, where pauses are mostly that short, then sleep */
    WORKER_POLL_BUSY,     /* never sleep */
    WORKER_POLL_SLEEP,    /* never spin */
};

struct worker_config {
    uint32_t index;
    const struct shm_segment *segment;
    const struct statistics *statistics;
    const struct srtp_backend *srtp; /* initialised */
    int media_socket;
    int arrivals_fd;          /* pipe of struct port_tcp_arrival; 0: no TCP connections */
    int wake_fd;              /* eventfd: control and other workers wake the worker */
    int control_wake_fd;      /* eventfd: the worker wakes control */
    const int *peer_wake_fds; /* of all workers of the segment, this one included; NULL: it is alone */
    enum worker_poll poll;
    uint64_t spin_us;           /* for WORKER_POLL_ADAPTIVE */
    uint64_t (*clock_us)(void); /* what time is it; NULL: CLOCK_MONOTONIC. Tests have a clock of their own */
};

struct worker {
    /* What every packet touches. */
    uint64_t now_us; /* by clock_us, at the beginning of the round */
    struct port *port;
    struct port *plain; /* the port of plain RTP, part of port */
    const struct srtp_backend *srtp;
    struct tuple_map tuples;
    struct transport_table transports;
    struct stream_table streams;
    struct ring_producer events;
    struct ring_producer punts;
    struct ring_consumer commands;
    struct ring_consumer injects;
    struct shm_liveness *liveness;
    uint64_t (*clock_us)(void);
    uint64_t random;
    uint64_t last_work_us;
    uint64_t spin_us;
    enum worker_poll poll;
    uint16_t short_pauses; /* share of the pauses that were shorter than spin_us, of UINT16_MAX */
    bool was_idle;
    uint32_t index;
    int wake_fd;
    bool told_control; /* there is something new in a ring of its */
    int control_wake_fd;
    const struct shm_segment *segment;

    /* Statistics, published from time to time. */
    const struct statistics *statistics;
    uint64_t published_us;
    uint64_t realtime_offset_us;    /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
    struct port_counters port_seen; /* those of the port that are in the totals */
    _Atomic uint64_t overflowed;    /* by socket_watch.h, from another thread */
    uint64_t overflowed_seen;
    struct statistics_worker totals;
    struct stages stages;

    struct audio_batch speaking;
    struct arena arena; /* of the command at work */
    struct forward_batch forward;
    struct egress egress;
    struct pacer pacer;
    struct punt_quota quota;
    struct peers peers;
    struct repairs repairs;
    struct catch_ups catch_ups;
    struct allocation allocation;
};

/* Takes up the segment's rings and rows of this worker. The errno of what failed, in words in ret_why. */
int worker_create(const struct worker_config *config, struct worker **ret_worker, char *ret_why,
                  size_t why_bytes);
void worker_destroy(struct worker *worker);

/* From any thread: the sockets of a plain transport, its own from then on. -EAGAIN when it did not take those
 * before. */
int worker_give_plain(struct worker *worker, shm_handle transport, const int fds[2]);

/* From any thread: so many messages in all fell out of the receive buffer of the media socket. */
void worker_note_overflow(struct worker *worker, uint64_t messages);

/* One round: everything that waits now. Returns how much that was, 0 for nothing. */
uint32_t worker_round(struct worker *worker);

/* Rounds until *stop. */
void worker_run(struct worker *worker, const atomic_bool *stop);

static inline void worker_drop_many(struct worker *worker, enum statistics_drop drop, uint64_t count)
{
    worker->totals.drops[drop] += count;
}

static inline void worker_drop(struct worker *worker, enum statistics_drop drop)
{
    worker->totals.drops[drop]++;
}

/* Not for secrets (xorshift64*). */
static inline uint32_t worker_random(struct worker *worker)
{
    uint64_t x = worker->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    worker->random = x;
    return (uint32_t)(x * 0x2545f4914f6cdd1dull >> 32);
}
