#include "dataplane/srtp_receive_pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A stream that was found when the pool was created. */
struct legacy {
    uint64_t owner;
    uint32_t slot;
    bool is_claimed;
};

struct srtp_receive_pool {
    struct srtp_receive_head *head;
    struct srtp_receive_stream *streams;
    uint32_t count;
    uint32_t free_count; /* of those below the high water mark */
    uint32_t *free;
    struct legacy *legacies; /* by owner */
    size_t legacy_count;
};

static int compare(const void *a, const void *b)
{
    uint64_t left = ((const struct legacy *)a)->owner;
    uint64_t right = ((const struct legacy *)b)->owner;

    return left < right ? -1 : left > right;
}

static void gather(struct srtp_receive_pool *pool)
{
    for (uint32_t i = pool->head->high_water; i-- > 0;) {
        struct srtp_receive_stream *stream = &pool->streams[i];
        if (stream->class != SRTP_RECEIVE_FREE && stream->owner != 0)
            pool->legacies[pool->legacy_count++] = (struct legacy){.owner = stream->owner, .slot = i};
        else
            srtp_receive_pool_give(pool, stream);
    }
    qsort(pool->legacies, pool->legacy_count, sizeof(*pool->legacies), compare);
}

int srtp_receive_pool_create(struct srtp_receive_head *head, struct srtp_receive_stream *streams,
                             uint32_t count, struct srtp_receive_pool **ret_pool)
{
    struct srtp_receive_pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return -ENOMEM;
    if (head->high_water > count)
        head->high_water = count;
    pool->head = head;
    pool->streams = streams;
    pool->count = count;
    pool->free = malloc(((size_t)count + 1) * sizeof(*pool->free));
    pool->legacies = malloc(((size_t)head->high_water + 1) * sizeof(*pool->legacies));
    if (!pool->free || !pool->legacies) {
        srtp_receive_pool_destroy(pool);
        return -ENOMEM;
    }
    gather(pool);
    *ret_pool = pool;
    return 0;
}

void srtp_receive_pool_destroy(struct srtp_receive_pool *pool)
{
    if (!pool)
        return;
    free(pool->free);
    free(pool->legacies);
    free(pool);
}

struct srtp_receive_stream *srtp_receive_pool_take(struct srtp_receive_pool *pool, uint64_t owner,
                                                   uint32_t ssrc)
{
    struct srtp_receive_stream *stream;

    if (pool->free_count > 0)
        stream = &pool->streams[pool->free[--pool->free_count]];
    else if (pool->head->high_water < pool->count)
        stream = &pool->streams[pool->head->high_water++];
    else
        return NULL;
    memset(stream, 0, sizeof(*stream));
    stream->owner = owner;
    stream->ssrc = ssrc;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    stream->class = SRTP_RECEIVE_GUEST;
    return stream;
}

void srtp_receive_pool_give(struct srtp_receive_pool *pool, struct srtp_receive_stream *stream)
{
    stream->class = SRTP_RECEIVE_FREE;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    memset(stream, 0, sizeof(*stream));
    pool->free[pool->free_count++] = (uint32_t)(stream - pool->streams);
}

static size_t first_of(const struct srtp_receive_pool *pool, uint64_t owner)
{
    size_t low = 0, high = pool->legacy_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pool->legacies[middle].owner < owner)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct srtp_receive_stream *srtp_receive_pool_claim(struct srtp_receive_pool *pool, uint64_t owner)
{
    for (size_t i = first_of(pool, owner); i < pool->legacy_count && pool->legacies[i].owner == owner; i++) {
        if (!pool->legacies[i].is_claimed) {
            pool->legacies[i].is_claimed = true;
            return &pool->streams[pool->legacies[i].slot];
        }
    }
    return NULL;
}

void srtp_receive_pool_sweep(struct srtp_receive_pool *pool)
{
    for (size_t i = 0; i < pool->legacy_count; i++) {
        if (!pool->legacies[i].is_claimed)
            srtp_receive_pool_give(pool, &pool->streams[pool->legacies[i].slot]);
    }
    pool->legacy_count = 0;
}

uint32_t srtp_receive_pool_free_count(const struct srtp_receive_pool *pool)
{
    return pool->free_count + pool->count - pool->head->high_water;
}
