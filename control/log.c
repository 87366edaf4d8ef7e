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

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *const level_words[] = {"ERROR", "WARN", "INFO", "DEBUG"};

static const char *const tag_names[] = {
#define X(name) name,
    LOG_TAGS(X)
#undef X
};
#define TAG_COUNT ((int)(sizeof(tag_names) / sizeof(tag_names[0])))

#define FOLLOWS 0
/* By tag: FOLLOWS, or 1 + its own level. */
static _Atomic int tag_levels[TAG_COUNT];
/* How many have a level of their own: while none has, no line looks its tag up. */
static _Atomic int own_levels;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load(&threshold);
}

static int find_tag(const char *tag)
{
    for (int i = 0; i < TAG_COUNT; i++)
        if (!strcmp(tag, tag_names[i]))
            return i;
    return -ENOENT;
}

static int store_tag_level(const char *tag, int stored)
{
    int i = find_tag(tag);
    if (i < 0)
        return i;
    int old = atomic_exchange(&tag_levels[i], stored);
    atomic_fetch_add(&own_levels, (stored != FOLLOWS) - (old != FOLLOWS));
    return 0;
}

int log_set_tag_level(const char *tag, enum log_level level)
{
    return store_tag_level(tag, 1 + (int)level);
}

int log_reset_tag_level(const char *tag)
{
    return store_tag_level(tag, FOLLOWS);
}

int log_get_tag_level(const char *tag, enum log_level *ret_level)
{
    int i = find_tag(tag);
    if (i < 0)
        return i;
    int stored = atomic_load(&tag_levels[i]);
    if (stored == FOLLOWS)
        return -ENODATA;
    *ret_level = (enum log_level)(stored - 1);
    return 0;
}

const char *log_tag_name(size_t index)
{
    return index < (size_t)TAG_COUNT ? tag_names[index] : NULL;
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

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_enabled(const char *tag, enum log_level level)
{
    enum log_level own;
    if (atomic_load(&own_levels) > 0 && log_get_tag_level(tag, &own) == 0)
        return level <= own;
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

    if (!log_enabled(tag, level))
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
                                     now.tv_nsec / 1000000, level_words[level], tag);
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
