#include "dataplane/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const _Atomic uint32_t *followed;

void log_follow(const _Atomic uint32_t *levels)
{
    followed = levels;
}

bool log_wants(enum shm_log_tag tag, enum shm_log_level level)
{
    return log_levels_allow(followed ? atomic_load_explicit(followed, memory_order_relaxed) : 0, tag, level);
}

void log_say(enum shm_log_tag tag, enum shm_log_level level, const char *format, ...)
{
    static const char *const words[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    static const char *const names[] = {
#define X(name, text) #name,
        SHM_LOG_TAGS(X)
#undef X
    };
    char line[LINE_MAX_BYTES];
    struct timespec now;
    struct tm tm;
    va_list arguments;

    if (!log_wants(tag, level))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t length = strftime(line, sizeof(line), "%FT%T", &tm);
    length += (size_t)snprintf(line + length, sizeof(line) - length, ".%03ldZ %s %s: ", now.tv_nsec / 1000000,
                               words[level], names[tag]);
    va_start(arguments, format);
    int said = vsnprintf(line + length, sizeof(line) - length, format, arguments);
    va_end(arguments);
    length += said < 0 ? 0 : (size_t)said;
    if (length > sizeof(line) - 1)
        length = sizeof(line) - 1;
    line[length++] = '\n';
    (void)!write(STDERR_FILENO, line, length);
}
