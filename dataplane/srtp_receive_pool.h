/* The receive streams of many sessions, in shared memory: who has which is said by the streams themselves;
 * which are free is the pool's own knowledge, gathered anew by a new process.
 *
 * A pool belongs to one thread. After a restart: create the pool, attach all sessions, then sweep. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shm/srtp_state.h"

struct srtp_receive_pool;

/* Over an array of the segment, which stays the caller's. -ENOMEM. */
int srtp_receive_pool_create(struct srtp_receive_head *head, struct srtp_receive_stream *streams,
                             uint32_t count, struct srtp_receive_pool **ret_pool);
void srtp_receive_pool_destroy(struct srtp_receive_pool *pool);

/* A stream for owner's ssrc, a guest about which nothing is known, or NULL when all are taken. */
struct srtp_receive_stream *srtp_receive_pool_take(struct srtp_receive_pool *pool, uint64_t owner,
                                                   uint32_t ssrc);
/* Wipes it. */
void srtp_receive_pool_give(struct srtp_receive_pool *pool, struct srtp_receive_stream *stream);

/* One of the streams that owner has since before the pool was created; another one with each call, then NULL.
 */
struct srtp_receive_stream *srtp_receive_pool_claim(struct srtp_receive_pool *pool, uint64_t owner);
/* Gives back what was there before and nobody has claimed. */
void srtp_receive_pool_sweep(struct srtp_receive_pool *pool);

/* How many are free. */
uint32_t srtp_receive_pool_free_count(const struct srtp_receive_pool *pool);
