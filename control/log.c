#include "control/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "control/utf8.h"

static _Atomic int threshold = LOG_LEVEL_INFO;
static _Atomic int descriptor = STDERR_FILENO;

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

void log_set_descriptor(int new_descriptor)
{
    atomic_store(&descriptor, new_descriptor);
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
    for (int i = 0; i < (int)(sizeof(level_names) / sizeof(level_names[0])); i++) {
        if (!strcasecmp(name, level_names[i])) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load(&threshold);
}

/* Appends the text with everything escaped that a terminal or a line-based reader would act on. */
static size_t append_escaped(char *line, size_t length, const char *text)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t left = strlen(text);

    while (left > 0 && length + 8 < LOG_LINE_MAX) {
        size_t count = utf8_char_bytes(bytes, left);
        bool c1_control = count == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;

        if (count > 0 && !c1_control && (count > 1 || isprint(bytes[0]))) {
            memcpy(line + length, bytes, count);
            length += count;
        } else {
            count = 1;
            length += (size_t)(bytes[0] == '\n' ? sprintf(line + length, "\\n")
                                                : sprintf(line + length, "\\x%02x", bytes[0]));
        }
        bytes += count;
        left -= count;
    }
    return length;
}

__attribute__((format(printf, 3, 0))) static void write_line(enum log_level level, const char *tag,
                                                             const char *format, va_list arguments)
{
    char message[LOG_LINE_MAX];
    char line[LOG_LINE_MAX];
    struct timespec now;
    struct tm tm;

    if (!log_enabled(level))
        return;
    int saved_errno = errno;
    /* clang-tidy 14 loses sight of the caller's va_start. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    if (vsnprintf(message, sizeof(message), format, arguments) < 0)
        message[0] = '\0';
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t length = (size_t)snprintf(line, sizeof(line),
                                     "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %.64s: ", tm.tm_year + 1900,
                                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                                     now.tv_nsec / 1000000, level_names[level], tag);
    length = append_escaped(line, length, message);
    line[length++] = '\n';
    while (write(atomic_load(&descriptor), line, length) < 0 && errno == EINTR)
        ;
    errno = saved_errno;
}

void log_error(const char *tag, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_ERROR, tag, format, arguments);
    va_end(arguments);
}

void log_warn(const char *tag, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_WARN, tag, format, arguments);
    va_end(arguments);
}

void log_info(const char *tag, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_INFO, tag, format, arguments);
    va_end(arguments);
}

void log_debug(const char *tag, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_DEBUG, tag, format, arguments);
    va_end(arguments);
}

bool log_limit_pass(struct log_limit *limit, unsigned interval_s, unsigned *ret_suppressed)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    int64_t next_us = atomic_load(&limit->next_us);
    if (now_us < next_us ||
        !atomic_compare_exchange_strong(&limit->next_us, &next_us, now_us + (int64_t)interval_s * 1000000)) {
        atomic_fetch_add(&limit->suppressed, 1);
        return false;
    }
    *ret_suppressed = atomic_exchange(&limit->suppressed, 0);
    return true;
}
