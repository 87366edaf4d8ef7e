/* Looks at what the workers count, and logs what an operator may want to know: workers that stand still,
 * packets dropped because there was too much to do, and, at debug, all other drops. */
#pragma once

#include "shm/segment.h"
#include "shm/statistics.h"

#define LOG_WATCH_INTERVAL_US 2000000u
#define LOG_WATCH_STILL_US 1000000u

/* What was seen of a worker the last time. */
struct log_watch_worker {
    uint64_t drops[STATISTICS_DROPS_MAX];
    bool is_still;
};

struct log_watch {
    uint32_t workers;
    uint64_t next_us; /* when drops are compared again */
    struct log_watch_worker worker[];
};

/* What was counted before is not said. NULL when out of memory; free() it. */
struct log_watch *log_watch_create(const struct statistics *statistics, uint32_t workers);
void log_watch_turn(struct log_watch *watch, const struct shm_segment *segment,
                    const struct statistics *statistics, uint64_t now_us);
