/* What both processes must agree on before anything else: sizes of cache lines, version, handles.
 *
 * Everything in the segment is addressed by offsets and handles, never by pointers, in fixed-width integers
 * of the host's byte order (both processes run on one machine). A change of any struct under shm/ is a change
 * of SHM_ABI_VERSION. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SHM_CACHE_LINE 64u
#define SHM_ABI_VERSION 14u

#define SHM_ALIGNED _Alignas(64)

#define SHM_STATIC_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "the layout of " #type " is ABI")

/* A handle names one life of one table row: index in the low, generation in the high 32 bits. Generations
 * start at 1, so 0 is no handle, and a handle of a freed row misses. */
typedef uint64_t shm_handle;

#define SHM_HANDLE_NONE ((shm_handle)0)

static inline shm_handle shm_handle_make(uint32_t index, uint32_t generation)
{
    return (uint64_t)generation << 32 | index;
}

static inline uint32_t shm_handle_index(shm_handle handle)
{
    return (uint32_t)handle;
}

static inline uint32_t shm_handle_generation(shm_handle handle)
{
    return (uint32_t)(handle >> 32);
}
