/* The producers of one worker with their streams, and its consumers: rows in shared memory, and who belongs
 * to whom in the worker's own.
 *
 * A producer belongs to the transport it comes in by, a consumer to its producer and to the transport it goes
 * out by. Pointers stay valid until removal; whoever removes a transport removes its producers and consumers
 * first. */
#pragma once

#include "dataplane/audio_level.h"
#include "dataplane/catch_up.h"
#include "dataplane/consumer_events.h"
#include "dataplane/consumer_map.h"
#include "dataplane/fanout.h"
#include "dataplane/key_frame_limit.h"
#include "dataplane/nack.h"
#include "dataplane/receiver_loss.h"
#include "dataplane/resend_limit.h"
#include "dataplane/ssrc_map.h"
#include "dataplane/stream_demux.h"
#include "dataplane/svc_frame.h"
#include "dataplane/transport_table.h"

struct stream {
    shm_handle handle; /* SHM_HANDLE_NONE: free */
    struct shm_stream_row *row;
    struct producer *producer;
    unsigned encoding;
    uint32_t kept_epoch; /* of the keys under which the SRTP layer was told to keep its SSRC, its RTX SSRC */
    uint32_t kept_rtx_epoch;
    struct audio_level level;
    struct flight *first_flight; /* packets of this round (forward.h), NULL: none */
    struct flight *last_flight;
    struct nack_list *nacks; /* what is missing of it */
    struct receiver_loss loss;
    struct key_frame_asker asker;
    struct stream *next_repair; /* repairs.h */
    bool in_repair;
    bool has_news;           /* its followers do not know yet how it stands (peers.h) */
    struct svc_stream svc;   /* what its packets are understood by */
    uint64_t alive_since_us; /* when it last came to life; 0 = before this process */
};

struct producer {
    shm_handle handle;
    struct shm_producer_row *row;
    struct transport *transport;                 /* NULL: a mirror (mirror.h) */
    unsigned place;                              /* in the transport's demux */
    struct stream *streams[MEDIA_ENCODINGS_MAX]; /* row->encoding_count of them */
    struct fanout fanout;                        /* its consumers */
    const struct sender_clock *clock;            /* of the sender */
    uint64_t alive_since_us; /* when the first of its streams came to life; 0 = before this process */
    struct mirror *mirror;   /* of another worker's producer: no transport, no demux */
};

/* Its first cache line is all that sending it a packet needs of it. */
struct consumer {
    SHM_ALIGNED shm_handle handle;
    struct shm_consumer_row *row;
    struct transport *transport;
    struct producer *producer;
    struct catch_up catch_up;

    struct key_frame_limit key_frames;
    struct consumer_events events;
    struct consumer *next_of_transport;
    uint32_t previous_of_transport; /* its index + 1, 0 = it is the first */
    uint32_t line;                  /* in its producer's fanout */
    uint32_t next_of_ssrc[2];       /* consumer_map.h */
};
_Static_assert(sizeof(struct consumer) == 2 * SHM_CACHE_LINE &&
                   __builtin_offsetof(struct consumer, key_frames) == SHM_CACHE_LINE,
               "what sending needs is a line");

struct stream_table {
    const struct shm_segment *segment;
    uint32_t worker;
    uint32_t producer_count;
    uint32_t consumer_count;
    struct producer *producers; /* each by index of its row */
    struct stream *streams;
    struct nack_list *nacks; /* by index of the stream */
    struct consumer *consumers;
    struct resend_limit *resends; /* by index of the consumer; of most never touched */
    struct mirror *mirrors;       /* by index of the producer */
    struct line_pool lines;       /* of the fanouts */
    struct consumer_map consumer_ssrcs;
    struct ssrc_map ssrcs;
    struct ssrc_map_slot *ssrc_slots;
};

/* Takes up what lives in the segment's rows of this worker and belongs to a transport of the table; frees the
 * rows of what belongs to none. -ENOMEM. seed: random. */
int stream_table_init(struct stream_table *table, const struct shm_segment *segment, uint32_t worker,
                      const struct transport_table *transports, uint32_t seed);
void stream_table_deinit(struct stream_table *table);

/* A mirror too. */
struct producer *producer_find(const struct stream_table *table, shm_handle handle);
struct stream *stream_find(const struct stream_table *table, shm_handle handle);
struct consumer *consumer_find(const struct stream_table *table, shm_handle handle);

/* A new producer of transport. initial->streams names the handles of its streams, initial_streams says what
 * each is (initial->encoding_count of them). Nothing is changed on error: -ERANGE, -EEXIST, -ESTALE for
 * handles; those of stream_demux_install; -EEXIST too for an extension id that means something else on this
 * transport. */
int producer_install(struct stream_table *table, struct transport *transport, shm_handle handle,
                     const struct shm_producer_row *initial, const struct shm_stream_row *initial_streams,
                     struct producer **ret_producer);
/* Its consumers go with it. */
void producer_remove(struct stream_table *table, struct producer *producer);

/* A new consumer of producer, by transport. -ERANGE, -EEXIST, -ESTALE for the handle; -ENOMEM. */
int consumer_install(struct stream_table *table, struct transport *transport, struct producer *producer,
                     shm_handle handle, const struct shm_consumer_row *initial,
                     struct consumer **ret_consumer);
void consumer_remove(struct stream_table *table, struct consumer *consumer);

/* How much may be sent to it once more. */
static inline struct resend_limit *consumer_resend(const struct stream_table *table,
                                                   const struct consumer *consumer)
{
    return &table->resends[shm_handle_index(consumer->handle)];
}

/* Which stream a packet belongs to, by SSRC, then by RID or MID (stream_demux.h); a stream that is found so
 * for the first time is remembered. */
struct stream_match {
    struct stream *stream;
    const struct shm_payload_type *payload_type;
    bool is_rtx;
};

/* Errors are those of stream_demux_find. */
int stream_match(struct stream_table *table, struct transport *transport, const uint8_t *packet,
                 const struct packet_view *view, struct stream_match *ret_match);

/* The stream with this SSRC (not its RTX), or NULL. */
struct stream *stream_find_ssrc(const struct stream_table *table, const struct transport *transport,
                                uint32_t ssrc);
