#include "control/console/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct process_stat {
    unsigned long long user_ticks, system_ticks, start_ticks;
    long threads, resident_pages;
};

static uint64_t now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t ticks_to_us(unsigned long long ticks)
{
    return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* proc(5): the second field is the name, in parentheses, and may hold any character. */
static bool read_stat(pid_t pid, struct process_stat *ret_stat)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *after_name = strrchr(text, ')');
    return after_name &&
           sscanf(
               after_name + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %ld %*d %llu %*u %ld",
               &ret_stat->user_ticks, &ret_stat->system_ticks, &ret_stat->threads, &ret_stat->start_ticks,
               &ret_stat->resident_pages) == 5;
}

json_t *usage_look(struct usage *last, pid_t pid)
{
    struct process_stat stat;
    if (!read_stat(pid, &stat))
        return NULL;
    uint64_t cpu_us = ticks_to_us(stat.user_ticks + stat.system_ticks);
    struct usage look = {.pid = pid, .at_us = now_us(CLOCK_MONOTONIC), .cpu_us = cpu_us};
    uint64_t over_us, used_us;
    if (last->pid == pid && look.cpu_us >= last->cpu_us) {
        over_us = look.at_us - last->at_us;
        used_us = look.cpu_us - last->cpu_us;
    } else {
        uint64_t start_us = ticks_to_us(stat.start_ticks), up_us = now_us(CLOCK_BOOTTIME);
        over_us = up_us > start_us ? up_us - start_us : 0;
        used_us = look.cpu_us;
    }
    *last = look;
    return json_pack("{s:i,s:f,s:f,s:f,s:I,s:I}", "pid", (int)pid, "cpuPercent",
                     over_us ? (double)used_us * 100 / (double)over_us : 0.0, "overSeconds",
                     (double)over_us / 1e6, "cpuSeconds", (double)cpu_us / 1e6, "residentBytes",
                     (json_int_t)stat.resident_pages * sysconf(_SC_PAGESIZE), "threads",
                     (json_int_t)stat.threads);
}
