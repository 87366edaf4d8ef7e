#include "tools/kolabmeet-load/process_usage.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_BYTES 320

/* schedstat counts nanoseconds, where stat counts ticks of 10 ms. */
uint64_t process_usage_cpu_ns(int pid)
{
    char path[PATH_BYTES];
    uint64_t total_ns = 0;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return 0;
    for (struct dirent *task = readdir(tasks); task; task = readdir(tasks)) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, task->d_name);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        uint64_t task_ns;
        if (fscanf(file, "%" SCNu64, &task_ns) == 1)
            total_ns += task_ns;
        fclose(file);
    }
    closedir(tasks);
    return total_ns;
}

uint64_t process_usage_resident_bytes(int pid)
{
    char path[PATH_BYTES];
    uint64_t pages = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
