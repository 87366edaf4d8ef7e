#include "control/console/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/PID/stat, by their numbers in proc(5). */
enum stat_field {
    STAT_STATE = 3,
    STAT_USER_TICKS = 14,
    STAT_SYSTEM_TICKS = 15,
    STAT_THREADS = 20,
    STAT_START_TICKS = 22,
    STAT_RESIDENT_PAGES = 24,
    STAT_FIELDS
};

static uint64_t now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t ticks_to_us(uint64_t ticks)
{
    return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The second field is the name, in parentheses, and may hold any character. */
static bool read_stat(pid_t pid, uint64_t ret_fields[STAT_FIELDS])
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    char *name_end = strrchr(text, ')'), *rest = NULL;
    char *word = name_end ? strtok_r(name_end + 1, " ", &rest) : NULL;
    int field = STAT_STATE;
    for (; word && field < STAT_FIELDS; word = strtok_r(NULL, " ", &rest))
        ret_fields[field++] = strtoull(word, NULL, 10);
    return field == STAT_FIELDS;
}

json_t *usage_look(struct usage *last, pid_t pid)
{
    uint64_t stat[STAT_FIELDS];
    if (!read_stat(pid, stat))
        return NULL;
    uint64_t cpu_us = ticks_to_us(stat[STAT_USER_TICKS] + stat[STAT_SYSTEM_TICKS]);
    struct usage look = {.pid = pid, .at_us = now_us(CLOCK_MONOTONIC), .cpu_us = cpu_us};
    uint64_t over_us, used_us;
    if (last->pid == pid && look.cpu_us >= last->cpu_us) {
        over_us = look.at_us - last->at_us;
        used_us = look.cpu_us - last->cpu_us;
    } else {
        uint64_t start_us = ticks_to_us(stat[STAT_START_TICKS]), up_us = now_us(CLOCK_BOOTTIME);
        over_us = up_us > start_us ? up_us - start_us : 0;
        used_us = look.cpu_us;
    }
    *last = look;
    return json_pack("{s:i,s:f,s:f,s:f,s:I,s:I}", "pid", (int)pid, "cpuPercent",
                     over_us ? (double)used_us * 100 / (double)over_us : 0.0, "overSeconds",
                     (double)over_us / 1e6, "cpuSeconds", (double)cpu_us / 1e6, "residentBytes",
                     (json_int_t)stat[STAT_RESIDENT_PAGES] * sysconf(_SC_PAGESIZE), "threads",
                     (json_int_t)stat[STAT_THREADS]);
}
