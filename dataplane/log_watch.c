#include "dataplane/log_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/log.h"
#include "shm/liveness.h"

#define LIST_BYTES 800

static bool read_drops(const struct statistics *statistics, uint32_t worker,
                       uint64_t ret_drops[STATISTICS_DROPS_MAX])
{
    struct statistics_worker block;
    if (statistics_read(statistics, STATISTICS_WORKER, worker, &block, sizeof(block)) != 0)
        return false;
    memcpy(ret_drops, block.drops, sizeof(block.drops));
    return true;
}

struct log_watch *log_watch_create(const struct statistics *statistics, uint32_t workers)
{
    struct log_watch *watch = calloc(1, sizeof(*watch) + workers * sizeof(watch->worker[0]));
    if (!watch)
        return NULL;
    watch->workers = workers;
    for (uint32_t i = 0; i < workers; i++)
        (void)read_drops(statistics, i, watch->worker[i].drops);
    return watch;
}

/* The machine is too slow, or too small: not what a client did. */
static bool is_overload(uint32_t drop)
{
    return drop == DROP_send_queue_full || drop == DROP_peer_ring_full || drop == DROP_punt_ring_full ||
           drop == DROP_store_overwritten || drop == DROP_receive_buffer_overflow;
}

static void say_drops(uint32_t worker, const uint64_t before[], const uint64_t now[], bool overload)
{
    enum shm_log_level level = overload ? SHM_LOG_WARN : SHM_LOG_DEBUG;
    char list[LIST_BYTES] = "";
    size_t length = 0;

    for (uint32_t drop = 0; drop < STATISTICS_DROPS_MAX && length < sizeof(list) - 1; drop++)
        if (now[drop] > before[drop] && is_overload(drop) == overload)
            length +=
                (size_t)snprintf(list + length, sizeof(list) - length, "%s%llu %s", length > 0 ? ", " : "",
                                 (unsigned long long)(now[drop] - before[drop]), statistics_drop_name(drop));
    if (length > 0)
        log_say(SHM_LOG_drops, level, "worker %u dropped %s", worker, list);
}

static void compare_drops(struct log_watch *watch, const struct statistics *statistics)
{
    uint64_t drops[STATISTICS_DROPS_MAX];
    for (uint32_t i = 0; i < watch->workers; i++) {
        if (!read_drops(statistics, i, drops))
            continue;
        say_drops(i, watch->worker[i].drops, drops, true);
        if (log_wants(SHM_LOG_drops, SHM_LOG_DEBUG))
            say_drops(i, watch->worker[i].drops, drops, false);
        memcpy(watch->worker[i].drops, drops, sizeof(drops));
    }
}

static void look_at_worker(struct log_watch_worker *seen, const struct shm_segment *segment, uint32_t worker,
                           uint64_t now_us)
{
    const struct shm_liveness *liveness =
        shm_segment_at(segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_WORKER(worker));
    bool has_begun = atomic_load_explicit(&liveness->beat_us, memory_order_relaxed) != 0;
    uint64_t age_us = liveness_age_us(liveness, now_us);
    bool is_still = has_begun && age_us > LOG_WATCH_STILL_US;

    if (is_still && !seen->is_still)
        log_say(SHM_LOG_worker, SHM_LOG_WARN, "worker %u has stood still for %.1f s", worker,
                (double)age_us / 1e6);
    else if (!is_still && seen->is_still)
        log_say(SHM_LOG_worker, SHM_LOG_WARN, "worker %u goes on", worker);
    seen->is_still = is_still;
}

void log_watch_turn(struct log_watch *watch, const struct shm_segment *segment,
                    const struct statistics *statistics, uint64_t now_us)
{
    for (uint32_t i = 0; i < watch->workers; i++)
        look_at_worker(&watch->worker[i], segment, i, now_us);
    if (now_us < watch->next_us)
        return;
    watch->next_us = now_us + LOG_WATCH_INTERVAL_US;
    compare_drops(watch, statistics);
}
