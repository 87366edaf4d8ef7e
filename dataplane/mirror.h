/* Mirrors: what a worker knows of a producer that lives on another one, so that it can have consumers of it.
 *
 * A mirror is a producer of the stream table with rows of its own, private to this worker: no row of another
 * worker is looked at after the install, so nothing is ever read while it is written. What never changes
 * comes with control's command (MirrorProducer), which stands in this worker's ring before the consumers that
 * need it; what changes comes from the owner with the packets, in their order (peers.h): that a stream lives,
 * its restarts, its clock, its score. Whoever forwards to a consumer sees no difference; what a consumer asks
 * of its producer goes to the owner. */
#pragma once

#include "dataplane/stream_table.h"

struct mirror {
    struct shm_producer_row row;
    struct shm_stream_row streams[MEDIA_ENCODINGS_MAX]; /* by encoding */
    struct sender_clock clock;                          /* of the sender's transport */
    uint32_t worker;                                    /* that has the producer */
};

/* initial and initial_streams are as for producer_install, with handles that live on worker. -ERANGE,
 * -EEXIST.
 */
int mirror_install(struct stream_table *table, uint32_t worker, shm_handle handle,
                   const struct shm_producer_row *initial, const struct shm_stream_row *initial_streams,
                   struct producer **ret_producer);

/* Its consumers go with it. */
void mirror_remove(struct stream_table *table, struct producer *producer);

/* The mirror of what stands in another worker's rows, to take up the consumers that a process before this one
 * had; no worker runs yet. NULL when the producer is gone. */
struct producer *mirror_adopt(struct stream_table *table, shm_handle handle);

/* The stream of a mirror of worker's producer, or NULL. */
struct stream *mirror_find_stream(const struct stream_table *table, uint32_t worker, shm_handle handle);
