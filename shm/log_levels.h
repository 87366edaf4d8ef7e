/* What the forwarder logs, as control wants it at the moment: two bits a tag in one word of control's row of
 * liveness, so that a change needs no message, and is there for the next forwarder too. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "shm/liveness.h"

/* X(tag, what its lines say). Append only. */
#define SHM_LOG_TAGS(X)                                                                                      \
    X(worker, "threads that start or stand still")                                                           \
    X(drops, "packets that were dropped, by name")                                                           \
    X(handover, "connections and sockets that workers were given")

enum shm_log_tag {
#define X(name, text) SHM_LOG_##name,
    SHM_LOG_TAGS(X)
#undef X
        SHM_LOG_TAG_COUNT
};

/* In the order of enum log_level of control/log.h. */
enum shm_log_level { SHM_LOG_ERROR, SHM_LOG_WARN, SHM_LOG_INFO, SHM_LOG_DEBUG };

static inline uint32_t log_levels_with(uint32_t levels, enum shm_log_tag tag, enum shm_log_level level)
{
    return (levels & ~(3u << (2 * tag))) | (uint32_t)level << (2 * tag);
}

static inline bool log_levels_allow(uint32_t levels, enum shm_log_tag tag, enum shm_log_level level)
{
    return (levels >> (2 * tag) & 3u) >= (uint32_t)level;
}
