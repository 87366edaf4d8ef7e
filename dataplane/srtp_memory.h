/* What the sessions of one thread take their memory from: fields of equal pieces, one field a kind, each with
 * as many pieces as so many sessions can ever need. So nothing is allocated while calls run, and nothing runs
 * out; pieces that were never taken take no memory, and what is given back is wiped, and taken next.
 *
 * Private to the process, and left out of core dumps: expanded keys are keys. */
#pragma once

#include <stdint.h>

struct srtp_memory;

enum srtp_memory_kind {
    SRTP_MEMORY_SESSION, /* struct srtp_session */
    SRTP_MEMORY_KEY,     /* SRTP_CIPHER_KEY_BYTES: two a session */
    SRTP_MEMORY_STREAMS, /* struct srtp_streams: one a session */
    SRTP_MEMORY_COUNT
};

/* For at most so many sessions at a time. -ENOMEM. */
int srtp_memory_create(uint32_t sessions, struct srtp_memory **ret_memory);
/* All was given back, or means nothing any more. */
void srtp_memory_destroy(struct srtp_memory *memory);

/* Zeroes, aligned to a cache line; NULL when there are more sessions than was said. */
void *srtp_memory_take(struct srtp_memory *memory, enum srtp_memory_kind kind);
/* Wipes it. NULL is nothing. */
void srtp_memory_give(struct srtp_memory *memory, enum srtp_memory_kind kind, void *piece);

/* How many pieces were taken and not given back. */
uint32_t srtp_memory_used(const struct srtp_memory *memory, enum srtp_memory_kind kind);
