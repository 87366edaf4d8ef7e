/* What a process takes of the machine, from /proc. */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

/* One look at a process; zero before the first. */
struct usage {
    pid_t pid;
    uint64_t at_us; /* CLOCK_MONOTONIC */
    uint64_t cpu_us;
};

/* {pid, cpuPercent, overSeconds, cpuSeconds, residentBytes, threads}, where cpuPercent is of one core since
 * the last look, or since the process began when there was none at this pid. NULL for no such process: then
 * *last stays as it is. */
json_t *usage_look(struct usage *last, pid_t pid);
