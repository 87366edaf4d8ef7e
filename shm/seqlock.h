/* Consistent snapshots of a struct with one writer and any number of readers that never make it wait.
 *
 * The sequence is odd while the writer is inside. A reader copies and looks again; it tries a bounded number
 * of times, because a writer that was killed inside leaves the sequence odd for ever. Words are copied one by
 * one with relaxed atomics, so that neither the compiler nor a race detector sees a data race. Sizes are
 * multiples of 8. */
#pragma once

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SEQLOCK_TRIES 64

static inline void seqlock_copy(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t word = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
        __atomic_store_n((uint64_t *)to + i, word, __ATOMIC_RELAXED);
    }
}

static inline void seqlock_write_begin(_Atomic uint32_t *sequence)
{
    uint32_t before = atomic_load_explicit(sequence, memory_order_relaxed);
    /* A writer that took over from one killed inside finds it odd, and leaves it odd. */
    atomic_store_explicit(sequence, before | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static inline void seqlock_write_end(_Atomic uint32_t *sequence)
{
    uint32_t inside = atomic_load_explicit(sequence, memory_order_relaxed);
    atomic_store_explicit(sequence, inside + 1, memory_order_release);
}

/* Copies bytes of from into to. -EAGAIN when no try found the writer outside. */
static inline int seqlock_read(const _Atomic uint32_t *sequence, void *to, const void *from, size_t bytes)
{
    for (int i = 0; i < SEQLOCK_TRIES; i++) {
        uint32_t before = atomic_load_explicit((_Atomic uint32_t *)sequence, memory_order_acquire);
        if (before & 1)
            continue;
        seqlock_copy(to, from, bytes);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit((_Atomic uint32_t *)sequence, memory_order_relaxed) == before)
            return 0;
    }
    return -EAGAIN;
}
