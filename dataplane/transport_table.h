/* The transports of one worker: rows in shared memory, and what is found from them in the worker's own.
 *
 * Pointers stay valid until the transport is removed. Each transport has a turn every TRANSPORT_TURN_US, in
 * which the worker sees to its timers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/police.h"
#include "dataplane/redundancy.h"
#include "dataplane/srtp.h"
#include "shm/rows.h"
#include "shm/segment.h"

#define TRANSPORT_TURN_US 50000u

/* A worker with nothing else to do sleeps past a turn by up to so much, so that it wakes for several at once,
 * 200 times a second however many there are. */
#define TRANSPORT_SLACK_US 5000u
#define TRANSPORT_PRODUCERS_MAX 16u

struct producer;
struct consumer;
struct estimator;

/* Tokens that come back with time; see punt.h. */
struct token_bucket {
    uint64_t refilled_us;
    uint32_t tokens;
    uint32_t reserved;
};

/* What waits to be sent by the clock (pacer.h). Queue of indices + 1 in the worker's pool. */
struct pacing {
    int64_t tokens_bytes;
    uint64_t refilled_us;
    uint32_t first;
    uint32_t last;
    uint32_t packets;
    uint32_t bytes;
    uint32_t queued;  /* so far */
    uint32_t dropped; /* likewise, for waiting too long */
};

/* Its first cache line is all that sending a packet needs of it. */
struct transport {
    SHM_ALIGNED struct shm_transport_row *row;
    struct srtp_session *srtp;   /* NULL before the keys are known */
    struct estimator *estimator; /* of its bandwidth (bandwidth.h), NULL: none is made */
    struct pacing pacing;

    shm_handle handle; /* SHM_HANDLE_NONE: free */
    uint32_t index;
    uint32_t turns;
    struct twcc_feedback_state *twcc; /* NULL before it sends a transport-wide number */
    uint32_t key_epoch;               /* counts srtp's lives */

    struct media_extension_map extensions; /* of all its producers (RFC 8843 section 9.1) */
    struct demux_producer *demux;          /* TRANSPORT_PRODUCERS_MAX places, handle 0: free; see demuxes */
    struct producer *producers[TRANSPORT_PRODUCERS_MAX]; /* by the same index */
    struct consumer *consumers;                          /* list, by next_of_transport */

    struct transport *next_busy; /* in transport_table.busy, which it is in while is_busy */
    bool is_busy;
    bool has_news; /* of a stream or of its clock, for other workers (peers.h) */
    bool clock_moved;
    bool has_events; /* for control, of its consumers (consumer_events.h) */
    bool told_lost;  /* what control knows of its consent */
    struct redundancy redundancy;

    struct police police; /* of what it sends */
    struct token_bucket rtcp;
    struct token_bucket punts;
    struct transport *previous; /* in the order of turns */
    struct transport *next;
    uint64_t due_us;

    uint64_t remb_us;    /* when a REMB was believed last */
    uint64_t shared_bps; /* the estimate that allocation shared out last */
    uint64_t lowered_us; /* by allocation: when a consumer was given less, and more; 0 = never */
    uint64_t raised_us;
    uint64_t hold_us;
};
_Static_assert(__builtin_offsetof(struct transport, handle) == SHM_CACHE_LINE,
               "what sending needs is a line");

/* With the row (1024), the session and the key for what is sent (192 and 1024) and the statistics (192), that
 * is what a transport takes that only receives; an estimator is beside it (estimator.h), and what only
 * senders need. */
_Static_assert(sizeof(struct transport) <= 448, "there is one for each transport");

struct transport_table {
    struct transport *transports; /* by index of the row */
    uint32_t capacity;
    uint32_t worker;
    uint32_t count;
    const struct srtp_backend *srtp;
    struct srtp_receive_pool *pool;
    struct srtp_memory *srtp_memory;
    struct transport *first; /* whose turn is next */
    struct transport *last;
    struct transport *busy;         /* have something to send by the clock (bandwidth_run) */
    struct estimator *estimators;   /* by index; memory that is not touched before there is one */
    struct demux_producer *demuxes; /* likewise: of most transports, which only receive, never */
};

/* Takes up what lives in the segment's rows of this worker. Transports come back with their keys, indices and
 * replay windows where the backend's state outlives a process, else without keys: an SRTP index must never be
 * used twice. -ENOMEM. */
int transport_table_init(struct transport_table *table, const struct shm_segment *segment, uint32_t worker,
                         const struct srtp_backend *srtp, uint64_t now_us);
void transport_table_deinit(struct transport_table *table);

/* NULL for a handle that lives no more, never did, or belongs to another worker. */
struct transport *transport_find(const struct transport_table *table, shm_handle handle);

/* The one in that row, or NULL. */
static inline struct transport *transport_at(const struct transport_table *table, uint32_t index)
{
    return index < table->capacity && table->transports[index].handle != SHM_HANDLE_NONE
               ? &table->transports[index]
               : NULL;
}

/* A new transport, of which initial says credentials, cap and RTCP SSRC. -ERANGE beyond the table, -EEXIST,
 * -ESTALE.
 */
int transport_install(struct transport_table *table, const struct shm_segment *segment, shm_handle handle,
                      const struct shm_transport_row *initial, uint64_t now_us,
                      struct transport **ret_transport);

/* The transport sends a transport-wide number for the first time: its place for arrivals is taken into use.
 * Before, it must not even be read, since that alone makes its page resident. */
void transport_begin_twcc(struct transport *transport, const struct shm_segment *segment);

/* It has no producers and consumers any more. */
void transport_remove(struct transport_table *table, struct transport *transport);

/* New ICE credentials; the ones before stay good for checks (RFC 8445 section 9: until the restart is done).
 */
void transport_set_credentials(struct transport *transport, const struct shm_ice_credentials *credentials);

/* Media goes there from now on. Control has seen a valid check, so consent is fresh.
 * nominated: as in SelectTuple of proto/schema/forwarder.proto. */
void transport_select(struct transport *transport, const struct shm_address *remote, bool nominated,
                      uint64_t now_us);

/* Replaces the keys and all of the SRTP state. Errors are the backend's. */
int transport_set_keys(const struct transport_table *table, struct transport *transport,
                       enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key);

/* Whether anything may be sent: keys (where there is to be any), an address, and consent of who lives there.
 */
static inline bool transport_can_send(const struct transport *transport)
{
    const struct shm_transport_row *row = transport->row;
    return (transport->srtp || row->plain != SHM_PLAIN_NO) && row->has_selected && row->has_consent;
}

/* The same for RTCP, which goes elsewhere from a plain transport. */
static inline bool transport_can_send_rtcp(const struct transport *transport)
{
    return transport_can_send(transport) && (transport->srtp || transport->row->plain_rtcp.port != 0);
}

/* It has something to send by the clock from now on. */
void transport_table_busy(struct transport_table *table, struct transport *transport);

/* The next transport whose turn has come, or NULL; it goes to the end of the queue. */
struct transport *transport_take_turn(struct transport_table *table, uint64_t now_us);

/* The latest that the next turn should be taken, UINT64_MAX without transports. */
uint64_t transport_latest_turn_us(const struct transport_table *table);
